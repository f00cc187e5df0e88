//! `openc2-growth`: reads, answers and writes messages in which one construct is repeated 1, 2 and 4 times as often, each once
//! within the function that callgrind collects in, and prints a line for each, in that order: construct, form, operation,
//! bytes. `openc2-growth.sh` puts the instructions beside them.
//! `openc2-growth time` prints milliseconds instead.

use core::hint::black_box;
use std::time::Instant as Clock;

use benches::growth::CONSTRUCTS;
use benches::measured;
use mqtt5_codec::{QoS, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{Received, publish_properties};
use openc2_mqtt::{Encoding, Form, Instant, Language, MessageType, Reading};

/// The fewest repetitions.
const FEW: usize = 1000;

fn main() {
    let timed = std::env::args().nth(1).is_some_and(|word| word == "time");
    for (name, construct) in CONSTRUCTS {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            for operation in ["read", "read, cut short", "handle, cut short", "write"] {
                for times in [1, 2, 4] {
                    let value = construct(FEW * times);
                    let mut bytes = Vec::new();
                    let spelled = match encoding {
                        Encoding::Json => {
                            value.json(&mut bytes);
                            Some(())
                        }
                        Encoding::Cbor => value.cbor(&mut bytes),
                    };
                    if spelled.is_none() {
                        continue;
                    }
                    let before = Clock::now();
                    if run(encoding, operation, &bytes) {
                        end_of_figure();
                        let form = encoding.name();
                        match timed {
                            true => println!(
                                "{name};{form};{operation};{};{:.3} ms",
                                bytes.len(),
                                before.elapsed().as_secs_f64() * 1e3
                            ),
                            false => println!("{name};{form};{operation};{}", bytes.len()),
                        }
                    }
                }
            }
        }
    }
}

/// Where callgrind writes down what the last measurement took.
#[inline(never)]
fn end_of_figure() {
    black_box(());
}

/// Whether there is such a measurement: what can't be read is not written.
fn run(encoding: Encoding, operation: &str, bytes: &[u8]) -> bool {
    let reading = Reading { size: usize::MAX, ..Reading::lenient(Language::V1_0) };
    let cut = bytes.get(..bytes.len() - 1).unwrap_or_default();
    match operation {
        "read" => measured(1, || {
            let _read = black_box(reading.message(encoding, black_box(bytes)));
        }),
        "read, cut short" => measured(1, || {
            let _read = black_box(reading.message(encoding, black_box(cut)));
        }),
        "handle, cut short" => {
            let policy = ConsumerPolicy { reading, ..ConsumerPolicy::default() };
            let declaration = Declaration::new("c", "d", &slpf::PROFILES, &[]);
            let mut consumer = Consumer::new(declaration, policy, ConsumerMemory::<2, 512>::new());
            let properties = publish_properties(MessageType::Request, encoding, None);
            let Ok(topic) = Topic::new("oc2/cmd/all") else { return false };
            let properties = properties.as_properties();
            let received = Received { topic, qos: QoS::AtLeastOnce, retain: false, properties, payload: cut };
            let mut buffer = vec![0; 1024];
            measured(1, || {
                let _reaction =
                    black_box(consumer.handle(black_box(&received), Instant::from_millis(0), None, &mut buffer));
            });
        }
        _ => {
            let Ok(read) = reading.message(encoding, bytes) else { return false };
            let form = if encoding == Encoding::Json { Form::Cbor } else { Form::Json };
            let mut buffer = vec![0; 2 * bytes.len() + 1000];
            measured(1, || {
                let _length = black_box(black_box(&read.value).encode(form, black_box(&mut buffer)));
            });
        }
    }
    true
}
