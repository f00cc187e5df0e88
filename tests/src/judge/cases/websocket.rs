//! MQTT over WebSocket (section 6): binary frames, which need not be packets, and the subprotocol `mqtt`.

use core::time::Duration;
use std::io::ErrorKind;
use std::net::TcpStream;

use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Error, Message, WebSocket};

use super::{Case, case};
use crate::judge::talk::{Talk, Try, lacks, lost};

pub(super) const CASES: &[Case] = &[
    case("the subprotocol", &["MQTT-6.0.0-4"], subprotocol),
    case("WebSocket frames and packets", &["MQTT-6.0.0-1", "MQTT-6.0.0-2"], frames),
    case("a text frame", &["MQTT-6.0.0-1"], text_frame),
];

const PINGREQ: &[u8] = &[0xC0, 0];

type Socket = WebSocket<TcpStream>;

/// Opens a WebSocket that offers `mqtt`; returns it with the subprotocol that the server chose.
fn open(talk: &Talk<'_>) -> Try<(Socket, Option<String>)> {
    let url = talk.known.websocket.clone();
    let url = url.ok_or_else(|| lacks("pass --websocket, the ws:// URL at which the server speaks MQTT"))?;
    let mut request = url.into_client_request().map_err(|error| lacks(error.to_string()))?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
    let host = request.uri().host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = request.uri().port_u16().unwrap_or(80);
    let stream = TcpStream::connect((&*host, port)).map_err(|error| lost(format!("no connection: {error}")))?;
    let patience = Duration::from_millis(talk.patience());
    let _ = stream.set_read_timeout(Some(patience));
    let _ = stream.set_write_timeout(Some(patience));
    match tungstenite::client(request, stream) {
        Ok((socket, answer)) => {
            let chosen = answer.headers().get("Sec-WebSocket-Protocol").and_then(|chosen| chosen.to_str().ok());
            Ok((socket, chosen.map(str::to_owned)))
        }
        Err(error) => Err(lost(format!("no WebSocket: {error}"))),
    }
}

fn subprotocol(talk: &mut Talk<'_>) -> Try<()> {
    let chosen = match open(talk) {
        Ok((_, chosen)) => chosen,
        // The library itself refuses an answer without the subprotocol, or with another one.
        Err(stop) if stop.why().contains("SubProtocol") || stop.why().contains("subprotocol") => {
            talk.see("MQTT-6.0.0-4", false, "the subprotocol mqtt", || stop.why().to_owned());
            return Ok(());
        }
        Err(stop) => return Err(stop),
    };
    talk.see("MQTT-6.0.0-4", chosen.as_deref() == Some("mqtt"), "the subprotocol mqtt", || {
        chosen.clone().unwrap_or_else(|| "no subprotocol".to_owned())
    });
    Ok(())
}

/// What came, packets of any number of frames; whether all frames were binary; and whether the server closed.
fn answers(socket: &mut Socket, wanted: usize) -> (Vec<u8>, bool, bool) {
    let (mut bytes, mut binary) = (Vec::new(), true);
    while bytes.len() < wanted {
        match socket.read() {
            Ok(Message::Binary(frame)) => bytes.extend_from_slice(&frame),
            Ok(Message::Text(_)) => binary = false,
            Ok(Message::Close(_)) => return (bytes, binary, true),
            Ok(_) => {}
            Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(_) => return (bytes, binary, true),
        }
    }
    (bytes, binary, false)
}

/// CONNECT as bytes.
fn connect(talk: &mut Talk<'_>, name: &str) -> Vec<u8> {
    let name = talk.client_id(name);
    let user = talk.known.user.clone();
    let connect = mqtt5_codec::Connect {
        clean_start: true,
        keep_alive: 60,
        properties: mqtt5_codec::Properties::EMPTY,
        client_id: mqtt5_codec::Text::new(&name).unwrap_or(mqtt5_codec::Text::EMPTY),
        will: None,
        user_name: user.as_ref().and_then(|(user, _)| mqtt5_codec::Text::new(user).ok()),
        password: user.as_ref().map(|(_, password)| password.as_bytes()),
    };
    let mut out = crate::broker::Buffer::default();
    let _ = mqtt5_codec::Packet::Connect(connect).encode(mqtt5_codec::Sender::Client, &mut out);
    out.0
}

fn send(socket: &mut Socket, bytes: &[u8]) -> Try<()> {
    socket.send(Message::Binary(bytes.to_vec().into())).map_err(|error| lost(error.to_string()))
}

