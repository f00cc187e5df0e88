//! Subscriptions: their messages, slow readers, lost sessions, and futures that are dropped at every point.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use core::future::Future;
use core::task::Poll;

use mqtt5_codec::{QoS, ReasonCode};
use mqtt5_host::session::Acknowledge;
use mqtt5_host::{AcknowledgeError, Filters, HostEvent, Inbound, Messages, Options, RequestError};
use support::{Seen, World, options};

fn subscribed(world: &mut World, filters: impl Into<Filters>) -> Messages {
    let mut subscribing = world.client().subscribe(filters);
    assert!(world.poll(&mut subscribing).is_pending());
    world.pump();
    world.now(subscribing).unwrap()
}

fn next(world: &World, messages: &mut Messages) -> Option<Inbound> {
    let mut future = Box::pin(messages.next());
    match world.poll(&mut future) {
        Poll::Ready(message) => Some(message.unwrap()),
        Poll::Pending => None,
    }
}

fn text(message: &Inbound) -> String {
    String::from_utf8(message.payload().to_vec()).unwrap()
}

fn manual() -> Options {
    let mut options = options();
    options.acknowledge = Acknowledge::Manual;
    options
}

#[test]
fn messages_are_routed_by_subscription_identifier() {
    let mut world = World::connected(options());
    let mut a = subscribed(&mut world, "a/+");
    let mut b = subscribed(&mut world, "b");
    assert_eq!(a.results(), [ReasonCode::GRANTED_QOS_2]);
    // A server may rewrite topics: what counts is the identifier.
    world.send("elsewhere", "for b", QoS::AtMostOnce, 0, &[2]);
    world.send("a/x", "for a", QoS::AtMostOnce, 0, &[1]);
    world.send("c", "for nobody", QoS::AtMostOnce, 0, &[77]);
    world.pump();
    assert_eq!(text(&next(&world, &mut a).unwrap()), "for a");
    assert_eq!(text(&next(&world, &mut b).unwrap()), "for b");
    assert!(next(&world, &mut a).is_none() && next(&world, &mut b).is_none());
    let unrouted = world.events().into_iter().find_map(|event| match event {
        HostEvent::Message(message) => Some(text(&message)),
        _ => None,
    });
    assert_eq!(unrouted.unwrap(), "for nobody");
}

#[test]
fn without_identifiers_messages_are_routed_by_topic() {
    let mut world = World::new(options());
    world.habits.identifiers = false;
    world.open();
    world.pump();
    let mut a = subscribed(&mut world, "a/+");
    let mut both = subscribed(&mut world, Filters::one("a/x").and("$share/g/b"));
    assert!(world.seen.iter().any(|seen| matches!(seen, Seen::Subscribe { identifier: 0, .. })));
    world.send("a/x", "1", QoS::AtMostOnce, 0, &[]);
    world.send("b", "2", QoS::AtMostOnce, 0, &[]);
    world.pump();
    assert_eq!(text(&next(&world, &mut a).unwrap()), "1");
    assert_eq!(text(&next(&world, &mut both).unwrap()), "1");
    assert_eq!(text(&next(&world, &mut both).unwrap()), "2");
}

#[test]
fn a_message_is_acknowledged_when_it_is_taken_and_by_all_whom_it_is_for() {
    let mut world = World::connected(options());
    let mut a = subscribed(&mut world, "a");
    let mut b = subscribed(&mut world, "+");
    world.seen.clear();
    world.send("a", "x", QoS::AtLeastOnce, 9, &[1, 2]);
    world.pump();
    assert_eq!(world.seen, [], "nobody has taken it");
    next(&world, &mut a).unwrap();
    world.pump();
    assert_eq!(world.seen, []);
    next(&world, &mut b).unwrap();
    world.pump();
    assert_eq!(world.seen, [Seen::PubAck(9, ReasonCode::SUCCESS)]);
}

#[test]
fn a_slow_reader_stops_acknowledgements_and_not_pings() {
    let mut options = options();
    options.receive_maximum = 3.try_into().unwrap();
    options.keep_alive = 1;
    let mut world = World::connected(options);
    let mut slow = subscribed(&mut world, "a");
    world.seen.clear();
    for id in 1..=3 {
        world.send("a", "x", QoS::AtLeastOnce, id, &[1]);
    }
    world.pump();
    std::thread::sleep(core::time::Duration::from_millis(1_000));
    world.pump();
    assert_eq!(world.seen, [Seen::Ping]);
    next(&world, &mut slow).unwrap();
    world.pump();
    assert_eq!(world.seen, [Seen::Ping, Seen::PubAck(1, ReasonCode::SUCCESS)]);
}

