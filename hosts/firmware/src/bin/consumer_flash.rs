//! A Consumer of packet filtering over the session, and nothing else: its size less that of `hello` is what it takes of the
//! flash, and the RAM that it says is all of it but the stack. The commands come from the machine's end of the wire, so the
//! Producer's part is not in it: a PUBLISH with a canned head.
#![no_std]
#![no_main]

use firmware::machine::{entry, exit};
use firmware::slpf::{COMMANDS, Device, declaration, feed, pairs};
use mqtt5_session::Inbox;

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
    firmware::machine::print("hello from bare metal\n");
    exit(if run(&mut device, &mut inbox) { 7 } else { 1 })
}

/// All of a PUBLISH between its lengths and its payload.
const HEAD: &[u8] = b"\x00\x0Foc2/cmd/ap/slpf\x00\x01\x37\x01\x01\x26\x00\x07msgType\x00\x03req\x26\x00\x08encoding\x00\x04json\x03\x00\x12application/openc2";

fn run(device: &mut Device<'_>, inbox: &mut Inbox<'_>) -> bool {
    if !device.begin(inbox) {
        return false;
    }
    // The identifiers of our packets: 1 was the SUBSCRIBE.
    let mut id = 1;
    for (json, status) in COMMANDS.iter().chain(&COMMANDS[1..2]) {
        let length = HEAD.len() + json.len();
        let head = [0x32, (length & 0x7F) as u8 | 0x80, (length >> 7) as u8];
        id = if id == 4 { 1 } else { id + 1 };
        let well = feed(inbox, &head)
            && feed(inbox, HEAD)
            && feed(inbox, json.as_bytes())
            && device.step(inbox) == Some(*status)
            && device.acknowledged(inbox, id);
        if !well {
            return false;
        }
    }
    true
}
