//! The judge of clients, judged: scripts of clients that break a statement, and one of a client that breaks none.

use super::*;
use crate::report::Verdict;

const CONNECT: &[u8] = &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 0, 0, 0, 5, 0x11, 0, 0, 0, 100, 0, 1, b'c'];
const SUBSCRIBE: &[u8] = &[0x82, 7, 0, 9, 0, 0, 1, b't', 2];
const QOS_1: &[u8] = &[0x32, 7, 0, 1, b't', 0, 1, 0, b'x'];
const QOS_1_AGAIN: &[u8] = &[0x3A, 7, 0, 1, b't', 0, 1, 0, b'x'];
const QOS_2: &[u8] = &[0x34, 7, 0, 1, b'u', 0, 1, 0, b'x'];
const QOS_2_AGAIN: &[u8] = &[0x3C, 7, 0, 1, b'u', 0, 1, 0, b'x'];
/// In a script: what was sent to the client is read; the link is cut, and another one begins; the client is quiet.
const READ: &[u8] = b"read";
const CUT: &[u8] = b"cut";
const QUIET: &[u8] = b"quiet";
const END: &[u8] = b"end";

/// Plays a client's part, from the trial with this number on.
fn play(first: usize, script: &[&[u8]]) -> Report {
    let mut watch = Watch::default();
    watch.trials = first;
    let mut now = 1;
    watch.open(now);
    for part in script {
        match *part {
            READ => drop(watch.output(now)),
            QUIET => drop(watch.quiet(now)),
            CUT => {
                watch.close(true, now);
                watch.trials = first;
                watch.open(now);
            }
            END => watch.close(false, now),
            [b'+', seconds] => now += u64::from(*seconds) * 1000,
            bytes => watch.receive(bytes, now),
        }
    }
    watch.report()
}

