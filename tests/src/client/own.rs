//! The client that JSON lines drive, without sockets and with a clock of its own: a session of hours is played in no time.

use std::collections::VecDeque;

use mqtt5_session::{Boxed, Client, Inbox, Input, Instant, Transmit};
use serde_json::Value;

use super::carry::carry_out;
use super::command::{self, Command};
use super::event::{self, Line};
use super::json::Trouble;
use super::tell::{self, Teller};
use crate::sequences::{Got, Party};

/// How many exchanges, and how many bytes of packets, it has room for.
const ROOM: (usize, usize) = (64, 1 << 16);
/// The longest topic that an alias of the server may stand for.
pub const LONGEST_TOPIC: u16 = 14;

/// Our client, driven step by step.
pub struct Own<'t> {
    client: Client<Boxed>,
    inbox: Inbox<'t>,
    teller: Teller,
    /// The time in milliseconds.
    now: u64,
    open: bool,
    /// What it wrote and nobody has read.
    wrote: Vec<u8>,
    /// What it told and nobody has heard.
    told: VecDeque<Value>,
}

impl<'t> Own<'t> {
    /// A client that has just begun. `aliases` is room for the topics of the server's aliases.
    #[must_use]
    pub fn new(aliases: &'t mut [u8]) -> Self {
        Self {
            client: Client::new(Boxed::new(ROOM.0, ROOM.1)),
            inbox: Inbox::growing(64, 1 << 20).with_aliases(aliases, LONGEST_TOPIC),
            teller: Teller::default(),
            now: 1,
            open: false,
            wrote: Vec::new(),
            told: VecDeque::new(),
        }
    }

    fn at(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn tell(&mut self, line: Line) {
        if let Ok(value) = serde_json::from_str(&line.text()) {
            self.told.push_back(value);
        }
    }

    fn carry_out(&mut self, name: &str, value: &Value) -> Result<(), Trouble> {
        let now = self.at();
        match command::read(name, value)? {
            // A connection is there once there is something to say on it.
            Command::Open(_) => {}
            Command::Close => self.ended("client"),
            Command::Connect(connect) => {
                connect.with(|options| self.client.connect(options, &mut self.inbox, now))?;
                self.open = true;
            }
            command => carry_out(&mut self.client, &mut self.teller, &command, now)?,
        }
        Ok(())
    }

    /// Does what there is to do now: reads, writes, and ends the connection where the session says so.
    fn turn(&mut self) {
        while self.open {
            self.write();
            if self.client.is_closed() {
                return self.ended("client");
            }
            let now = self.at();
            let line = match self.client.handle_input(&mut self.inbox, now) {
                Ok(Input::Event(event)) => {
                    let line = self.teller.line(&mut self.client, event);
                    self.client.handled();
                    line
                }
                Err(fault) => Some(event::fault(&fault)),
                Ok(_) if self.client.poll_transmit().is_some() => None,
                Ok(_) => return,
            };
            line.into_iter().for_each(|line| self.tell(line));
        }
    }

    fn write(&mut self) {
        let now = self.at();
        while let Some(Transmit::Bytes(bytes)) = self.client.poll_transmit() {
            self.wrote.extend_from_slice(bytes);
            let n = bytes.len();
            self.client.transmitted(n, now);
        }
    }

    fn ended(&mut self, by: &str) {
        self.open = false;
        let now = self.at();
        self.client.handle_close(now);
        let lost = tell::lost(&mut self.client);
        self.tell(event::closed(by, None, &lost));
    }

    /// Lets time pass, until something was written or told if `until_then`.
    fn pass(&mut self, wait: u64, until_then: bool) {
        let end = self.now + wait;
        self.turn();
        while self.now < end && !(until_then && (!self.wrote.is_empty() || !self.told.is_empty())) {
            let due = self.client.poll_timeout().map_or(end, |due| self.now + self.at().until(due).max(1));
            self.now = due.min(end);
            let now = self.at();
            match self.client.handle_timeout(now) {
                Ok(Some(event)) => {
                    let line = self.teller.line(&mut self.client, event);
                    line.into_iter().for_each(|line| self.tell(line));
                }
                Ok(None) => {}
                Err(fault) => self.tell(event::fault(&fault)),
            }
            self.turn();
        }
    }
}

impl Party for Own<'_> {
    fn command(&mut self, command: &Value) {
        let told = match command::name(command) {
            Ok((name, value)) => self.carry_out(name, value).map_err(|trouble| match trouble {
                Trouble::Error(why) => event::error(why),
                Trouble::Refused(refused) => event::refused(name, &refused),
            }),
            Err(_) => Err(event::error("an object with one key is wanted, the command")),
        };
        told.err().into_iter().for_each(|line| self.tell(line));
        self.turn();
    }

    fn receive(&mut self, wait: u64) -> Got {
        let end = self.now + wait;
        loop {
            self.turn();
            if !self.wrote.is_empty() {
                return Got::Bytes(core::mem::take(&mut self.wrote));
            }
            if !self.open {
                return Got::End;
            }
            if self.now >= end {
                return Got::Nothing;
            }
            // What is told meanwhile waits for whoever asks for it.
            let told = core::mem::take(&mut self.told);
            self.pass(end - self.now, true);
            let more = core::mem::replace(&mut self.told, told);
            self.told.extend(more);
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.open {
            let spare = self.inbox.spare();
            let n = spare.len().min(rest.len());
            let (now, later) = rest.split_at_checked(n).unwrap_or((rest, &[]));
            if let Some(spare) = spare.get_mut(..n) {
                spare.copy_from_slice(now);
            }
            self.inbox.filled(n);
            rest = later;
            self.turn();
            if n == 0 {
                return; // A packet beyond what it takes has ended the connection, or will.
            }
        }
    }

    fn cut(&mut self) {
        if self.open {
            self.ended("server");
        }
    }

    fn told(&mut self, wait: u64) -> Option<Value> {
        self.turn();
        if self.told.is_empty() {
            let end = self.now + wait;
            while self.told.is_empty() && self.now < end {
                let wrote = core::mem::take(&mut self.wrote);
                self.pass(end - self.now, true);
                let more = core::mem::replace(&mut self.wrote, wrote);
                self.wrote.extend(more);
            }
        }
        self.told.pop_front()
    }

    fn sleep(&mut self, wait: u64) {
        self.pass(wait, false);
    }

    fn now(&self) -> u64 {
        self.now
    }
}
