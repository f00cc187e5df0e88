//! `oc2 discover`: who is there, and what can they do?

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use openc2_mqtt::producer::{Expect, Request};
use openc2_mqtt::{Action, Command, Feature, Features, Target};
use serde_json::{Value, json};

use super::ask::{Asking, Row};
use super::live::Live;
use super::report::say;
use super::{channel, expiry, milliseconds_of, misused, print};
use crate::cli::Discover;
use crate::printer::plain;
use crate::remote::{self, End, Session};
use crate::report::{in_ms, milliseconds};
use crate::table::{self, Column};
use crate::terminal;

/// Asks, and prints a table.
pub(crate) fn run(discover: &Discover) -> ExitCode {
    let options = match remote::options(&discover.broker, expiry(discover.timeout)) {
        Ok(options) => options,
        Err(why) => return misused(&why),
    };
    remote::run(&discover.broker, options, |session| async move { discovery(&session, discover).await })
}

const FEATURES: [Column; 6] = [
    Column::left("who"),
    Column::left("versions"),
    Column::left("profiles"),
    Column::left("pairs"),
    Column::right("a minute"),
    Column::right("after"),
];

async fn discovery(session: &Session, discover: &Discover) -> Result<End, String> {
    let speaking = &discover.speaking;
    let mut asking = Asking::open(session, &discover.from, speaking).await?;
    let features = Features::new(&[Feature::Versions, Feature::Profiles, Feature::Pairs, Feature::RateLimit]);
    let command = Command::new(Action::Query, Target::Features(features));
    let channel = channel(&discover.whereto, &command, speaking.layout.into())?;
    let mut request = Request::discover_on(channel, features, milliseconds_of(discover.timeout));
    request.expect = discover.count.map_or(Expect::Unknown, Expect::Count);
    let live = Live::new(
        "query features",
        discover.count.map_or(0, usize::from),
        &[],
        discover.timeout,
        !speaking.json && io::stderr().is_terminal(),
    );
    let collected = asking
        .ask(&request, discover.timeout, |collected, _| {
            live.show(collected);
            match &collected.changed {
                Some(Row { from, results, after, .. }) if speaking.json => print(
                    &json!({"type": "consumer", "from": from, "features": results, "after_ms": milliseconds(*after)}),
                ),
                _ => Ok(()),
            }
        })
        .await?;
    drop(live);
    let found = collected.rows.len();
    let enough = discover.count.is_none_or(|count| found >= usize::from(count)) && found > 0;
    if speaking.json {
        print(&json!({"type": "summary", "consumers": found}))?;
        return Ok(if enough { End::Good } else { End::Deadline });
    }
    let rows: Vec<[String; 6]> = collected
        .rows
        .iter()
        .map(|row| {
            [
                row.from.clone(),
                text(row, "versions"),
                text(row, "profiles"),
                text(row, "pairs"),
                text(row, "rate_limit"),
                in_ms(row.after),
            ]
        })
        .collect();
    if !rows.is_empty() {
        for (row, line) in table::lines(&FEATURES, &rows, terminal::columns()) {
            let style = if row.is_none() { super::report::BOLD } else { anstyle::Style::new() };
            say(&format!("{style}{}{style:#}", plain(&line)))?;
        }
        say("")?;
    }
    say(&format!("{found} Consumer{}", if found == 1 { "" } else { "s" }))?;
    Ok(if enough { End::Good } else { End::Deadline })
}

/// What a Consumer says of one feature, in words.
fn text(row: &Row, name: &str) -> String {
    match row.results.as_ref().and_then(|results| results.get(name)) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Object(pairs)) => {
            let targets = |list: &Value| {
                list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            };
            // Actions with the same targets stand together.
            let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
            for (action, list) in pairs {
                let targets = targets(list);
                match groups.iter_mut().find(|(other, _)| *other == targets) {
                    Some((_, actions)) => actions.push(action),
                    None => groups.push((targets, vec![action])),
                }
            }
            let said = groups.iter().map(|(targets, actions)| format!("{}: {targets}", actions.join(", ")));
            said.collect::<Vec<_>>().join("; ")
        }
        _ => String::new(),
    }
}
