//! Values out of JSON, each with a sentence for whoever wrote something else.

use mqtt5_codec::Rule;
use mqtt5_session::Refused;
use serde_json::{Map, Value};

use crate::hex as digits;

/// Why a command was not carried out.
#[derive(Debug, PartialEq)]
pub(super) enum Trouble {
    /// It is no command, or there is nothing to carry it out on.
    Error(String),
    /// The standard, the server's limits or the state of the session forbid it.
    Refused(Refused),
}

impl From<Rule> for Trouble {
    fn from(rule: Rule) -> Self {
        Self::Refused(Refused::Rule(rule))
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

fn wrong(name: &str, wanted: &str) -> Trouble {
    Trouble::Error(format!("{name}: {wanted} is wanted"))
}

pub(super) fn object<'v>(name: &str, value: &'v Value) -> Result<&'v Map<String, Value>, Trouble> {
    value.as_object().ok_or_else(|| wrong(name, "an object"))
}

pub(super) fn string<'v>(name: &str, value: &'v Value) -> Result<&'v str, Trouble> {
    value.as_str().ok_or_else(|| wrong(name, "a string"))
}

pub(super) fn list<'v>(name: &str, value: &'v Value) -> Result<&'v [Value], Trouble> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(name, "a list"))
}

/// A truth value; 1 and 0 are also understood.
pub(super) fn flag(name: &str, value: &Value) -> Result<bool, Trouble> {
    match (value.as_bool(), value.as_u64()) {
        (Some(flag), _) => Ok(flag),
        (_, Some(number @ 0..=1)) => Ok(number == 1),
        _ => Err(wrong(name, "true or false")),
    }
}

/// A number that `make` can use.
pub(super) fn within<N: TryFrom<u64>, T>(
    name: &str,
    value: &Value,
    make: impl FnOnce(N) -> Option<T>,
) -> Result<T, Trouble> {
    let number = value.as_u64().ok_or_else(|| wrong(name, "a whole number"))?;
    N::try_from(number)
        .ok()
        .and_then(make)
        .ok_or_else(|| Trouble::Error(format!("{name}: {number} is out of its range")))
}

/// Bytes from hexadecimal digits.
pub(super) fn hex(name: &str, value: &Value) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    match digits::read(string(name, value)?.as_bytes(), &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Trouble::Error(format!("{name}: {error}"))),
    }
}

/// The values of an object's keys, each taken once; then it can tell which one nobody knows.
pub(super) struct Fields<'v> {
    what: &'static str,
    object: &'v Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'v> Fields<'v> {
    pub(super) fn new(what: &'static str, value: &'v Value) -> Result<Self, Trouble> {
        Ok(Self { what, object: object(what, value)?, known: Vec::new() })
    }

    /// The value of a key, if there is one.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'v Value> {
        self.known.push(key);
        self.object.get(key)
    }

    /// The value of a key.
    pub(super) fn need(&mut self, key: &'static str) -> Result<&'v Value, Trouble> {
        let what = self.what;
        self.get(key).ok_or_else(|| Trouble::Error(format!("{what}: {key} is missing")))
    }

    /// The truth value of a key, or this one.
    pub(super) fn flag_or(&mut self, key: &'static str, default: bool) -> Result<bool, Trouble> {
        self.get(key).map_or(Ok(default), |value| flag(key, value))
    }

    /// The number of a key, or this one.
    pub(super) fn number_or<N: TryFrom<u64>>(&mut self, key: &'static str, default: N) -> Result<N, Trouble> {
        self.get(key).map_or(Ok(default), |value| within(key, value, Some))
    }

    /// Fails if there is a key that was not asked for.
    pub(super) fn done(self) -> Result<(), Trouble> {
        match self.object.keys().find(|key| !self.known.contains(&key.as_str())) {
            Some(key) => Err(Trouble::Error(format!("{}: {key} is not known", self.what))),
            None => Ok(()),
        }
    }
}
