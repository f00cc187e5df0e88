//! What is particular to this host: streams of one's own, a loop driven by the caller, tasks that are cancelled.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use mqtt5_tokio::{Builder, HostEvent, Offline, Options, Outbound, Outcome};
use support::{ACCEPTED, packet};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

/// A client on an in-memory stream with room for so many bytes, and the server's end of it.
fn on_stream(options: Options, room: usize) -> (Builder, tokio::sync::mpsc::Receiver<DuplexStream>) {
    let (ends, streams) = tokio::sync::mpsc::channel(8);
    let builder = Builder::new("mqtt://in.memory").unwrap().options(options).stream(move |_attempt| {
        let (ours, theirs) = duplex(room);
        let ends = ends.clone();
        async move {
            ends.send(theirs).await.map_err(io::Error::other)?;
            Ok(ours)
        }
    });
    (builder, streams)
}

/// Answers CONNECT, and every PUBLISH of QoS 1, whose payloads it collects.
async fn acknowledge(mut stream: DuplexStream, payloads: Arc<Mutex<Vec<String>>>) {
    loop {
        let packet = packet(&mut stream).await;
        let answer = match packet.first() {
            Some(0x10) => ACCEPTED.to_vec(),
            Some(0x32 | 0x3A) => {
                // Topic `t`, no properties.
                let at = if packet[1] < 128 { 2 } else { 3 };
                payloads.lock().unwrap().push(String::from_utf8_lossy(&packet[at + 6..]).into_owned());
                vec![0x40, 2, packet[at + 3], packet[at + 4]]
            }
            Some(_) => continue,
            None => return,
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn message(payload: impl Into<String>) -> Outbound<'static, String> {
    Outbound::new("t", payload.into()).at_least_once()
}

#[tokio::test]
async fn any_stream_will_do() {
    let (builder, mut streams) = on_stream(support::options(), 1 << 16);
    let payloads = Arc::default();
    let (client, _events) = builder.spawn();
    tokio::spawn(acknowledge(streams.recv().await.unwrap(), Arc::clone(&payloads)));
    let outcome = client.publish(message("1")).await.unwrap().await;
    assert!(outcome.is_success());
    client.close(SOON).await.unwrap();
    assert_eq!(*payloads.lock().unwrap(), ["1"]);
}

#[tokio::test]
async fn the_caller_may_drive_the_loop_itself() {
    let (builder, mut streams) = on_stream(support::options(), 1 << 16);
    let (client, _events, work) = builder.driver();
    let mut work = pin!(work);
    let using = async {
        tokio::spawn(acknowledge(streams.recv().await.unwrap(), Arc::default()));
        let outcome = client.publish(message("1")).await.unwrap().await;
        client.close(SOON).await.unwrap();
        outcome
    };
    let (outcome, ()) = tokio::join!(using, &mut work);
    assert_eq!(outcome, Outcome::Acknowledged(mqtt5_tokio::codec::ReasonCode::SUCCESS));
}

#[test]
fn it_runs_on_one_thread_and_without_a_task() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (builder, mut streams) = on_stream(support::options(), 64);
        let (client, _events, work) = builder.driver();
        let server = async { acknowledge(streams.recv().await.unwrap(), Arc::default()).await };
        let using = async {
            for n in 0..100 {
                assert!(client.publish(message(n.to_string())).await.unwrap().await.is_success());
            }
            client.close(SOON).await.unwrap();
        };
        tokio::join!(using, work, server);
    });
}

#[test]
fn what_is_spawned_can_be_sent() {
    fn sent<T: Send + 'static>(_: &T) {}
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (builder, _streams) = on_stream(support::options(), 64);
        let (client, events, work) = builder.driver();
        sent(&client);
        sent(&events);
        sent(&work);
        sent(&client.subscribe("a"));
        sent(&client.close(SOON));
    });
}

