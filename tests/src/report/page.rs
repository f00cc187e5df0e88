//! A report for a browser.

use core::fmt::Write;

use super::{Bytes, Counts, Finding, Report, Verdict, says};
use crate::html::{escape, page};

const STYLE: &str = "<style>\
.bar{display:flex;height:1.1em;border-radius:.3em;overflow:hidden;margin:1em 0;max-width:60em}\
.bar i{display:block}.bar .p{background:var(--good)}.bar .f{background:var(--bad)}.bar .s{background:var(--warn)}.bar .n{background:var(--line)}\
.show label{margin-right:1.2em}\
table.v{width:100%;table-layout:fixed}table.v td:first-child{width:6em}table.v td:nth-child(2){width:10em}\
h2{font-size:1.1em;margin:1.6em 0 .3em}h2 small{font-weight:400;color:var(--dim)}\
.should{color:var(--warn);font-weight:600}\
dl{display:grid;grid-template-columns:6em 1fr;gap:.15em .8em;margin:.4em 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\
mark{background:var(--bad);color:#fff;border-radius:.15em;padding:0 .1em}\
body:has(#p:not(:checked)) tr.of-pass,body:has(#s:not(:checked)) tr.of-should,body:has(#f:not(:checked)) tr.of-fail,\
body:has(#n:not(:checked)) tr.of-not_seen{display:none}\
</style>";

impl Report {
    /// The report as a page: nothing is loaded from elsewhere, and verdicts can be hidden.
    #[must_use]
    pub fn html(&self) -> String {
        let Counts { pass, fail, should, not_seen, .. } = self.counts();
        let mut body = String::from(STYLE);
        // Writing to a string can't fail.
        let _ = writeln!(body, "<p>{}</p>", escape(&self.sentence()));
        body.push_str("<div class=\"bar\">");
        for (class, count) in [("p", pass), ("f", fail), ("s", should), ("n", not_seen)] {
            let _ = write!(body, "<i class=\"{class}\" style=\"flex:{count}\"></i>");
        }
        body.push_str("</div>\n<p class=\"show\">Show ");
        for (id, name) in [("f", "fail"), ("s", "should"), ("n", "not seen"), ("p", "pass")] {
            let _ = write!(body, "<label><input type=\"checkbox\" id=\"{id}\" checked> {name}</label>");
        }
        body.push_str("</p>\n");
        for (chapter, verdicts) in self.chapters() {
            let kept = verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Pass(_))).count();
            let chapter = escape(&chapter);
            let _ =
                writeln!(body, "<h2>{chapter} <small>{kept} of {}</small></h2>\n<table class=\"v\">", verdicts.len());
            for (statement, verdict) in verdicts {
                self.row(&mut body, statement, verdict);
            }
            body.push_str("</table>\n");
        }
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(body, "<p class=\"dim\">conformance {version}, {}</p>", self.judge);
        page(&format!("{} by statement", self.target), &body)
    }

    fn row(&self, body: &mut String, statement: &str, verdict: &Verdict) {
        let class = verdict.word();
        let known = if self.known.contains(statement) { " (known)" } else { "" };
        let word = format!("{}{known}", class.replace('_', " "));
        let colour = if class == "not_seen" { "dim" } else { class };
        let (id, says) = (escape(statement), escape(&says(statement)));
        let _ = write!(
            body,
            "<tr id=\"{id}\" class=\"of-{class}\"><td class=\"{colour}\">{word}</td><td class=\"id\">{id}</td><td>{says}"
        );
        match verdict {
            Verdict::Pass(_) => {}
            Verdict::NotSeen(why) => drop(write!(body, "<div class=\"dim\">{}</div>", escape(why))),
            Verdict::Fail(finding) | Verdict::Should(finding) => found(body, finding),
        }
        if let Some(note) = self.notes.get(statement) {
            let _ = write!(body, "<div class=\"dim\">{}</div>", escape(note));
        }
        body.push_str("</td></tr>\n");
    }
}

fn found(body: &mut String, finding: &Finding) {
    body.push_str("<dl>");
    let Finding { trial, expected, seen, .. } = finding;
    for (name, what) in [("trial", trial), ("expected", expected), ("seen", seen)] {
        if !what.is_empty() {
            let _ = write!(body, "<dt>{name}</dt><dd>{}</dd>", escape(what));
        }
    }
    if let Some(bytes) = &finding.bytes {
        let _ = write!(body, "<dt>{}</dt><dd><code>{}</code></dd>", bytes.from, marked(bytes));
    }
    body.push_str("</dl>");
    if !finding.packets.is_empty() {
        let _ = write!(
            body,
            "<details><summary class=\"dim\">the last packets</summary><code>{}</code></details>",
            finding.packets.iter().map(|packet| escape(packet)).collect::<Vec<_>>().join("<br>")
        );
    }
}

/// The bytes as digits, with a mark on the one to blame.
fn marked(bytes: &Bytes) -> String {
    const MOST: usize = 400;
    let mut digits: Vec<_> = bytes.bytes.iter().take(MOST).map(|byte| format!("{byte:02x}")).collect();
    match bytes.at {
        Some(at) if at == digits.len() && at == bytes.bytes.len() => {
            digits.push("<mark>&nbsp;&nbsp;</mark>".to_owned())
        }
        Some(at) => {
            if let Some(digits) = digits.get_mut(at) {
                *digits = format!("<mark>{digits}</mark>");
            }
        }
        None => {}
    }
    if bytes.bytes.len() > MOST {
        digits.push(format!("… {} bytes in all", bytes.bytes.len()));
    }
    digits.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;

    #[test]
    fn a_page_has_a_row_for_each_statement_and_marks_the_byte() {
        let html = report().html();
        assert_eq!(html.matches("<tr id=\"MQTT-").count(), 5);
        assert!(html.contains("<title>mqtt://a&lt;b by statement</title>"), "{html}");
        assert!(html.contains("<dt>server</dt><dd><code>30 04 00 01 <mark>23</mark> 00</code></dd>"), "{html}");
        assert!(html.contains("<dd>a &lt; b</dd>"), "{html}");
    }
}
