//! Enhanced authentication: SCRAM-SHA-256 by a library, in AUTH packets.
//!
//! `cargo run -p mqtt5-blocking --example scram -- mqtt://localhost ann secret`

use core::error::Error;
use core::time::Duration;
use std::sync::Arc;

use mqtt5_blocking::Builder;
use mqtt5_host::{AuthenticationError, Authenticator};
use rsasl::config::SASLConfig;
use rsasl::mechname::Mechname;
use rsasl::prelude::{SASLClient, Session};

const METHOD: &str = "SCRAM-SHA-256";

/// The client's side, which begins anew with each connection.
pub(crate) struct Scram {
    config: Arc<SASLConfig>,
    session: Option<Session>,
}

impl Scram {
    pub(crate) fn new(user: &str, password: &str) -> Result<Self, Box<dyn Error>> {
        let config = SASLConfig::with_credentials(None, user.to_owned(), password.to_owned())?;
        Ok(Self { config, session: None })
    }

    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Vec<u8>, AuthenticationError> {
        let session = self.session.as_mut().ok_or("the conversation has not begun")?;
        let mut answer = Vec::new();
        session.step(challenge, &mut answer)?;
        Ok(answer)
    }
}

impl Authenticator for Scram {
    fn method(&self) -> &str {
        METHOD
    }

    fn begin(&mut self) -> Result<Option<Vec<u8>>, AuthenticationError> {
        let name = Mechname::parse(METHOD.as_bytes())?;
        self.session = Some(SASLClient::new(self.config.clone()).start_suggested(&[name])?);
        self.step(None).map(Some)
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, AuthenticationError> {
        self.step(Some(challenge))
    }

    fn end(&mut self, data: Option<&[u8]>) -> Result<(), AuthenticationError> {
        // The server proves that it knows the password too.
        self.step(Some(data.ok_or("the server does not prove itself")?)).map(drop)
    }
}

pub(crate) fn run(url: &str, user: &str, password: &str) -> Result<(), Box<dyn Error>> {
    let (client, _events) =
        Builder::new(url)?.client_id("example").authenticator(Scram::new(user, password)?).connect()?;
    client.close(Duration::from_secs(5))?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(user), Some(password)) = (args.next(), args.next(), args.next()) else {
        return Err("a URL, a user and a password are wanted".into());
    };
    run(&url, &user, &password)?;
    println!("authenticated, both ways");
    Ok(())
}
