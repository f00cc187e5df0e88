//! What a Consumer's memory holds, what gives way, and what that means for "executed once".

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, ConsumerRefused};
use openc2_mqtt::{Instant, Response, Status};

/// A request of this sender.
fn of(sender: &str, id: &str) -> String {
    deny(id).replace(r#""from":"p""#, &format!(r#""from":"{sender}""#))
}

/// Executes a request and answers it 200.
fn done<const SLOTS: usize, const BYTES: usize>(
    consumer: &mut Consumer<'_, ConsumerMemory<SLOTS, BYTES>>,
    json: &str,
    now: Instant,
) {
    assert_eq!(tell(consumer, AP, json, now), "execute");
    assert!(respond_at(consumer, &Response::new(Status::Ok), now).starts_with("oc2/rsp 200"));
}

fn with<const SLOTS: usize, const BYTES: usize>(
    policy: ConsumerPolicy<'_>,
    run: impl FnOnce(&mut Consumer<'_, ConsumerMemory<SLOTS, BYTES>>),
) {
    with_declaration(None, |declaration| run(&mut Consumer::new(declaration, policy, ConsumerMemory::new())));
}

#[test]
fn what_was_answered_longest_ago_gives_way_and_what_is_running_never_does() {
    with::<3, 768>(ConsumerPolicy { share: Some(3), ..ConsumerPolicy::default() }, |consumer| {
        done(consumer, &deny("1"), NOW);
        assert_eq!(tell(consumer, AP, &deny("2"), NOW), "execute");
        done(consumer, &deny("3"), NOW.after(5_000));
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "again oc2/rsp 200 to 1");
        assert_eq!(consumer.figures(NOW).pushed_out, 0);
        // There is no room any more: the oldest answer makes some.
        assert_eq!(tell(consumer, AP, &deny("4"), NOW.after(9_000)), "execute");
        assert_eq!(tell(consumer, AP, &deny("3"), NOW.after(9_000)), "again oc2/rsp 200 to 3");
        let figures = consumer.figures(NOW.after(9_000));
        assert_eq!((figures.running, figures.answered, figures.free), (2, 1, 0));
        assert_eq!((figures.pushed_out, figures.held), (1, Some(9_000)));
        // Then the next, though it is younger; what runs stays.
        assert_eq!(tell(consumer, AP, &deny("5"), NOW.after(9_000)), "execute");
        assert_eq!(consumer.figures(NOW).held, Some(4_000), "the shortest");
        assert_eq!(tell(consumer, AP, &deny("2"), NOW.after(9_000)), "Running");
        for (id, text) in [("6", "Too many commands of this sender"), ("1", "Too many commands of this sender")] {
            assert_eq!(tell(consumer, AP, &deny(id), NOW.after(9_000)), format!("oc2/rsp 503 {text} to {id}"));
        }
        let other = of("q", "6");
        assert_eq!(tell(consumer, AP, &other, NOW.after(9_000)), "oc2/rsp 503 Too many commands to 6");
        assert_eq!(consumer.figures(NOW).pushed_out, 2, "a refused call has changed nothing");
        let ticket = TICKET.with(core::cell::Cell::take).unwrap();
        consumer.abandon(ticket).unwrap();
        assert_eq!(consumer.abandon(ticket), Err(ConsumerRefused::NoSuchTicket));
        assert_eq!(tell(consumer, AP, &other, NOW.after(9_000)), "execute");
    });
}

#[test]
fn the_memory_of_the_documentation_carries_out_more_than_eight_commands_an_hour() {
    with::<8, 4096>(ConsumerPolicy::default(), |consumer| {
        for number in 0..1_000u64 {
            done(consumer, &deny(&number.to_string()), NOW.after(number * 100));
        }
        let figures = consumer.figures(NOW.after(100_000));
        // Three quarters of the slots remember one sender's commands: six of them, 100 ms apart.
        assert_eq!((figures.answered, figures.free), (6, 2));
        assert_eq!(figures.held, Some(600));
    });
}

#[test]
fn strangers_shut_nobody_out_and_one_name_pushes_out_its_own_only() {
    with::<8, 4096>(ConsumerPolicy::default(), |consumer| {
        done(consumer, &deny("1"), NOW);
        for number in 0..100 {
            done(consumer, &of("stranger", &number.to_string()), NOW.after(1_000));
        }
        assert_eq!(tell(consumer, AP, &deny("1"), NOW.after(2_000)), "again oc2/rsp 200 to 1");
        done(consumer, &deny("2"), NOW.after(2_000));
        for number in 0..16 {
            done(consumer, &of(&format!("stranger-{number}"), "1"), NOW.after(3_000));
        }
        done(consumer, &deny("3"), NOW.after(3_000));
        // Nor by commands that take long, as long as they are of one name.
        for number in 0..6 {
            assert_eq!(tell(consumer, AP, &of("slow", &number.to_string()), NOW.after(4_000)), "execute");
        }
        let told = tell(consumer, AP, &of("slow", "7"), NOW.after(4_000));
        assert_eq!(told, "oc2/rsp 503 Too many commands of this sender to 7");
        done(consumer, &deny("4"), NOW.after(4_000));
    });
}

#[test]
fn a_share_is_what_the_policy_says_and_at_least_one() {
    for (share, runs) in [(Some(1), 1), (Some(0), 1), (Some(4), 4), (Some(9), 4), (None, 3)] {
        with::<4, 1024>(ConsumerPolicy { share, ..ConsumerPolicy::default() }, |consumer| {
            for number in 0..runs {
                assert_eq!(tell(consumer, AP, &deny(&number.to_string()), NOW), "execute", "{share:?}");
            }
            assert!(tell(consumer, AP, &deny("more"), NOW).starts_with("oc2/rsp 503"), "{share:?}");
        });
    }
    // One slot serves, one command at a time.
    with::<1, 256>(ConsumerPolicy::default(), |consumer| {
        done(consumer, &deny("1"), NOW);
        assert_eq!(tell(consumer, AP, &deny("2"), NOW), "execute");
        assert!(tell(consumer, AP, &deny("3"), NOW).starts_with("oc2/rsp 503"));
    });
}

#[test]
fn names_that_no_slot_can_hold_are_told_as_that() {
    with::<4, 1024>(ConsumerPolicy::default(), |consumer| {
        let long = "y".repeat(300);
        let text = "oc2/rsp 400 from, request_id and command_id are longer than can be remembered here";
        assert_eq!(tell(consumer, AP, &deny(&long), NOW), format!("{text} to {long}"));
        assert_eq!(tell(consumer, AP, &of(&long, "1"), NOW), format!("{text} to 1"));
        let named = deny("2").replace(r#""action""#, &format!(r#""command_id":"{}","action""#, "z".repeat(256)));
        assert!(tell(consumer, AP, &named, NOW).starts_with("oc2/rsp 400"));
        assert_eq!(consumer.figures(NOW).free, 4);
        // What just fits is executed, and its answer is kept as a status.
        done(consumer, &deny(&"x".repeat(255)), NOW);
        assert!(tell(consumer, AP, &deny(&"x".repeat(255)), NOW).starts_with("again oc2/rsp 200 Answered before"));
        assert!(tell(consumer, AP, &deny(&"x".repeat(256)), NOW).starts_with("oc2/rsp 400"));
    });
    // What wants no response gets none.
    with::<1, 16>(ConsumerPolicy::default(), |consumer| {
        let silent = deny_with(&"y".repeat(30), r#"{"response_requested":"none"}"#);
        assert_eq!(tell(consumer, AP, &silent, NOW), "Unwanted");
    });
}
