//! A Producer's requests as bytes that outlive the process.

use super::memory::{InlineStr, Pending, Responder, State, Table};
use super::{Answer, NAME, ProducerMemory, REQUEST_ID, RequestId};
use crate::encoding::text::Str;
use crate::language::response::Status;
use crate::language::vocabulary::ResponseType;
use crate::snapshot::{self, ExportError, FRAME, ImportError, Machine, StateReader, StateWriter};
use mqtt5_session::Instant;

/// The moment, and how many requests.
const HEAD: usize = 9 + 2;
/// State, identifier, remaining time, expected, named, wanted, answered, how many of these bad, age, and how many responders.
const REQUEST: usize = 1 + 2 + REQUEST_ID + 8 + 9 + 1 + 1 + 2 + 2 + 4 + 2;
/// Name, whether expected, whether the answer is bad, its status, created.
const RESPONDER: usize = 2 + NAME + 1 + 1 + 2 + 9;

impl<const REQUESTS: usize, const RESPONDERS: usize> ProducerMemory<REQUESTS, RESPONDERS> {
    /// The most bytes that a Producer with this memory exports.
    pub const EXPORT: usize = FRAME + HEAD + REQUESTS * REQUEST + RESPONDERS * RESPONDER;
}

impl Table<'_> {
    /// Writes all that is remembered; no more time passes for it until it is read again.
    pub(super) fn export(&self, now: Instant, utc: Option<u64>, buffer: &mut [u8]) -> Result<usize, ExportError> {
        let mut out = StateWriter::new(Machine::Producer, buffer);
        out.option(utc);
        let remembered = || self.pending.iter().zip(0u16..).filter(|(pending, _)| pending.state != State::Free);
        out.u16(u16::try_from(remembered().count()).unwrap_or(u16::MAX));
        for (pending, slot) in remembered() {
            out.u8(u8::from(pending.state == State::Over));
            out.block(pending.id.as_str().as_bytes());
            out.u64(now.until(pending.deadline));
            out.option(pending.expected.map(u64::from));
            out.u8(u8::from(pending.named));
            out.u8(pending.wanted.id() as u8);
            out.u16(pending.answered);
            out.u16(pending.bad);
            out.u32(pending.age);
            let request = Some(RequestId { slot, serial: pending.serial });
            let responders = || self.responders.iter().filter(|responder| responder.request == request);
            out.u16(u16::try_from(responders().count()).unwrap_or(u16::MAX));
            for responder in responders() {
                out.block(responder.name.as_str().as_bytes());
                out.u8(u8::from(responder.expected));
                out.u8(u8::from(responder.answer.is_bad()));
                out.u16(responder.answer.status().map_or(0, Status::code));
                out.option(responder.created);
            }
        }
        out.finish()
    }

    /// Takes up what was exported, into memory that holds nothing yet: read once to see that all is well and has room, then
    /// once more.
    pub(super) fn import(&mut self, bytes: &[u8], now: Instant, utc: Option<u64>) -> Result<(), ImportError> {
        if self.pending.iter().any(|pending| pending.state != State::Free) {
            return Err(ImportError::InUse);
        }
        let mut body = StateReader::open(Machine::Producer, bytes)?;
        let away = snapshot::away(body.option()?, utc);
        let (mut requests, mut responders) = (0usize, 0usize);
        read(
            body.clone(),
            |_, _| requests = requests.saturating_add(1),
            |_| responders = responders.saturating_add(1),
        )?;
        if requests > self.pending.len() || responders > self.responders.len() {
            return Err(ImportError::Full);
        }
        self.responders.fill(Responder::FREE);
        let (mut slots, mut places) = (self.pending.iter_mut().zip(0u16..), self.responders.iter_mut());
        let request = core::cell::Cell::new(None);
        read(
            body,
            |pending, remaining| {
                let Some((place, slot)) = slots.next() else { return };
                let serial = place.serial.wrapping_add(1);
                let deadline = now.after(remaining.saturating_sub(away));
                *place = Pending { serial, deadline, ..pending };
                request.set(Some(RequestId { slot, serial }));
            },
            |responder| {
                if let Some(place) = places.next() {
                    *place = Responder { request: request.get(), ..responder };
                }
            },
        )
    }
}

/// Gives each request with its remaining time, and after each its responders.
fn read(
    mut body: StateReader<'_>,
    mut request: impl FnMut(Pending, u64),
    mut responder: impl FnMut(Responder),
) -> Result<(), ImportError> {
    for _ in 0..body.u16()? {
        let state = if body.flag()? { State::Over } else { State::Pending };
        let id = name(body.text()?)?;
        let remaining = body.u64()?;
        let expected = body.option()?.map(u16::try_from).transpose().map_err(|_| ImportError::Damaged)?;
        let named = body.flag()?;
        let wanted = ResponseType::from_id(body.u8()?.into()).ok_or(ImportError::Damaged)?;
        let (answered, bad, age) = (body.u16()?, body.u16()?, body.u32()?);
        request(Pending { state, id, expected, named, wanted, answered, bad, age, ..Pending::FREE }, remaining);
        for _ in 0..body.u16()? {
            let name = name(body.text()?)?;
            let (expected, bad) = (body.flag()?, body.flag()?);
            let status = match body.u16()? {
                0 => None,
                code => Some(Status::from_code(code.into()).ok_or(ImportError::Damaged)?),
            };
            let answer = match (bad, status) {
                (true, status) => Answer::Bad(status),
                (false, Some(status)) => Answer::Good(status),
                (false, None) => Answer::Awaited,
            };
            responder(Responder { name, expected, answer, created: body.option()?, ..Responder::FREE });
        }
    }
    body.end()
}

fn name<const N: usize>(text: &str) -> Result<InlineStr<N>, ImportError> {
    InlineStr::new(Str::new(text)).ok_or(ImportError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producer::{Producer, ProducerPolicy};
    use crate::snapshot::tests::bodies;

    #[test]
    fn whatever_a_sound_frame_holds_is_taken_up_or_refused() {
        let mut taken = 0;
        for bytes in bodies(Machine::Producer, HEAD, REQUEST - REQUEST_ID) {
            let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 2>::new());
            let now = Instant::from_millis(7);
            match producer.import(&bytes, now, Some(1)) {
                Ok(()) => {
                    taken += 1;
                    while producer.handle_timeout(now).is_some() {}
                    let mut again = [0; ProducerMemory::<2, 2>::EXPORT];
                    assert!(producer.export(now, Some(1), &mut again).is_ok());
                }
                Err(error) => {
                    assert!(matches!(error, ImportError::Damaged | ImportError::Full));
                    producer.requests(|_, _, _| panic!("a refused call has changed nothing"));
                }
            }
        }
        assert!(taken > 100, "{taken}");
    }
}
