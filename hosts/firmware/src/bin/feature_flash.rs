//! `client_flash` with one thing more, which `costs.sh` names in `FIRMWARE_FEATURE`: how much larger it is, is what that costs.
//! The names are the rows of its table.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::machine::{entry, exit, print};
use firmware::script::{self, Device};
use mqtt5_codec::{Filter, PacketId, Properties, QoS, ReasonCode, Text, Topic, Will};
use mqtt5_session::{Acknowledge, ConnectOptions, Ending, Inbox};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    print("hello from bare metal\n");
    exit(if script::on_a_device(|device| script::all(device) && more(device)) { 7 } else { 1 })
}

const FEATURE: &[u8] = match option_env!("FIRMWARE_FEATURE") {
    Some(name) => name.as_bytes(),
    None => b"nothing",
};

/// Which of these it is is known to the compiler, so the others are not in the program. What each gives is not looked at.
#[inline(never)]
fn more(device: &mut Device<'_>) -> bool {
    let Device { client, inbox, wire } = device;
    let (Ok(id), Ok(topic)) = (Text::new(black_box("id")), Topic::new(black_box("topic"))) else { return false };
    let mut options = ConnectOptions::new(id);
    match FEATURE {
        b"nothing" => return black_box(topic).as_bytes() == b"topic",
        b"another CONNECT" => {}
        b"a will" => {
            let (qos, retain, properties, payload) = (QoS::AtLeastOnce, true, Properties::EMPTY, &b"gone"[..]);
            options.packet.will = Some(Will { qos, retain, properties, topic, payload });
        }
        b"acknowledging by hand" => {
            options.acknowledge = Acknowledge::Manual;
            let Ok(id) = PacketId::try_from(black_box(1)) else { return false };
            _ = black_box(client.acknowledge(id, ReasonCode::SUCCESS));
        }
        b"topic aliases of its own" => options = options.with_topic_aliases(black_box(4)),
        b"topic aliases of the server" => {
            let mut table = [0; 64];
            let mut bytes = [0; 64];
            let mut inbox = Inbox::new(black_box(&mut bytes)).with_aliases(black_box(&mut table), 14);
            return black_box(client.handle_input(black_box(&mut inbox), wire.now)).is_ok();
        }
        b"AUTH" => return black_box(client.auth(ReasonCode::SUCCESS, Properties::EMPTY)).is_err(),
        b"DISCONNECT with a reason" => {
            let reason = ReasonCode::DISCONNECT_WITH_WILL_MESSAGE;
            return black_box(client.disconnect_with(reason, Properties::EMPTY, Ending::AtOnce)).is_err();
        }
        b"UNSUBSCRIBE" => {
            let Ok(filter) = Filter::new(black_box("oc2/cmd/#")) else { return false };
            return black_box(client.unsubscribe(&[filter], Properties::EMPTY)).is_err();
        }
        b"copying out whole bursts" => return black_box(client.transmit_into(black_box(&mut [0; 64]))) == 0,
        b"figures" => {
            let figures = black_box(client.figures(wire.now));
            return figures.in_flight == 0;
        }
        _ => return false,
    }
    black_box(client.connect(&options, inbox, wire.now)).is_ok()
}
