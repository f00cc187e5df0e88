//! Judges of others: of a server, from outside, and of a client, by a server that watches it. Each says of every statement that
//! it can see whether it was kept, broken, or not seen.

pub mod cases;
pub mod command;
pub mod lapse;
pub mod malformed;
pub mod peer;
pub mod report;
pub mod server;
pub mod talk;

/// The judges that look at a statement, by the command that runs them.
#[must_use]
pub fn judges(statement: &str) -> Vec<&'static str> {
    let of_server = cases::cases().any(|(_, statements, _)| statements.contains(&statement));
    let of_client = peer::statements().any(|of_client| of_client == statement);
    [(of_server, "broker"), (of_client, "peer")].into_iter().filter(|(of, _)| *of).map(|(_, judge)| judge).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::cases::{ask, cases};
    use super::report::Report;
    use super::server::Modelled;
    use super::talk::Talk;
    use crate::broker::Broker;

    /// What the judge finds of a model broker that breaks a statement, or none.
    fn judged(lapse: Option<&'static str>) -> Report {
        let mut broker = Broker::new();
        broker.limits.topic_alias_maximum = 5;
        broker.limits.aliases = true;
        broker.limits.reason_strings = true;
        broker.limits.response_information = Some("somewhere");
        broker.lapse = lapse;
        let mut server = Modelled::new(broker);
        server.lapse.statement = lapse;
        let mut talk = Talk::new(&mut server, "t");
        ask(&mut talk, |_| {});
        talk.report
    }

    #[test]
    fn the_model_broker_keeps_every_statement_that_the_judge_sees() {
        let report = judged(None);
        assert_eq!(report.counts()[1..], [0, 0], "{}", report.text());
        assert!(report.counts()[0] >= 190, "{}", report.text());
    }

    /// Statements that a lapse breaks together with another one, which says the same from another side.
    const TOGETHER: &[(&str, &str)] = &[
        ("MQTT-3.1.4-4", "MQTT-3.1.2-4"),
        ("MQTT-3.1.4-2", "MQTT-3.2.2-7"),
        ("MQTT-4.12.0-4", "MQTT-3.2.2-7"),
        ("MQTT-3.2.2-22", "MQTT-3.1.2-22"),
        ("MQTT-3.1.2-7", "MQTT-3.1.2-8"),
        ("MQTT-3.1.3-10", "MQTT-3.3.2-18"),
        ("MQTT-3.3.2-11", "MQTT-3.1.2-26"),
        ("MQTT-3.3.4-1", "MQTT-4.3.2-4"),
        ("MQTT-4.9.0-1", "MQTT-3.3.4-9"),
        ("MQTT-4.9.0-2", "MQTT-3.3.4-9"),
        ("MQTT-4.3.2-2", "MQTT-3.3.1-3"),
        ("MQTT-4.3.3-2", "MQTT-3.3.1-3"),
        ("MQTT-4.3.2-3", "MQTT-4.4.0-1"),
        ("MQTT-4.3.3-3", "MQTT-4.4.0-1"),
        ("MQTT-4.6.0-6", "MQTT-4.6.0-5"),
        ("MQTT-4.8.2-3", "MQTT-3.8.4-8"),
        ("MQTT-4.8.2-4", "MQTT-4.4.0-1"),
    ];

    #[test]
    fn a_broker_that_breaks_a_statement_is_caught_at_that_statement() {
        let statements: BTreeSet<_> = cases().flat_map(|(_, statements, _)| *statements).copied().collect();
        let lapse = |statement: &'static str| {
            TOGETHER.iter().find(|(one, _)| *one == statement).map_or(statement, |(_, other)| *other)
        };
        let (caught, missed): (Vec<_>, Vec<_>) =
            statements.into_iter().partition(|statement| judged(Some(lapse(statement))).fails(statement));
        println!("caught {} mutants of {}; missed {missed:?}", caught.len(), caught.len() + missed.len());
        assert!(missed.is_empty(), "not caught: {missed:?}");
    }
}
