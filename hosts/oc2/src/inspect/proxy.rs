//! A live connection: whoever connects here is connected to a broker, and what passes is shown.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use mqtt5_codec::Sender;

use super::stream::{Connection, Judging};
use super::{Inspector, Label};
use crate::INTERRUPTED;
use crate::cli::{BrokerUrl, Inspect};

/// How long the broker may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes are passed on so many at a time.
const CHUNK: usize = 64 << 10;

/// Serves until Ctrl-C.
pub(crate) fn run(listen: SocketAddr, to: &BrokerUrl, inspector: Inspector, inspect: &Inspect) -> ExitCode {
    match serve(listen, to, inspector, inspect) {
        Ok(never) => never,
        Err(why) => {
            anstream::eprintln!("oc2: {why}");
            ExitCode::FAILURE
        }
    }
}

fn serve(listen: SocketAddr, to: &BrokerUrl, inspector: Inspector, inspect: &Inspect) -> Result<ExitCode, String> {
    let listener = TcpListener::bind(listen).map_err(|error| format!("{listen}: {error}"))?;
    let listen = listener.local_addr().map_err(|error| error.to_string())?;
    let judging = Judging { strict: inspect.strict, max_packet_size: inspect.max_packet_size };
    let inspector = Arc::new(Mutex::new(inspector));
    let last = Arc::clone(&inspector);
    let ended = move || {
        let mut inspector = lock(&last);
        let told = inspector.summary();
        let good = told.is_ok() && inspector.all_good();
        // 130 says that Ctrl-C ended it, which is how it ends; a bad packet is worth more.
        std::process::exit(if good { INTERRUPTED.into() } else { 1 });
    };
    ctrlc::set_handler(ended).map_err(|error| format!("no handler for Ctrl-C: {error}"))?;
    anstream::eprintln!("mqtt://{listen} is {} now; Ctrl-C ends", to.place());
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                anstream::eprintln!("oc2: {error}");
                continue;
            }
        };
        let (to, inspector) = (to.clone(), Arc::clone(&inspector));
        thread::spawn(move || {
            if let Err(error) = join(&stream, &to, &inspector, judging) {
                anstream::eprintln!("oc2: {}: {error}", to.place());
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// Joins a client to the broker, one thread for each direction, until both have ended.
fn join(
    client: &TcpStream,
    to: &BrokerUrl,
    inspector: &Arc<Mutex<Inspector>>,
    judging: Judging,
) -> Result<(), mqtt5_blocking::Error> {
    let server = mqtt5_blocking::connect((to.host.as_str(), to.port), CONNECT)?;
    let _ = client.set_nodelay(true);
    let address = client.peer_addr().map_or_else(|_| "client".to_owned(), |address| address.to_string());
    let label = Label { client: address, server: to.place() };
    let connection = Mutex::new(Connection::new(judging));
    thread::scope(|scope| {
        let pass = |from, mut source: &TcpStream, mut sink: &TcpStream| {
            let mut chunk = vec![0; CHUNK];
            loop {
                let count = match source.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(_) => break,
                };
                let bytes = chunk.get(..count).unwrap_or_default();
                let time = SystemTime::now().duration_since(UNIX_EPOCH).ok();
                // Shown before it is passed on, so that an answer never stands before its question.
                {
                    let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                    let mut inspector = lock(inspector);
                    connection.push(from, bytes, time, &mut |seen| inspector.see(&label, &seen));
                }
                if sink.write_all(bytes).is_err() {
                    break;
                }
            }
            // The other direction may still have something to say.
            let _ = sink.shutdown(Shutdown::Write);
        };
        let server = &server;
        scope.spawn(move || pass(Sender::Server, server, client));
        pass(Sender::Client, client, server);
    });
    let mut inspector = lock(inspector);
    let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
    connection.end(&mut |seen| inspector.see(&label, &seen));
    let _ = inspector.note(&format!("{} has gone", label.client));
    Ok(())
}

fn lock(inspector: &Mutex<Inspector>) -> MutexGuard<'_, Inspector> {
    inspector.lock().unwrap_or_else(PoisonError::into_inner)
}
