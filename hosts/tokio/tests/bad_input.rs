//! What goes wrong on the way to a server: one error that names the step and the cause, in bounded time.

#![cfg(all(feature = "tls", feature = "websocket"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use core::time::Duration;
use std::time::Instant;

use mqtt5_tokio::rustls::CertificateError;
use mqtt5_tokio::{Builder, Cause, HostError, Step, TlsError};
use support::{ACCEPTED, Authority, answer, drain, fails, options, packet, serve};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

async fn fails_at(url: &str) -> HostError {
    fails(Builder::new(url).unwrap().options(options())).await
}

#[tokio::test]
async fn a_name_without_an_address() {
    let error = fails_at("mqtt://nowhere.invalid").await;
    assert_eq!(error.step, Step::LookUp, "{error}");
    assert!(error.to_string().starts_with("looking up mqtt://nowhere.invalid:1883: "), "{error}");
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let error = fails_at("mqtt://127.0.0.1:1").await;
    assert_eq!(error.to_string(), "opening a connection to mqtt://127.0.0.1:1: Connection refused (os error 111)");
}

#[tokio::test]
async fn a_socket_file_that_is_not_there() {
    let error = fails_at("unix:/nowhere/at/all.sock").await;
    assert_eq!(
        error.to_string(),
        "opening a connection to unix:/nowhere/at/all.sock: No such file or directory (os error 2)"
    );
}