#[test]
fn a_server_that_sends_more_than_it_may_is_borne_with_and_not_read_on() {
    let mut options = options();
    options.receive_maximum = 1.try_into().unwrap();
    options.receive_bytes = 1_000;
    let mut world = World::connected(options);
    let mut slow = subscribed(&mut world, "a");
    let payload = "x".repeat(100);
    for id in 1..=1_000 {
        world.send("a", &payload, QoS::AtLeastOnce, id, &[1]);
    }
    world.pump();
    // Nine fit, and the tenth is the one that is too much.
    assert!(world.driver.room().is_empty());
    let held = world.client().figures().unacknowledged;
    assert_eq!(held, 10);
    for taken in 1..=1_000 {
        let woken = world.woken.count();
        assert!(next(&world, &mut slow).is_some(), "{taken}");
        assert!(world.woken.count() > woken, "the loop reads on");
        world.pump();
        assert!(world.client().figures().unacknowledged <= 10);
    }
    assert!(next(&world, &mut slow).is_none());
    assert_eq!(world.seen.iter().filter(|seen| matches!(seen, Seen::PubAck(..))).count(), 1_000);
}

/// A server at its worst: PUBLISH upon PUBLISH at QoS 2, and PUBREL for none. How many were taken, and how many PUBREC there were.
fn flooded(messages: u16) -> (usize, usize, World) {
    let mut options = options();
    (options.receive_maximum, options.in_flight) = (20.try_into().unwrap(), 20);
    let mut world = World::connected(options);
    let mut inbox = subscribed(&mut world, "a");
    for id in 1..=messages {
        world.send("a", "x", QoS::ExactlyOnce, id, &[1]);
    }
    world.pump();
    let mut taken = 0;
    while next(&world, &mut inbox).is_some() {
        taken += 1;
        world.pump();
    }
    let received = world.seen.iter().filter(|seen| matches!(seen, Seen::PubRec(_))).count();
    (taken, received, world)
}

#[test]
fn a_server_far_beyond_the_receive_maximum_loses_no_message_of_qos_2() {
    let (taken, received, world) = flooded(1_000);
    assert_eq!((taken, received, world.client().is_connected()), (1_000, 1_000, true));
}

#[test]
fn a_server_beyond_our_memory_loses_its_connection_and_has_no_message_refused() {
    let (taken, received, world) = flooded(9_000);
    assert!(!world.client().is_connected());
    assert!((4_000..9_000).contains(&taken) && received <= taken, "{taken} {received}");
}

#[test]
fn a_reader_that_takes_nothing_from_such_a_server_gets_a_new_connection() {
    let mut options = options();
    options.receive_bytes = 0;
    options.ping_timeout = core::time::Duration::from_millis(10);
    let mut world = World::connected(options);
    let mut slow = subscribed(&mut world, "a");
    for id in 1..=2 {
        world.send("a", "x", QoS::AtLeastOnce, id, &[1]);
    }
    world.pump();
    std::thread::sleep(core::time::Duration::from_millis(40));
    let mqtt5_host::Turn::Stuck(cause) = world.driver.turn(&world.waker()) else { panic!() };
    assert_eq!(cause.to_string(), "none of the messages that wait was taken for 30ms");
    world.again(true);
    // What waited comes again, so it does not wait here any more.
    assert!(next(&world, &mut slow).is_none());
    world.send_again("a", "x", QoS::AtLeastOnce, 1, &[1], true);
    world.pump();
    assert!(next(&world, &mut slow).is_some());
}

