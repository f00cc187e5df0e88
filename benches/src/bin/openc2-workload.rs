//! `openc2-workload decode|encode json|cbor|concise MESSAGE REPS`: one measurement of OpenC2 messages, to be run under callgrind
//! by `openc2-count.sh`.

use core::hint::black_box;
use std::process::ExitCode;

use benches::measured;
use benches::openc2::{LARGE, samples};
use openc2_mqtt::{Encoding, Form, Reading};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [operation, form, message, reps] = arguments.as_slice() else {
        eprintln!("openc2-workload decode|encode json|cbor|concise 0..5 REPS");
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
    match operation {
        "decode" => {
            let bytes = buffer.get(..length)?;
            measured(reps, || {
                let _read = black_box(reading.message(encoding, black_box(bytes)));
            });
        }
        "encode" => measured(reps, || {
            let _length = black_box(black_box(&message).encode(form, black_box(&mut buffer)));
        }),
        _ => return None,
    }
    Some(())
}
