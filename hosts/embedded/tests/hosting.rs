//! The loop against the model broker, which is strict: what it takes down is a fault of ours.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may panic"
)]
#![allow(missing_docs, clippy::missing_assert_message, clippy::std_instead_of_core, reason = "a test")]

mod support;

use core::future::Future;
use core::ops::ControlFlow::{Break, Continue};
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embassy_futures::block_on;
use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::{Duration, Instant, Timer, with_timeout};
use mqtt5_embedded::{Connection, Error, Outcome, Session};
use mqtt5_session::codec::{Filter, Properties, Property, QoS, ReasonCode, Subscription, Text, Topic};
use mqtt5_session::{ConnectOptions, Ending, Event, Inbox, Inline, Prior, Publication, Refused};
use support::{Half, Server};

type Client = Session<NoopRawMutex, Inline<8, 2048>>;

const EXPIRY: [Property<'static>; 1] = [Property::SessionExpiryInterval(3_600)];

fn options() -> ConnectOptions<'static> {
    let mut options = ConnectOptions::new(Text::new("embedded").unwrap());
    options.packet.properties = Properties::from(&EXPIRY);
    options
}

fn message(payload: &[u8], qos: QoS) -> Publication<'_> {
    let mut publication = Publication::new(Topic::new("a/b").unwrap(), payload);
    publication.qos = qos;
    publication
}

fn everything() -> Subscription<'static> {
    let mut subscription = Subscription::new(Filter::new("a/#").unwrap());
    subscription.options.maximum_qos = QoS::ExactlyOnce;
    subscription
}

/// Bounded: what hangs fails.
fn within<T>(future: impl Future<Output = T>) -> T {
    block_on(with_timeout(Duration::from_secs(20), future)).expect("it ends in time")
}

async fn run_to_the_end<'s>(
    mut connection: Connection<'s, NoopRawMutex, Inline<8, 2048>, Half, Half>,
    mut on: impl FnMut(Event<'_>),
) -> Error<core::convert::Infallible, core::convert::Infallible> {
    let result = connection.run(|event| {
        on(event);
        Continue::<core::convert::Infallible>(())
    });
    match result.await {
        Err(error) => error,
    }
}

#[test]
fn tasks_publish_and_subscribe_through_one_session_whatever_the_pieces() {
    for (piece, hesitant) in [(usize::MAX, false), (1, false), (7, true)] {
        let server = Server { piece, hesitant, ..Server::new() };
        let session = Client::new(Inline::new());
        let (mut received, mut out) = ([0; 512], [0; 64]);
        let (reader, writer) = server.open();
        let inbox = Inbox::new(&mut received);
        let connection = Connection::open(&session, &options(), reader, writer, inbox, &mut out).unwrap();
        let mut got = Vec::new();
        let host = run_to_the_end(connection, |event| {
            if let Event::Message(message) = event {
                got.push((message.payload.to_vec(), message.delivery.qos()));
            }
        });
        let tasks = async {
            while session.with(|client| !client.is_connected()) {
                Timer::after_millis(1).await;
            }
            let granted = session.subscribe(everything()).await;
            assert_eq!(granted, Ok(Outcome::Answered(ReasonCode::GRANTED_QOS_2)));
            let publish = |payload, qos| {
                let session = &session;
                async move { session.publish(&message(payload, qos)).await.unwrap() }
            };
            let done = Outcome::Answered(ReasonCode::SUCCESS);
            assert_eq!(join(publish(b"1", QoS::AtLeastOnce), publish(b"2", QoS::ExactlyOnce)).await, (done, done));
            assert_eq!(publish(b"0", QoS::AtMostOnce).await, Outcome::Queued);
            Timer::after_millis(50).await;
            session.with(|client| client.disconnect(Ending::AfterQueued)).unwrap();
            core::future::pending::<()>().await;
        };
        match within(select(host, tasks)) {
            Either::First(error) => assert_eq!(error, Error::Ended),
            Either::Second(()) => unreachable!(),
        }
        got.sort();
        let sent =
            [(b"0".to_vec(), QoS::AtMostOnce), (b"1".to_vec(), QoS::AtLeastOnce), (b"2".to_vec(), QoS::ExactlyOnce)];
        assert_eq!(got, sent, "in pieces of {piece}");
        assert_eq!(server.violations(), Vec::<String>::new());
    }
}

/// Polls a future `times` times, then drops it.
fn poll_and_drop<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
    }
    None
}

