//! Pages for a browser: one file each, nothing loaded from elsewhere, readable in light and in dark.

use core::fmt::Write;

/// What a page looks like.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1b1b;--dim:#666;--line:#ddd;--good:#07651b;--bad:#b00020;--warn:#8a5a00;--head:#f4f4f4}\
@media(prefers-color-scheme:dark){:root{--ink:#e4e4e4;--dim:#9a9a9a;--line:#3a3a3a;--good:#7bd88f;--bad:#ff8a80;--warn:#e6b455;--head:#262626}}\
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);max-width:90em;margin:2em auto;padding:0 1.5em}\
table{border-collapse:collapse;margin:1em 0}\
th,td{text-align:left;vertical-align:top;padding:.3em .9em .3em 0;border-bottom:1px solid var(--line)}\
thead th{position:sticky;top:0;background:var(--head)}\
td.number{text-align:right;font-variant-numeric:tabular-nums}\
code{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}\
.id{white-space:nowrap}.pass{color:var(--good)}.fail{color:var(--bad);font-weight:600}.dim{color:var(--dim)}";

/// A text as it stands in a page, between tags and in quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A page with this title, which stands over it too; what is in it is HTML already.
#[must_use]
pub fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    // Writing to a string can't fail.
    let _ = writeln!(page, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    let _ = writeln!(page, "<title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n{body}</html>");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_html_cannot_become_it() {
        assert_eq!(escape("<b a=\"x\">&'</b>"), "&lt;b a=&quot;x&quot;&gt;&amp;&#39;&lt;/b&gt;");
        let page = page("a < b", "<p>x</p>\n");
        assert!(page.contains("<title>a &lt; b</title>") && page.contains("<h1>a &lt; b</h1>\n<p>x</p>\n"), "{page}");
        assert!(!page.contains("http"), "a page loads nothing from elsewhere");
    }
}
