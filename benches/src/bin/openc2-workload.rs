//! `openc2-workload decode|encode|convert json|cbor|concise MESSAGE REPS`: one measurement of OpenC2 messages, to be run under
//! callgrind by `openc2-count.sh`. What is encoded was read from the same encoding, what is converted from the other.

use core::hint::black_box;
use std::process::ExitCode;

use benches::measured;
use benches::openc2::{LARGE, samples};
use openc2_mqtt::{Encoding, Form, Reading};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [operation, form, message, reps] = arguments.as_slice() else {
        eprintln!("openc2-workload decode|encode|convert json|cbor|concise 0..5 REPS");
        return ExitCode::from(2);
    };
    // 3: there is no such measurement.
    run(operation, form, message, reps).map_or(ExitCode::from(3), |()| ExitCode::SUCCESS)
}

fn run(operation: &str, form: &str, message: &str, reps: &str) -> Option<()> {
    let (form, encoding) = match form {
        "json" => (Form::Json, Encoding::Json),
        "cbor" => (Form::Cbor, Encoding::Cbor),
        "concise" => (Form::Concise, Encoding::Cbor),
        _ => return None,
    };
    let reps = reps.parse().ok()?;
    let samples = samples();
    let json = samples.get(message.parse::<usize>().ok()?)?.json.as_bytes();
    let reading = Reading::default();
    let message = reading.message(Encoding::Json, json).ok()?.value;
    let mut buffer = vec![0; LARGE];
    let length = message.encode(form, &mut buffer).ok()?;
    // A profile's value that came in the same encoding is written as it came.
    let from_cbor = (operation == "encode") == (encoding == Encoding::Cbor);
    let source = if form == Form::Json { Form::Cbor } else { form };
    let mut cbor = vec![0; LARGE];
    let cbor_length = message.encode(source, &mut cbor).ok()?;
    let message = match from_cbor {
        true => reading.message(Encoding::Cbor, cbor.get(..cbor_length)?).ok()?.value,
        false => message,
    };
    match operation {
        "decode" => {
            let bytes = buffer.get(..length)?;
            measured(reps, || {
                let _read = black_box(reading.message(encoding, black_box(bytes)));
            });
        }
        "encode" | "convert" => measured(reps, || {
            let _length = black_box(black_box(&message).encode(form, black_box(&mut buffer)));
        }),
        _ => return None,
    }
    Some(())
}
