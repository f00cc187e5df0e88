//! Shapes and text in SVG, with the few colours that this drawing has. Everything is in pixels of a screen at 96 dpi.

use core::fmt::Write;

use crate::printer::commands;

pub(super) const INK: &str = "#1f2933";
pub(super) const FAINT: &str = "#7b8794";
pub(super) const LINE: &str = "#cbd2d9";
pub(super) const PAPER: &str = "#ffffff";
pub(super) const SHADE: &str = "#f5f7fa";
/// Commands and what a client asks for; responses; what serves neither.
pub(super) const COMMAND: &str = "#1d4ed8";
pub(super) const RESPONSE: &str = "#15803d";
pub(super) const SERVICE: &str = "#52606d";

/// Letters of the fixed-width fonts are so wide, as a part of their size; those of the others are narrower on average.
const MONO: f64 = 0.602;
const SANS: f64 = 0.54;

/// How a text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text {
    pub(super) size: f64,
    pub(super) colour: &'static str,
    pub(super) bold: bool,
    pub(super) mono: bool,
    pub(super) anchor: &'static str,
}

impl Text {
    pub(super) const fn new(size: f64, colour: &'static str) -> Self {
        Self { size, colour, bold: false, mono: false, anchor: "start" }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) const fn mono(self) -> Self {
        Self { mono: true, ..self }
    }

    pub(super) const fn middle(self) -> Self {
        Self { anchor: "middle", ..self }
    }

    pub(super) const fn end(self) -> Self {
        Self { anchor: "end", ..self }
    }

    /// How many letters fit into a width.
    pub(super) fn fit(self, width: f64) -> usize {
        let letter = self.size * if self.mono { MONO } else { SANS };
        // Widths are small and positive; a fraction of a letter is none.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few hundred at most, and not below 1"
        )]
        let letters = (width / letter).max(1.0) as usize;
        letters
    }
}

/// A drawing that grows downwards.
#[derive(Debug)]
pub(super) struct Canvas(String);

impl Canvas {
    pub(super) const fn new() -> Self {
        Self(String::new())
    }

    /// The title; where it ends.
    pub(super) fn title(&mut self, title: &str) -> f64 {
        self.text(20.0, 34.0, Text::new(17.0, INK).bold(), title);
        50.0
    }

    pub(super) fn text(&mut self, x: f64, y: f64, style: Text, text: &str) {
        let Text { size, colour, bold, mono, anchor } = style;
        let family = if mono { "m" } else { "s" };
        let weight = if bold { " font-weight=\"600\"" } else { "" };
        let anchor = if anchor == "start" { String::new() } else { format!(" text-anchor=\"{anchor}\"") };
        let text = escape(text);
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{family}\" font-size=\"{size}\" fill=\"{colour}\"{weight}{anchor}>{text}</text>"
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64, dashes: &str) {
        let dashes = if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") };
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>"
        ));
    }

    /// An arrow to the right or to the left.
    pub(super) fn arrow(&mut self, from: f64, to: f64, y: f64, colour: &str, width: f64) {
        let back = if to > from { -7.0 } else { 7.0 };
        self.line((from, y), (to + back / 2.0, y), colour, width, "");
        let (base, up, down) = (to + back, y - 3.5, y + 3.5);
        self.put(format_args!(
            "<path d=\"M{to:.1} {y:.1} L{base:.1} {up:.1} L{base:.1} {down:.1} Z\" fill=\"{colour}\"/>"
        ));
    }

    pub(super) fn rectangle(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        fill: &str,
        stroke: &str,
        round: f64,
    ) {
        self.put(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
        ));
    }

    fn put(&mut self, part: core::fmt::Arguments<'_>) {
        // Writing to memory can't fail.
        let _ = writeln!(self.0, "{part}");
    }

    /// The file.
    pub(super) fn finish(self, width: f64, height: f64) -> String {
        let Self(body) = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n\
             <style>.s{{font-family:Inter,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif}}\
             .m{{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace}}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n{body}</svg>\n"
        )
    }
}

/// Text for XML: what it may not hold is left out or written otherwise.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // XML knows no control characters and no U+FFFE and U+FFFF; others would turn what stands around them.
            c if commands(c) || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_network_is_no_markup() {
        assert_eq!(escape("a<b>&\"c\"\u{1b}\n\u{FFFF}"), "a&lt;b&gt;&amp;&quot;c&quot;\u{FFFD}\u{FFFD}\u{FFFD}");
    }
}
