//! OpenC2 messages to be measured, and who reads and writes them: ours in three forms, the `openc2` crate by serde_json,
//! and `serde_json::Value`, which knows nothing of OpenC2.

mod ours;
mod peers;

pub use benches::openc2::{LARGE, Sample, samples};
pub use ours::{CborConcise, CborNamed, Json};
pub use peers::{Crate, Value};

/// A reader and writer of messages.
pub trait Subject {
    /// What it is called in the table.
    const NAME: &'static str;
    /// A message as this subject keeps it.
    type Message<'a>;

    /// The bytes that it reads: this JSON, or the same message in another form.
    fn input(json: &str) -> Vec<u8>;
    /// Reads a message.
    fn decode(bytes: &[u8]) -> Self::Message<'_>;
    /// Reads every field of it that reading the message hasn't read yet.
    fn visit(message: &Self::Message<'_>);
    /// Writes a message; how many bytes it took. Who can write to a slice only uses `buffer`.
    fn encode(message: &Self::Message<'_>, buffer: &mut [u8]) -> usize;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round<S: Subject>() {
        for sample in samples() {
            let input = S::input(&sample.json);
            let message = S::decode(&input);
            S::visit(&message);
            let mut buffer = vec![0; input.len()];
            assert_eq!(S::encode(&message, &mut buffer), input.len(), "{}: {}", S::NAME, sample.name);
        }
    }

    #[test]
    fn everyone_writes_as_many_bytes_as_it_reads() {
        round::<Json>();
        round::<CborNamed>();
        round::<Crate>();
        round::<Value>();
    }

    #[test]
    fn ours_writes_the_same_bytes() {
        for sample in samples() {
            let mut buffer = vec![0; LARGE];
            let length = Json::encode(&Json::decode(sample.json.as_bytes()), &mut buffer);
            assert_eq!(std::str::from_utf8(&buffer[..length]), Ok(sample.json.as_str()));
        }
    }
}
