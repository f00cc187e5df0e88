//! A Consumer of packet filtering on a board whose UART is the connection to a broker: `broker.sh` gives it one, and a Producer
//! that commands it. It ends with status 7 when it has carried out as many commands as `COMMANDS` says and the server has
//! acknowledged each response; with another one when the connection fails.
#![no_std]
#![no_main]

#[cfg(not(target_arch = "arm"))]
compile_error!("the UART is that of mps2-an386");

use firmware::machine::uart::Uart;
use firmware::machine::{entry, exit, print};
use mqtt5_session::{Client, Ending, Event, Inbox, Inline, Input, Instant, Transmit};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::Connecting;
use openc2_mqtt::{Action, Pair, Response, Serve, Served, Status, Texts};

/// After which it ends, so that a test does.
const COMMANDS: u32 = 2;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "ipv6_net"]) }];
    let declaration = Declaration::new("firewall7@example.com", "firewall7", &slpf::PROFILES, &pairs);
    let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<4, 1024>::new());
    let (mut bytes, mut buffer) = ([0; 1024], [0; 768]);
    let mut serve = Serve::new(consumer, &mut buffer);
    let mut client = Client::new(Inline::<4, 1024>::new());
    let mut inbox = Inbox::new(&mut bytes);
    let mut uart = Uart::start();
    let (mut carried_out, mut acknowledged) = (0, 0);

    let now = Instant::from_millis(uart.millis());
    if !Connecting::new("firewall7", 3_600)
        .is_ok_and(|connecting| connecting.connect(&mut client, &mut inbox, now).is_ok())
    {
        exit(1)
    }
    loop {
        let now = Instant::from_millis(uart.millis());
        if client.poll_timeout().is_some_and(|due| due <= now) && client.handle_timeout(now).is_err() {
            exit(2) // the server doesn't answer
        }
        let n = uart.read(inbox.spare());
        inbox.filled(n);
        while let Ok(Input::Event(event)) = client.handle_input(&mut inbox, now) {
            acknowledged += u32::from(matches!(event, Event::Published(_)));
            match serve.handle(&event, &mut client, now, None) {
                Ok(Served::Ready) => print("ready\n"),
                Ok(Served::Command { ticket, command, .. }) => {
                    print(command.action.name());
                    print("\n");
                    carried_out += 1;
                    if serve.respond(ticket, &Response::new(Status::Ok), &mut client, now, None).is_err() {
                        exit(3)
                    }
                }
                Ok(_) => {}
                Err(_) => exit(4), // a subscription isn't granted, or there is no room
            }
        }
        if carried_out == COMMANDS && acknowledged == COMMANDS && client.is_connected() {
            let _ = client.disconnect(Ending::AfterQueued);
        }
        while let Some(Transmit::Bytes(bytes)) = client.poll_transmit() {
            let n = bytes.len();
            uart.write(bytes);
            client.transmitted(n, now);
        }
        if client.is_closed() {
            client.handle_close(now);
            exit(if acknowledged == COMMANDS { 7 } else { 5 })
        }
    }
}