#[test]
fn qos_0_messages_beyond_their_memory_are_dropped_and_counted() {
    let mut options = options();
    options.at_most_once_bytes = 1_000;
    let mut world = World::connected(options);
    let mut slow = subscribed(&mut world, "a");
    let payload = "x".repeat(100);
    for _ in 0..1_000 {
        world.send("a", &payload, QoS::AtMostOnce, 0, &[1]);
    }
    world.pump();
    let dropped: u64 = world
        .events()
        .iter()
        .map(|event| match event {
            HostEvent::Dropped(count) => *count,
            _ => 0,
        })
        .sum();
    let mut taken = 0;
    while next(&world, &mut slow).is_some() {
        taken += 1;
    }
    assert_eq!((taken, dropped), (9, 991));
    world.send("a", &payload, QoS::AtMostOnce, 0, &[1]);
    world.pump();
    assert!(next(&world, &mut slow).is_some(), "there is room again");
}

#[test]
fn by_hand_messages_are_acknowledged_in_any_order_and_once() {
    let mut world = World::connected(manual());
    let mut messages = subscribed(&mut world, "a");
    world.seen.clear();
    for id in 1..=3 {
        world.send("a", "x", QoS::AtLeastOnce, id, &[1]);
    }
    world.send("a", "y", QoS::ExactlyOnce, 4, &[1]);
    world.pump();
    let mut taken: Vec<_> = (0..4).map(|_| next(&world, &mut messages).unwrap()).collect();
    world.pump();
    assert_eq!(world.seen, []);
    let token = taken[3].take_token().unwrap();
    taken[1].acknowledge(ReasonCode::QUOTA_EXCEEDED).unwrap();
    token.acknowledge(ReasonCode::SUCCESS).unwrap();
    assert!(matches!(taken[0].acknowledge(ReasonCode::BANNED), Err(AcknowledgeError::Refused(_))));
    taken[0].acknowledge(ReasonCode::SUCCESS).unwrap();
    taken[0].acknowledge(ReasonCode::QUOTA_EXCEEDED).unwrap();
    world.pump();
    let expected = [Seen::PubRec(4), Seen::PubAck(1, ReasonCode::SUCCESS), Seen::PubAck(2, ReasonCode::QUOTA_EXCEEDED)];
    assert_eq!(world.seen.len(), 3);
    assert!(expected.iter().all(|one| world.seen.contains(one)), "{:?}", world.seen);
}

#[test]
fn what_nobody_took_comes_again_once_at_qos_1_and_stays_at_qos_2() {
    let mut world = World::connected(options());
    let mut messages = subscribed(&mut world, "a");
    world.send("a", "one", QoS::AtLeastOnce, 1, &[1]);
    world.send("a", "two", QoS::ExactlyOnce, 2, &[1]);
    world.pump();
    world.again(true);
    world.send_again("a", "one", QoS::AtLeastOnce, 1, &[1], true);
    world.send_again("a", "two", QoS::ExactlyOnce, 2, &[1], true);
    world.pump();
    world.seen.clear();
    let mut taken = Vec::new();
    while let Some(message) = next(&world, &mut messages) {
        taken.push(text(&message));
    }
    taken.sort();
    assert_eq!(taken, ["one", "two"]);
    world.pump();
    assert!(world.seen.contains(&Seen::PubAck(1, ReasonCode::SUCCESS)));
    assert!(world.seen.contains(&Seen::PubRec(2)));
    world.pubrel(2);
    world.pump();
    assert!(world.seen.contains(&Seen::PubComp(2)));
}

#[test]
fn a_token_of_an_old_connection_acknowledges_nothing_else() {
    let mut world = World::connected(manual());
    let mut messages = subscribed(&mut world, "a");
    world.send("a", "old", QoS::AtLeastOnce, 1, &[1]);
    world.pump();
    let mut old = next(&world, &mut messages).unwrap();
    world.again(true);
    world.send("a", "new", QoS::AtLeastOnce, 1, &[1]);
    world.pump();
    world.seen.clear();
    assert_eq!(old.acknowledge(ReasonCode::SUCCESS), Err(AcknowledgeError::ComesAgain));
    world.pump();
    assert_eq!(world.seen, []);
    assert_eq!(text(&next(&world, &mut messages).unwrap()), "new");
}

#[test]
fn untaken_messages_stay_when_the_session_is_lost() {
    let mut world = World::connected(options());
    let mut messages = subscribed(&mut world, "a");
    world.send("a", "1", QoS::AtLeastOnce, 1, &[1]);
    world.pump();
    world.again(false);
    world.send("a", "2", QoS::AtLeastOnce, 1, &[1]);
    world.pump();
    world.again(false);
    world.send("a", "3", QoS::AtLeastOnce, 1, &[1]);
    world.pump();
    let taken: Vec<_> = core::iter::from_fn(|| next(&world, &mut messages)).map(|message| text(&message)).collect();
    assert_eq!(taken, ["1", "2", "3"]);
}

