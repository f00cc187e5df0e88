//! The script and nothing else: its size less that of `hello` is what a client takes of the flash. Prints the stack it used.
#![no_std]
#![no_main]

use firmware::machine::exit;
use firmware::sample::PUBLISH;
use firmware::script::{self, Memory};
use mqtt5_codec::QoS;
use mqtt5_session::{Client, Inbox};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut buffer = [0; 512];
    let mut inbox = Inbox::new(&mut buffer);
    let mut client = const { Client::new(Memory::new()) };
    firmware::machine::print("hello from thumbv7em\n");
    exit(if run(&mut client, &mut inbox) { 7 } else { 1 })
}

fn run(client: &mut Client<Memory>, inbox: &mut Inbox<'_>) -> bool {
    let Some(list) = script::properties() else { return false };
    script::connect(client, inbox)
        && script::subscribe(client, inbox)
        && script::feed(inbox, PUBLISH)
        && script::receive(client, inbox)
        && script::send(client, &list, QoS::AtLeastOnce)
        && script::rest(client, inbox, &list)
}
