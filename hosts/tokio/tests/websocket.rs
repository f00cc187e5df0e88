//! MQTT over WebSocket: the four statements of section 6.

#![cfg(feature = "websocket")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err, reason = "a test may panic")]

mod support;

use core::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use mqtt5_tokio::{Builder, Cause, HostError, Outbound, Reconnect, Step};
use support::{ACCEPTED, fails, options, serve};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

type Socket = WebSocketStream<TcpStream>;

/// Accepts a WebSocket, and says which subprotocols were offered. It selects `select`.
async fn accept(stream: TcpStream, select: Option<&'static str>) -> (Socket, String) {
    let mut offered = String::new();
    let select = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let protocols = request.headers().get("sec-websocket-protocol");
        offered = protocols.map_or("", |value| value.to_str().unwrap()).to_owned();
        if let Some(select) = select {
            response.headers_mut().append("sec-websocket-protocol", select.parse().unwrap());
        }
        Ok(response)
    };
    let socket = accept_hdr_async(stream, select).await.unwrap();
    (socket, offered)
}

async fn next(socket: &mut Socket) -> Option<Message> {
    core::future::poll_fn(|context| core::pin::Pin::new(&mut *socket).poll_next(context)).await.and_then(Result::ok)
}

async fn send(socket: &mut Socket, message: Message) {
    let mut message = Some(message);
    core::future::poll_fn(|context| {
        let mut socket = core::pin::Pin::new(&mut *socket);
        if message.is_some() {
            core::task::ready!(socket.as_mut().poll_ready(context)).unwrap();
            socket.as_mut().start_send(message.take().unwrap()).unwrap();
        }
        socket.poll_flush(context)
    })
    .await
    .unwrap();
}

fn binary(bytes: &[u8]) -> Message {
    Message::Binary(Bytes::copy_from_slice(bytes))
}

#[tokio::test]
async fn mqtt_6_0_0_1_packets_are_sent_in_binary_frames() {
    let place = serve(|stream| async {
        let (mut socket, _) = accept(stream, Some("mqtt")).await;
        let Some(Message::Binary(connect)) = next(&mut socket).await else { panic!("not binary") };
        assert_eq!(connect.first(), Some(&0x10));
        send(&mut socket, binary(ACCEPTED)).await;
        let Some(Message::Binary(publish)) = next(&mut socket).await else { panic!("not binary") };
        send(&mut socket, binary(&[0x40, 2, 0, 1])).await;
        assert_eq!(publish.first(), Some(&0x32));
        while next(&mut socket).await.is_some() {}
    })
    .await;
    let (client, _events) = mqtt5_tokio::connect(&format!("ws://{place}"), options()).await.unwrap();
    let answer = client.publish(Outbound::new("a", "b").at_least_once()).await.unwrap().await;
    assert!(answer.is_success(), "{answer:?}");
    client.close(Duration::from_secs(2)).await.unwrap();
}

#[tokio::test]
async fn mqtt_6_0_0_1_a_text_frame_ends_the_connection() {
    let place = serve(|stream| async {
        let (mut socket, _) = accept(stream, Some("mqtt")).await;
        next(&mut socket).await;
        send(&mut socket, binary(ACCEPTED)).await;
        send(&mut socket, Message::Text("hello".into())).await;
        while next(&mut socket).await.is_some() {}
    })
    .await;
    let error = ends(&format!("ws://{place}")).await;
    assert!(error.to_string().contains("[MQTT-6.0.0-1]"), "{error}");
}

/// The error by which a client ends that connects once.
async fn ends(url: &str) -> HostError {
    let builder = Builder::new(url).unwrap().options(options()).reconnect(Reconnect::never());
    let (client, _events) = builder.spawn();
    tokio::time::timeout(Duration::from_secs(5), client.ended()).await.unwrap().unwrap_err()
}

#[tokio::test]
async fn mqtt_6_0_0_2_packets_begin_and_end_anywhere_in_frames() {
    let place = serve(|stream| async {
        let (mut socket, _) = accept(stream, Some("mqtt")).await;
        next(&mut socket).await;
        // CONNACK in pieces, an empty frame between; two packets and a half in one frame; a ping of the WebSocket.
        for byte in ACCEPTED {
            send(&mut socket, binary(&[*byte])).await;
            send(&mut socket, binary(&[])).await;
        }
        next(&mut socket).await;
        send(&mut socket, Message::Ping(Bytes::from_static(b"?"))).await;
        let publish = b"\x30\x08\x00\x01a\x02\x0B\x01hi";
        send(&mut socket, binary(&[&[0x90, 4, 0, 1, 0, 2], &publish[..], &publish[..4]].concat())).await;
        send(&mut socket, binary(&publish[4..])).await;
        while next(&mut socket).await.is_some() {}
    })
    .await;
    let (client, _events) = mqtt5_tokio::connect(&format!("ws://{place}"), options()).await.unwrap();
    let mut messages = client.subscribe("a").await.unwrap();
    for _ in 0..2 {
        assert_eq!(messages.next().await.unwrap().payload(), "hi");
    }
}

#[tokio::test]
async fn mqtt_6_0_0_3_the_subprotocol_mqtt_is_offered() {
    let place = serve(|stream| async {
        let (mut socket, offered) = accept(stream, Some("mqtt")).await;
        next(&mut socket).await;
        let reason = if offered == "mqtt" { 0x97 } else { 0x80 };
        send(&mut socket, binary(&[0x20, 3, 0, reason, 0])).await;
        while next(&mut socket).await.is_some() {}
    })
    .await;
    let error = fails(Builder::new(&format!("ws://{place}")).unwrap().options(options())).await;
    assert_eq!(error.reason().map(|reason| reason.value()), Some(0x97), "{error}");
}

#[tokio::test]
async fn mqtt_6_0_0_4_another_subprotocol_or_none_is_refused() {
    for select in [Some("chat"), None] {
        let place = serve(move |stream| async move {
            let (mut socket, _) = accept(stream, select).await;
            while next(&mut socket).await.is_some() {}
        })
        .await;
        let error = fails(Builder::new(&format!("ws://{place}")).unwrap().options(options())).await;
        assert_eq!(error.step, Step::WebSocket, "{error}");
        assert!(matches!(error.cause, Cause::WebSocket(_)), "{error}");
    }
}

#[tokio::test]
async fn a_header_of_the_application_and_the_path_are_sent() {
    let place = serve(|stream| async {
        let check = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            assert_eq!(request.uri().to_string(), "/a/b?c=d");
            assert_eq!(request.headers().get("authorization").unwrap(), "Bearer x");
            response.headers_mut().append("sec-websocket-protocol", "mqtt".parse().unwrap());
            Ok(response)
        };
        let mut socket = accept_hdr_async(stream, check).await.unwrap();
        next(&mut socket).await;
        send(&mut socket, binary(ACCEPTED)).await;
        while next(&mut socket).await.is_some() {}
    })
    .await;
    let builder = Builder::new(&format!("ws://{place}/a/b?c=d")).unwrap().websocket_header("Authorization", "Bearer x");
    assert!(builder.options(options()).connect().await.is_ok());
}
