//! A session on a broker for the commands that have one: how it is opened, how it ends, and how messages come and go.

mod message;
#[cfg(feature = "proxy")]
mod proxy;

use core::future::Future;
use core::time::Duration;
use std::fs;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

use mqtt5_tokio::{
    Address, Builder, Cause, Credentials, Events, Filters, Handle, HostEvent, Messages, Options, Outcome,
};
use openc2_mqtt::transfer::{Channel, ClientId, Outgoing, Quality, Scheme, subscriptions};

pub(crate) use message::{outbound, received};

use crate::INTERRUPTED;
#[cfg(feature = "tls")]
use crate::cli::Secure;
use crate::cli::{Broker, Speaking};
use crate::packet::readable;
use crate::terminal::GONE;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(3);
/// The most channels that are subscribed to at once, and the room for their names.
const CHANNELS: usize = 128;
const NAMES: usize = 32 << 10;
/// A connection that is closed so soon, so many times, is taken by somebody else.
const SOON: Duration = Duration::from_secs(10);
const LOST: u32 = 2;
/// The status of a deadline, as mosquitto has it.
const DEADLINE: u8 = 27;

/// How a command ended that did what it could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Good,
    Bad,
    Deadline,
    Interrupted,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        match end {
            End::Good => Self::SUCCESS,
            End::Bad => Self::FAILURE,
            End::Deadline => DEADLINE.into(),
            End::Interrupted => INTERRUPTED.into(),
        }
    }
}

/// A connection to a broker.
pub(crate) struct Session {
    pub(crate) handle: Handle,
}

/// Connects, does the work, and says goodbye, also where Ctrl-C ends it.
pub(crate) fn run<W, F>(broker: &Broker, options: Options, work: W) -> ExitCode
where
    W: FnOnce(Session) -> F,
    F: Future<Output = Result<End, String>>,
{
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("no runtime: {error}")),
    };
    match runtime.block_on(hosted(broker, options, work)) {
        Ok(end) => end.into(),
        Err(why) if why == GONE => ExitCode::SUCCESS,
        Err(why) => failed(&why),
    }
}

fn failed(why: &str) -> ExitCode {
    anstream::eprintln!("oc2: {why}");
    ExitCode::FAILURE
}

async fn hosted<W, F>(broker: &Broker, options: Options, work: W) -> Result<End, String>
where
    W: FnOnce(Session) -> F,
    F: Future<Output = Result<End, String>>,
{
    let builder = builder(broker, options)?;
    let (handle, mut events) = tokio::select! {
        connected = builder.connect() => connected.map_err(|error| error.to_string())?,
        () = interrupted() => return Ok(End::Interrupted),
    };
    let closing = handle.clone();
    let ended = closing.ended();
    let told = tell(&mut events, broker.id.as_deref());
    let end = tokio::select! {
        end = work(Session { handle }) => end,
        () = interrupted() => Ok(End::Interrupted),
        why = told => Err(why),
        ended = ended => Err(ended.err().map_or_else(|| "the client has ended".to_owned(), |error| error.to_string())),
    };
    // A second Ctrl-C waits for nobody.
    tokio::select! {
        _ = closing.close(GOODBYE) => {}
        () = interrupted() => {}
    }
    end
}

/// Opens further sessions beside the first, under identifiers of their own. They end with the process.
#[cfg(feature = "bench")]
pub(crate) async fn more(broker: &Broker, options: &Options, count: u16) -> Result<Vec<Session>, String> {
    let mut sessions = Vec::new();
    for number in 0..count {
        let mut options = options.clone();
        options.client_id = match &broker.id {
            Some(id) => format!("{id}-{}", number + 2),
            None => ClientId::from_random(random()?).as_str().to_owned(),
        };
        let connected = builder(broker, options)?.connect().await;
        // Events that nobody takes are not kept.
        let (handle, _) = connected.map_err(|error| error.to_string())?;
        sessions.push(Session { handle });
    }
    Ok(sessions)
}