#[test]
fn a_loop_that_is_dropped_at_any_await_loses_and_doubles_nothing() {
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        for polls in 1..12 {
            let server = Server { piece: 3, hesitant: true, ..Server::new() };
            let session = Client::new(Inline::new());
            let (mut received, mut out) = ([0; 512], [0; 16]);
            let (reader, writer) = server.open();
            let inbox = Inbox::new(&mut received);
            let mut connection = Connection::open(&session, &options(), reader, writer, inbox, &mut out).unwrap();
            let mut got = Vec::new();
            let mut sent = 0u8;
            // Each time the loop is dropped after so many polls, and taken up again.
            for turn in 0.. {
                assert!(turn < 10_000, "{qos:?}, {polls} polls: only {got:?}");
                let ended = poll_and_drop(
                    connection.run(|event| {
                        match event {
                            Event::Connected(_) => {
                                session.with(|client| client.subscribe(&[everything()], Properties::EMPTY)).unwrap();
                            }
                            Event::Message(message) => got.push(message.payload[0]),
                            _ => {}
                        }
                        Continue::<()>(())
                    }),
                    polls,
                );
                assert!(ended.is_none(), "{ended:?}");
                if sent < 5 && session.with(|client| client.publish(&message(&[sent], qos)).is_ok()) {
                    sent += 1;
                }
                if got.len() == 5 && session.with(|client| client.figures(Default::default()).in_flight == 0) {
                    break;
                }
            }
            assert!(got.iter().copied().eq(0..5), "{qos:?}, {polls} polls: {got:?}");
            assert_eq!(server.violations(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_publish_that_is_dropped_cancels_nothing_and_gives_its_place_back() {
    for polls in 0..10 {
        let server = Server { piece: 5, hesitant: true, ..Server::new() };
        let session = Client::new(Inline::new());
        let (mut received, mut out) = ([0; 512], [0; 64]);
        let (reader, writer) = server.open();
        let inbox = Inbox::new(&mut received);
        let connection = Connection::open(&session, &options(), reader, writer, inbox, &mut out).unwrap();
        let tasks = async {
            while session.with(|client| !client.is_connected()) {
                Timer::after_millis(1).await;
            }
            // More than there are places.
            for _ in 0..9 {
                poll_and_drop(session.publish(&message(b"x", QoS::ExactlyOnce)), polls);
                Timer::after_millis(2).await;
            }
            session.publish(&message(b"last", QoS::ExactlyOnce)).await
        };
        match within(select(run_to_the_end(connection, |_| {}), tasks)) {
            Either::First(error) => panic!("{error}"),
            Either::Second(outcome) => assert_eq!(outcome, Ok(Outcome::Answered(ReasonCode::SUCCESS))),
        }
        assert_eq!(server.violations(), Vec::<String>::new());
    }
}

#[test]
fn a_connection_that_is_lost_is_resumed_and_qos_2_arrives_once() {
    let server = Server { piece: 1, ..Server::new() };
    let session = Client::new(Inline::new());
    let mut connected = options();
    for cut in 1..60 {
        let (mut received, mut out) = ([0; 512], [0; 16]);
        let (reader, writer) = server.open();
        let inbox = Inbox::new(&mut received);
        let mut connection = Connection::open(&session, &connected, reader, writer, inbox, &mut out).unwrap();
        (connected.packet.clean_start, connected.prior) = (false, Some(Prior::None));
        let mut publication = message(b"once", QoS::ExactlyOnce);
        publication.hold = true;
        let _ = session.with(|client| client.publish(&publication));
        poll_and_drop(connection.run(|_| Continue::<()>(())), cut * 3);
    }
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[test]
fn a_subscription_whose_connection_is_lost_is_told() {
    let server = Server::new();
    let session = Client::new(Inline::new());
    let (mut received, mut out) = ([0; 512], [0; 64]);
    let (reader, writer) = server.open();
    let inbox = Inbox::new(&mut received);
    let mut connection = Connection::open(&session, &options(), reader, writer, inbox, &mut out).unwrap();
    within(connection.run(|event| match event {
        Event::Connected(_) => Break(()),
        _ => Continue(()),
    }))
    .unwrap();
    let lost = async {
        Timer::after_millis(5).await;
        drop(connection);
    };
    let (outcome, ()) = within(join(session.subscribe(everything()), lost));
    assert_eq!(outcome, Ok(Outcome::Lost));
}

#[test]
fn what_can_never_fit_is_refused_and_not_waited_for() {
    let server = Server::new();
    let session = Client::new(Inline::new());
    let (mut received, mut out) = ([0; 512], [0; 64]);
    let (reader, writer) = server.open();
    let inbox = Inbox::new(&mut received);
    let mut connection = Connection::open(&session, &options(), reader, writer, inbox, &mut out).unwrap();
    let up = |event: Event<'_>| if matches!(event, Event::Connected(_)) { Break(()) } else { Continue(()) };
    within(connection.run(up)).unwrap();
    let refused = within(session.publish(&message(&[0; 4_000], QoS::AtLeastOnce)));
    assert!(matches!(refused, Err(Refused::Bytes { .. })), "{refused:?}");
}

#[test]
fn silence_and_refusals_are_told_in_time() {
    // A server that never answers CONNECT.
    let server = Server::new();
    let session = Client::new(Inline::new());
    let (mut received, mut out) = ([0; 512], [0; 64]);
    let mut quick = options();
    quick.timeout = 100;
    let (_reader, writer) = server.open();
    let (quiet, _writer) = Server { piece: 0, ..server.clone() }.open();
    let inbox = Inbox::new(&mut received);
    let start = Instant::now();
    let connection = Connection::open(&session, &quick, quiet, writer, inbox, &mut out).unwrap();
    let error = within(run_to_the_end(connection, |_| {}));
    assert!(matches!(error, Error::Fault(_)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));

    // One that breaks the standard: PINGRESP before CONNACK.
    let server = Server::new();
    let (mut received, mut out) = ([0; 512], [0; 64]);
    let (reader, writer) = server.open();
    server.broker.borrow_mut().send_raw(0, b"\xD0\x00");
    let inbox = Inbox::new(&mut received);
    let connection = Connection::open(&session, &options(), reader, writer, inbox, &mut out).unwrap();
    let error = within(run_to_the_end(connection, |_| {}));
    assert!(error.to_string().starts_with("the server broke the standard: Protocol Error (0x82)"), "{error}");
}

#[test]
fn an_idle_connection_is_kept_alive() {
    let server = Server::new();
    let session = Client::new(Inline::new());
    let (mut received, mut out) = ([0; 512], [0; 64]);
    let (reader, writer) = server.open();
    let inbox = Inbox::new(&mut received);
    let mut idle = options();
    idle.packet.keep_alive = 1;
    let mut connection = Connection::open(&session, &idle, reader, writer, inbox, &mut out).unwrap();
    let mut pongs = 0;
    let result: Result<(), _> = within(connection.run(|event| {
        pongs += usize::from(event == Event::Pong);
        if pongs == 2 { Break(()) } else { Continue(()) }
    }));
    assert_eq!(result, Ok(()));
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[test]
fn a_publish_whose_session_the_server_has_lost_is_told_on_the_next_connection() {
    let session = Client::new(Inline::new());
    let (first, second) = (Server { piece: 1, ..Server::new() }, Server::new());
    let (mut received, mut out) = ([0; 512], [0; 64]);
    let (reader, writer) = first.open();
    let mut connection =
        Connection::open(&session, &options(), reader, writer, Inbox::new(&mut received), &mut out).unwrap();
    let up = |event: Event<'_>| if matches!(event, Event::Connected(_)) { Break(()) } else { Continue(()) };
    within(connection.run(up)).unwrap();
    let publication = message(b"1", QoS::AtLeastOnce);
    let mut publishing = pin!(session.publish(&publication));
    assert!(poll_and_drop(publishing.as_mut(), 1).is_none());
    // Its bytes go out, then the link is lost.
    first.broker.borrow_mut().faults.hold_acknowledgements = true;
    poll_and_drop(connection.run(|_| Continue::<()>(())), 3);
    drop(connection);
    let (mut received, mut out) = ([0; 512], [0; 64]);
    let (reader, writer) = second.open();
    let mut again = options();
    (again.packet.clean_start, again.prior) = (false, Some(Prior::None));
    let connection = Connection::open(&session, &again, reader, writer, Inbox::new(&mut received), &mut out).unwrap();
    match within(select(run_to_the_end(connection, |_| {}), publishing)) {
        Either::First(error) => panic!("{error}"),
        Either::Second(outcome) => assert_eq!(outcome, Ok(Outcome::Lost)),
    }
}

/// A writer that holds back what it was given until it is flushed, which takes a while.
struct Buffered {
    held: usize,
    flushed: std::rc::Rc<core::cell::Cell<usize>>,
}

impl embedded_io_async::ErrorType for Buffered {
    type Error = core::convert::Infallible;
}

impl embedded_io_async::Write for Buffered {
    async fn write(&mut self, from: &[u8]) -> Result<usize, Self::Error> {
        self.held += from.len();
        Ok(from.len())
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        Timer::after_millis(20).await;
        self.flushed.set(self.flushed.get() + core::mem::take(&mut self.held));
        Ok(())
    }
}

#[test]
fn a_flush_that_was_dropped_is_made_up_for() {
    let session = Client::new(Inline::new());
    let (mut received, mut out) = ([0; 512], [0; 64]);
    let flushed = std::rc::Rc::<core::cell::Cell<usize>>::default();
    let writer = Buffered { held: 0, flushed: std::rc::Rc::clone(&flushed) };
    let (reader, _writer) = Server::new().open();
    let mut connection =
        Connection::open(&session, &options(), reader, writer, Inbox::new(&mut received), &mut out).unwrap();
    for wait in [5, 200] {
        let _ = block_on(with_timeout(Duration::from_millis(wait), connection.run(|_| Continue::<()>(()))));
    }
    assert!(flushed.get() > 12, "CONNECT went out");
}
