//! A live connection: whoever connects here is connected to a broker, and what passes is shown. Here it is plain TCP; to the
//! broker it may be TLS, so that also what is encrypted there can be looked at.

use core::cell::RefCell;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use mqtt5_codec::Sender;
use mqtt5_tokio::Transport;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use super::stream::{Connection, Judging};
use super::{Inspector, Label};
use crate::INTERRUPTED;
use crate::cli::{Inspect, Place};

/// How long the broker may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes are passed on so many at a time.
const CHUNK: usize = 64 << 10;

type Shared = Rc<RefCell<Inspector>>;

/// Serves until Ctrl-C.
pub(crate) fn run(listen: SocketAddr, to: &Place, inspector: Inspector, inspect: &Inspect) -> ExitCode {
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))
        .and_then(|runtime| LocalSet::new().block_on(&runtime, serve(listen, to, inspector, inspect)));
    match served {
        // 130 says that Ctrl-C ended it, which is how it ends; a bad packet is worth more.
        Ok(true) => INTERRUPTED.into(),
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            anstream::eprintln!("oc2: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was seen was good.
async fn serve(listen: SocketAddr, to: &Place, inspector: Inspector, inspect: &Inspect) -> Result<bool, String> {
    let opener = Rc::new(Opener::new(to, inspect)?);
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let listen = listener.local_addr().map_err(|error| error.to_string())?;
    let judging = Judging { strict: inspect.strict, max_packet_size: inspect.max_packet_size };
    let inspector: Shared = Rc::new(RefCell::new(inspector));
    anstream::eprintln!("mqtt://{listen} is {} now; Ctrl-C ends", to.0);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = crate::remote::interrupted() => break,
        };
        match accepted {
            Ok((stream, from)) => {
                let (inspector, opener) = (Rc::clone(&inspector), Rc::clone(&opener));
                tokio::task::spawn_local(async move {
                    if let Err(error) = join(stream, from, &opener, &inspector, judging).await {
                        anstream::eprintln!("oc2: {}: {error}", opener.place);
                    }
                });
            }
            Err(error) => anstream::eprintln!("oc2: {error}"),
        }
    }
    let mut inspector = inspector.borrow_mut();
    let told = inspector.summary();
    Ok(told.is_ok() && inspector.all_good())
}

/// How a connection to the broker is opened.
struct Opener {
    place: String,
    host: String,
    port: u16,
    #[cfg(feature = "tls")]
    tls: Option<(tokio_rustls::TlsConnector, mqtt5_tokio::rustls::pki_types::ServerName<'static>)>,
}

impl Opener {
    fn new(Place(address): &Place, inspect: &Inspect) -> Result<Self, String> {
        let (place, host, port) = (address.to_string(), address.host().to_owned(), address.port());
        #[cfg(feature = "tls")]
        {
            let tls = if address.scheme().is_tls() { Some(tls(address, inspect)?) } else { None };
            Ok(Self { place, host, port, tls })
        }
        #[cfg(not(feature = "tls"))]
        {
            let _ = inspect;
            if address.scheme().is_tls() {
                return Err("this oc2 was built without TLS (feature tls)".into());
            }
            Ok(Self { place, host, port })
        }
    }

    async fn open(&self) -> io::Result<Box<dyn Transport>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some((connector, name)) = &self.tls {
            return Ok(Box::new(connector.connect(name.clone(), stream).await?));
        }
        Ok(Box::new(stream))
    }
}

#[cfg(feature = "tls")]
fn tls(
    address: &mqtt5_tokio::Address,
    inspect: &Inspect,
) -> Result<(tokio_rustls::TlsConnector, mqtt5_tokio::rustls::pki_types::ServerName<'static>), String> {
    let tls = crate::remote::tls(&inspect.secure)?;
    let config = tls.config(address.scheme()).map_err(|error| format!("TLS: {error}"))?;
    let name = tls.name_of(address.host()).map_err(|error| format!("TLS: {error}"))?;
    Ok((config.into(), name))
}

/// Joins a client to the broker until both have ended.
async fn join(
    client: TcpStream,
    from: SocketAddr,
    opener: &Opener,
    inspector: &Shared,
    judging: Judging,
) -> Result<(), String> {
    let server = match tokio::time::timeout(CONNECT, opener.open()).await {
        Ok(server) => server.map_err(|error| error.to_string())?,
        Err(_) => return Err(format!("no answer within {} s", CONNECT.as_secs())),
    };
    let _ = client.set_nodelay(true);
    let label = Label { client: from.to_string(), server: opener.place.clone() };
    let connection = RefCell::new(Connection::new(judging));
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    let see = |from, bytes: &[u8]| {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let mut inspector = inspector.borrow_mut();
        connection.borrow_mut().push(from, bytes, time, &mut |seen| inspector.see(&label, &seen));
    };
    tokio::join!(
        pass(from_client, to_server, |bytes| see(Sender::Client, bytes)),
        pass(from_server, to_client, |bytes| see(Sender::Server, bytes)),
    );
    let mut inspector = inspector.borrow_mut();
    connection.borrow_mut().end(&mut |seen| inspector.see(&label, &seen));
    let _ = inspector.note(&format!("{} has gone", label.client));
    Ok(())
}

/// Passes one direction on until it ends. It is shown first, so that an answer never stands before its question.
async fn pass(mut source: impl AsyncRead + Unpin, mut sink: impl AsyncWrite + Unpin, see: impl Fn(&[u8])) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(count @ 1..) = source.read(&mut chunk).await {
        let bytes = chunk.get(..count).unwrap_or_default();
        see(bytes);
        if sink.write_all(bytes).await.is_err() || sink.flush().await.is_err() {
            break;
        }
    }
    // The other direction may still have something to say.
    let _ = sink.shutdown().await;
}
