//! The table of statements for people, for programs and for a browser, with how many are kept in which way.

use core::fmt::Write;

use serde_json::{Value, json};

use super::{Statement, Way};
use crate::html::escape;
use crate::judge;

/// Whom a statement may bind, and what that is called.
const BINDS: [(&str, &str); 4] =
    [("packet", "every packet"), ("client", "the client"), ("server", "the server"), ("both", "both")];

/// How many of `table` bind this side (all, where none is named) and are kept in this way.
fn count(table: &[Statement], binds: Option<&str>, way: Option<Way>) -> usize {
    let bound = |statement: &&Statement| binds.is_none_or(|binds| statement.binds == binds);
    table.iter().filter(bound).filter(|statement| way.is_none_or(|way| statement.way() == Some(way))).count()
}

/// The rows of the table of counts: a name, a number for each way, and their sum.
fn rows(table: &[Statement]) -> Vec<(&'static str, Vec<usize>)> {
    let sides = BINDS.map(|(binds, name)| (Some(binds), name));
    let row = |(binds, name): (Option<&str>, &'static str)| {
        let ways = Way::ALL.map(|way| count(table, binds, Some(way)));
        (name, ways.into_iter().chain([count(table, binds, None)]).collect())
    };
    sides.into_iter().chain([(None, "all")]).map(row).collect()
}

/// How many statements there are and how many the judges look at, in a sentence.
fn judged(table: &[Statement]) -> String {
    let with = |judge: &str| table.iter().filter(|statement| judge::judges(&statement.id).contains(&judge)).count();
    let (server, client) = (with("broker"), with("peer"));
    format!("{server} are judged of a server by `conformance broker`, {client} of a client by `conformance peer`.")
}

/// How many statements are kept in which way, by whom they bind.
#[must_use]
pub fn counts(table: &[Statement]) -> String {
    let mut text = format!("{:<14}", "");
    for way in Way::ALL {
        let _ = write!(text, "{:>14}", way.name());
    }
    let _ = writeln!(text, "{:>6}", "all");
    for (name, numbers) in rows(table) {
        let _ = write!(text, "{name:<14}");
        for (number, width) in numbers.iter().zip([14, 14, 14, 14, 6]) {
            let _ = write!(text, "{number:>width$}");
        }
        text.push('\n');
    }
    text + &judged(table) + "\n"
}

/// The table for people: a line a statement, the ways in which it is kept below it, and the counts last.
#[must_use]
pub fn text(table: &[Statement]) -> String {
    let mut text = String::new();
    for statement in table {
        let Statement { id, binds, says, kept } = statement;
        let way = statement.way().map_or("not kept", Way::name);
        let _ = writeln!(text, "{id:<14} {binds:<6} {way:<12} {says}");
        for kept in kept {
            let (way, what) = kept.split_once(':').unwrap_or(("", kept));
            let _ = writeln!(text, "{:<22}{way:<6} {what}", "");
        }
        let judges = judge::judges(id);
        if !judges.is_empty() {
            let _ = writeln!(text, "{:<22}{:<6} {}", "", "judge", judges.join(" "));
        }
    }
    text + "\n" + &counts(table)
}

/// The table for programs: the counts and the statements.
#[must_use]
pub fn json(table: &[Statement]) -> String {
    let ways = |binds: Option<&str>| -> Value {
        let mut ways: serde_json::Map<_, _> =
            Way::ALL.iter().map(|way| (way.key().to_owned(), count(table, binds, Some(*way)).into())).collect();
        ways.insert("all".to_owned(), count(table, binds, None).into());
        ways.into()
    };
    let mut counts: serde_json::Map<_, _> =
        BINDS.iter().map(|(binds, _)| ((*binds).to_owned(), ways(Some(binds)))).collect();
    counts.insert("all".to_owned(), ways(None));
    let statements: Vec<_> = table
        .iter()
        .map(|statement| {
            let of = |way: Way| -> Vec<&str> { statement.kept_by(way).collect() };
            json!({
                "id": statement.id, "binds": statement.binds, "statement": statement.says,
                "kept": statement.way().map(Way::key), "tests": of(Way::Test), "types": of(Way::Type),
                "server": of(Way::Server), "host": of(Way::Host), "judges": judge::judges(&statement.id),
            })
        })
        .collect();
    json!({ "counts": counts, "statements": statements }).to_string()
}

