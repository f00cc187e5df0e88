//! Arbitrary calls and arbitrary bytes of the server, in any order, as any bytes say: what a fuzzer and a property test run.
//!
//! [`run`] reads its input as a list of [`Op`]s, and after each one asks the judge whether what was written, told and refused
//! is what a client may do. Beside the client runs a twin that is never asked for what the first one refused: as long as the
//! two behave alike, a refused call has changed nothing. At the end a server without faults answers all that is left.

mod judge;
mod peer;
mod tape;
mod world;

use std::collections::BTreeSet;

use judge::Stage;
use tape::Tape;
use world::{Outcome, World};

/// A call of the host, something that the server sends, or time.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Connect(Connecting),
    Publish {
        qos: u8,
        hold: bool,
        retain: bool,
        name: u8,
        len: usize,
        alias: u16,
    },
    Subscribe {
        filters: u8,
        id: bool,
    },
    Unsubscribe(u8),
    Acknowledge(u16, u8),
    Ping,
    Auth(bool),
    Disconnect {
        reason: u8,
        expiry: Option<u32>,
        once: bool,
    },
    Close,
    Write(usize),
    /// Copies out what fits into so many bytes.
    Copy(usize),
    /// The server sends this. `plain` says that it is made by the rules of packets.
    Send {
        bytes: Vec<u8>,
        plain: bool,
    },
    /// So much arrives, and is handled.
    Read(usize),
    Handled,
    Pass(u64),
    Lost,
}

/// How to connect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connecting {
    pub(crate) id: &'static str,
    pub(crate) clean: bool,
    pub(crate) empty: bool,
    pub(crate) manual: bool,
    pub(crate) expiry: Option<u32>,
    pub(crate) keep_alive: u16,
    pub(crate) aliases: u16,
    pub(crate) method: bool,
    pub(crate) plain: bool,
}

/// The next operation. What leads on is a likely one.
fn next(tape: &mut Tape<'_>, world: &mut World<'_>) -> Op {
    let judge = &mut world.judge;
    match (judge.stage, tape.byte()) {
        (Stage::Down, 96..) => return connect(tape),
        (Stage::Over, 64..) => return Op::Close,
        (Stage::Connecting, 64..128) => return Op::Write(usize::MAX),
        (Stage::Connecting, 128..192) => return Op::Send { bytes: peer::answer(tape, judge), plain: true },
        (Stage::Connecting, 192..) => return Op::Read(usize::MAX),
        _ => {}
    }
    match tape.below(48) {
        0..=2 => connect(tape),
        3..=10 => Op::Publish {
            qos: tape.below(3),
            hold: tape.chance(128),
            retain: tape.chance(40),
            name: tape.below(4),
            len: tape.below(70).into(),
            alias: tape.one_of(&[0, 0, 0, 0, 0, 1, 2, 12]),
        },
        11 => Op::Subscribe { filters: tape.below(4), id: tape.chance(64) },
        12 => Op::Unsubscribe(tape.below(3)),
        13..=16 => {
            let reason = tape.one_of(&[0, 0, 0x10, 0x80, 0x87, 0x92]);
            Op::Acknowledge(judge.a_message(tape), reason)
        }
        17 => Op::Ping,
        18 => Op::Auth(tape.chance(128)),
        19 => Op::Disconnect {
            reason: tape.one_of(&[0, 4, 0x82, 0x10]),
            expiry: tape.one_of(&[None, None, Some(0), Some(5)]),
            once: tape.chance(128),
        },
        20 => Op::Close,
        21..=23 => Op::Write(tape.below(20).into()),
        24..=27 => Op::Write(usize::MAX),
        28 => Op::Copy(tape.one_of(&[0, 1, 3, 7, 20, 40, 100, 400])),
        29..=36 => peer::send(tape, judge),
        37 => Op::Read(tape.below(12).into()),
        38..=43 => Op::Read(usize::MAX),
        44 => Op::Handled,
        45..=46 => Op::Pass(if tape.chance(128) { tape.byte().into() } else { tape.number().into() }),
        _ => Op::Lost,
    }
}

fn connect(tape: &mut Tape<'_>) -> Op {
    Op::Connect(Connecting {
        id: tape.one_of(&["c", "c", "c", "c", "d", ""]),
        clean: tape.chance(64),
        empty: tape.chance(64),
        manual: tape.chance(128),
        expiry: tape.one_of(&[Some(30), Some(30), None, Some(u32::MAX)]),
        keep_alive: tape.one_of(&[10, 0]),
        aliases: tape.below(3).into(),
        method: tape.chance(40),
        plain: tape.chance(128),
    })
}

/// Carries out what `input` says, and returns what happened on the way. Panics when something that always holds does not.
/// With `OPERATIONS` in the environment it says what it does.
pub(crate) fn run(input: &[u8]) -> BTreeSet<&'static str> {
    let tell = std::env::var_os("OPERATIONS").is_some();
    let mut tape = Tape::new(input);
    let flights = usize::from(tape.below(5)) + 1;
    let bytes = 128 + usize::from(tape.byte()) * 3;
    let mut tables = [[0; 12], [0; 12]];
    let [table, twin_table] = &mut tables;
    let mut world = World::new(flights, bytes, table);
    let mut twin = Some(World::new(flights, bytes, twin_table));
    while !tape.is_over() {
        let op = next(&mut tape, &mut world);
        let outcome = world.apply(&op);
        if tell {
            eprintln!("{op:02x?} -> {outcome:02x?}");
        }
        world.check(&op);
        if matches!(outcome, Outcome::Refused(_)) {
            continue;
        }
        let Some(other) = &mut twin else { continue };
        match (other.apply(&op), outcome) {
            // How free memory is cut differs once something was refused, though not how much there is.
            (Outcome::Refused("Bytes"), _) => twin = None,
            (theirs, ours) => {
                assert_eq!(ours, theirs, "a refused call has changed what {op:?} does");
                assert_eq!(world.figures(), other.figures(), "a refused call has changed what is after {op:?}");
            }
        }
    }
    world.finish();
    world.judge.seen
}
