//! Instructions to receive and to send a QoS 1 message of 322 bytes, the stack of the whole script, and the sizes of things.
#![no_std]
#![no_main]

use firmware::machine::{exit, instructions, print, print_number, stack};
use firmware::sample::PUBLISH;
use firmware::script::{self, Memory};
use mqtt5_codec::QoS;
use mqtt5_session::{Client, Inbox, Inline};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut buffer = [0; 512];
    let mut inbox = Inbox::new(&mut buffer);
    let mut client = const { Client::new(Memory::new()) };
    let mut well = false;
    let depth = stack(|| well = run(&mut client, &mut inbox));
    report("stack", depth);
    // The smallest packet memory is 128 bytes; without it this is the client and its tables.
    report("client and tables for 8 + 8", (size_of::<Client<Inline<8, 128>>>() - 128) as u32);
    report("inbox", size_of::<Inbox<'_>>() as u32);
    // The stack, the client with its packet memory, the inbox and its buffer.
    report("RAM in all", depth + (size_of::<Client<Memory>>() + size_of::<Inbox<'_>>() + 512) as u32);
    exit(if well { 0 } else { 1 })
}

#[inline(never)]
fn run(client: &mut Client<Memory>, inbox: &mut Inbox<'_>) -> bool {
    let Some(list) = script::properties() else { return false };
    let mut well = script::connect(client, inbox) && script::subscribe(client, inbox) && script::feed(inbox, PUBLISH);
    let received = instructions(|| well &= script::receive(client, inbox));
    let sent = instructions(|| well &= script::send(client, &list, QoS::AtLeastOnce));
    well &= script::rest(client, inbox, &list);
    report("receive", received);
    report("send", sent);
    well
}

fn report(what: &str, number: u32) {
    print(what);
    print(": ");
    print_number(number);
    print("\n");
}
