//! A PUBLISH reader made of nom's combinators, with the checks of ours, to see what combinators would cost the codec. It is measured and
//! used for nothing else.
//!
//! It reads what a server sends, in the same way: properties are checked in one pass and kept as bytes, which are read again by whoever
//! looks at them. An error tells the rule and how much was left, as the codec's does.

use core::hint::black_box;

use mqtt5_codec::Rule;
use nom::bytes::streaming::take;
use nom::combinator::{cond, verify};
use nom::error::{ErrorKind, ParseError};
use nom::multi::length_data;
use nom::number::complete::{be_u8, be_u16, be_u32};
use nom::{Err, IResult, Parser};

use crate::workload::Workload;
use crate::{Subject, measure::refused};

/// The reader under measurement.
#[derive(Debug)]
pub struct Nom;

/// What is wrong, and how many bytes were left.
#[derive(Debug)]
pub struct Fault {
    rule: Rule,
    left: usize,
}

impl ParseError<&[u8]> for Fault {
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self { rule: Rule::REMAINING_LENGTH, left: input.len() }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Read<'a, T> = IResult<&'a [u8], T, Fault>;

struct Publish<'a> {
    first: u8,
    topic: &'a [u8],
    id: Option<u16>,
    properties: &'a [u8],
    payload: &'a [u8],
}

enum Property<'a> {
    Number(u32),
    Bytes(&'a [u8]),
    Pair(&'a [u8], &'a [u8]),
}

fn fault<'a, T>(input: &'a [u8], rule: Rule) -> Read<'a, T> {
    Err(Err::Failure(Fault { rule, left: input.len() }))
}

fn packet(input: &[u8]) -> Read<'_, Publish<'_>> {
    let (input, first) = verify(be_u8, |first| first >> 4 == 3 && first & 6 != 6).parse(input)?;
    let (input, body) = length_data(varint).parse(input)?;
    let (body, topic) = string(body, true)?;
    let (body, id) = cond(first & 6 != 0, verify(be_u16, |id| *id != 0)).parse(body)?;
    let (payload, properties) = length_data(varint).parse(body)?;
    check(properties)?;
    Ok((input, Publish { first, topic, id, properties, payload }))
}

fn varint(input: &[u8]) -> Read<'_, u32> {
    let (mut rest, mut value, mut shift) = (input, 0, 0);
    loop {
        let (after, byte) = be_u8(rest)?;
        value |= u32::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return if byte == 0 && shift > 0 { fault(rest, Rule::VARINT_MINIMAL) } else { Ok((after, value)) };
        }
        if shift == 21 {
            return fault(rest, Rule::VARINT_LENGTH);
        }
        (rest, shift) = (after, shift + 7);
    }
}

fn string(input: &[u8], is_topic: bool) -> Read<'_, &[u8]> {
    let (rest, bytes) = length_data(be_u16).parse(input)?;
    if is_plain(bytes, is_topic) {
        return Ok((rest, bytes));
    }
    match core::str::from_utf8(bytes) {
        Err(_) => fault(input, Rule::STRING_UTF8),
        Ok(text) if text.contains('\0') => fault(input, Rule::STRING_NUL),
        Ok(text) if is_topic && text.contains(['+', '#']) => fault(input, Rule::TOPIC_WILDCARD),
        Ok(_) => Ok((rest, bytes)),
    }
}

/// Whether bytes are ASCII without zero and, in a topic, without wildcards: a word at a time, as the codec looks.
fn is_plain(bytes: &[u8], is_topic: bool) -> bool {
    const ONES: u64 = u64::MAX / 0xFF;
    let special = |word: u64| {
        let mut special = word.wrapping_sub(ONES) | word;
        if is_topic {
            special |= ((word | (ONES * 8)) ^ (ONES * 0x2B)).wrapping_sub(ONES);
        }
        special & (ONES * 0x80) != 0
    };
    let Some(last) = bytes.last_chunk() else {
        return !bytes.iter().any(|&byte| byte == 0 || byte > 0x7F || is_topic && byte & !8 == b'#');
    };
    !bytes.as_chunks().0.iter().any(|word| special(u64::from_ne_bytes(*word))) && !special(u64::from_ne_bytes(*last))
}