#[test]
fn a_client_that_breaks_a_statement_is_caught_at_that_statement() {
    let alias = &[0x30, 7, 0, 0, 3, 0x23, 0, 1, b'x'];
    let cases: &[(&str, usize, &[&[u8]])] = &[
        ("MQTT-3.1.0-1", 0, &[&[0xC0, 0]]),
        ("MQTT-3.1.0-2", 0, &[CONNECT, CONNECT]),
        ("MQTT-3.14.4-1", 0, &[CONNECT, &[0xE0, 0, 0xC0, 0]]),
        (
            "MQTT 3.14.2.2.2",
            0,
            &[&[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 1, b'c'], &[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 1]],
        ),
        ("MQTT-2.2.1-3", 0, &[CONNECT, QOS_1, &[0x32, 7, 0, 1, b't', 0, 1, 0, b'y']]),
        ("MQTT-2.2.1-5", 0, &[CONNECT, &[0x40, 2, 0, 7]]),
        ("MQTT-3.1.2-20", 3, &[CONNECT, b"+\x04", &[0xC0, 0], END]),
        ("MQTT-3.2.2-11", 2, &[CONNECT, QOS_2]),
        ("MQTT-3.2.2-14", 2, &[CONNECT, &[0x31, 4, 0, 1, b't', 0]]),
        ("MQTT-3.2.2-15", 2, &[CONNECT, &[0x30, 0xC9, 1]]),
        ("MQTT-3.2.2-17", 2, &[CONNECT, &[0x30, 8, 0, 1, b't', 3, 0x23, 0, 2, b'x']]),
        ("MQTT-3.2.2-18", 3, &[CONNECT, &[0x30, 8, 0, 1, b't', 3, 0x23, 0, 1, b'x']]),
        ("MQTT 3.2.2.3.11", 2, &[CONNECT, &[0x82, 7, 0, 1, 0, 0, 1, b'#', 0]]),
        ("MQTT 3.2.2.3.12", 2, &[CONNECT, &[0x82, 9, 0, 1, 2, 0x0B, 1, 0, 1, b'a', 0]]),
        (
            "MQTT 3.2.2.3.13",
            2,
            &[CONNECT, &[0x82, 16, 0, 1, 0, 0, 10, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'g', b'/', b'a', 0]],
        ),
        ("MQTT-3.3.1-1", 0, &[CONNECT, QOS_1, CUT, CONNECT, QOS_1]),
        ("MQTT-3.3.1-3", 0, &[CONNECT, QOS_1_AGAIN]),
        ("MQTT-3.3.2-7", 0, &[CONNECT, alias]),
        ("MQTT-3.3.4-7", 2, &[CONNECT, QOS_1, &[0x32, 6, 0, 1, b't', 0, 2, 0]]),
        ("MQTT-3.3.4-1", 0, &[CONNECT, SUBSCRIBE, QUIET, READ, &[0x50, 2, 0, 1]]),
        ("MQTT-4.3.2-4", 0, &[CONNECT, SUBSCRIBE, QUIET, READ, &[0x50, 2, 0, 2], END]),
        ("MQTT-4.3.3-8", 0, &[CONNECT, SUBSCRIBE, QUIET, READ, END]),
        ("MQTT-4.3.3-11", 0, &[CONNECT, SUBSCRIBE, QUIET, READ, &[0x50, 2, 0, 2], READ, END]),
        ("MQTT-4.3.3-4", 0, &[CONNECT, SUBSCRIBE, QOS_2, READ, QUIET, END]),
        // PUBREL shows that PUBREC was read.
        ("MQTT-4.3.3-6", 0, &[CONNECT, QOS_2, READ, &[0x62, 2, 0, 1], CUT, CONNECT, QOS_2_AGAIN]),
        ("MQTT-4.4.0-1", 0, &[CONNECT, SUBSCRIBE, QOS_1, CUT, CONNECT, QUIET, READ, END]),
        (
            "MQTT-4.6.0-1",
            0,
            &[
                CONNECT,
                QOS_1,
                &[0x32, 7, 0, 1, b't', 0, 2, 0, b'y'],
                CUT,
                CONNECT,
                &[0x3A, 7, 0, 1, b't', 0, 2, 0, b'y'],
            ],
        ),
        (
            "MQTT-4.6.0-2",
            0,
            &[
                CONNECT,
                SUBSCRIBE,
                &[0x32, 6, 0, 1, b't', 0, 1, 0],
                &[0x32, 6, 0, 1, b't', 0, 2, 0],
                READ,
                &[0x40, 2, 0, 2],
            ],
        ),
        (
            "MQTT-4.6.0-3",
            0,
            &[
                CONNECT,
                SUBSCRIBE,
                &[0x34, 6, 0, 1, b't', 0, 1, 0],
                &[0x34, 6, 0, 1, b't', 0, 2, 0],
                READ,
                &[0x50, 2, 0, 2],
            ],
        ),
        ("MQTT-4.6.0-4", 0, &[CONNECT, QOS_2, &[0x34, 6, 0, 1, b'u', 0, 2, 0], READ, &[0x62, 2, 0, 2]]),
        ("MQTT-4.12.0-7", 0, &[CONNECT, &[0xF0, 6, 0x19, 4, 0x15, 0, 1, b'm']]),
        ("MQTT-3.3.1-4", 0, &[CONNECT, &[0x36, 0]]),
        (
            "MQTT-3.8.3-4",
            0,
            &[CONNECT, &[0x82, 16, 0, 1, 0, 0, 10, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'g', b'/', b'a', 4]],
        ),
        ("MQTT-3.3.4-6", 0, &[CONNECT, &[0x30, 6, 0, 1, b'a', 2, 0x0B, 1]]),
        ("MQTT-3.3.2-2", 0, &[CONNECT, &[0x30, 4, 0, 1, b'#', 0]]),
        ("MQTT-3.8.3-2", 0, &[CONNECT, &[0x82, 3, 0, 1, 0]]),
    ];
    let mut missed = Vec::new();
    for (statement, trial, script) in cases {
        let report = play(*trial, script);
        if !report.fails(statement) {
            missed.push((statement, report.text()));
        }
    }
    println!("caught {} client mutants of {}", cases.len() - missed.len(), cases.len());
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_client_that_was_cut_off_before_it_read_an_acknowledgement_may_send_its_message_again() {
    let report = play(0, &[CONNECT, QOS_2, READ, CUT, CONNECT, QOS_2_AGAIN, READ, &[0x62, 2, 0, 1], END]);
    assert_eq!(report.counts().fail, 0, "{}", report.text());
    // The same of PUBACK: the first of two is sent again before the second, though the judge was done with it.
    let second = &[0x34, 7, 0, 1, b'u', 0, 2, 0, b'x'];
    let second_again = &[0x3C, 7, 0, 1, b'u', 0, 2, 0, b'x'];
    let report = play(0, &[CONNECT, QOS_1, READ, second, CUT, CONNECT, QOS_1_AGAIN, second_again]);
    assert_eq!(report.counts().fail, 0, "{}", report.text());
}

#[test]
fn a_client_that_puts_up_with_what_is_wrong_is_caught_and_one_that_does_not_is_not() {
    for (number, (statement, bytes)) in WRONG.iter().enumerate() {
        let report = play(4 + number, &[CONNECT, READ, QUIET, READ, END]);
        // A recommendation (section 4.13.1), so not a failure.
        assert!(matches!(report.verdicts.get(*statement), Some(Verdict::Should(_))), "{bytes:02x?}");
        assert!(report.well(), "{}", report.text());
        let report = play(4 + number, &[CONNECT, READ, QUIET, READ, CUT]);
        assert!(matches!(report.verdicts.get(*statement), Some(Verdict::Pass(_))), "{statement}: {}", report.text());
    }
}

#[test]
fn a_client_that_does_all_right_has_no_failure() {
    let report = play(
        0,
        &[
            CONNECT,
            SUBSCRIBE,
            READ,
            QUIET,
            READ,
            &[0x40, 2, 0, 1],
            &[0x50, 2, 0, 2],
            READ,
            &[0x70, 2, 0, 2],
            QOS_2,
            READ,
            &[0x62, 2, 0, 1],
            READ,
            QOS_1,
            CUT,
            CONNECT,
            QOS_1_AGAIN,
            READ,
            &[0x40, 2, 0, 3],
            END,
        ],
    );
    assert_eq!(report.counts().fail, 0, "{}", report.text());
}

#[test]
fn a_client_that_is_done_and_says_goodbye_shows_nothing() {
    let (statement, _) = &WRONG[1];
    let report = play(5, &[CONNECT, READ, QUIET, READ, &[0xE0, 0], CUT]);
    assert!(matches!(report.verdicts.get(*statement), Some(Verdict::NotSeen(_))), "{}", report.text());
    let report = play(5, &[CONNECT, READ, QUIET, READ, &[0xE0, 1, 0x81], CUT]);
    assert!(report.passes(statement), "DISCONNECT that says why: {}", report.text());
}

#[test]
fn a_packet_a_little_late_is_put_down_to_the_scheduler_and_one_that_is_late_is_not() {
    let after = |wait: u64| {
        let mut watch = Watch::of(Trial::KeepAlive);
        watch.open(1);
        watch.receive(CONNECT, 1);
        watch.output(1);
        watch.receive(&[0xC0, 0], 1 + wait);
        watch.close(false, 1 + wait);
        watch.report()
    };
    assert!(after(2003).passes("MQTT-3.1.2-20") && after(2003).passes("MQTT-3.2.2-21"));
    assert!(matches!(after(2700).verdicts.get("MQTT-3.1.2-20"), Some(Verdict::Should(_))));
    assert!(after(3100).fails("MQTT-3.1.2-20"), "later than a server waits: {}", after(3100).text());
}

#[test]
fn a_client_that_goes_on_with_a_session_it_can_not_have_is_caught() {
    let play = |by_client| {
        let mut watch = Watch::of(Trial::Invented);
        watch.open(1);
        watch.receive(CONNECT, 1);
        watch.output(1);
        watch.quiet(300);
        watch.close(by_client, 400);
        watch.report()
    };
    assert!(play(false).fails("MQTT-3.2.2-4"));
    // DISCONNECT with a reason ends the connection too, and the server may be the first to close it.
    let mut watch = Watch::of(Trial::Invented);
    watch.open(1);
    watch.receive(CONNECT, 1);
    watch.output(1);
    watch.receive(&[0xE0, 1, 0x82], 2);
    watch.close(false, 3);
    assert!(watch.report().passes("MQTT-3.2.2-4"), "{}", watch.report().text());
    assert!(play(true).passes("MQTT-3.2.2-4"));
}
