//! Attempts, refusals, goodbyes: what the driver has the loop do, and what users are told.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use core::future::Future;
use core::task::Poll;
use core::time::Duration;

use mqtt5_codec::{Property, ReasonCode, Text};
use mqtt5_host::{
    AuthenticationError, Authenticator, Cause, HostError, HostEvent, Outbound, Outcome, Reconnect, RequestError, Step,
    Task, Turn,
};
use support::{Seen, World, options};

fn ended(world: &mut World) -> Option<HostError> {
    match world.events().pop() {
        Some(HostEvent::Ended(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn publish(world: &World, payload: &str) -> mqtt5_host::Acknowledgement {
    world.client().try_publish(&Outbound::new("t", payload).at_least_once()).unwrap()
}

#[test]
fn each_attempt_and_each_end_is_an_event() {
    let mut world = World::connected(options());
    world.cut();
    world.open();
    let told: Vec<_> = world
        .events()
        .iter()
        .map(|event| match event {
            HostEvent::Connecting { attempt, place } => format!("connecting {attempt} {place}"),
            HostEvent::Connected(accepted) => format!("connected {}", accepted.resumed),
            HostEvent::Disconnected { error, .. } => error.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    let lost = "MQTT exchange with mqtt://server:1883: the server closed the connection";
    let expected = ["connecting 1 mqtt://server:1883", "connected false", lost, "connecting 2 mqtt://server:1883"];
    assert_eq!(told, expected);
}

#[test]
fn bad_credentials_end_the_client_and_everyone_is_told() {
    let mut world = World::new(options());
    world.habits.refuses = Some(ReasonCode::BAD_USER_NAME_OR_PASSWORD);
    let client = world.client();
    let mut answer = publish(&world, "1");
    let mut subscribing = client.subscribe("a");
    assert!(world.poll(&mut subscribing).is_pending());
    world.open();
    assert!(matches!(world.pump(), Turn::Last));
    world.driver.closed(None);
    assert!(matches!(world.driver.poll(&world.waker()), Task::End));
    let error = ended(&mut world).unwrap();
    assert_eq!(
        error.to_string(),
        "MQTT connection to mqtt://server:1883: the server refuses: Bad User Name or Password (0x86)"
    );
    assert_eq!(world.poll(&mut answer), Poll::Ready(Outcome::Closed));
    assert!(matches!(world.now(subscribing), Err(RequestError::Closed(_))));
    assert!(matches!(world.now(client.publish(Outbound::new("t", ""))), Err(RequestError::Closed(Some(_)))));
    assert_eq!(world.now(client.ended()).unwrap_err().step, Step::Connect);
    assert!(world.now(client.connected()).is_err());
}

#[test]
fn a_busy_server_is_asked_again() {
    let mut world = World::new(options());
    world.habits.refuses = Some(ReasonCode::SERVER_BUSY);
    world.open();
    world.pump();
    world.driver.closed(None);
    world.habits.refuses = None;
    world.open();
    world.pump();
    assert!(world.client().is_connected());
}

#[test]
fn the_first_connection_may_have_to_come_about_at_once() {
    let mut world = World::new(options());
    world.driver.fail_at_first();
    assert!(matches!(world.driver.poll(&world.waker()), Task::Open(_)));
    world.driver.failed(Step::LookUp, Cause::NoAddress);
    assert!(matches!(world.driver.poll(&world.waker()), Task::End));
    assert_eq!(ended(&mut world).unwrap().to_string(), "looking up mqtt://server:1883: the name has no address");
    // But only the first.
    let mut world = World::new(options());
    world.driver.fail_at_first();
    world.open();
    world.pump();
    world.cut();
    world.open();
}

#[test]
fn what_the_server_says_last_is_the_cause_also_if_it_comes_with_the_connection() {
    let mut world = World::new(options());
    world.habits.answers_connect = false;
    world.open();
    world.pump();
    world.accept();
    world.disconnect(ReasonCode::SESSION_TAKEN_OVER);
    assert!(matches!(world.pump(), Turn::Last));
    world.driver.closed(None);
    let error = ended(&mut world).unwrap();
    assert_eq!((error.step, error.reason()), (Step::Exchange, Some(ReasonCode::SESSION_TAKEN_OVER)));
}

#[test]
fn a_server_that_breaks_the_standard_is_told_and_left() {
    let mut world = World::connected(options());
    world.raw(&[0x40, 2, 0, 0]);
    assert!(matches!(world.pump(), Turn::Last));
    assert!(matches!(world.seen.last(), Some(Seen::Disconnect { .. })));
    world.driver.closed(None);
    let fault = |event: &HostEvent| matches!(event, HostEvent::Disconnected { error, .. } if matches!(error.cause, Cause::Fault(_)));
    assert!(world.events().iter().any(fault));
}

#[test]
fn another_protocol_is_named() {
    for (bytes, name) in [(&[0x15, 3, 3, 0, 2, 2, 40][..], "mqtts://"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "ws://")]
    {
        let mut options = options();
        options.reconnect = Reconnect::never();
        let mut world = World::new(options);
        world.habits.answers_connect = false;
        world.open();
        world.raw(bytes);
        world.pump();
        world.driver.closed(None);
        let error = ended(&mut world).unwrap().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_server_that_does_not_answer_connect_is_given_up_in_time() {
    let mut options = options();
    options.connect_timeout = Duration::from_millis(30);
    options.reconnect = Reconnect::never();
    let mut world = World::new(options);
    world.habits.answers_connect = false;
    world.open();
    world.pump();
    std::thread::sleep(Duration::from_millis(40));
    assert!(matches!(world.pump(), Turn::Last));
    world.driver.closed(None);
    assert_eq!(ended(&mut world).unwrap().to_string(), "MQTT connection to mqtt://server:1883: no answer within 30ms");
}

#[test]
fn a_server_that_takes_no_byte_is_given_up_in_time() {
    let mut options = options();
    options.ping_timeout = Duration::from_millis(30);
    let mut world = World::connected(options);
    let _answer = publish(&world, "1");
    assert!(matches!(world.driver.turn(&world.waker()), Turn::Go(Some(_))));
    assert!(!world.driver.outgoing().is_empty());
    std::thread::sleep(Duration::from_millis(40));
    let Turn::Stuck(cause) = world.driver.turn(&world.waker()) else { panic!() };
    world.driver.closed(Some(cause));
    let told = "MQTT exchange with mqtt://server:1883: the server took no byte for 30ms";
    let stuck = |event: &HostEvent| matches!(event, HostEvent::Disconnected { error, .. } if error.to_string() == told);
    assert!(world.events().iter().any(stuck));
}

#[test]
fn a_server_that_falls_silent_is_given_up_in_time() {
    let mut options = options();
    options.keep_alive = 1;
    options.ping_timeout = Duration::from_millis(30);
    let mut world = World::connected(options);
    std::thread::sleep(Duration::from_millis(960));
    // The ping goes out, and nobody answers.
    assert!(matches!(world.driver.turn(&world.waker()), Turn::Go(Some(_))));
    assert_eq!(world.driver.outgoing(), [0xC0, 0]);
    world.driver.wrote(2);
    std::thread::sleep(Duration::from_millis(80));
    let Turn::Stuck(cause) = world.driver.turn(&world.waker()) else { panic!() };
    assert_eq!(cause.to_string(), "nothing came from the server for 1.03s");
}

#[test]
fn a_server_reference_is_followed_without_the_credentials_of_the_url() {
    let mut options = options();
    options.reconnect = options.reconnect.following_servers(1);
    let mut world = World::new(options);
    world.habits.answers_connect = false;
    world.open();
    world.pump();
    let reference = [Property::ServerReference(Text::new("other.example").unwrap())];
    world.connack(false, ReasonCode::USE_ANOTHER_SERVER, &reference);
    world.pump();
    world.driver.closed(None);
    let Task::Open(attempt) = world.driver.poll(&world.waker()) else { panic!() };
    assert_eq!(attempt.address.to_string(), "mqtt://other.example:1883");
    assert_eq!(attempt.address.credentials(), &mqtt5_host::Credentials::default());
}

#[test]
fn closing_waits_for_acknowledgements_and_ends_the_session_it_began() {
    let mut world = World::connected(options());
    world.habits.acknowledges = false;
    let mut answer = publish(&world, "1");
    let mut closing = Box::pin(world.client().close(Duration::from_secs(60)));
    assert!(matches!(world.client().try_publish(&Outbound::new("t", "")), Err(RequestError::Closed(None))));
    assert!(matches!(world.pump(), Turn::Go(Some(_))));
    assert!(world.poll(&mut closing).is_pending());
    world.puback(1, ReasonCode::SUCCESS);
    assert!(matches!(world.pump(), Turn::Last));
    world.driver.closed(None);
    assert_eq!(world.poll(&mut answer), Poll::Ready(Outcome::Acknowledged(ReasonCode::SUCCESS)));
    assert!(world.now(closing).is_ok());
    assert_eq!(world.seen.last(), Some(&Seen::Disconnect { expiry: Some(0) }));
    assert!(ended(&mut world).is_none());
}

#[test]
fn closing_leaves_a_session_that_was_found() {
    let mut options = options();
    options.clean_start = false;
    let mut world = World::connected(options);
    drop(world.client().close(Duration::from_secs(60)));
    assert!(matches!(world.pump(), Turn::Last));
    assert_eq!(world.seen, [Seen::Disconnect { expiry: None }]);
}

#[test]
fn closing_ends_at_its_deadline_and_says_what_is_open() {
    let mut world = World::connected(options());
    world.habits.acknowledges = false;
    let _answer = publish(&world, "1");
    let closing = world.client().close(Duration::from_millis(20));
    world.pump();
    std::thread::sleep(Duration::from_millis(30));
    assert!(matches!(world.pump(), Turn::Last));
    assert!(matches!(world.seen.last(), Some(Seen::Disconnect { .. })));
    world.driver.closed(None);
    let error = world.now(closing).unwrap_err();
    assert_eq!(error.to_string(), "taking leave of the server: 1 messages were not acknowledged in time");
}

#[test]
fn closing_works_at_every_stage() {
    // Before the first attempt, while opening, before CONNACK, after the connection was lost.
    for stage in 0..4 {
        let mut world = World::new(options());
        if stage == 1 {
            assert!(matches!(world.driver.poll(&world.waker()), Task::Open(_)));
            assert!(world.driver.poll_abandoned(&world.waker()).is_ok());
        }
        if stage > 1 {
            world.habits.answers_connect = stage == 3;
            world.open();
            world.pump();
        }
        if stage == 3 {
            world.cut();
        }
        let closing = world.client().close(Duration::from_secs(60));
        match stage {
            1 => {
                assert!(world.driver.poll_abandoned(&world.waker()).is_err());
                world.driver.failed(Step::Open, Cause::Stopped);
            }
            2 => {
                assert!(matches!(world.pump(), Turn::Last));
                world.driver.closed(None);
            }
            _ => {}
        }
        assert!(matches!(world.driver.poll(&world.waker()), Task::End), "{stage}");
        assert!(world.now(closing).is_ok(), "{stage}");
    }
}

#[test]
fn the_last_user_to_go_closes_the_client() {
    let mut world = World::connected(options());
    let client = world.client();
    world.handle = None;
    world.events = None;
    assert!(matches!(world.pump(), Turn::Go(_)));
    drop(client);
    assert!(matches!(world.pump(), Turn::Last));
    assert!(matches!(world.seen.last(), Some(Seen::Disconnect { .. })));
}

#[test]
fn a_loop_that_panics_has_not_ended_well() {
    let World { driver, handle, .. } = World::connected(options());
    let looping = std::thread::spawn(move || {
        let _driver = driver;
        panic!("an authenticator, for one");
    });
    assert!(looping.join().is_err());
    let error = mqtt5_host::wait(handle.unwrap().ended()).unwrap_err();
    assert!(error.to_string().contains("what runs the client is gone"), "{error}");
}

#[test]
fn those_who_wait_no_more_for_the_end_leave_nothing_behind() {
    let world = World::connected(options());
    let client = world.client();
    for number in 0..3 {
        // Each in a task of its own.
        let task = std::sync::Arc::new(Idle);
        let waker = core::task::Waker::from(std::sync::Arc::clone(&task));
        let mut ended = Box::pin(client.ended());
        assert!(ended.as_mut().poll(&mut core::task::Context::from_waker(&waker)).is_pending());
        drop((ended, waker));
        assert_eq!(std::sync::Arc::strong_count(&task), 1, "{number}");
    }
}

struct Idle;

impl std::task::Wake for Idle {
    fn wake(self: std::sync::Arc<Self>) {}
}

#[test]
fn a_driver_that_is_dropped_ends_the_client() {
    let World { driver, handle, mut events, .. } = World::connected(options());
    let client = handle.unwrap();
    drop(driver);
    let error = mqtt5_host::wait(client.ended()).unwrap_err();
    assert!(matches!(error.cause, Cause::Abandoned), "{error}");
    while mqtt5_host::wait(events.as_mut().unwrap().next()).is_some() {}
    assert!(client.try_publish(&Outbound::new("t", "")).is_err());
}

#[test]
fn an_assigned_identifier_is_kept() {
    let mut options = options();
    options.client_id = String::new();
    let mut world = World::new(options);
    world.habits.answers_connect = false;
    world.open();
    world.pump();
    let id = [Property::AssignedClientIdentifier(Text::new("given").unwrap())];
    world.connack(false, ReasonCode::SUCCESS, &id);
    world.pump();
    world.again(true);
    let named: Vec<_> = world
        .seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Connect { client_id, clean_start, .. } => Some((client_id.as_str(), *clean_start)),
            _ => None,
        })
        .collect();
    assert_eq!(named, [("", true), ("given", false)]);
}

#[test]
fn credentials_of_the_application_go_before_those_of_the_url() {
    let mut world = World::new(options());
    assert!(matches!(world.driver.poll(&world.waker()), Task::Open(_)));
    world.driver.opened(Some(mqtt5_host::Credentials::new("ann", "pw")));
    world.pump();
    assert!(matches!(&world.seen[0], Seen::Connect { user: Some(user), .. } if user == "ann"));
}

#[test]
fn events_that_nobody_takes_are_bounded() {
    let mut world = World::new(options());
    for _ in 0..1_000 {
        assert!(matches!(world.driver.poll(&world.waker()), Task::Open(_)));
        world.driver.failed(Step::Open, Cause::Closed);
    }
    assert_eq!(world.events().len(), 256);
}

#[test]
fn bytes_may_come_one_at_a_time() {
    let mut world = World::connected(options());
    let mut subscribing = world.client().subscribe("a");
    assert!(world.poll(&mut subscribing).is_pending());
    world.pump();
    let mut messages = world.now(subscribing).unwrap();
    for byte in b"\x30\x08\x00\x01a\x02\x0B\x01hi" {
        world.raw(&[*byte]);
        world.pump();
    }
    assert_eq!(world.now(messages.next()).unwrap().payload(), "hi");
}

/// Answers a number with the next one.
struct Counting(u8);

impl Authenticator for Counting {
    fn method(&self) -> &str {
        "COUNT"
    }

    fn begin(&mut self) -> Result<Option<Vec<u8>>, AuthenticationError> {
        self.0 = 1;
        Ok(Some(vec![1]))
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, AuthenticationError> {
        self.0 += 2;
        if challenge == [self.0 - 1] { Ok(vec![self.0]) } else { Err("miscounted".into()) }
    }

    fn end(&mut self, data: Option<&[u8]>) -> Result<(), AuthenticationError> {
        if data == Some(&[self.0 + 1]) { Ok(()) } else { Err("miscounted at last".into()) }
    }
}

fn said(number: &[u8]) -> [Property<'_>; 2] {
    [Property::AuthenticationMethod(Text::new("COUNT").unwrap()), Property::AuthenticationData(number)]
}

#[test]
fn enhanced_authentication_is_a_conversation() {
    let mut world = World::authenticated(options(), Some(Box::new(Counting(0))));
    world.open();
    world.pump();
    world.auth(ReasonCode::CONTINUE_AUTHENTICATION, &said(&[2]));
    world.pump();
    assert_eq!(world.seen.last(), Some(&Seen::Auth(ReasonCode::CONTINUE_AUTHENTICATION, vec![3])));
    world.connack(false, ReasonCode::SUCCESS, &said(&[4]));
    world.pump();
    assert!(world.client().is_connected());

    world.client().reauthenticate();
    world.pump();
    assert_eq!(world.seen.last(), Some(&Seen::Auth(ReasonCode::RE_AUTHENTICATE, vec![1])));
    world.auth(ReasonCode::SUCCESS, &said(&[2]));
    world.pump();
    assert!(world.client().is_connected());
}

#[test]
fn a_server_that_fails_to_authenticate_itself_is_left() {
    for at_once in [true, false] {
        let mut world = World::authenticated(options(), Some(Box::new(Counting(0))));
        // It was not connected, though CONNACK came.
        world.driver.fail_at_first();
        world.open();
        world.pump();
        if at_once {
            world.auth(ReasonCode::CONTINUE_AUTHENTICATION, &said(&[9]));
        } else {
            world.connack(false, ReasonCode::SUCCESS, &said(&[9]));
        }
        assert!(matches!(world.pump(), Turn::Last));
        world.driver.closed(None);
        let error = ended(&mut world).unwrap().to_string();
        assert!(error.contains("miscounted"), "{error}");
    }
}

#[test]
fn a_session_whose_expiry_passed_is_begun_anew() {
    let mut options = options();
    options.session_expiry = 1;
    let mut world = World::connected(options);
    world.habits.acknowledges = false;
    let mut answer = publish(&world, "1");
    world.pump();
    world.cut();
    std::thread::sleep(Duration::from_millis(1_050));
    world.open();
    world.pump();
    assert_eq!(world.poll(&mut answer), Poll::Ready(Outcome::SessionLost));
    let last = world.seen.iter().rev().find(|seen| matches!(seen, Seen::Connect { .. }));
    assert!(matches!(last, Some(Seen::Connect { clean_start: true, .. })), "{last:?}");
}
