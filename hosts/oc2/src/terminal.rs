//! How wide what is printed may be, and text that is made to fit.

use std::borrow::Cow;
use std::io;

use terminal_size::{Width, terminal_size_of};
use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Nothing is fitted to fewer columns than these: a terminal that says so has no idea.
const NARROWEST: usize = 20;

/// The columns of the terminal that standard output is; of what is no terminal, those that the variable `COLUMNS` states.
/// Lines for a pipe or a file are as long as they are, so that `grep` finds them whole.
pub(crate) fn columns() -> Option<usize> {
    let columns = match terminal_size_of(io::stdout()) {
        Some((Width(columns), _)) => usize::from(columns),
        None => std::env::var("COLUMNS").ok()?.parse().ok()?,
    };
    (columns > 0).then(|| columns.max(NARROWEST))
}

/// What is said where standard output has no reader any more: nothing, and it is no error.
pub(crate) const GONE: &str = "";

/// Why standard output takes no more: [`GONE`], or what is wrong with it.
pub(crate) fn unwritten(error: &io::Error) -> String {
    if is_gone(error) { GONE.to_owned() } else { format!("standard output: {error}") }
}

/// Whether whoever read has gone.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A text's lines of at most `columns`, broken between words where that can be.
pub(crate) fn wrap(text: &str, columns: Option<usize>) -> Vec<Cow<'_, str>> {
    match columns {
        None => vec![Cow::Borrowed(text)],
        Some(columns) => {
            let options = Options::new(columns.max(1))
                .word_separator(WordSeparator::Custom(words))
                .word_splitter(WordSplitter::NoHyphenation);
            textwrap::wrap(text, options)
        }
    }
}

/// A text's words: topics and addresses have many, so that a line may end behind a level or a name.
fn words(text: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    Box::new(pieces(text).map(Word::from))
}

/// The text cut behind each of what a line may end with.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let end = |c| matches!(c, ' ' | '/' | '@' | ',');
        // Behind the last of a row of them.
        let at = rest.find(end).map_or(rest.len(), |at| {
            let more = rest.get(at..).unwrap_or_default();
            at + more.find(|c| !end(c)).unwrap_or(more.len())
        });
        let (piece, tail) = rest.split_at_checked(at)?;
        rest = tail;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The columns of the longest part that is not broken unless it has to be.
pub(crate) fn longest_word(text: &str) -> usize {
    pieces(text).map(|piece| width(piece.trim_end_matches(' '))).max().unwrap_or(0)
}

/// The beginning of a text, with an ellipsis where it was cut.
pub(crate) fn cut(text: &str, columns: Option<usize>) -> Cow<'_, str> {
    let Some(columns) = columns.filter(|columns| width(text) > *columns) else { return Cow::Borrowed(text) };
    let mut left = columns.saturating_sub(1);
    let mut short = String::new();
    for c in text.chars() {
        let Some(rest) = left.checked_sub(c.width().unwrap_or(0)) else { break };
        left = rest;
        short.push(c);
    }
    short.push('…');
    Cow::Owned(short)
}

/// Parts with two spaces between them, on as many lines as they need; a part is broken only if it is longer than a line.
pub(crate) fn flow(parts: &[String], columns: Option<usize>) -> Vec<String> {
    const GAP: &str = "  ";
    let Some(columns) = columns else { return vec![parts.join(GAP)] };
    let mut lines = vec![String::new()];
    for part in parts {
        for piece in wrap(part, Some(columns)) {
            match lines.last_mut() {
                Some(line) if line.is_empty() => line.push_str(&piece),
                Some(line) if width(line) + GAP.len() + width(&piece) <= columns => {
                    line.push_str(GAP);
                    line.push_str(&piece);
                }
                _ => lines.push(piece.into_owned()),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_cut_says_so_and_fits() {
        assert_eq!(cut("abcdef", None), "abcdef");
        assert_eq!(cut("abcdef", Some(6)), "abcdef");
        assert_eq!(cut("abcdef", Some(5)), "abcd…");
        // Each of these letters takes two columns.
        assert_eq!(cut("漢字漢字", Some(6)), "漢字…");
        assert_eq!(width("漢字…"), 5);
    }

    #[test]
    fn topics_and_addresses_are_broken_behind_a_level() {
        assert_eq!(wrap("oc2/cmd/ap/slpf", Some(11)), ["oc2/cmd/ap/", "slpf"]);
        assert_eq!(wrap("Consumer1@example.com, and", Some(16)), ["Consumer1@", "example.com, and"]);
        assert_eq!(wrap("abcdefgh", Some(3)), ["abc", "def", "gh"]);
        assert_eq!(longest_word("to oc2/cmd/device/x, "), "device/".len());
    }

    #[test]
    fn parts_flow_into_lines_and_only_long_ones_are_broken() {
        let parts = ["client id abc", "keep alive 300", "x".repeat(25).as_str()].map(str::to_owned);
        assert_eq!(flow(&parts, None), [format!("client id abc  keep alive 300  {}", "x".repeat(25))]);
        assert_eq!(flow(&parts, Some(20)), ["client id abc", "keep alive 300", &"x".repeat(20), "xxxxx"]);
        assert_eq!(flow(&parts, Some(29)), ["client id abc  keep alive 300", &"x".repeat(25)]);
        assert_eq!(flow(&[], Some(29)), [""]);
    }
}
