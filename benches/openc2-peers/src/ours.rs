//! Ours: read where it lies, written into a slice.

use std::fmt;
use std::hint::black_box;

use openc2_mqtt::{Args, Content, Encoding, Extensions, Form, Message, Raw, Reading, Results, Str, Target, Texts};
use serde::Deserialize;
use serde::de::{self, SeqAccess, Visitor};

use crate::{LARGE, Subject};

/// Ours, in JSON.
pub struct Json;
/// Ours, in CBOR with names for keys.
pub struct CborNamed;
/// Ours, in CBOR with identifiers for keys. It has no form for what profiles define and the language doesn't know.
pub struct CborConcise;

macro_rules! subject {
    ($name:ident, $label:literal, $form:ident, $encoding:ident) => {
        impl Subject for $name {
            const NAME: &'static str = $label;
            type Message<'a> = Message<'a>;

            fn input(json: &str) -> Vec<u8> {
                let message = decode(Encoding::Json, json.as_bytes());
                let mut bytes = vec![0; LARGE];
                match message.encode(Form::$form, &mut bytes) {
                    Ok(length) => bytes.truncate(length),
                    Err(_) => bytes.clear(),
                }
                bytes
            }

            #[inline]
            fn decode(bytes: &[u8]) -> Message<'_> {
                decode(Encoding::$encoding, bytes)
            }

            #[inline]
            fn visit(message: &Message<'_>) {
                visit(message);
            }

            #[inline]
            fn encode(message: &Message<'_>, buffer: &mut [u8]) -> usize {
                message.encode(Form::$form, buffer).unwrap_or_else(|_| refused())
            }
        }
    };
}

subject!(Json, "ours, JSON", Json, Json);
subject!(CborNamed, "ours, CBOR", Cbor, Cbor);
subject!(CborConcise, "ours, concise", Concise, Cbor);

#[inline]
fn decode(encoding: Encoding, bytes: &[u8]) -> Message<'_> {
    Reading::default().message(encoding, bytes).unwrap_or_else(|_| refused()).value
}

#[cold]
fn refused() -> ! {
    panic!("ours refuses a message of the comparison")
}

fn visit(message: &Message<'_>) {
    let headers = &message.headers;
    text(headers.request_id);
    text(headers.from);
    black_box(headers.created);
    texts(headers.to);
    text(message.signature);
    match &message.content {
        Content::Request(command) => {
            black_box(command.action);
            target(&command.target);
            args(&command.args);
            text(command.command_id);
        }
        Content::Response(response) => {
            black_box(response.status);
            text(response.status_text);
            results(&response.results);
        }
        Content::Notification(event) => raw(event),
    }
}

fn text(text: Option<Str<'_>>) {
    if let Some(text) = text {
        match text.as_plain() {
            Some(plain) => {
                black_box(plain);
            }
            None => text.chars().for_each(|c| {
                black_box(c);
            }),
        }
    }
}

fn texts(list: Option<Texts<'_>>) {
    list.into_iter().flat_map(|list| list.iter()).for_each(|item| text(Some(item)));
}

fn target(target: &Target<'_>) {
    match target {
        Target::Features(features) => features.iter().for_each(|feature| {
            black_box(feature);
        }),
        Target::Device(device) => {
            text(device.hostname);
            text(device.idn_hostname);
            text(device.device_id);
        }
        eager => {
            black_box(eager);
        }
    }
}

fn args(args: &Args<'_>) {
    black_box((args.start_time, args.stop_time, args.duration, args.response_requested));
    text(args.comment);
    extensions(&args.extensions);
}

fn results(results: &Results<'_>) {
    texts(results.versions);
    texts(results.profiles);
    for pair in results.pairs.into_iter().flat_map(|pairs| pairs.iter()) {
        black_box(pair.action);
        texts(Some(pair.targets));
    }
    black_box(results.rate_limit);
    extensions(&results.extensions);
}

fn extensions(extensions: &Extensions<'_>) {
    for extension in extensions.iter() {
        text(Some(extension.profile));
        if let Some(value) = extension.value.as_raw() {
            raw(&value);
        }
    }
}

/// The caller's type for what the profile `x-acme` of the samples says.
#[derive(Deserialize)]
struct Acme<'a> {
    note: &'a str,
    #[serde(borrow)]
    items: Each<Item<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "an item is looked at as a whole")]
struct Item<'a> {
    name: &'a str,
    version: &'a str,
    purl: &'a str,
    #[serde(borrow)]
    licenses: Each<&'a str>,
    size: u64,
}

/// A list of which each item is looked at and none is kept.
struct Each<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Walk<T> {
            type Value = Each<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Each<T>, A::Error> {
                while let Some(item) = list.next_element::<T>()? {
                    black_box(&item);
                }
                Ok(Each(std::marker::PhantomData))
            }
        }
        deserializer.deserialize_seq(Walk(std::marker::PhantomData))
    }
}

fn raw(raw: &Raw<'_>) {
    match (raw.as_json(), raw.as_cbor()) {
        (Some(_), _) => {
            let Ok(acme) = raw.to_serde::<Acme<'_>>() else { refused() };
            black_box((acme.note, acme.items.0));
        }
        (_, Some(bytes)) => items(bytes),
        _ => {}
    }
}

/// Every item of a CBOR value, token by token.
fn items(bytes: &[u8]) {
    for token in minicbor::Decoder::new(bytes).tokens() {
        black_box(token.unwrap_or_else(|_| refused()));
    }
}