fn frames(talk: &mut Talk<'_>) -> Try<()> {
    let (mut socket, _) = open(talk)?;
    let connect = connect(talk, "frames");
    // CONNECT in two frames, then two packets in one.
    let (one, other) = connect.split_at(connect.len() / 2);
    send(&mut socket, one)?;
    send(&mut socket, other)?;
    let (connack, binary, _) = answers(&mut socket, 4);
    let taken = connack.first() == Some(&0x20);
    talk.see("MQTT-6.0.0-2", taken, "CONNACK to a CONNECT in two frames", || crate::report::brief(&connack));
    if !taken {
        return Ok(());
    }
    talk.see("MQTT-6.0.0-1", binary, "binary frames", || "a text frame".to_owned());
    send(&mut socket, &[PINGREQ, PINGREQ].concat())?;
    let (pings, binary, _) = answers(&mut socket, 4);
    let both = pings == [0xD0, 0, 0xD0, 0];
    talk.see("MQTT-6.0.0-2", both, "PINGRESP twice to two PINGREQ in one frame", || crate::report::brief(&pings));
    talk.see("MQTT-6.0.0-1", binary, "binary frames", || "a text frame".to_owned());
    Ok(())
}

fn text_frame(talk: &mut Talk<'_>) -> Try<()> {
    let (mut socket, _) = open(talk)?;
    let connect = connect(talk, "text");
    send(&mut socket, &connect)?;
    let (connack, ..) = answers(&mut socket, 4);
    if connack.first() != Some(&0x20) {
        return Err(lost("no CONNACK"));
    }
    socket.send(Message::Text("x".into())).map_err(|error| lost(error.to_string()))?;
    let (said, _, closed) = answers(&mut socket, usize::MAX);
    talk.see("MQTT-6.0.0-1", closed, "the end of the connection at a text frame", || {
        format!("it is open, and {} bytes came", said.len())
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use tungstenite::handshake::server::{Request, Response};

    use super::*;
    use crate::broker::Broker;
    use crate::judge::run;
    use crate::judge::server::Modelled;
    use crate::judge::talk::Known;
    use crate::report::Report;

    /// A server that answers CONNECT and PINGREQ over WebSocket, and breaks a statement, or none.
    fn server(breaks: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/mqtt", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream, breaks));
            }
        });
        url
    }

    #[expect(clippy::result_large_err, reason = "the library's own type")]
    fn serve(stream: TcpStream, breaks: &str) {
        let choose = |_: &Request, mut answer: Response| {
            let chosen = HeaderValue::from_static(if breaks == "MQTT-6.0.0-4" { "other" } else { "mqtt" });
            answer.headers_mut().insert("Sec-WebSocket-Protocol", chosen);
            Ok(answer)
        };
        let Ok(mut socket) = tungstenite::accept_hdr(stream, choose) else { return };
        let mut unread = Vec::new();
        while let Ok(message) = socket.read() {
            match message {
                Message::Binary(frame) => unread.extend_from_slice(&frame),
                Message::Text(_) if breaks != "MQTT-6.0.0-1" => return,
                _ => continue,
            }
            if breaks == "MQTT-6.0.0-2" && unread.get(1).is_some_and(|len| usize::from(*len) + 2 != unread.len()) {
                unread.clear(); // It takes a frame for a packet.
            }
            while let [first, len, ..] = unread[..] {
                if unread.len() < usize::from(len) + 2 {
                    break;
                }
                unread.drain(..usize::from(len) + 2);
                let answer: &[u8] = if first == 0x10 { &[0x20, 3, 0, 0, 0] } else { &[0xD0, 0] };
                let _ = socket.send(Message::Binary(answer.to_vec().into()));
            }
        }
    }

    fn judged(breaks: &'static str) -> Report {
        let known = Known { websocket: Some(server(breaks)), ..Known::default() };
        let mut report = Report::default();
        for case in CASES {
            report.merge(run::one(case, &mut Modelled::new(Broker::new()), &known, "t", 5));
        }
        report
    }

    #[test]
    fn a_server_that_breaks_a_statement_on_websocket_is_caught_at_it_and_at_nothing_else() {
        let report = judged("nothing");
        assert_eq!(report.counts().pass, 3, "{}", report.text());
        for breaks in ["MQTT-6.0.0-1", "MQTT-6.0.0-2", "MQTT-6.0.0-4"] {
            let report = judged(breaks);
            assert!(report.fails(breaks), "{breaks}: {}", report.text());
            assert_eq!(report.counts().fail, 1, "{breaks}: {}", report.text());
        }
    }
}
