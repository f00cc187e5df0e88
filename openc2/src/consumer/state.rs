//! What a Consumer remembers as bytes that outlive the process.

use super::ConsumerMemory;
use super::engine::{Core, Forgotten};
use super::memory::{Slot, State, Table};
use super::rate::{self, Rate};
use super::reply::Clocks;
use crate::language::message::Structure;
use crate::language::response::Status;
use crate::language::vocabulary::ResponseType;
use crate::snapshot::{self, ExportError, FRAME, ImportError, Machine, StateReader, StateWriter};
use crate::transfer::Encoding;

/// The moment, what of the rate limit is used, the window, before when nothing retained is carried out, the latest that came
/// before its time, and how many requests.
const HEAD: usize = 9 + 8 + 8 + 9 + 8 + 2;
/// State, what is known of it, status, the command's sum, remaining time, and the lengths of three names and a response.
const REQUEST: usize = 1 + 1 + 1 + 1 + 1 + 1 + 1 + 2 + 4 + 8 + 4 * 2;

impl<const SLOTS: usize, const BYTES: usize> ConsumerMemory<SLOTS, BYTES> {
    /// The most bytes that a Consumer with this memory exports.
    pub const EXPORT: usize = FRAME + HEAD + SLOTS * REQUEST + BYTES;
}

/// One request, as it was exported.
struct Record<'a> {
    slot: Slot,
    remaining: u64,
    from: &'a str,
    id: &'a str,
    command: &'a str,
    kept: &'a [u8],
}

impl Core<'_> {
    /// Writes what is remembered and not yet to be forgotten.
    pub(super) fn export(&self, table: &Table<'_>, clocks: Clocks, buffer: &mut [u8]) -> Result<usize, ExportError> {
        let Clocks { now, utc } = clocks;
        let mut out = StateWriter::new(Machine::Consumer, buffer);
        out.option(utc);
        out.u64(self.declaration.rate_limit.map_or(0, |limit| self.rate.used(limit, now)));
        out.u64(self.policy.window);
        out.option(self.forgotten.before);
        out.u64(self.forgotten.ahead);
        let remembered = || table.remembered(now);
        out.u16(u16::try_from(remembered().count()).unwrap_or(u16::MAX));
        for (slot, parts) in remembered() {
            out.u8(u8::from(slot.state == State::Answered));
            out.u8(u8::from(slot.named));
            out.u8(u8::from(slot.kept.is_some()));
            out.u8(u8::from(slot.unsent));
            out.u8(slot.requested.id() as u8);
            out.u8(u8::from(slot.encoding == Encoding::Cbor));
            out.u8(u8::from(slot.structure == Structure::Record));
            out.u16(slot.status.map_or(0, Status::code));
            out.u32(slot.digest);
            out.u64(now.until(slot.until));
            for name in [parts.from, parts.id, parts.command] {
                out.block(name.as_bytes());
            }
            out.block(slot.kept.and_then(|length| parts.rest.get(..usize::from(length))).unwrap_or_default());
        }
        out.finish()
    }

    /// Takes up what was exported, into memory that holds nothing yet: read once to see that all is well and has room, then
    /// once more. A response that finds no room is not kept.
    pub(super) fn import(&mut self, mut table: Table<'_>, bytes: &[u8], clocks: Clocks) -> Result<(), ImportError> {
        if table.remembered(clocks.now).next().is_some() {
            return Err(ImportError::InUse);
        }
        let mut body = StateReader::open(Machine::Consumer, bytes)?;
        let exported = body.option()?;
        let away = snapshot::away(exported, clocks.utc);
        let used = body.u64()?;
        let window = body.u64()?;
        let (before, ahead) = (body.option()?, body.u64()?);
        let longer = self.policy.window.saturating_sub(window);
        let mut fits = Ok(0usize);
        read(body.clone(), |record| {
            let names = [record.from, record.id, record.command].into_iter().map(str::len).sum::<usize>();
            fits = fits.and_then(|index| {
                if table.fits(index, names) { Ok(index.saturating_add(1)) } else { Err(ImportError::Full) }
            });
        })?;
        fits?;
        let mut index = 0usize;
        read(body, |record| {
            let until = clocks.now.after(record.remaining.saturating_add(longer).saturating_sub(away));
            let slot = Slot { until, ..record.slot };
            table.restore(index, slot, [record.from, record.id, record.command], record.kept);
            index = index.saturating_add(1);
        })?;
        // Under a longer window what the last process had forgotten by then would seem never to have been.
        let before = match (longer, before, exported) {
            (0, before, _) => before,
            (_, Some(before), Some(exported)) => Some(before.max(exported.saturating_sub(window))),
            _ => clocks.utc,
        };
        self.forgotten = Forgotten { before, ahead, ..Forgotten::default() };
        // Under a lower limit than the last process had, no more than a minute of this one's is used up.
        self.rate = self.declaration.rate_limit.map_or_else(Rate::default, |limit| {
            let used = used.min(rate::earned(limit, 60_000));
            Rate::new(used.saturating_sub(rate::earned(limit, away)), clocks.now)
        });
        Ok(())
    }
}

fn read<'a>(mut body: StateReader<'a>, mut each: impl FnMut(Record<'a>)) -> Result<(), ImportError> {
    for _ in 0..body.u16()? {
        let state = if body.flag()? { State::Answered } else { State::Running };
        let (named, is_kept, unsent) = (body.flag()?, body.flag()?, body.flag()?);
        let requested = ResponseType::from_id(body.u8()?.into()).ok_or(ImportError::Damaged)?;
        let encoding = if body.flag()? { Encoding::Cbor } else { Encoding::Json };
        let structure = if body.flag()? { Structure::Record } else { Structure::Wrapper };
        let status = match body.u16()? {
            0 => None,
            code => Some(Status::from_code(code.into()).ok_or(ImportError::Damaged)?),
        };
        let (digest, remaining) = (body.u32()?, body.u64()?);
        let (from, id, command, kept) = (body.text()?, body.text()?, body.text()?, body.block()?);
        let length = u16::try_from(kept.len()).map_err(|_| ImportError::Damaged)?;
        let kept_length = is_kept.then_some(length);
        let unsent = unsent && state == State::Answered;
        let slot = Slot {
            state,
            named,
            unsent,
            digest,
            requested,
            encoding,
            structure,
            status,
            kept: kept_length,
            ..Slot::FREE
        };
        each(Record { slot, remaining, from, id, command, kept });
    }
    body.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumer::{Consumer, ConsumerPolicy, Declaration};
    use crate::snapshot::tests::bodies;
    use mqtt5_session::Instant;

    #[test]
    fn whatever_a_sound_frame_holds_is_taken_up_or_refused() {
        let mut taken = 0;
        for bytes in bodies(Machine::Consumer, HEAD, REQUEST) {
            let declaration = Declaration::new("c", "d", &crate::profile::slpf::PROFILES, &[]);
            let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<2, 96>::new());
            let now = Instant::from_millis(7);
            match consumer.import(&bytes, now, Some(1)) {
                Ok(()) => {
                    taken += 1;
                    let mut again = [0; ConsumerMemory::<2, 96>::EXPORT];
                    assert!(consumer.export(now, Some(1), &mut again).is_ok());
                }
                Err(error) => {
                    assert!(matches!(error, ImportError::Damaged | ImportError::Full));
                    assert_eq!(consumer.running(), 0);
                }
            }
        }
        assert!(taken > 100, "{taken}");
    }
}
