//! Which server is judged, and what is told of it: from the command line, from a file in TOML, or from both.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::talk::Known;
use crate::hex;
use crate::report::form::about;
use crate::url::Url;

/// The server, on the command line. What stands here goes before what the file says.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(id = "the server")]
pub struct Options {
    /// The server: mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS; USER:PASSWORD@ may stand before the host.
    #[arg(required_unless_present_any = ["target", "list"])]
    pub url: Option<Url>,
    /// Read the server's description from this file; tests/README.md says what stands in it.
    #[arg(long, value_name = "FILE", help_heading = "The server")]
    pub target: Option<PathBuf>,
    /// Trust the certificates in this PEM file, for mqtts://.
    #[arg(long, value_name = "FILE", help_heading = "The server")]
    pub ca: Option<PathBuf>,
    /// Begin every topic with this, where the server does not allow any.
    #[arg(long, value_name = "TEXT", help_heading = "The server")]
    pub prefix: Option<String>,
    /// Where the server speaks MQTT over WebSocket: ws://HOST:PORT/PATH.
    #[arg(long, value_name = "URL", help_heading = "The server")]
    pub websocket: Option<String>,
    /// An authentication method that the server has.
    #[arg(long, value_name = "NAME", help_heading = "The server")]
    pub auth_method: Option<String>,
    /// The authentication data of CONNECT and of each AUTH that follows, in hexadecimal digits, with commas between.
    #[arg(long, value_name = "HEX", value_delimiter = ',', requires = "auth_method", help_heading = "The server")]
    pub auth_data: Vec<String>,
    /// The largest packet that the server takes, in bytes, where it does not say so.
    #[arg(long, value_name = "N", help_heading = "The server")]
    pub max_packet: Option<u32>,
    /// How many QoS 1 and 2 messages the server takes at a time, where it does not say so.
    #[arg(long, value_name = "N", help_heading = "The server")]
    pub quota: Option<u16>,
    /// A client identifier that the server refuses.
    #[arg(long, value_name = "TEXT", help_heading = "The server")]
    pub refused_client_id: Option<String>,
    /// A topic on which the server refuses messages.
    #[arg(long, value_name = "TOPIC", help_heading = "The server")]
    pub refused_topic: Option<String>,
    /// Brings the server back if it does not answer any more: a command for the shell, which ends.
    #[arg(long, value_name = "COMMAND", help_heading = "The server")]
    pub restart: Option<String>,
}

/// The server, in a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    name: Option<String>,
    url: Option<String>,
    ca: Option<PathBuf>,
    user: Option<String>,
    password: Option<String>,
    prefix: Option<String>,
    websocket: Option<String>,
    restart: Option<String>,
    has: Has,
}

/// What the server has, and can't be asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Has {
    auth_method: Option<String>,
    auth_data: Vec<String>,
    max_packet: Option<u32>,
    quota: Option<u16>,
    refused_client_id: Option<String>,
    refused_topic: Option<String>,
}

/// The server, as it is judged.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it is called in the report.
    pub name: String,
    /// Where it is.
    pub url: Url,
    /// Whom TLS trusts.
    pub ca: Option<PathBuf>,
    /// What is told of it.
    pub known: Known,
    /// Brings it back.
    pub restart: Option<String>,
}

impl Options {
    /// What the command line and the file say together.
    ///
    /// # Errors
    /// When the file can't be read or says what is not known, or no URL is given.
    pub fn target(&self) -> io::Result<Target> {
        let file = match &self.target {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let beside = |named: &PathBuf| match &self.target {
            // A file names others beside itself.
            Some(path) => path.parent().unwrap_or(Path::new("")).join(named),
            None => named.clone(),
        };
        let named = file.url.as_deref().map(str::parse).transpose().map_err(io::Error::other)?;
        let url: Option<Url> = self.url.clone().or(named);
        let url = url.ok_or_else(|| io::Error::other("no URL, neither on the command line nor in the file"))?;
        let ca = self.ca.clone().or(file.ca.as_ref().map(beside));
        if url.tls && ca.is_none() {
            return Err(io::Error::other("mqtts:// needs --ca FILE, the certificates to trust"));
        }
        let (own, has) = (self.clone(), file.has);
        let digits = if own.auth_data.is_empty() { has.auth_data } else { own.auth_data };
        let data = digits.iter().map(|digits| bytes(digits)).collect::<io::Result<Vec<_>>>()?;
        let known = Known {
            user: url.user.clone().or(file.user.map(|user| (user, file.password.unwrap_or_default()))),
            prefix: own.prefix.or(file.prefix).unwrap_or_default(),
            method: own.auth_method.or(has.auth_method).map(|method| (method, data)),
            max_packet: own.max_packet.or(has.max_packet),
            quota: own.quota.or(has.quota),
            refused_client_id: own.refused_client_id.or(has.refused_client_id),
            refused_topic: own.refused_topic.or(has.refused_topic),
            websocket: own.websocket.or(file.websocket),
        };
        let name = file.name.unwrap_or_else(|| url.to_string());
        Ok(Target { name, url, ca, known, restart: own.restart.or(file.restart) })
    }
}

fn read(path: &Path) -> io::Result<File> {
    let text = fs::read_to_string(path).map_err(|error| about(path, &error))?;
    toml::from_str(&text).map_err(|error| about(path, &io::Error::other(error)))
}

fn bytes(digits: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    hex::read(digits.trim().as_bytes(), &mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (PathBuf, Options) {
        static NUMBER: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("target-{}-{number}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        (path.clone(), Options { target: Some(path), ..Options::default() })
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let (path, mut options) = file(
            "name = 'a broker'\nurl = 'mqtts://there:1'\nca = 'ca.pem'\nuser = 'u'\npassword = 'p'\nprefix = 'a/'\n\
             restart = 'true'\n[has]\nauth-method = 'm'\nauth-data = ['00ff', '']\nmax-packet = 5\nquota = 6\n",
        );
        let target = options.target().unwrap();
        assert_eq!((&*target.name, &*target.url.host, target.url.port), ("a broker", "there", 1));
        assert_eq!(target.ca, Some(std::env::temp_dir().join("ca.pem")), "a file names others beside itself");
        assert_eq!(target.known.user, Some(("u".to_owned(), "p".to_owned())));
        assert_eq!(target.known.method, Some(("m".to_owned(), vec![vec![0, 255], vec![]])));
        assert_eq!((target.known.max_packet, target.known.quota), (Some(5), Some(6)));
        options.url = Some("mqtt://other".parse().unwrap());
        options.quota = Some(7);
        let target = options.target().unwrap();
        assert_eq!((&*target.url.host, target.known.quota, target.known.max_packet), ("other", Some(7), Some(5)));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_not_known_is_told() {
        let (path, options) = file("url = 'mqtt://there'\n[has]\nqotua = 1\n");
        let error = options.target().unwrap_err().to_string();
        assert!(error.contains("qotua") && error.contains(".toml"), "{error}");
        fs::write(&path, "url = 'http://there'").unwrap();
        assert!(options.target().unwrap_err().to_string().contains("http://"));
        fs::write(&path, "url = 'mqtts://there'").unwrap();
        assert!(options.target().unwrap_err().to_string().contains("--ca"));
        fs::remove_file(path).unwrap();
        assert!(options.target().is_err(), "a file that is not there");
        assert!(Options::default().target().is_err(), "nothing at all");
    }
}