#[test]
fn subscriptions_are_asked_for_again_only_when_the_session_was_lost() {
    let mut world = World::connected(options());
    let mut messages = subscribed(&mut world, Filters::one("a").and("b"));
    world.seen.clear();
    world.again(true);
    assert!(!world.seen.iter().any(|seen| matches!(seen, Seen::Subscribe { .. })));
    world.again(false);
    let filters = vec!["a".to_owned(), "b".to_owned()];
    assert!(
        world
            .seen
            .iter()
            .any(|seen| matches!(seen, Seen::Subscribe { filters: these, identifier: 1, .. } if *these == filters))
    );
    world.send("a", "x", QoS::AtMostOnce, 0, &[1]);
    world.pump();
    assert!(next(&world, &mut messages).is_some());
}

#[test]
fn a_subscription_that_is_asked_for_offline_is_made_once_there_is_a_connection() {
    let mut world = World::new(options());
    let mut subscribing = world.client().subscribe("a");
    assert!(world.poll(&mut subscribing).is_pending());
    world.open();
    world.pump();
    assert!(world.now(subscribing).is_ok());
}

#[test]
fn a_subscription_whose_answer_was_lost_is_asked_for_again() {
    for resumed in [true, false] {
        let mut world = World::connected(options());
        world.habits.grants = false;
        let mut subscribing = world.client().subscribe("a");
        assert!(world.poll(&mut subscribing).is_pending());
        world.pump();
        world.habits.grants = true;
        world.again(resumed);
        assert!(world.now(subscribing).is_ok(), "{resumed}");
        let asked = world.seen.iter().filter(|seen| matches!(seen, Seen::Subscribe { .. })).count();
        assert_eq!(asked, 2, "{resumed}");
    }
}

#[test]
fn a_subscribe_that_is_dropped_at_any_point_is_taken_back() {
    // Before it was polled, before it was sent, before it was answered, after it was answered.
    for point in 0..4 {
        let mut world = World::connected(options());
        world.habits.grants = point == 3;
        let mut subscribing = world.client().subscribe("a");
        if point > 0 {
            assert!(world.poll(&mut subscribing).is_pending());
        }
        if point > 1 {
            world.pump();
        }
        drop(subscribing);
        world.pump();
        let asked = world.seen.iter().filter(|seen| matches!(seen, Seen::Subscribe { .. })).count();
        let left = world.seen.iter().filter(|seen| matches!(seen, Seen::Unsubscribe { .. })).count();
        assert_eq!(asked, left, "{point}");
        // The filter is free again.
        world.habits.grants = true;
        assert_eq!(subscribed(&mut world, "a").results().len(), 1);
    }
}

#[test]
fn a_next_that_is_dropped_at_any_point_has_taken_nothing() {
    for polls in 0..3 {
        let mut world = World::connected(options());
        let mut messages = subscribed(&mut world, "a");
        {
            let mut future = Box::pin(messages.next());
            for _ in 0..polls {
                assert!(world.poll(&mut future).is_pending());
            }
        }
        world.send("a", "x", QoS::AtLeastOnce, 1, &[1]);
        world.pump();
        drop(Box::pin(messages.next()));
        assert_eq!(text(&next(&world, &mut messages).unwrap()), "x");
    }
}

#[test]
fn a_dropped_subscription_is_left_and_what_waits_is_acknowledged() {
    let mut world = World::connected(options());
    let messages = subscribed(&mut world, "a");
    world.send("a", "x", QoS::AtLeastOnce, 7, &[1]);
    world.pump();
    world.seen.clear();
    drop(messages);
    world.send("a", "late", QoS::AtLeastOnce, 8, &[1]);
    world.pump();
    assert!(world.seen.contains(&Seen::PubAck(7, ReasonCode::SUCCESS)), "{:?}", world.seen);
    assert!(world.seen.contains(&Seen::PubAck(8, ReasonCode::SUCCESS)), "{:?}", world.seen);
    assert!(world.seen.iter().any(|seen| matches!(seen, Seen::Unsubscribe { .. })));
    assert!(!world.events().iter().any(|event| matches!(event, HostEvent::Message(_))));
}

