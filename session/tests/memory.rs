//! What packets take of the memory that a host provides, and that it comes back.

use crate::common::*;
use mqtt5_session::{Boxed, ConnectOptions, Inline, Memory, Refused};

/// A PUBLISH of QoS 1 with topic `t` and a payload of this length is 8 bytes longer.
fn publish(host: &mut Host, payload: usize) -> Result<u16, Refused> {
    let payload = "x".repeat(payload);
    let id = host.publish(&message("t", &payload, 1))?;
    host.sent();
    Ok(id.unwrap())
}

fn answer(host: &mut Host, id: u16) {
    assert_eq!(host.feed_one(&format!("40 02 {id:04x}")), format!("published {id} 00"));
}

fn held(host: &Host) -> usize {
    host.client.figures(host.now()).bytes_held
}

/// Connected, with room for so many bytes of packets behind what session and CONNECT take.
fn with_room(bytes: usize) -> Host {
    let mut host = Host::with(Boxed::new(64, 48 + 32 + bytes));
    host.open(&lasting(), "20 03 00 00 00");
    host
}

#[test]
fn a_packet_takes_its_length_and_twelve_bytes_rounded_up_to_sixteen() {
    let mut host = with_room(1_000);
    let mut all = 0;
    for payload in [0, 11, 12, 13, 28, 29, 100] {
        publish(&mut host, payload).unwrap();
        all += (8 + payload + 12usize).next_multiple_of(16);
        assert_eq!(held(&host), all);
    }
}

#[test]
fn in_a_larger_memory_a_packet_is_rounded_up_to_more() {
    // 65,535 places of 16 bytes are a megabyte. An eighth of a larger memory is rather left alone than all places doubled.
    for (size, granule) in [(1 << 20, 16), (72 << 14, 16), ((72 << 14) + 16, 32), (2 << 20, 32), (4 << 20, 64)] {
        let mut host = Host::with(Boxed::new(8, size));
        host.open(&lasting(), "20 03 00 00 00");
        publish(&mut host, 50).unwrap();
        assert_eq!(held(&host), 70usize.next_multiple_of(granule), "{size}");
        publish(&mut host, 5).unwrap();
        assert_eq!(held(&host), 70usize.next_multiple_of(granule) + 25usize.next_multiple_of(granule), "{size}");
    }
}

#[test]
fn as_much_fits_as_there_is() {
    for messages in 1..6 {
        let mut host = with_room(messages * 48);
        for _ in 0..messages {
            publish(&mut host, 28).unwrap();
        }
        assert_eq!(publish(&mut host, 0), Err(Refused::Bytes { need: 8 }), "{messages}");
    }
}

#[test]
fn the_room_of_an_answered_message_is_used_again_between_those_that_wait() {
    let mut host = with_room(6 * 112);
    let ids: Vec<u16> = (0..6).map(|_| publish(&mut host, 92).unwrap()).collect();
    for at in [1, 3] {
        answer(&mut host, ids[at]);
    }
    let two = [publish(&mut host, 92).unwrap(), publish(&mut host, 92).unwrap()];
    assert_eq!(publish(&mut host, 0), Err(Refused::Bytes { need: 8 }));
    for id in [ids[0], ids[2], ids[4], ids[5], two[0], two[1]] {
        answer(&mut host, id);
    }
    assert_eq!(held(&host), 0);
}

#[test]
fn what_is_left_of_a_larger_room_is_used_too() {
    let mut host = with_room(3 * 112);
    let ids: Vec<u16> = (0..3).map(|_| publish(&mut host, 92).unwrap()).collect();
    answer(&mut host, ids[1]);
    // 112 bytes hold three of 32, and 16 are left.
    for _ in 0..3 {
        publish(&mut host, 10).unwrap();
    }
    assert_eq!(publish(&mut host, 10), Err(Refused::Bytes { need: 18 }));
}