#[tokio::test]
async fn an_address_without_a_route() {
    // Reserved for documentation: no route, or no answer.
    let mut options = options();
    options.connect_timeout = Duration::from_millis(300);
    let begun = Instant::now();
    let error = fails(Builder::new("mqtt://192.0.2.1").unwrap().options(options)).await;
    assert_eq!(error.step, Step::Open, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing() {
    let place = serve(|mut stream| async move { drain(&mut stream).await }).await;
    for (scheme, step) in [("mqtt", Step::Connect), ("mqtts", Step::Tls), ("ws", Step::WebSocket)] {
        let mut options = options();
        options.connect_timeout = Duration::from_millis(300);
        let begun = Instant::now();
        let error = fails(Builder::new(&format!("{scheme}://{place}")).unwrap().options(options)).await;
        assert_eq!(error.step, step, "{error}");
        assert!(matches!(error.cause, Cause::TimedOut(_)), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{scheme}");
    }
}

/// A server that speaks TLS.
async fn tls_server(config: std::sync::Arc<mqtt5_tokio::rustls::ServerConfig>) -> u16 {
    let serving = move |stream| {
        let acceptor = TlsAcceptor::from(config.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, ACCEPTED).await;
            }
        }
    };
    serve(serving).await.port()
}

fn certificate_error(error: &HostError) -> &CertificateError {
    match &error.cause {
        Cause::Tls(TlsError::Rustls(mqtt5_tokio::rustls::Error::InvalidCertificate(error))) => error,
        _ => panic!("{error}"),
    }
}

#[tokio::test]
async fn certificates_are_believed_only_where_they_should_be() {
    let authority = Authority::new();
    let port = tls_server(authority.server("localhost", |_| ())).await;
    let url = format!("mqtts://localhost:{port}");
    let client = |tls| Builder::new(&url).unwrap().options(options()).tls(tls);

    let (client_, _events) = client(authority.believed()).connect().await.unwrap();
    client_.close(Duration::from_secs(1)).await.unwrap();

    let error = fails(client(Authority::new().believed())).await;
    assert_eq!(error.step, Step::Tls);
    assert!(
        matches!(certificate_error(&error), CertificateError::UnknownIssuer | CertificateError::BadSignature),
        "{error}"
    );

    let error = fails(client(authority.believed().server_name("other.example").unwrap())).await;
    assert!(matches!(certificate_error(&error), CertificateError::NotValidForNameContext { .. }), "{error}");

    // The platform does not know this authority either.
    let error = fails(client(mqtt5_tokio::Tls::new())).await;
    assert_eq!(error.step, Step::Tls, "{error}");

    let (client_, _events) =
        client(mqtt5_tokio::Tls::new().dangerous_accept_any_certificate()).connect().await.unwrap();
    client_.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_has_expired() {
    let authority = Authority::new();
    let port =
        tls_server(authority.server("localhost", |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1))).await;
    let error =
        fails(Builder::new(&format!("mqtts://localhost:{port}")).unwrap().options(options()).tls(authority.believed()))
            .await;
    assert!(
        matches!(certificate_error(&error), CertificateError::Expired | CertificateError::ExpiredContext { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("TLS handshake with mqtts://localhost"), "{error}");
}

#[tokio::test]
async fn tls_spoken_to_a_plain_port() {
    let place = serve(|mut stream| async move {
        // As brokers do: what is no MQTT is hung up on.
        tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap();
    })
    .await;
    let error = fails_at(&format!("mqtts://{place}")).await;
    assert_eq!(error.step, Step::Tls, "{error}");
    // And as a server does that speaks first.
    let place = serve(|stream| async move { answer(stream, b"220 ready\r\n").await }).await;
    let error = fails_at(&format!("mqtts://{place}")).await;
    assert!(matches!(error.cause, Cause::WrongProtocol(_)), "{error}");
}

#[tokio::test]
async fn plain_mqtt_spoken_to_a_tls_port() {
    let port = tls_server(Authority::new().server("localhost", |_| ())).await;
    let error = fails_at(&format!("mqtt://127.0.0.1:{port}")).await;
    assert_eq!(error.step, Step::Connect, "{error}");
    assert!(error.to_string().contains("mqtts://"), "{error}");
}

#[tokio::test]
async fn http_403_instead_of_an_upgrade() {
    let place = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
        drain(&mut stream).await;
    })
    .await;
    let error = fails_at(&format!("ws://{place}/mqtt")).await;
    assert_eq!(
        error.to_string(),
        format!("WebSocket handshake with ws://{place}/mqtt: HTTP status 403 instead of the upgrade to WebSocket")
    );
}

#[tokio::test]
async fn a_server_that_refuses_and_why() {
    for (reason, text) in
        [(0x86u8, "Bad User Name or Password (0x86)"), (0x8A, "Banned (0x8A)"), (0x89, "Server busy (0x89)")]
    {
        let place = serve(move |stream| async move { answer(stream, &[0x20, 3, 0, reason, 0]).await }).await;
        let error = fails_at(&format!("mqtt://ann:hunter2@{place}")).await;
        assert_eq!(error.to_string(), format!("MQTT connection to mqtt://{place}: the server refuses: {text}"));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_server_that_hangs_up() {
    let place = serve(|mut stream| async move { drop(packet(&mut stream).await) }).await;
    let error = fails_at(&format!("mqtt://{place}")).await;
    assert_eq!(error.to_string(), format!("MQTT connection to mqtt://{place}: the server closed the connection"));
}

#[tokio::test]
async fn a_packet_beyond_our_limits_ends_the_connection_and_takes_no_memory() {
    let place = serve(|stream| async move {
        // PUBLISH, 200 MB long.
        answer(stream, &[ACCEPTED, &[0x30, 0x80, 0x84, 0xAF, 0x5F, 0, 1, b'a']].concat()).await;
    })
    .await;
    let mut options = options();
    options.reconnect = mqtt5_tokio::Reconnect::never();
    let (client, _events) = Builder::new(&format!("mqtt://{place}")).unwrap().options(options).spawn();
    let error = tokio::time::timeout(Duration::from_secs(5), client.ended()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("Packet too large (0x95)"), "{error}");
}

#[tokio::test]
async fn credentials_that_fail_or_take_too_long() {
    let place = serve(|stream| async move { answer(stream, ACCEPTED).await }).await;
    let url = format!("mqtt://{place}");
    let builder = || Builder::new(&url).unwrap().options(options());
    let error = fails(builder().credentials(|_| async { Err("no token today".into()) })).await;
    assert_eq!(error.to_string(), format!("asking for credentials for {url}: no token today"));
    let mut short = options();
    short.connect_timeout = Duration::from_millis(100);
    let error = fails(builder().options(short).credentials(|_| core::future::pending())).await;
    assert_eq!(error.to_string(), format!("asking for credentials for {url}: no answer within 100ms"));
}

#[tokio::test]
async fn each_address_is_tried() {
    let place = serve(|stream| async move { answer(stream, ACCEPTED).await }).await;
    let builder = Builder::new("mqtt://127.0.0.1:1").unwrap().and("mqtt://nowhere.invalid").unwrap();
    let (client, _events) =
        builder.and(&format!("mqtt://{place}")).unwrap().options(options()).connect().await.unwrap();
    assert!(client.is_connected());
}

#[tokio::test]
async fn a_url_that_is_none() {
    let error = mqtt5_tokio::connect("http://host", options()).await.map(drop).unwrap_err();
    assert_eq!(error.to_string(), "configuring a connection to a server: http: is none of mqtt: mqtts: ws: wss: unix:");
}
