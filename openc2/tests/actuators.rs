//! For whom a command is: by `to`, by the actuator's specifiers, and by what the profiles say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::profile::{Hook, Hooks, Refusal};
use openc2_mqtt::slpf;
use openc2_mqtt::slpf::Identity;
use openc2_mqtt::{Action, Actuator, Command, Pair, Texts};

#[test]
fn to_matches_the_identity_and_the_identifier_of_the_device() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let to = |id: &str, to: &str| deny(id).replace(r#""from":"p""#, &format!(r#""from":"p","to":{to}"#));
        assert_eq!(tell(consumer, AP, &to("1", r#"["c"]"#), NOW), "execute");
        assert_eq!(tell(consumer, AP, &to("2", r#"["d"]"#), NOW), "execute");
        assert_eq!(tell(consumer, AP, &to("3", r#"["C","D","slpf"]"#), NOW), "ForOthers");
        // So is an error told.
        let broken = |id, of| to(id, of).replace("192.0.2.1", "300.0.2.1");
        assert!(tell(consumer, AP, &broken("4", r#"["x","d"]"#), NOW).starts_with("oc2/rsp 400"));
        assert_eq!(tell(consumer, AP, &broken("5", r#"["x"]"#), NOW), "ForOthers");
    });
}

fn at(id: &str, specifiers: &str) -> String {
    request(id, &format!(r#""action":"deny","target":{{"ipv4_net":"192.0.2.1"}},"actuator":{{"slpf":{specifiers}}}"#))
}

#[test]
fn specifiers_that_name_another_packet_filter_are_not_executed() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        for other in [
            r#"{"hostname":"fw8"}"#,
            r#"{"named_group":"d"}"#,
            r#"{"asset_id":"30"}"#,
            r#"{"asset_tuple":["d"]}"#,
            r#"{"hostname":"d","asset_id":"30"}"#,
        ] {
            assert_eq!(tell(consumer, AP, &at("1", other), NOW), "OtherActuator", "{other}");
            assert_eq!(tell(consumer, "oc2/cmd/all", &at("1", other), NOW), "OtherActuator", "{other}");
            // Nobody else hears it on the device's own topic.
            let own = tell(consumer, "oc2/cmd/device/d", &at("1", other), NOW);
            assert_eq!(own, "oc2/rsp 404 No such actuator here to 1", "{other}");
        }
        assert_eq!(tell(consumer, AP, &at("1", r#"{"hostname":"D"}"#), NOW), "execute", "the device's name");
        assert_eq!(tell(consumer, AP, &at("2", r#"{"asset_id":"c"}"#), NOW), "execute", "the Consumer's");
    });
    // What a query asks another packet filter is not for this one either.
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let query = request("1", r#""action":"query","target":{"features":[]},"actuator":{"slpf":{"hostname":"x"}}"#);
        assert_eq!(tell(consumer, AP, &query, NOW), "OtherActuator");
    });
}

/// A profile of the host's own: doors, told apart by their floor.
struct Doors {
    floor: u8,
}

#[derive(serde::Deserialize)]
struct Specifiers {
    floor: u8,
}

impl Hook for Doors {
    fn namespace(&self) -> &str {
        "x-door"
    }

    fn is_meant(&self, actuator: &Actuator<'_>) -> bool {
        let raw = actuator.specifiers.and_then(|specifiers| specifiers.as_raw()).unwrap();
        raw.to_serde::<Specifiers>().into_iter().any(|specifiers| specifiers.floor == self.floor)
    }

    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        if command.args.duration.is_some() { Err(Refusal::OPTION) } else { Ok(()) }
    }
}

#[test]
fn a_profile_of_ones_own_decides_as_packet_filtering_does() {
    let pairs = [
        Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) },
        Pair { action: Action::Start, targets: Texts::from(&["x-door:door"]) },
    ];
    let filter = Identity { hostnames: &["fw7"], ..Identity::NOBODY };
    let profiles: [&dyn Hook; 2] = [&Doors { floor: 3 }, &filter];
    let mut declaration = Declaration::new("c", "d", &slpf::PROFILES, &pairs).with_others(&["x-door"]);
    declaration.hooks = Hooks::new(&profiles);
    assert_eq!(format!("{:?}", declaration.hooks), r#"["x-door", "slpf"]"#);
    let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<8, 4096>::new());
    let consumer = &mut consumer;
    let door = |id: &str, rest: &str| {
        request(id, &format!(r#""action":"start","target":{{"x-door:door":{{"name":"a"}}}}{rest}"#))
    };
    let floor = |id: &str, floor: u8| door(id, &format!(r#","actuator":{{"x-door":{{"floor":{floor}}}}}"#));
    let topic = "oc2/cmd/ap/x-door";
    assert_eq!(tell(consumer, topic, &floor("1", 3), NOW), "execute");
    assert_eq!(tell(consumer, topic, &floor("2", 4), NOW), "OtherActuator");
    assert_eq!(tell(consumer, topic, &door("3", ""), NOW), "execute", "whichever is here");
    let slow = door("4", r#","args":{"duration":1}"#);
    assert_eq!(tell(consumer, topic, &slow, NOW), "oc2/rsp 501 Option not supported to 4");
    // The packet filter has the name it was given, and no other.
    assert_eq!(tell(consumer, AP, &at("5", r#"{"hostname":"fw7"}"#), NOW), "execute");
    assert_eq!(tell(consumer, AP, &at("6", r#"{"hostname":"d"}"#), NOW), "OtherActuator");
    // And its own rules hold as before.
    let insert = deny_with("7", r#"{"slpf":{"insert_rule":7}}"#);
    assert!(tell(consumer, AP, &insert, NOW).starts_with("oc2/rsp 400 insert_rule goes with"));
}
