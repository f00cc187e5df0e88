//! The judge of servers, judged: a model broker that keeps everything, and one that breaks one statement.

use std::collections::{BTreeMap, BTreeSet};

use super::cases::{cases, malformed};
use super::run;
use super::server::Modelled;
use super::talk::Known;
use crate::broker::Broker;
use crate::report::{Report, Verdict};
use mqtt5_codec::{QoS, ReasonCode};

/// The model broker for a case: with all that it can, unless the case is about what a server does not have.
fn broker(case: &str) -> Broker {
    let mut broker = Broker::new();
    let limits = &mut broker.limits;
    limits.topic_alias_maximum = 5;
    limits.aliases = true;
    limits.reason_strings = true;
    limits.response_information = Some("somewhere");
    match case {
        "a client identifier that is refused" => {
            broker.faults.next_connect = Some(ReasonCode::CLIENT_IDENTIFIER_NOT_VALID);
        }
        "an identifier used again after a refusal" => broker.faults.next_publish = Some(ReasonCode::NOT_AUTHORIZED),
        "an authentication method of the server's" | "authentication anew that fails" => {
            limits.authentication = Some(("method", 2));
        }
        "Maximum QoS" | "subscribing above Maximum QoS" | "a will above Maximum QoS" => {
            limits.maximum_qos = QoS::AtLeastOnce;
        }
        "a retained will where nothing is retained" => limits.retain_available = false,
        "a packet larger than the server takes" => limits.maximum_packet_size = Some(300),
        "more messages at a time than the server takes" => limits.receive_maximum = 3,
        _ => {}
    }
    broker
}

/// What the judge finds of a model broker that breaks a statement, or none.
fn judged(lapse: Option<&'static str>) -> Report {
    let known = Known {
        method: Some(("method".to_owned(), vec![vec![1], vec![2], vec![3]])),
        refused_client_id: Some("refused".to_owned()),
        refused_topic: Some("refused".to_owned()),
        ..Known::default()
    };
    let mut whole = Report::default();
    for case in cases() {
        let mut broker = broker(case.name);
        // The packet itself is kept from a server that is to put up with one.
        broker.lapse = lapse.filter(|lapse| malformed::packet(lapse).is_none());
        let mut server = Modelled::new(broker);
        server.lapse.statement = lapse;
        whole.merge(run::one(case, &mut server, &known, "t", 1));
    }
    whole
}

fn failed(report: &Report) -> BTreeSet<&str> {
    let broken = |verdict: &Verdict| matches!(verdict, Verdict::Fail(_) | Verdict::Should(_));
    report.verdicts.iter().filter(|(_, verdict)| broken(verdict)).map(|(statement, _)| &**statement).collect()
}

#[test]
fn the_model_broker_keeps_every_statement_that_the_judge_sees() {
    let report = judged(None);
    assert!(failed(&report).is_empty(), "{}", report.text());
    println!("{}", report.text());
}

/// What is broken with a statement: `statement,through,also`. `through` is the lapse that breaks it, where it is another statement's
/// that says the same from another side; `also` are the statements that can't but be broken with it.
const LAPSES: &str = include_str!("../../lapses.csv");

fn lapses() -> BTreeMap<&'static str, (&'static str, BTreeSet<&'static str>)> {
    let row = |line: &'static str| {
        let mut fields = line.split(',');
        let (statement, through, also) = (fields.next()?, fields.next()?, fields.next()?);
        let through = if through.is_empty() { statement } else { through };
        Some((statement, (through, also.split(';').filter(|also| !also.is_empty()).collect())))
    };
    LAPSES.lines().skip(1).filter_map(row).collect()
}

/// The statements that the judge looks at over TCP: WebSocket has its own test.
fn looked_at() -> BTreeSet<&'static str> {
    let all = cases().flat_map(|case| case.statements).copied();
    all.filter(|statement| !statement.starts_with("MQTT-6.")).collect()
}

/// Prints `tests/lapses.csv` as it would have to be: look at what it says before it is taken over.
#[test]
#[ignore = "it prints what the test below compares"]
fn the_table_of_lapses_anew() {
    let old = lapses();
    println!("statement,through,also");
    for statement in looked_at() {
        let through = old.get(statement).map_or(statement, |(through, _)| through);
        let report = judged(Some(through));
        let also: Vec<_> = failed(&report).into_iter().filter(|also| *also != statement).collect();
        let caught = if failed(&report).contains(statement) { "" } else { "NOT CAUGHT " };
        println!("{statement},{},{caught}{}", if through == statement { "" } else { through }, also.join(";"));
    }
}

#[test]
fn a_broker_that_breaks_a_statement_is_caught_at_that_statement_and_at_nothing_else() {
    let lapses = lapses();
    let listed: BTreeSet<_> = lapses.keys().copied().collect();
    assert_eq!(listed, looked_at(), "tests/lapses.csv lists what the judge looks at");
    let mut wrong = Vec::new();
    for (statement, (through, also)) in &lapses {
        let report = judged(Some(through));
        let failed = failed(&report);
        let wanted: BTreeSet<_> = also.iter().copied().chain([*statement]).collect();
        if failed != wanted {
            let more: Vec<_> = failed.difference(&wanted).collect();
            let missed: Vec<_> = wanted.difference(&failed).collect();
            wrong.push(format!("{statement}: missed {missed:?}, found {more:?} too"));
        }
    }
    println!("caught {} lapses of {}", lapses.len() - wrong.len(), lapses.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
