use core::time::Duration;
use std::io::{Error, ErrorKind, Read, Result, Write};

use mqtt5_session::{Client, Event, Inbox, Input, Instant, Memory};

/// Hosts a client that has been told to `connect`, until the connection is over. It is `Ok` if we took leave; a server that
/// refuses or ends the connection is an error of its own kind, and so is what it did wrong.
pub fn host<M: Memory, S: Read + Write>(
    client: &mut Client<M>,
    inbox: &mut Inbox<'_>,
    stream: &mut S,
    set_read_timeout: impl Fn(&S, Option<Duration>) -> Result<()>, // `TcpStream::set_read_timeout`, for one
    now: impl Fn() -> Instant,
    mut on: impl FnMut(Event<'_>, &mut Client<M>), // may publish, subscribe, disconnect
) -> Result<()> {
    let (mut burst, mut copied, mut armed) = ([0; 4096], 0, Some(0));
    let mut turn = || {
        // First all that was read: what there is to say to it piles up, and goes out in one piece.
        let input = client.handle_input(inbox, now());
        if let Ok(Input::Event(event)) = input {
            on(event, client);
            return match event {
                Event::Rejected(packet) => Err(Error::new(ErrorKind::ConnectionRefused, packet.reason.to_string())),
                Event::Disconnected(packet) => Err(Error::new(ErrorKind::ConnectionAborted, packet.reason.to_string())),
                _ => Ok(true),
            };
        }
        let before = copied;
        copied += client.transmit_into(&mut burst[copied..]);
        if matches!(input, Ok(Input::Blocked)) && copied > before {
            return Ok(true); // there is room for more answers now
        }
        while copied > 0 {
            let mut rest = &burst[..copied];
            while !rest.is_empty() {
                match stream.write(rest) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(n) => {
                        client.transmitted(n, now());
                        rest = &rest[n..];
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            copied = client.transmit_into(&mut burst);
        }
        stream.flush()?;
        if client.is_closed() {
            return Ok(false);
        }
        if let Ok(Input::Partial { .. }) = input {
            // Waits for a byte, but not beyond the session's next deadline. To the power of two below, which seldom changes.
            let wait = client.poll_timeout().map(|due| 1 << now().until(due).max(1).ilog2());
            if wait != armed {
                set_read_timeout(stream, wait.map(Duration::from_millis))?;
                armed = wait;
            }
            match stream.read(inbox.spare()) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => inbox.filled(n),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                }
                Err(error) => return Err(error),
            }
        }
        let _ = client.handle_timeout(now()); // a fault closes the session, and is kept in `client.fault()`
        Ok(true)
    };
    let ended = loop {
        match turn() {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    client.handle_close(now());
    client.fault().map_or(ended, |fault| Err(Error::other(fault)))
}
