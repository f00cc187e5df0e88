//! What came of a request: the table at the end, the line below it, and how it all ended.

use core::time::Duration;
use std::io::Write as _;

use serde_json::json;

use super::ask::Collected;
use super::print;
use crate::printer::plain;
use crate::remote::End;
use crate::report::{in_ms, milliseconds};
use crate::table::{self, Column};
use crate::terminal;

const COLUMNS: [Column; 4] =
    [Column::left("answered by"), Column::right("after"), Column::left("status"), Column::left("response")];

/// The table at the end, the line below it, and how it all ended.
pub(super) fn report(
    collected: &Collected,
    awaited: usize,
    expected: &[&str],
    took: Duration,
    json: bool,
) -> Result<End, String> {
    let missing: Vec<&str> = expected
        .iter()
        .copied()
        .filter(|name| !collected.rows.iter().any(|row| row.last && row.from == *name))
        .collect();
    let answered = collected.rows.iter().filter(|row| row.last).count();
    let good = collected.rows.iter().filter(|row| row.is_good()).count();
    let all_in = if awaited == 0 { answered > 0 } else { collected.complete };
    let end = match (all_in, good == collected.rows.len()) {
        (false, _) => End::Deadline,
        (true, true) => End::Good,
        (true, false) => End::Bad,
    };
    if json {
        print(&json!({
            "type": "summary", "expected": (awaited > 0).then_some(awaited), "answered": answered, "good": good, "missing": missing,
            "late": collected.late, "doubled": collected.doubled, "ms": milliseconds(took),
        }))?;
        return Ok(end);
    }
    let mut rows: Vec<[String; 4]> = collected
        .rows
        .iter()
        .map(|row| {
            let status = row.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
            [row.from.clone(), in_ms(row.after), status, row.says.clone()]
        })
        .collect();
    rows.extend(missing.iter().map(|name| [(*name).to_owned(), "–".into(), "no response".into(), String::new()]));
    if !rows.is_empty() {
        for (row, line) in table::lines(&COLUMNS, &rows, terminal::columns()) {
            let style = match row.map(|at| collected.rows.get(at)) {
                None => BOLD,
                Some(Some(row)) if row.is_good() => anstyle::Style::new(),
                Some(_) => BAD,
            };
            say(&format!("{style}{}{style:#}", plain(&line)))?;
        }
        say("")?;
    }
    if collected.rows.is_empty() && awaited == 0 {
        tell(&format!("nobody answered in {}", in_ms(took)))?;
        return Ok(end);
    }
    // Others may answer than those who were expected.
    let others = if expected.is_empty() { 0 } else { answered.saturating_sub(expected.len() - missing.len()) };
    let of = match (awaited, others) {
        (0, _) => format!("{answered} response{}", if answered == 1 { "" } else { "s" }),
        (_, 0) => format!("{answered} of {awaited} responses"),
        _ => format!("{} of {awaited} responses and {others} of others", answered - others),
    };
    let doubled = if collected.doubled > 0 { format!("; {} came twice", collected.doubled) } else { String::new() };
    let late = if collected.late > 0 { format!("; {} late", collected.late) } else { String::new() };
    tell(&format!("{of} in {}, {good} good{doubled}{late}", in_ms(took)))?;
    Ok(end)
}

pub(super) const BOLD: anstyle::Style = anstyle::Style::new().bold();
const BAD: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();

/// A text for people, on as many lines as it needs.
pub(crate) fn tell(text: &str) -> Result<(), String> {
    terminal::wrap(text, terminal::columns()).iter().try_for_each(|line| say(line))
}

/// A line for people; a reader that has gone ends the command.
pub(crate) fn say(line: &str) -> Result<(), String> {
    writeln!(anstream::stdout(), "{line}").map_err(|error| terminal::unwritten(&error))
}