/// Ctrl-C, or what asks a process to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Tells what becomes of the connection. Ends only where somebody else uses the identifier that we were given: the two would
/// go on taking the session from each other, which some brokers do without a word.
async fn tell(events: &mut Events, id: Option<&str>) -> String {
    let (mut since, mut lost) = (Instant::now(), 0);
    while let Some(event) = events.next().await {
        match event {
            HostEvent::Connected(accepted) => {
                let session = if accepted.resumed { "with the session of before" } else { "with a new session" };
                log::info!("connected, {session}");
                since = Instant::now();
            }
            HostEvent::Disconnected { error, retry_in } => {
                log::info!("{error}; again in {:.1} s", retry_in.as_secs_f64());
                let soon = matches!(error.cause, Cause::Closed) && since.elapsed() < SOON;
                lost = if soon { lost + 1 } else { 0 };
                if let (Some(id), LOST..) = (id, lost) {
                    return format!(
                        "{error}, {lost} times in a row: somebody else uses the client identifier {id}, it seems"
                    );
                }
            }
            HostEvent::Dropped(count) => log::warn!("{count} messages of QoS 0 were dropped"),
            _ => {}
        }
    }
    // How the client has ended is told by others.
    core::future::pending().await
}

impl Session {
    /// Subscribes to these channels with the options of CS01 3.3, and waits until each is granted.
    pub(crate) async fn subscribe<'c>(
        &self,
        channels: impl IntoIterator<Item = Channel<'c>>,
        scheme: &Scheme<'_>,
    ) -> Result<Messages, String> {
        let mut names = vec![0; NAMES];
        let list = subscriptions::<CHANNELS>(channels, scheme, Quality::ExactlyOnce, &mut names)
            .map_err(|error| format!("no topic to subscribe to: {error}"))?;
        let told: Vec<_> = list.iter().map(|one| one.filter.as_str().to_owned()).collect();
        self.subscribed(list.iter().copied().collect(), &told).await
    }

    /// Subscribes, and names the first filter that the broker refuses.
    pub(crate) async fn subscribed(&self, filters: Filters, told: &[String]) -> Result<Messages, String> {
        let messages = self.handle.subscribe(filters).await.map_err(|error| format!("subscribing: {error}"))?;
        let refused = messages.results().iter().zip(told).find(|(reason, _)| reason.is_error());
        match refused {
            Some((reason, filter)) => Err(format!("the broker refused the subscription to {filter}: {reason}")),
            None => Ok(messages),
        }
    }

    /// Publishes, and waits until the broker has the message.
    pub(crate) async fn publish(&self, outgoing: &Outgoing<'_>) -> Result<(), String> {
        log::debug!("to {}, {} bytes", outgoing.topic, outgoing.payload.len());
        log::trace!("{}", readable(outgoing.payload));
        let sent = self.handle.publish(outbound(outgoing)).await.map_err(|error| format!("not sent: {error}"))?;
        match sent.await {
            outcome if outcome.is_success() => Ok(()),
            Outcome::Acknowledged(reason) => Err(format!("the broker refused a message: {reason}")),
            _ => Err("the connection ended before the broker had the message".to_owned()),
        }
    }
}

/// Whether these channels have names, so that what can't be meant is told before anyone is asked.
pub(crate) fn named<'c>(channels: impl IntoIterator<Item = Channel<'c>>, scheme: &Scheme<'_>) -> Result<(), String> {
    let mut names = vec![0; NAMES];
    let list = subscriptions::<CHANNELS>(channels, scheme, Quality::ExactlyOnce, &mut names);
    list.map(drop).map_err(|error| format!("no topic of this name: {error}"))
}

/// What the command line says of the broker.
fn builder(broker: &Broker, options: Options) -> Result<Builder, String> {
    let url = url(broker);
    let address: Address = url.parse().map_err(|error| format!("{}: {error}", place(broker)))?;
    let builder = Builder::new(&url).map_err(|error| format!("{}: {error}", place(broker)))?;
    let builder = proxied(secured(builder.options(options), broker)?, broker)?;
    let credentials = credentials(broker, address.credentials())?;
    Ok(builder.credentials(move |_| {
        let credentials = credentials.clone();
        async move { Ok(credentials) }
    }))
}

/// The broker as errors name it: a URL may hold a password.
fn place(broker: &Broker) -> String {
    if broker.broker.is_some() { "--broker".into() } else { broker.host.clone() }
}

fn url(broker: &Broker) -> String {
    if let Some(url) = &broker.broker {
        return url.expose().to_owned();
    }
    if let Some(path) = &broker.unix {
        return format!("unix:{}", path.display());
    }
    let secure = wants_tls(broker) || broker.port == Some(8883);
    let scheme = if secure { "mqtts" } else { "mqtt" };
    let host = if broker.host.contains(':') && !broker.host.starts_with('[') {
        format!("[{}]", broker.host)
    } else {
        broker.host.clone()
    };
    broker.port.map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}"))
}

