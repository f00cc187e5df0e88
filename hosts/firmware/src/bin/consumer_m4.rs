//! A Consumer of packet filtering over the session: the stack of the whole script, instructions for each command from its
//! packet to the response's last byte, and the sizes of things.
#![no_std]
#![no_main]

use firmware::machine::{entry, exit, instructions, memory, report};
use firmware::slpf::{COMMANDS, Device, Memory, SessionMemory, declaration, feed, packet, pairs};
use mqtt5_session::{Client, Inbox};
use openc2_mqtt::Status;
use openc2_mqtt::consumer::Consumer;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    let mut buffer = [0; 768];
    let mut inbox = Inbox::new(&mut buffer);
    let pairs = pairs();
    let mut device = Device::new(declaration(&pairs));
    let mut counts = [0; 6];
    let mut well = false;
    let taken = memory(|| well = run(&mut device, &mut inbox, &mut counts));
    report("stack", taken.stack);
    report("RAM in all", taken.in_all);
    let whats = ["query features", "deny", "allow", "delete", "malformed", "repeated"];
    for (what, count) in whats.into_iter().zip(counts) {
        report(what, count);
    }
    report("consumer, 4 requests of 256 bytes included", size_of::<Consumer<'_, Memory>>() as u32);
    report("client, 1024 bytes for packets included", size_of::<Client<SessionMemory>>() as u32);
    exit(if well { 7 } else { 1 })
}

#[inline(never)]
fn run(device: &mut Device<'_>, inbox: &mut Inbox<'_>, counts: &mut [u32; 6]) -> bool {
    let mut well = device.begin(inbox);
    let mut id = 1;
    for ((json, status), count) in COMMANDS.iter().chain(&COMMANDS[1..2]).zip(counts) {
        id = if id == 4 { 1 } else { id + 1 };
        well &= arrive(inbox, json) && timed(device, inbox, *status, count) && device.acknowledged(inbox, id);
    }
    well
}

fn timed(device: &mut Device<'_>, inbox: &mut Inbox<'_>, expected: Status, count: &mut u32) -> bool {
    let mut status = None;
    *count = instructions(|| status = device.step(inbox));
    status == Some(expected)
}

/// The Producer's part, which takes a stack of its own, but less than the Consumer's.
#[inline(never)]
fn arrive(inbox: &mut Inbox<'_>, json: &str) -> bool {
    let mut bytes = [0; 640];
    packet(json, 1, &mut bytes).is_some_and(|length| feed(inbox, &bytes[..length]))
}