/// The table for a browser.
#[must_use]
pub fn html(table: &[Statement]) -> String {
    let mut body = String::from("<table><thead><tr><th>binds</th>");
    for way in Way::ALL {
        let _ = write!(body, "<th>{}</th>", escape(way.name()));
    }
    body.push_str("<th>all</th></tr></thead>\n");
    for (name, numbers) in rows(table) {
        let _ = write!(body, "<tr><td>{name}</td>");
        for number in numbers {
            let _ = write!(body, "<td class=\"number\">{number}</td>");
        }
        body.push_str("</tr>\n");
    }
    let _ = writeln!(body, "</table>\n<p>{}</p>", escape(&judged(table)));
    body.push_str(
        "<table><thead><tr><th>id</th><th>binds</th><th>statement</th><th>kept</th><th>how</th></tr></thead>\n",
    );
    for statement in table {
        let Statement { id, binds, says, kept } = statement;
        let (id, binds, says) = (escape(id), escape(binds), escape(says));
        let way = statement.way();
        let class = if way.is_none() { "fail" } else { "pass" };
        let name = escape(way.map_or("not kept", Way::name));
        let _ = write!(body, "<tr id=\"{id}\"><td class=\"id\">{id}</td><td>{binds}</td><td>{says}</td>");
        let _ = write!(body, "<td class=\"{class}\">{name}</td><td>");
        for kept in kept {
            let (way, what) = kept.split_once(':').unwrap_or(("", kept));
            let what = escape(what);
            let _ = if way == "test" {
                write!(body, "<code>{what}</code><br>")
            } else {
                write!(body, "<span class=\"dim\">{}:</span> {what}<br>", escape(way))
            };
        }
        for judge in judge::judges(&statement.id) {
            let _ = write!(body, "<span class=\"dim\">judge:</span> {judge}<br>");
        }
        body.push_str("</td></tr>\n");
    }
    crate::html::page("MQTT v5, statement by statement", &(body + "</table>\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::parse;

    const TABLE: &str = "\n\
        MQTT-1.5.4-1,packet,\"a <b>, c\",test:one;test:two;type:Text\n\
        MQTT-3.1.2-5,server,resumes,server:goes on\n\
        MQTT-6.0.0-1,both,frames,host:a transport\n\
        MQTT-3.1.0-1,client,first,type:Client\n";

    #[test]
    fn text_json_and_html_say_the_same() {
        let table = parse(TABLE);
        let text = text(&table);
        assert!(text.contains("MQTT-3.1.2-5   server server's     resumes\n"), "{text}");
        assert!(text.contains("                      server goes on\n                      judge  broker\n"), "{text}");
        assert!(
            text.contains("all                        1             1             1             1     4\n"),
            "{text}"
        );
        let value: Value = serde_json::from_str(&json(&table)).unwrap();
        assert_eq!(value["counts"]["all"], json!({"test": 1, "type": 1, "server": 1, "host": 1, "all": 4}));
        assert_eq!(value["counts"]["packet"]["test"], 1);
        assert_eq!(value["statements"][0]["tests"], json!(["one", "two"]));
        assert_eq!(value["statements"][1]["server"], json!(["goes on"]));
        assert_eq!(value["statements"][1]["judges"], json!(["broker"]));
        let html = html(&table);
        assert!(html.contains("<td>a &lt;b&gt;, c</td><td class=\"pass\">tested</td>"), "{html}");
        assert_eq!(html.matches("<tr id=").count(), 4);
        assert!(!html.contains("src=") && !html.contains("href="), "it stands by itself");
    }
}
