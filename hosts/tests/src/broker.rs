//! A mosquitto of our own, or a broker that somebody else runs.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};

/// A broker, and where it is.
#[derive(Debug)]
pub struct Broker {
    /// The URLs under which it can be reached, by scheme.
    urls: Vec<(&'static str, String)>,
    /// The authority that signed its certificate, in PEM.
    roots: Option<String>,
    own: Option<Mosquitto>,
}

#[derive(Debug)]
struct Mosquitto {
    folder: PathBuf,
    process: Option<Child>,
    port: u16,
}

impl Broker {
    /// The broker that `MQTT_BROKER` names, or else a mosquitto. `None`, if neither is there.
    ///
    /// # Errors
    /// Why mosquitto does not start.
    pub fn find() -> Result<Option<Self>, String> {
        if let Ok(url) = env::var("MQTT_BROKER") {
            return Ok(Some(Self { urls: vec![("mqtt", url)], roots: None, own: None }));
        }
        if program().is_none() {
            return Ok(None);
        }
        Self::mosquitto().map(Some)
    }

    fn mosquitto() -> Result<Self, String> {
        static BROKERS: AtomicUsize = AtomicUsize::new(0);
        let number = BROKERS.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("host-tests-{}-{number}", std::process::id()));
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(told)?;
        let roots = certificates(&folder).map_err(|error| format!("no certificates: {error}"))?;
        let [plain, tls, web] = [free_port()?, free_port()?, free_port()?];
        let at = folder.display();
        let config = format!(
            "user root\npersistence true\npersistence_location {at}/\nmax_queued_messages 0\nallow_anonymous true\n\
             listener {plain} 127.0.0.1\n\
             listener {tls} 127.0.0.1\ncertfile {at}/server.pem\nkeyfile {at}/server.key\n\
             listener {web} 127.0.0.1\nprotocol websockets\n\
             listener 0 {at}/mqtt.sock\n"
        );
        fs::write(folder.join("mosquitto.conf"), config).map_err(told)?;
        let urls = vec![
            ("mqtt", format!("mqtt://127.0.0.1:{plain}")),
            ("mqtts", format!("mqtts://127.0.0.1:{tls}")),
            ("ws", format!("ws://127.0.0.1:{web}/mqtt")),
            ("unix", format!("unix:{at}/mqtt.sock")),
        ];
        let own = Mosquitto { folder, process: None, port: plain };
        let mut broker = Self { urls, roots: Some(roots), own: Some(own) };
        broker.start()?;
        Ok(broker)
    }

    /// Its URL with this scheme, if it speaks it.
    #[must_use]
    pub fn url(&self, scheme: &str) -> Option<&str> {
        self.urls.iter().find(|(name, _)| *name == scheme).map(|(_, url)| url.as_str())
    }

    /// The authority that signed its certificate, in PEM.
    #[must_use]
    pub fn roots(&self) -> Option<&str> {
        self.roots.as_deref()
    }

    /// Whether it can be stopped and started.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.own.is_some()
    }

    /// Starts it, with what it stored.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn start(&mut self) -> Result<(), String> {
        let Some(own) = &mut self.own else { return Err("it is not ours".to_owned()) };
        let program = program().ok_or("mosquitto is not installed")?;
        let log = fs::File::create(own.folder.join("log")).map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.arg("-c").arg(own.folder.join("mosquitto.conf")).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(log);
        own.process = Some(command.spawn().map_err(|error| format!("mosquitto: {error}"))?);
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", own.port)).is_err() {
            if Instant::now() > deadline {
                let log = fs::read_to_string(own.folder.join("log")).unwrap_or_default();
                return Err(format!("mosquitto does not start: {log}"));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Stops it in order: it stores what it holds.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.own.as_mut().and_then(|own| own.process.take()) {
            // What the library has for it kills at once.
            let _ = Command::new("kill").arg(process.id().to_string()).status();
            let _ = process.wait();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
        if let Some(own) = &self.own {
            let _ = fs::remove_dir_all(&own.folder);
        }
    }
}

fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    folders.map(|folder| folder.join("mosquitto")).find(|program| program.is_file())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// Writes a server's certificate for 127.0.0.1, and gives the authority that signed it.
fn certificates(folder: &Path) -> Result<String, Box<dyn core::error::Error>> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let roots = authority.self_signed(&key)?.pem();
    let issuer = Issuer::new(authority, key);
    let mut server = CertificateParams::new(Vec::new())?;
    server.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    let key = KeyPair::generate()?;
    fs::write(folder.join("server.pem"), server.signed_by(&key, &issuer)?.pem())?;
    fs::write(folder.join("server.key"), key.serialize_pem())?;
    Ok(roots)
}
