//! Two hundred Consumers, all sessions of one thread of this test (the fleet host), answer one `oc2 produce`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Instant, UNIX_EPOCH};

use mqtt5_codec::Text;
use mqtt5_fleet::{Happening, Net};
use mqtt5_session::ConnectOptions;
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::{Action, Pair, Response, Serve, Served, Status, Texts};
use support::running::{Broker, responses};

const CROWD: usize = 200;

/// Serves as so many Consumers until it is told to stop. Each answers 200 to what it is to deny.
fn crowd(broker: SocketAddr, ready: &AtomicUsize, stop: &AtomicBool) {
    let mut net = Net::<8, 8_192>::new().unwrap();
    let names: Vec<String> = (0..CROWD).map(|number| format!("edr{number:03}")).collect();
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["file"]) }];
    let mut buffers = vec![[0; 4_096]; CROWD];
    let mut serving: Vec<_> = names
        .iter()
        .zip(&mut buffers)
        .map(|(name, buffer)| {
            let declaration = Declaration::new(name, name, &Profiles::NONE, &pairs).with_others(&["edr"]);
            Serve::new(Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<8, 4_096>::new()), buffer)
        })
        .collect();
    for name in &names {
        let id = net.fleet.add();
        net.open(id, broker, None, &ConnectOptions::new(Text::new(name).unwrap())).unwrap();
    }
    while !stop.load(Ordering::Acquire) {
        let now = net.now();
        let utc = UNIX_EPOCH.elapsed().ok().map(|since| since.as_millis() as u64);
        net.turn(Some(Duration::from_millis(20)), |id, happening, client| match happening {
            Happening::Event(event) => match serving[id.index()].handle(&event, client, now, utc).unwrap() {
                Served::Ready => _ = ready.fetch_add(1, Ordering::AcqRel),
                Served::Command { ticket, .. } => {
                    serving[id.index()].respond(ticket, &Response::new(Status::Ok), client, now, utc).unwrap();
                }
                _ => {}
            },
            Happening::Closed(why) => panic!("{id:?}: {why}"),
            _ => {}
        })
        .unwrap();
    }
}

#[test]
fn two_hundred_consumers_answer_and_all_answers_are_told_with_their_times() {
    let broker = Broker::start();
    let place = format!("127.0.0.1:{}", broker.port).parse().unwrap();
    let (ready, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let serving = {
        let (ready, stop) = (Arc::clone(&ready), Arc::clone(&stop));
        thread::spawn(move || crowd(place, &ready, &stop))
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while ready.load(Ordering::Acquire) < CROWD {
        assert!(!serving.is_finished() && Instant::now() < deadline, "{} are ready", ready.load(Ordering::Acquire));
        thread::sleep(Duration::from_millis(20));
    }

    let count = CROWD.to_string();
    let (status, lines) =
        broker.json(&["produce", "deny", "file", "name=a.exe", "--to-profile", "edr", "-C", &count, "-W", "30"]);
    let who: BTreeSet<&str> =
        responses(&lines).into_iter().map(|(who, code, _)| (who, assert_eq!(code, 200)).0).collect();
    assert_eq!((status, who.len()), (Some(0), CROWD), "{:?}", lines.last());
    let summary = lines.last().unwrap();
    assert_eq!((&summary["answered"], &summary["good"]), (&CROWD.into(), &CROWD.into()), "{summary}");
    assert_eq!((&summary["doubled"], &summary["late"]), (&0.into(), &0.into()), "{summary}");
    let mut times: Vec<f64> =
        lines.iter().filter(|line| line["type"] == "response").map(|line| line["after_ms"].as_f64().unwrap()).collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{CROWD} answers: the first after {:.1} ms, half of them {:.1} ms, all {:.1} ms",
        times[0],
        times[CROWD / 2],
        times[CROWD - 1]
    );
    assert!(times[0] > 0.0 && times[CROWD - 1] <= summary["ms"].as_f64().unwrap(), "{summary}");

    // The same for people: a row for each, and discovery finds as many by itself.
    let person =
        broker.run(&["produce", "deny", "file", "name=b.exe", "--to-profile", "edr", "--discover", "-W", "10"]);
    assert_eq!(person.status, Some(0), "{}{}", person.stdout, person.stderr);
    assert_eq!(person.stdout.lines().filter(|line| line.starts_with("edr")).count(), CROWD);
    assert!(person.stdout.contains("200 of 200 responses in "), "{}", person.stdout);
    stop.store(true, Ordering::Release);
    serving.join().unwrap();
}