#[tokio::test]
async fn a_task_that_is_cancelled_in_mid_write_loses_and_doubles_nothing() {
    // The stream takes 7 bytes at a time, so a message is written in many pieces; tasks are aborted at any of them.
    let (builder, mut streams) = on_stream(support::options(), 7);
    let payloads: Arc<Mutex<Vec<String>>> = Arc::default();
    let (client, _events) = builder.spawn();
    tokio::spawn(acknowledge(streams.recv().await.unwrap(), Arc::clone(&payloads)));
    client.connected().await.unwrap();
    for n in 0..200u32 {
        let client = client.clone();
        let accepted = Arc::new(Mutex::new(false));
        let told = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            let acknowledgement = client.publish(message(format!("{n} {}", "x".repeat(50)))).await.unwrap();
            *told.lock().unwrap() = true;
            acknowledgement.await
        });
        for _ in 0..n % 40 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let _ = task.await;
        if !*accepted.lock().unwrap() {
            // It was never accepted, so it must not arrive.
            payloads.lock().unwrap().push(format!("{n} not accepted"));
        }
    }
    timeout(SOON, client.close(SOON)).await.unwrap().unwrap();
    let mut numbers: Vec<u32> =
        payloads.lock().unwrap().iter().map(|payload| payload.split(' ').next().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

/// Polls a future `polls` times, with other tasks running in between, then drops it. Its output, if it was ready.
async fn poll_and_drop<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        let polled = core::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test]
async fn every_future_may_be_dropped_after_any_number_of_polls() {
    let (mut unconnected, mut unpublished, mut unanswered) = (0, 0, 0);
    for polls in 0..16 {
        let (builder, mut streams) = on_stream(support::options(), 16);
        // Connecting: dropped, it leaves no task behind.
        let server = tokio::spawn(async move {
            let mut served = Vec::new();
            while let Some(stream) = streams.recv().await {
                let payloads = Arc::default();
                served.push(Arc::clone(&payloads));
                acknowledge(stream, payloads).await;
            }
            served.iter().map(|payloads: &Arc<Mutex<Vec<String>>>| payloads.lock().unwrap().len()).sum::<usize>()
        });
        let connected = poll_and_drop(builder.connect(), polls).await;
        let mut published = 0;
        if let Some(Ok((client, events))) = connected {
            if let Some(Ok(acknowledgement)) = poll_and_drop(client.publish(message("1")), polls).await {
                published += 1;
                unanswered += usize::from(poll_and_drop(acknowledgement, polls).await.is_none());
            } else {
                unpublished += 1;
            }
            poll_and_drop(client.close(SOON), polls).await;
            timeout(SOON, client.ended()).await.unwrap().unwrap();
            drop(events);
        } else {
            unconnected += 1;
        }
        // The client is gone, and with it what opened streams: the server ends.
        let arrived = timeout(SOON, server).await.unwrap().unwrap();
        assert_eq!(arrived, published, "{polls}");
    }
    // Futures were dropped at each of these points, and not at all.
    assert!(unconnected > 0 && unconnected < 16, "{unconnected}, {unpublished}, {unanswered}");
}

#[tokio::test]
async fn a_server_that_reads_only_when_it_is_read_is_not_waited_for_in_a_write() {
    // The server first sends more than the stream holds, and reads nothing before that is taken.
    let (builder, mut streams) = on_stream(support::options(), 256);
    let (client, _events) = builder.spawn();
    let mut stream = streams.recv().await.unwrap();
    tokio::spawn(async move {
        packet(&mut stream).await;
        stream.write_all(ACCEPTED).await.unwrap();
        for _ in 0..1_000 {
            stream.write_all(b"\x30\x08\x00\x01a\x00hello").await.unwrap();
        }
        support::drain(&mut stream).await;
    });
    for _ in 0..100 {
        drop(client.publish(Outbound::new("t", vec![0; 100])).await.unwrap());
    }
    timeout(SOON, client.close(SOON)).await.unwrap().unwrap();
}

#[tokio::test]
async fn publishing_from_the_loop_that_takes_messages_does_not_stand_still() {
    // As many answers as messages, in memory for very few of either.
    let mut options = support::options();
    options.receive_maximum = 2.try_into().unwrap();
    options.send_bytes = 1 << 10;
    let (builder, mut streams) = on_stream(options, 64);
    let (client, mut events) = builder.spawn();
    let (mut reading, mut writing) = tokio::io::split(streams.recv().await.unwrap());
    let (acks, mut acked) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        loop {
            let packet = packet(&mut reading).await;
            if packet.is_empty() || acks.send(packet).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        let (mut sent, mut open) = (0u16, 0);
        while let Some(packet) = acked.recv().await {
            match packet[0] {
                0x10 => writing.write_all(ACCEPTED).await.unwrap(),
                0x32 => writing.write_all(&[0x40, 2, packet[5], packet[6]]).await.unwrap(),
                0x40 => open -= 1,
                _ => {}
            }
            while open < 2 && sent < 300 {
                (sent, open) = (sent + 1, open + 1);
                let [high, low] = sent.to_be_bytes();
                writing.write_all(&[0x32, 6, 0, 1, b'a', high, low, 0]).await.unwrap();
            }
        }
    });
    let mut answered = 0;
    while answered < 300 {
        let event = timeout(SOON, events.next()).await.unwrap().unwrap();
        if let HostEvent::Message(_) = event {
            // Both the room and the acknowledgement are waited for, here.
            assert!(timeout(SOON, client.publish(message("answer")).await.unwrap()).await.unwrap().is_success());
            answered += 1;
        }
    }
}

/// A stream whose writes all fail.
struct Broken(DuplexStream);

impl AsyncRead for Broken {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, to)
    }
}

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_stream_that_breaks_is_an_error_with_its_cause() {
    let builder = Builder::new("mqtt://in.memory").unwrap().options(support::options());
    let (ours, _theirs) = duplex(64);
    let mut ours = Some(ours);
    let builder = builder.stream(move |_| {
        let stream = ours.take();
        async move { stream.map(Broken).ok_or_else(|| io::Error::other("there was one only")) }
    });
    let error = builder.connect().await.map(drop).unwrap_err();
    assert_eq!(error.to_string(), "MQTT connection to mqtt://in.memory:1883: broken pipe");
}

#[tokio::test]
async fn offline_a_client_can_be_used_and_closed() {
    let builder = Builder::new("mqtt://127.0.0.1:1").unwrap().offline(Offline::Queue { bytes: 1 << 10 });
    let (client, _events) = builder.spawn();
    let acknowledgement = client.publish(message("1")).await.unwrap();
    let error = timeout(SOON, client.close(Duration::from_millis(100))).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "taking leave of the server: 1 messages were not acknowledged in time");
    assert_eq!(acknowledgement.await, Outcome::Closed);
}