const fn wants_tls(broker: &Broker) -> bool {
    broker.tls || broker.secure.is_asked_for()
}

/// Lays the way to the broker through a proxy, if there is one.
#[cfg(feature = "proxy")]
fn proxied(builder: Builder, broker: &Broker) -> Result<Builder, String> {
    let Some(url) = &broker.proxy else { return Ok(builder) };
    let proxy = proxy::Proxy::new(url.expose()).map_err(|why| format!("--proxy: {why}"))?;
    Ok(builder.tunnel(move |attempt| proxy.clone().connect(attempt.address.host().to_owned(), attempt.address.port())))
}

#[cfg(not(feature = "proxy"))]
fn proxied(builder: Builder, broker: &Broker) -> Result<Builder, String> {
    if broker.proxy.is_some() { Err("this oc2 was built without proxies (feature proxy)".into()) } else { Ok(builder) }
}

#[cfg(feature = "tls")]
fn secured(builder: Builder, broker: &Broker) -> Result<Builder, String> {
    Ok(builder.tls(tls(&broker.secure)?))
}

/// How TLS is spoken, as the options say.
#[cfg(feature = "tls")]
pub(crate) fn tls(secure: &Secure) -> Result<mqtt5_tokio::Tls, String> {
    let mut tls = mqtt5_tokio::Tls::new();
    if let Some(file) = &secure.cafile {
        tls = tls.roots_file(file).map_err(|error| format!("--cafile: {error}"))?;
    }
    if let (Some(cert), Some(key)) = (&secure.cert, &secure.key) {
        tls = tls.client_certificate_files(cert, key).map_err(|error| format!("--cert, --key: {error}"))?;
    }
    if secure.insecure {
        tls = tls.dangerous_accept_any_certificate();
    }
    Ok(tls)
}

#[cfg(not(feature = "tls"))]
fn secured(builder: Builder, broker: &Broker) -> Result<Builder, String> {
    if wants_tls(broker) { Err("this oc2 was built without TLS (feature tls)".into()) } else { Ok(builder) }
}

/// User name and password: those of the options before those of the URL.
fn credentials(broker: &Broker, of_url: &Credentials) -> Result<Credentials, String> {
    let mut credentials = of_url.clone();
    if let Some(name) = &broker.username {
        credentials.user = Some(name.clone());
    }
    if let Some(password) = &broker.password {
        credentials.password = Some(password.expose().as_bytes().into());
    } else if let Some(file) = &broker.password_file {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        credentials.password = Some(text.lines().next().unwrap_or_default().as_bytes().into());
    } else if broker.ask_password {
        credentials.password = Some(asked()?.as_bytes().into());
    }
    Ok(credentials)
}

/// The password that was typed. It is asked for once, however many sessions there are.
fn asked() -> Result<&'static str, String> {
    static ASKED: OnceLock<String> = OnceLock::new();
    if ASKED.get().is_none() {
        let password = rpassword::prompt_password("Password: ").map_err(|error| format!("no password: {error}"))?;
        let _ = ASKED.set(password);
    }
    ASKED.get().map(String::as_str).ok_or_else(|| "no password".to_owned())
}

/// The options of an OpenC2 client (CS01 3.1): no clean start, and so a session that outlives the connection.
pub(crate) fn options(broker: &Broker, session_expiry: u32) -> Result<Options, String> {
    let id = match &broker.id {
        Some(id) => id.clone(),
        None => ClientId::from_random(random()?).as_str().to_owned(),
    };
    let mut options = Options::new(id);
    options.clean_start = false;
    options.session_expiry = session_expiry;
    options.keep_alive = broker.keepalive;
    options.connect_timeout = broker.connect_timeout;
    Ok(options)
}

pub(crate) fn random() -> Result<[u8; 16], String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(random)
}

/// How topics are named.
pub(crate) fn scheme(speaking: &Speaking) -> Scheme<'_> {
    Scheme { layout: speaking.layout.into(), prefix: speaking.prefix.as_deref() }
}

pub(crate) const fn quality(speaking: &Speaking) -> Quality {
    if speaking.qos == 2 { Quality::ExactlyOnce } else { Quality::AtLeastOnce }
}
