//! Wills (sections 3.1.2.5, 3.1.3 and 3.14.4).

use mqtt5_codec::{Packet, Properties, Property, Publish, QoS, Text, Topic, Will};

use super::{Case, LASTING, case, long, options, payload, shown};
use crate::judge::talk::{Join, Talk, Try, lacks, read};

pub(super) const CASES: &[Case] = &[
    case(
        "wills",
        &["MQTT-3.1.2-7", "MQTT-3.1.2-8", "MQTT-3.1.3-10", "MQTT-3.1.2-10", "MQTT-3.14.4-3", "MQTT-3.1.2-14"],
        wills,
    ),
    case("a retained will", &["MQTT-3.1.2-15"], retained_will),
    long("a will that is delayed", &["MQTT-3.1.3-9"], delayed_will),
];

fn will<'w>(topic: &'w str, properties: &'w [Property<'w>], retain: bool) -> Try<Will<'w>> {
    let topic = Topic::new(topic)?;
    Ok(Will { qos: QoS::AtMostOnce, retain, properties: Properties::from(properties), topic, payload: b"will" })
}

fn wills(talk: &mut Talk<'_>) -> Try<()> {
    let watcher = talk.enter("watcher", Join::default())?;
    talk.subscribe(watcher, "will", options(QoS::AtMostOnce))?;
    let topic = talk.name("will");
    let text = Text::new;
    let pairs = [(text("b")?, text("1")?), (text("a")?, text("2")?), (text("b")?, text("0")?)];
    let properties = pairs.map(|(name, value)| Property::UserProperty(name, value));
    let join = Join { will: Some(will(&topic, &properties, false)?), ..Join::default() };
    let link = talk.enter("dies", join)?;
    talk.cut(link);
    let got = talk.message(watcher)?;
    for statement in ["MQTT-3.1.2-7", "MQTT-3.1.2-8"] {
        talk.see(statement, payload(&got) == "will", "the will, since the connection was cut", || shown(&got));
    }
    if let Some(Packet::Publish(Publish { properties, .. })) = got.as_ref().and_then(|got| read(&got.bytes)) {
        let came: Vec<_> = properties.user_properties().collect();
        talk.see("MQTT-3.1.3-10", came == pairs, "the will's user properties in their order", || format!("{came:?}"));
    }
    let again = talk.arrival(watcher, false)?;
    talk.see("MQTT-3.1.2-10", again.is_none(), "the will once", || shown(&again));
    let late = talk.enter("late", Join::default())?;
    talk.subscribe(late, "will", options(QoS::AtMostOnce))?;
    let kept = talk.arrival(late, false)?;
    talk.see("MQTT-3.1.2-14", kept.is_none(), "nothing retained of a will without RETAIN", || shown(&kept));
    let link = talk.enter("dies", join)?;
    talk.leave(link);
    let got = talk.arrival(watcher, false)?;
    for statement in ["MQTT-3.14.4-3", "MQTT-3.1.2-10"] {
        talk.see(statement, got.is_none(), "no will after DISCONNECT with 0x00", || shown(&got));
    }
    Ok(())
}

fn retained_will(talk: &mut Talk<'_>) -> Try<()> {
    let watcher = talk.enter("watcher", Join::default())?;
    if !talk.offers.retain {
        return Err(lacks("the server says that it keeps no retained messages"));
    }
    talk.subscribe(watcher, "will", options(QoS::AtMostOnce))?;
    let topic = talk.name("will");
    let link = talk.enter("dies", Join { will: Some(will(&topic, &[], true)?), ..Join::default() })?;
    talk.cut(link);
    talk.owed(watcher)?;
    let late = talk.enter("late", Join::default())?;
    talk.subscribe(late, "will", options(QoS::AtMostOnce))?;
    let got = talk.arrival(late, true)?;
    let retained = got.as_ref().is_some_and(|got| got.retain);
    talk.see("MQTT-3.1.2-15", retained, "the will as a retained message", || shown(&got));
    talk.publish(watcher, "will", "", QoS::AtMostOnce, true)
}

fn delayed_will(talk: &mut Talk<'_>) -> Try<()> {
    let watcher = talk.enter("watcher", Join::default())?;
    let topic = talk.name("delayed");
    talk.subscribe(watcher, "delayed", options(QoS::AtMostOnce))?;
    let delay = [Property::WillDelayInterval(3)];
    let join = Join { will: Some(will(&topic, &delay, false)?), clean: false, properties: LASTING, ..Join::default() };
    let link = talk.enter("comes back", join)?;
    talk.cut(link);
    let cut = talk.now();
    let back = talk.enter("comes back", Join { will: None, ..join })?;
    if talk.now() - cut > 2000 {
        return Err(lacks("the judge itself was too slow"));
    }
    talk.sleep(4500);
    let got = talk.arrival(watcher, false)?;
    talk.see("MQTT-3.1.3-9", got.is_none(), "no will, since the client was back within the delay", || shown(&got));
    talk.leave(back);
    Ok(())
}