#[test]
fn a_large_room_is_found_behind_many_small_ones() {
    const SMALL: usize = 20;
    let mut host = with_room(2 * 208 + 2 * SMALL * 32 + 16);
    let large = publish(&mut host, 187).unwrap();
    publish(&mut host, 187).unwrap();
    let small: Vec<u16> = (0..2 * SMALL).map(|_| publish(&mut host, 0).unwrap()).collect();
    answer(&mut host, large);
    small.iter().step_by(2).for_each(|id| answer(&mut host, *id));
    assert_eq!(publish(&mut host, 300), Err(Refused::Bytes { need: 309 }), "not in one piece");
    publish(&mut host, 187).unwrap();
    // The small ones are there as well.
    for _ in 0..SMALL {
        publish(&mut host, 0).unwrap();
    }
    assert_eq!(publish(&mut host, 8), Err(Refused::Bytes { need: 16 }));
}

#[test]
fn neighbouring_rooms_become_one() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 1, 3], [1, 3, 2], [2, 3, 1], [3, 1, 2]] {
        let mut host = with_room(5 * 48);
        let ids: Vec<u16> = (0..5).map(|_| publish(&mut host, 28).unwrap()).collect();
        order.iter().for_each(|at| answer(&mut host, ids[*at]));
        publish(&mut host, 3 * 48 - 21).unwrap_or_else(|refused| panic!("{order:?}: {refused}"));
    }
}

#[test]
fn a_longer_connect_is_refused_only_if_what_waits_leaves_no_room_for_it() {
    // A CONNECT of 16 bytes takes 32 of memory, one of 35 bytes takes 48.
    for (more, fits) in [(0, true), (16, true), (32, true)].map(|(more, _)| (more, more >= 16)) {
        let mut host = Host::with(Boxed::new(8, 48 + 64 + 32 + more));
        let id = "c".repeat(20);
        let (short, long) = (ConnectOptions::new(text("c")), ConnectOptions::new(text(&id)));
        host.connect(&short).unwrap();
        host.client.handle_close(host.now());
        for _ in 0..2 {
            let mut held = message("t", "", 1);
            held.hold = true;
            host.publish(&held).unwrap();
        }
        let connected = host.connect(&long);
        assert_eq!(connected, if fits { Ok(()) } else { Err(Refused::Bytes { need: 35 }) }, "{more}");
        if !fits {
            assert_eq!(host.connect(&short), Ok(()), "one as long as the last always fits");
        }
    }
}

#[test]
fn before_the_first_connect_messages_that_wait_leave_a_quarter_for_it() {
    for bytes in [200usize, 304, 500, 1_000] {
        let mut host = Host::with(Boxed::new(64, bytes));
        let mut held = message("t", "", 1);
        held.hold = true;
        while host.publish(&held).is_ok() {}
        let taken = self::held(&host);
        let room = bytes / 16 * 16 - 48;
        assert!(room - taken > room / 4 && room - taken <= room / 4 + 48, "{taken} of {room}");
        assert_eq!(host.connect(&ConnectOptions::new(text("c"))), Ok(()), "{bytes}");
    }
}

/// The same figures from every kind of memory.
#[test]
#[allow(clippy::needless_borrows_for_generic_args, reason = "a borrowed memory is one of them")]
fn what_is_held_is_told_of_any_memory() {
    fn held<M: Memory>(memory: M) -> [usize; 3] {
        let mut host = Host::with(memory);
        let figure = |host: &Host<M>| host.client.figures(host.now()).bytes_held;
        host.open(&lasting(), "20 03 00 00 00");
        let before = figure(&host);
        let id = host.publish(&message("t", "", 1)).unwrap().unwrap();
        let between = figure(&host);
        host.sent();
        host.feed(&format!("40 02 {id:04x}"));
        [before, between, figure(&host)]
    }
    assert_eq!(held(Boxed::new(4, 512)), [0, 32, 0]);
    assert_eq!(held(Inline::<4, 512>::new()), [0, 32, 0]);
    assert_eq!(held(&mut Inline::<4, 512>::new()), [0, 32, 0]);
}
