//! `oc2 convert`: a message, a command or a response in another form.

use std::io::{self, Write as _};
use std::process::ExitCode;

use openc2_mqtt::{Document, EncodeError, Form, Style};

use crate::MISUSED;
use crate::check::{document, forgiven, load, name, reading};
use crate::cli::{self, Convert, Kind};
use crate::terminal::{GONE, unwritten};

pub(crate) fn run(convert: &Convert) -> ExitCode {
    if convert.pretty && convert.to != cli::Form::Json {
        crate::terminal::complain!("oc2: '--pretty' goes with '--to json' alone");
        return MISUSED.into();
    }
    let written = converted(convert).and_then(|bytes| {
        let mut out = io::stdout().lock();
        out.write_all(&bytes).and_then(|()| out.flush()).map_err(|error| unwritten(&error))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) if why == GONE => ExitCode::SUCCESS,
        Err(why) => {
            crate::terminal::complain!("oc2: {}: {why}", name(&convert.file));
            ExitCode::FAILURE
        }
    }
}

fn converted(convert: &Convert) -> Result<Vec<u8>, String> {
    let bytes = load(&convert.file).map_err(|error| error.to_string())?;
    let reading = reading(convert.reading);
    let read = document(&reading, Kind::Auto, convert.reading, &bytes)?;
    if let Some(habits) = forgiven(read.quirks) {
        crate::terminal::complain!("oc2: {}: {habits}", name(&convert.file));
    }
    let value = match (convert.structure, read.value) {
        (None, value) => value,
        (Some(structure), Document::Message(message)) => Document::Message(message.structured(structure.into())),
        (Some(_), _) => return Err("'--message' is for messages, and it holds none".into()),
    };
    let form = match convert.to {
        cli::Form::Json => Form::Json,
        cli::Form::Cbor => Form::Cbor,
        cli::Form::CborConcise => Form::Concise,
    };
    let style = Style::new(form, reading.language).with_profiles(reading.profiles);
    let need = match value.encode(style, &mut []) {
        Err(EncodeError::Full { need }) => need,
        Err(refused) => return Err(refused.to_string()),
        Ok(length) => length,
    };
    let mut buffer = vec![0; need];
    value.encode(style, &mut buffer).map_err(|error| error.to_string())?;
    if form != Form::Json {
        return Ok(buffer);
    }
    let mut json = if convert.pretty { pretty(&buffer) } else { buffer };
    json.push(b'\n');
    Ok(json)
}

/// The same JSON, indented by two; it holds no white space but in strings.
fn pretty(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.extend(core::iter::repeat_n(b' ', depth * 2));
    };
    let mut bytes = json.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if quoted {
            out.push(byte);
            quoted = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'{' | b'[' if matches!(bytes.peek(), Some(b'}' | b']')) => {
                out.push(byte);
                out.extend(bytes.next());
            }
            b'{' | b'[' => {
                out.push(byte);
                depth += 1;
                line(&mut out, depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend(b": "),
            other => {
                quoted = other == b'"';
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_its_strings_are_left_alone() {
        let json = br#"{"a":[1,{"b":"{\"x\":[,]}\\"}],"c":{},"d":[]}"#;
        let expected = "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"{\\\"x\\\":[,]}\\\\\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}";
        assert_eq!(String::from_utf8(pretty(json)).unwrap(), expected);
    }
}