fn check(mut list: &[u8]) -> Result<(), Err<Fault>> {
    let mut seen = 0u64;
    while !list.is_empty() {
        let at = list;
        let id;
        (list, (id, _)) = property(list)?;
        if !matches!(id, 0x26 | 0x0B) && seen >> id & 1 != 0 {
            return Err(Err::Failure(Fault { rule: Rule::PROPERTY_ID, left: at.len() }));
        }
        seen |= 1 << id;
    }
    Ok(())
}

/// One property of a server's PUBLISH.
fn property(input: &[u8]) -> Read<'_, (u8, Property<'_>)> {
    let (rest, id) = be_u8(input)?;
    let (rest, value) = match id {
        0x01 => verify(be_u8, |value| *value < 2).map(|value| Property::Number(value.into())).parse(rest)?,
        0x02 => be_u32.map(Property::Number).parse(rest)?,
        0x03 => (|rest| string(rest, false)).map(Property::Bytes).parse(rest)?,
        0x08 => (|rest| string(rest, true)).map(Property::Bytes).parse(rest)?,
        0x09 => length_data(be_u16).map(Property::Bytes).parse(rest)?,
        0x0B => verify(varint, |value| *value != 0).map(Property::Number).parse(rest)?,
        0x23 => verify(be_u16, |value| *value != 0).map(|value| Property::Number(value.into())).parse(rest)?,
        0x26 => {
            let (rest, (name, value)) = (|rest| string(rest, false), |rest| string(rest, false)).parse(rest)?;
            (rest, Property::Pair(name, value))
        }
        _ => return fault(input, Rule::PROPERTY_ID),
    };
    Ok((rest, (id, value)))
}

/// One property of a list that has been checked.
fn checked(input: &[u8]) -> Read<'_, Property<'_>> {
    let (rest, id) = be_u8(input)?;
    match id {
        0x01 => be_u8.map(|value| Property::Number(value.into())).parse(rest),
        0x02 => be_u32.map(Property::Number).parse(rest),
        0x0B => varint.map(Property::Number).parse(rest),
        0x23 => be_u16.map(|value| Property::Number(value.into())).parse(rest),
        0x26 => (length_data(be_u16), length_data(be_u16)).map(|(name, value)| Property::Pair(name, value)).parse(rest),
        _ => length_data(be_u16).map(Property::Bytes).parse(rest),
    }
}

impl Subject for Nom {
    const NAME: &'static str = "nom";
    type Input = &'static [u8];
    type Packet = ();
    type Output = ();

    fn input(workload: Workload, bytes: &'static [u8]) -> Option<&'static [u8]> {
        matches!(workload, Workload::Publish | Workload::Bare | Workload::Large).then_some(bytes)
    }

    #[inline]
    fn decode(input: &mut &'static [u8]) {
        let (rest, publish) = match packet(black_box(input)) {
            Ok(read) => read,
            Err(Err::Failure(Fault { rule, left })) => {
                black_box((rule, left));
                refused()
            }
            Err(_) => refused(),
        };
        *input = rest;
        black_box(&publish);
        black_box((publish.first, publish.topic, publish.id, publish.payload));
        let mut list = publish.properties;
        while !list.is_empty() {
            let Ok((rest, property)) = checked(list) else { refused() };
            match property {
                Property::Number(value) => drop(black_box(value)),
                Property::Bytes(bytes) => drop(black_box(bytes)),
                Property::Pair(name, value) => drop(black_box((name, value))),
            }
            list = rest;
        }
    }

    fn packet(_: Workload, _: &'static [u8]) -> Option<()> {
        None
    }

    fn output() {}

    fn encode((): &(), (): &mut (), _: usize) -> usize {
        0
    }
}

/// A second caller, as the codec has one.
#[must_use]
pub fn other(bytes: &[u8]) -> bool {
    take::<_, _, Fault>(1usize)(bytes).is_ok() && packet(bytes).is_ok_and(|(rest, _)| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_the_workloads_hold_and_refuses_what_may_not_be() {
        for workload in [Workload::Publish, Workload::Bare, Workload::Large] {
            let bytes: &'static [u8] = workload.bytes().leak();
            let mut input = Nom::input(workload, bytes).unwrap();
            Nom::decode(&mut input);
            assert!(input.is_empty() && other(bytes));
        }
        for bad in
            [&b"\x36\x03\0\x01a"[..], b"\x30\x04\0\x01#\0", b"\x30\x04\0\x01\xFF\0", b"\x30\x08\0\x01a\x04\x01\0\x01\0"]
        {
            assert!(!other(bad), "{bad:02x?}");
        }
    }
}
