//! `openc2-seeds FOLDER json|cbor|transfer`: what a fuzzer begins with: the messages that are measured, and each construct of the
//! growth test once and thrice, in JSON or in both forms of CBOR; for the transfer, behind bytes that choose a valid PUBLISH.

use std::path::Path;
use std::process::ExitCode;

use benches::growth::CONSTRUCTS;
use benches::openc2::samples;
use openc2_mqtt::{Encoding, Form, Language, Reading};

/// Chooses CS01, `oc2/cmd/all`, QoS 1, nothing retained, strict reading, and the properties of a request in JSON.
const PUBLISH: &[u8] = &[0, 0, 1, 0, 0, 4, 1, 2, 3, 6];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, target] = arguments.as_slice() else {
        eprintln!("openc2-seeds FOLDER json|cbor|transfer");
        return ExitCode::from(2);
    };
    let mut documents: Vec<Vec<u8>> =
        samples().into_iter().map(|sample| sample.json.into_bytes()).filter(|json| json.len() < 1024).collect();
    for (_, construct) in CONSTRUCTS {
        for times in [1, 3] {
            let mut json = Vec::new();
            construct(times).json(&mut json);
            documents.push(json);
        }
    }
    let mut number = 0;
    let mut keep = |bytes: &[u8]| {
        number += 1;
        std::fs::write(Path::new(folder).join(format!("{target}-{number}")), bytes)
    };
    for json in documents {
        let kept = match target.as_str() {
            "json" => keep(&json),
            "cbor" => cbor(&json).iter().try_for_each(|bytes| keep(bytes)),
            _ => keep(&[PUBLISH, &json].concat()),
        };
        if let Err(error) = kept {
            eprintln!("openc2-seeds: {folder}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// A document in both forms of CBOR, as far as it has them.
fn cbor(json: &[u8]) -> Vec<Vec<u8>> {
    let Ok(read) = Reading::lenient(Language::V1_0).document(Encoding::Json, json) else { return Vec::new() };
    let write = |form| {
        let mut buffer = vec![0; 4096];
        let length = read.value.encode(form, &mut buffer).ok()?;
        buffer.truncate(length);
        Some(buffer)
    };
    [Form::Cbor, Form::Concise].into_iter().filter_map(write).collect()
}
