//! Commands, carried out on the session and the connection.

use std::io;
use std::time::Instant;

use mqtt5_codec::{Properties, QoS};
use mqtt5_session::{self as session, Boxed, Client};
use serde_json::Value;

use super::command::{self, Command, Connect};
use super::event;
use super::json::Trouble;
use super::log::Log;
use super::run::{Next, Pause, Tool};
use super::tell::Teller;
use super::transport::Transport;
use crate::url::Url;

impl Tool {
    /// Carries out a line; one that can't be is told.
    pub(super) fn carry_out(&mut self, line: &[u8]) -> io::Result<Next> {
        if line.is_empty() {
            return Ok(Next::Command);
        }
        let value: Value = match serde_json::from_slice(line) {
            Ok(value) => value,
            Err(error) => return self.tell(event::error(format!("no JSON: {error}"))).map(|()| Next::Command),
        };
        let (name, done) = match command::name(&value) {
            Ok((name, value)) => (name, command::read(name, value).and_then(|command| self.command_on(command))),
            Err(trouble) => ("", Err(trouble)),
        };
        match done {
            Ok(Next::Closed) => self.ended("client", None).map(|()| Next::Command),
            Ok(next) => Ok(next),
            Err(Trouble::Error(why)) => self.tell(event::error(why)).map(|()| Next::Command),
            Err(Trouble::Refused(refused)) => self.tell(event::refused(name, &refused)).map(|()| Next::Command),
        }
    }

    fn command_on(&mut self, command: Command<'_>) -> Result<Next, Trouble> {
        let now = self.now();
        match command {
            Command::Open(place) => self.open(place)?,
            Command::Connect(connect) => return self.connect(&connect),
            Command::Publish(ref publish) if publish.hold => {
                carry_out(&mut self.client, &mut self.teller, &command, now)?
            }
            Command::Close => {
                self.needs_connection()?.cut();
                return Ok(Next::Closed);
            }
            Command::Sleep(time) => self.pause = Pause::Sleep(Instant::now() + time),
            Command::Wait { event, time } if Log::knows(event) => {
                self.pause = Pause::Wait(event.to_owned(), Instant::now() + time);
            }
            Command::Wait { event, .. } => return Err(Trouble::Error(format!("no event is called {event}"))),
            Command::Quit => return Ok(Next::Quit),
            command => {
                self.needs_connection()?;
                carry_out(&mut self.client, &mut self.teller, &command, now)?;
            }
        }
        Ok(Next::Command)
    }

    fn needs_connection(&mut self) -> Result<&mut Transport, Trouble> {
        self.transport.as_mut().ok_or_else(|| Trouble::Error("no connection is open".to_owned()))
    }

    fn open(&mut self, place: &str) -> Result<(), Trouble> {
        if self.transport.is_some() {
            return Err(Trouble::Error("a connection is open".to_owned()));
        }
        self.connections += 1;
        let trouble = |why: &dyn core::fmt::Display| Trouble::Error(format!("{place}: {why}"));
        let url: Url = place.parse().map_err(|why: String| trouble(&why))?;
        let transport = Transport::open(&url, self.trust.as_ref(), self.connections, self.sender.clone());
        self.transport = Some(transport.map_err(|error| trouble(&error))?);
        self.log.open();
        Ok(())
    }

    fn connect(&mut self, connect: &Connect<'_>) -> Result<Next, Trouble> {
        self.needs_connection()?;
        let now = self.now();
        // Its inbox is made next, by what CONNECT says of aliases.
        connect.with(|options| self.client.connect(options, &mut session::Inbox::new(&mut []), now))?;
        self.aliases = connect.topic_alias_maximum();
        self.needs_connection()?.begun = true;
        Ok(Next::Connection)
    }
}

/// Carries out what is the session's alone.
pub(super) fn carry_out(
    client: &mut Client<Boxed>,
    teller: &mut Teller,
    command: &Command<'_>,
    now: session::Instant,
) -> Result<(), Trouble> {
    match command {
        Command::Publish(publish) => {
            let id = publish.with(|message| client.publish(message))?;
            debug_assert_eq!(id.is_none(), publish.qos == QoS::AtMostOnce);
            if let Some(id) = id {
                teller.published(id, publish.qos);
            }
        }
        Command::Subscribe { filters, properties } => {
            client.subscribe(filters, Properties::from(&*properties.lend()))?;
        }
        Command::Unsubscribe { filters, properties } => {
            client.unsubscribe(filters, Properties::from(&*properties.lend()))?;
        }
        Command::Auth { reason, properties } => client.auth(*reason, Properties::from(&*properties.lend()))?,
        Command::Ping => client.ping(now)?,
        Command::Ack { id, reason } => client.acknowledge(*id, *reason)?,
        Command::Disconnect { reason, properties, ending } => {
            client.disconnect_with(*reason, Properties::from(&*properties.lend()), *ending)?;
        }
        _ => return Err(Trouble::Error("a session by itself can't do that".to_owned())),
    }
    Ok(())
}
