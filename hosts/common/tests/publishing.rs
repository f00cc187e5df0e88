//! Publishing through a handle: room, order, answers, and futures that are dropped at every point.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use core::task::Poll;
use mqtt5_codec::{QoS, ReasonCode};
use mqtt5_host::{Offline, Options, Outbound, Outcome, RequestError};
use support::{Seen, World, options};

fn message(payload: &str) -> Outbound<'static, String> {
    Outbound::new("t", payload.to_owned()).at_least_once()
}

/// Memory for two messages of 100 bytes that wait, not for three.
fn tight() -> Options {
    let mut options = options();
    options.in_flight = 2;
    options.receive_maximum = 1.try_into().unwrap();
    options
}

#[test]
fn an_acknowledgement_has_the_reason_code() {
    let mut world = World::connected(options());
    world.habits.acknowledges = false;
    let client = world.client();
    let mut first = world.now(client.publish(message("1"))).unwrap();
    let mut second = world.now(client.publish(message("2"))).unwrap();
    world.pump();
    assert_eq!(world.poll(&mut first), Poll::Pending);
    world.puback(2, ReasonCode::QUOTA_EXCEEDED);
    world.puback(1, ReasonCode::SUCCESS);
    world.pump();
    assert_eq!(world.poll(&mut first), Poll::Ready(Outcome::Acknowledged(ReasonCode::SUCCESS)));
    assert_eq!(world.poll(&mut second), Poll::Ready(Outcome::Acknowledged(ReasonCode::QUOTA_EXCEEDED)));
}

#[test]
fn qos_0_is_queued_and_qos_2_is_acknowledged_by_its_last_packet() {
    let mut world = World::connected(options());
    let client = world.client();
    let zero = world.now(client.publish(Outbound::new("t", "0"))).unwrap();
    assert_eq!(world.now(zero), Outcome::Queued);
    let two = world.now(client.publish(Outbound::new("t", "2").exactly_once())).unwrap();
    world.pump();
    assert_eq!(world.now(two), Outcome::Acknowledged(ReasonCode::SUCCESS));
    assert!(world.seen.contains(&Seen::PubRel(1)));
}

#[test]
fn publishing_waits_for_room_in_the_order_of_those_who_ask() {
    let mut world = World::connected(tight());
    world.habits.acknowledges = false;
    let client = world.client();
    for payload in ["1", "2"] {
        drop(world.now(client.publish(message(payload))).unwrap());
    }
    let (mut third, mut fourth) = (client.publish(message("3")), client.publish(message("4")));
    assert!(world.poll(&mut third).is_pending() && world.poll(&mut fourth).is_pending());
    assert!(matches!(client.try_publish(&message("5")), Err(RequestError::Full)));
    world.pump();
    let woken = world.woken.count();
    world.puback(1, ReasonCode::SUCCESS);
    world.pump();
    assert!(world.woken.count() > woken, "the first one is woken");
    assert!(world.poll(&mut fourth).is_pending(), "it is not its turn");
    assert!(world.poll(&mut third).is_ready());
    world.puback(2, ReasonCode::SUCCESS);
    world.pump();
    assert!(world.poll(&mut fourth).is_ready());
    world.pump();
    assert_eq!(world.published(), ["1", "2", "3", "4"]);
}

#[test]
fn a_publish_that_is_dropped_while_it_waits_has_published_nothing_and_blocks_nobody() {
    for polls in 0..3 {
        let mut world = World::connected(tight());
        world.habits.acknowledges = false;
        let client = world.client();
        for payload in ["1", "2"] {
            drop(world.now(client.publish(message(payload))).unwrap());
        }
        let mut dropped = client.publish(message("dropped"));
        for _ in 0..polls {
            assert!(world.poll(&mut dropped).is_pending());
        }
        let mut next = client.publish(message("3"));
        assert!(world.poll(&mut next).is_pending());
        drop(dropped);
        world.pump();
        world.puback(1, ReasonCode::SUCCESS);
        world.pump();
        assert!(world.poll(&mut next).is_ready());
        world.pump();
        assert_eq!(world.published(), ["1", "2", "3"], "{polls}");
    }
}

#[test]
fn an_acknowledgement_that_is_dropped_cancels_nothing() {
    let mut world = World::connected(options());
    let client = world.client();
    drop(world.now(client.publish(message("1"))).unwrap());
    world.pump();
    assert_eq!(world.published(), ["1"]);
    assert_eq!(client.figures().in_flight, 0);
}