#[test]
fn unsubscribing_tells_the_servers_answer_and_outlives_a_connection() {
    let mut world = World::connected(options());
    let messages = subscribed(&mut world, "a");
    let mut leaving = Box::pin(messages.unsubscribe());
    assert!(world.poll(&mut leaving).is_pending());
    world.pump();
    assert_eq!(world.now(leaving).unwrap().as_ref(), [ReasonCode::SUCCESS]);

    let messages = subscribed(&mut world, "a");
    world.cut();
    let mut leaving = Box::pin(messages.unsubscribe());
    assert!(world.poll(&mut leaving).is_pending());
    world.seen.clear();
    world.habits.session_present = true;
    world.open();
    world.pump();
    assert!(world.seen.iter().any(|seen| matches!(seen, Seen::Unsubscribe { .. })));
    assert!(world.now(leaving).is_ok());
}

#[test]
fn a_filter_is_subscribed_to_once() {
    let mut world = World::connected(options());
    let first = subscribed(&mut world, "a");
    let error = world.now(world.client().subscribe(Filters::one("b").and("a"))).unwrap_err();
    assert_eq!(error.to_string(), "\"a\" is subscribed to already");
    drop(first);
    // Before the UNSUBSCRIBE is even sent: it goes first.
    let again = subscribed(&mut world, "a");
    assert_eq!(again.results().len(), 1);
    let kinds: Vec<_> = world.seen.iter().map(core::mem::discriminant).collect();
    assert_eq!(kinds.len(), 3);
    assert!(kinds[0] == kinds[2] && kinds[0] != kinds[1]);
}

#[test]
fn what_the_server_denies_is_an_error_with_its_reasons() {
    let mut world = World::connected(options());
    world.habits.grants = false;
    let mut subscribing = world.client().subscribe("a");
    assert!(world.poll(&mut subscribing).is_pending());
    world.pump();
    world.suback(1, &[ReasonCode::NOT_AUTHORIZED]);
    world.pump();
    let error = world.now(subscribing).unwrap_err();
    assert_eq!(error.to_string(), "the server grants no filter: Not authorized (0x87)");
    let error = world.now(world.client().subscribe("a/#/b")).unwrap_err();
    assert!(matches!(error, RequestError::Refused(_)), "{error}");
    let error = world.now(world.client().subscribe(Filters::one("$share/g/a").no_local())).unwrap_err();
    assert!(matches!(error, RequestError::Refused(_)), "{error}");
}

#[test]
fn a_subscription_that_is_not_granted_again_ends_and_is_reported() {
    let mut world = World::connected(options());
    let mut messages = subscribed(&mut world, "a");
    world.habits.grants = false;
    world.again(false);
    let id = world.seen.iter().rev().find_map(|seen| match seen {
        Seen::Subscribe { id, .. } => Some(*id),
        _ => None,
    });
    world.suback(id.unwrap(), &[ReasonCode::NOT_AUTHORIZED]);
    world.pump();
    assert!(world.now(messages.next()).is_none());
    let denied = |event: &HostEvent| matches!(event, HostEvent::SubscriptionDenied(these) if &*these[0].0 == "a");
    assert!(world.events().iter().any(denied));
}

#[test]
fn identifiers_of_an_earlier_process_are_not_taken_for_ours() {
    let mut options = options();
    options.clean_start = false;
    let mut world = World::new(options);
    world.habits.session_present = true;
    world.open();
    world.pump();
    let mut messages = subscribed(&mut world, "mine");
    world.send("theirs", "x", QoS::AtMostOnce, 0, &[1]);
    world.pump();
    assert!(next(&world, &mut messages).is_none());
    assert!(world.events().iter().any(|event| matches!(event, HostEvent::Message(_))));
}

fn _futures_can_be_sent(client: &mqtt5_host::Handle, messages: &mut Messages) {
    fn sent<T: Send>(_: T) {}
    sent(client.publish(mqtt5_host::Outbound::new("", "")));
    sent(client.subscribe(""));
    sent(messages.next());
    let _: &dyn Future<Output = _> = &client.subscribe("");
}
