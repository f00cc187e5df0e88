//! What goes wrong on the way to a server, and there: one error that names the step and the cause, in bounded time. The servers
//! are threads of this process, which say a few bytes.

use core::time::Duration;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use crate::bad_servers::{ACCEPTED, Certificates, Server, Tls, answer, drain, read_packet, until_closed, web};
use crate::roads::fresh;
use crate::{Host, Outcome, Plan};

/// How long an attempt may take.
const LIMIT: Duration = Duration::from_secs(2);

/// How much longer than that it may be until the error is there, on a machine that has other things to do.
const GRACE: Duration = Duration::from_secs(8);

type Row = (&'static str, fn(&dyn Host) -> Outcome);

const ROWS: &[Row] = &[
    ("a name without an address", |host| {
        fails(host, "mqtt://nowhere.invalid", &["looking up mqtt://nowhere.invalid:1883"])
    }),
    ("a port where nobody listens", |host| {
        fails(host, "mqtt://127.0.0.1:1", &["opening a connection to mqtt://127.0.0.1:1", "refused"])
    }),
    ("a socket file that is not there", |host| {
        fails(host, "unix:/nowhere/mqtt.sock", &["opening a connection to unix:"])
    }),
    // Reserved for documentation: no route, or no answer.
    ("an address without a route", |host| {
        fails(host, "mqtt://192.0.2.1", &["opening a connection to mqtt://192.0.2.1:1883"])
    }),
    ("a server that accepts and says nothing", silent),
    ("a certificate of an unknown authority", |host| certificate(host, Tls::Good, false, "invalid peer certificate")),
    ("a certificate that has expired", |host| certificate(host, Tls::Expired, true, "expired")),
    ("a certificate for another name", |host| certificate(host, Tls::OtherName, true, "not valid for name")),
    ("TLS spoken to a plain port", tls_to_plain),
    ("plain MQTT spoken to a TLS port", plain_to_tls),
    ("HTTP 403 instead of an upgrade", forbidden),
    ("a wrong password, a ban, a busy server", refused),
    ("a server that hangs up", |host| {
        let server = Server::start(|mut stream| drop(read_packet(&mut stream)))?;
        fails(host, &server.url("mqtt"), &["MQTT connection to", "the server closed the connection"])
    }),
    ("a packet beyond our limits", beyond_limits),
    ("a message larger than the memory", too_large),
    ("a server that takes nothing, when the client is closed", takes_nothing),
    ("a clean end over TLS says so", clean_end_of_tls),
    ("a clean end over WebSocket says so", clean_end_of_web),
];

/// Runs every row that this host can have, and prints what came of it. Needs no broker.
///
/// # Errors
/// Which rows failed, and why.
pub fn run_bad_input(host: &dyn Host) -> Result<(), String> {
    let mut failed = Vec::new();
    for (name, test) in ROWS {
        let begun = Instant::now();
        let outcome = test(host);
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("{:9} {verdict:6} {:5.1} s  {name}", host.name(), begun.elapsed().as_secs_f32());
        if let Err(why) = outcome {
            failed.push(format!("{name}: {why}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn plan(url: &str) -> Plan {
    Plan {
        url: url.to_owned(),
        client_id: fresh("bad"),
        clean_start: true,
        session_expiry: 300,
        keep_alive: 60,
        patience: Duration::from_secs(5),
        connect_timeout: LIMIT,
        roots: None,
    }
}

fn fails(host: &dyn Host, url: &str, parts: &[&str]) -> Outcome {
    fails_as(host, &plan(url), parts)
}

/// There is no connection, for this reason, and soon.
fn fails_as(host: &dyn Host, plan: &Plan, parts: &[&str]) -> Outcome {
    if !plan.url.split(':').next().is_some_and(|scheme| host.speaks(scheme)) {
        return Ok(());
    }
    let begun = Instant::now();
    let Err(error) = host.open(plan) else { return Err("there is a connection".to_owned()) };
    if begun.elapsed() > LIMIT + GRACE {
        return Err(format!("it took {:?}: {error}", begun.elapsed()));
    }
    match parts.iter().find(|part| !error.contains(**part)) {
        Some(part) => Err(format!("{part:?} is not in {error:?}")),
        None => Ok(()),
    }
}

fn silent(host: &dyn Host) -> Outcome {
    let server = Server::start(|mut stream| drain(&mut stream))?;
    for (scheme, step) in [("mqtt", "MQTT connection to"), ("mqtts", "TLS handshake"), ("ws", "WebSocket handshake")] {
        fails(host, &server.url(scheme), &[step, "no answer within"])?;
    }
    Ok(())
}

fn certificate(host: &dyn Host, kind: Tls, believed: bool, part: &str) -> Outcome {
    let certificates = Certificates::new()?;
    let server = Server::start_tls(certificates.server(kind)?, |stream| answer(stream, ACCEPTED))?;
    let other = Certificates::new()?;
    let mut plan = plan(&server.url("mqtts"));
    plan.roots = Some(if believed { certificates.roots() } else { other.roots() });
    fails_as(host, &plan, &["TLS handshake with mqtts://127.0.0.1", "certificate", part])
}

fn tls_to_plain(host: &dyn Host) -> Outcome {
    let shy = Server::start(|mut stream| {
        let _ = std::io::Read::read(&mut stream, &mut [0]);
    })?;
    fails(host, &shy.url("mqtts"), &["TLS handshake"])?;
    let chatty = Server::start(|stream| answer(stream, b"220 ready\r\n"))?;
    fails(host, &chatty.url("mqtts"), &["TLS handshake", "does not speak TLS"])
}

fn plain_to_tls(host: &dyn Host) -> Outcome {
    let server = Server::start_tls(Certificates::new()?.server(Tls::Good)?, |stream| answer(stream, ACCEPTED))?;
    fails(host, &server.url("mqtt"), &["MQTT connection to", "mqtts://"])
}

fn forbidden(host: &dyn Host) -> Outcome {
    let server = Server::start(|mut stream| {
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        drain(&mut stream);
    })?;
    fails(host, &server.url("ws"), &["WebSocket handshake", "HTTP status 403"])
}

fn refused(host: &dyn Host) -> Outcome {
    const REASONS: [(u8, &str); 3] =
        [(0x86, "Bad User Name or Password (0x86)"), (0x8A, "Banned (0x8A)"), (0x89, "Server busy (0x89)")];
    for (reason, name) in REASONS {
        let server = Server::start(move |stream| answer(stream, &[0x20, 3, 0, reason, 0]))?;
        let url = server.url("mqtt").replace("//", "//ann:hunter2@");
        fails(host, &url, &["MQTT connection to", "the server refuses", name])?;
        if host.open(&plan(&url)).err().is_some_and(|error| error.contains("hunter2")) {
            return Err("the error shows the password".to_owned());
        }
    }
    Ok(())
}

fn beyond_limits(host: &dyn Host) -> Outcome {
    // PUBLISH, 200 MB long.
    let server =
        Server::start(|stream| answer(stream, &[ACCEPTED, &[0x30, 0x80, 0x84, 0xAF, 0x5F, 0, 1, b'a']].concat()))?;
    match host.open(&plan(&server.url("mqtt"))) {
        // It may be over before it is told that it began.
        Err(error) if error.contains("Packet too large (0x95)") => Ok(()),
        session => session?.lost(LIMIT + GRACE),
    }
}

fn too_large(host: &dyn Host) -> Outcome {
    let server = Server::start(|stream| answer(stream, ACCEPTED))?;
    let mut session = host.open(&plan(&server.url("mqtt")))?;
    match session.publish("t", &vec![0; 64 << 20], 1) {
        Err(error) if error.contains("does not fit") => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn takes_nothing(host: &dyn Host) -> Outcome {
    let (keep, _kept) = channel();
    let server = Server::start(move |mut stream| {
        let _ = read_packet(&mut stream);
        let _ = std::io::Write::write_all(&mut stream, ACCEPTED);
        // It stays open, and nobody reads.
        let _ = keep.send(stream);
    })?;
    let mut session = host.open(&plan(&server.url("mqtt")))?;
    for _ in 0..6 {
        session.publish("t", &vec![0; 100_000], 1)?;
    }
    let begun = Instant::now();
    let closed = session.close(Duration::from_millis(300));
    match (closed, begun.elapsed()) {
        (Err(error), took) if took < GRACE * 2 && error.contains("6 messages") => Ok(()),
        (closed, took) => Err(format!("{closed:?} after {took:?}")),
    }
}

fn clean_end_of_tls(host: &dyn Host) -> Outcome {
    let certificates = Certificates::new()?;
    let (tell, told) = channel();
    let server = Server::start_tls(certificates.server(Tls::Good)?, move |stream| {
        let _ = tell.send(until_closed(stream));
    })?;
    let mut plan = plan(&server.url("mqtts"));
    plan.roots = Some(certificates.roots());
    ends_cleanly(host, &plan, &told)
}

fn clean_end_of_web(host: &dyn Host) -> Outcome {
    let (tell, told) = channel();
    let server = Server::start(move |stream| {
        let _ = tell.send(web(stream));
    })?;
    ends_cleanly(host, &plan(&server.url("ws")), &told)
}

fn ends_cleanly(host: &dyn Host, plan: &Plan, told: &Receiver<Outcome>) -> Outcome {
    if !plan.url.split(':').next().is_some_and(|scheme| host.speaks(scheme)) {
        return Ok(());
    }
    host.open(plan)?.close(LIMIT)?;
    told.recv_timeout(GRACE).map_err(|_| "the server has not seen the end".to_owned())?
}