#[test]
fn what_is_unanswered_is_sent_again_in_a_resumed_session_and_lost_with_a_lost_one() {
    let mut world = World::connected(options());
    world.habits.acknowledges = false;
    let client = world.client();
    let mut answer = world.now(client.publish(message("1"))).unwrap();
    world.pump();
    world.again(true);
    let again = Seen::Publish { topic: "t".to_owned(), payload: "1".to_owned(), id: 1, dup: true };
    assert_eq!(world.seen.last(), Some(&again));
    assert!(world.poll(&mut answer).is_pending());
    world.again(false);
    assert_eq!(world.poll(&mut answer), Poll::Ready(Outcome::SessionLost));
    assert!(world.seen.iter().any(|seen| matches!(seen, Seen::Connect { clean_start: false, .. })));
}

#[test]
fn offline_messages_wait_within_their_bound_or_are_refused() {
    let mut options = options();
    options.offline = Offline::Queue { bytes: 256 };
    let mut world = World::new(options);
    let client = world.client();
    let long = || Outbound::new("t", vec![b'x'; 100]).at_least_once();
    assert!(client.try_publish(&long()).is_ok() && client.try_publish(&long()).is_ok());
    assert!(matches!(client.try_publish(&long()), Err(RequestError::Full)));
    assert!(matches!(
        client.try_publish(&Outbound::new("t", vec![b'x'; 300])),
        Err(RequestError::TooLarge { most: 256, .. })
    ));
    let mut waits = client.publish(long());
    assert!(world.poll(&mut waits).is_pending());
    world.open();
    world.pump();
    assert!(world.poll(&mut waits).is_ready());
    world.pump();
    assert_eq!(world.published().len(), 3);

    let mut options = support::options();
    options.offline = Offline::Refuse;
    let world = World::new(options);
    assert!(matches!(world.now(world.client().publish(long())), Err(RequestError::NotConnected)));
}

#[test]
fn offline_qos_0_waits_too() {
    let mut world = World::new(options());
    drop(world.now(world.client().publish(Outbound::new("t", "0"))).unwrap());
    world.open();
    world.pump();
    assert_eq!(world.published(), ["0"]);
}

#[test]
fn a_message_that_never_fits_is_refused_at_once() {
    let mut options = options();
    options.send_bytes = 1 << 10;
    let world = World::connected(options);
    let error = world.now(world.client().publish(Outbound::new("t", vec![0; 1 << 20]))).unwrap_err();
    assert!(matches!(error, RequestError::TooLarge { most: 768, .. }), "{error}");
    let error = world.now(world.client().publish(Outbound::new("a/#", ""))).unwrap_err();
    assert_eq!(error.to_string(), "a topic name has no wildcards [MQTT-4.7.0-1]".to_owned(), "{error:?}");
}

#[test]
fn the_servers_receive_maximum_holds_messages_back_and_loses_none() {
    let mut world = World::new(options());
    world.habits.receive_maximum = Some(2);
    world.habits.acknowledges = false;
    world.open();
    world.pump();
    let client = world.client();
    let answers: Vec<_> = (1..=4).map(|n| world.now(client.publish(message(&n.to_string()))).unwrap()).collect();
    world.pump();
    assert_eq!(world.published(), ["1", "2"]);
    world.habits.acknowledges = true;
    world.puback(1, ReasonCode::SUCCESS);
    world.puback(2, ReasonCode::SUCCESS);
    world.pump();
    assert_eq!(world.published(), ["1", "2", "3", "4"]);
    for answer in answers {
        assert_eq!(world.now(answer), Outcome::Acknowledged(ReasonCode::SUCCESS));
    }
}

#[test]
fn a_qos_1_message_is_not_granted_more_than_the_server_does() {
    let mut world = World::new(options());
    world.habits.answers_connect = false;
    world.open();
    world.pump();
    world.connack(false, ReasonCode::SUCCESS, &[mqtt5_codec::Property::MaximumQoS(QoS::AtMostOnce)]);
    world.pump();
    let error = world.now(world.client().publish(message("1"))).unwrap_err();
    assert!(matches!(error, RequestError::Refused(_)), "{error}");
}
