//! Wills (sections 3.1.2.5, 3.1.3 and 3.14.4).

use mqtt5_codec::{Packet, Properties, Property, Publish, QoS, Text, Topic, Will};

use super::{Case, LASTING, options, payload};
use crate::judge::talk::{Join, Stop, Talk, Try, read};

pub(super) const CASES: &[Case] = &[
    (
        "wills",
        &["MQTT-3.1.2-7", "MQTT-3.1.2-8", "MQTT-3.1.3-10", "MQTT-3.1.2-10", "MQTT-3.14.4-3", "MQTT-3.1.2-14"],
        wills,
    ),
    ("retained wills", &["MQTT-3.1.2-15", "MQTT-3.1.3-9"], more_wills),
];

fn will<'w>(topic: &'w str, properties: &'w [Property<'w>], retain: bool) -> Try<Will<'w>> {
    let topic = Topic::new(topic).map_err(|rule| Stop(rule.to_string()))?;
    Ok(Will { qos: QoS::AtLeastOnce, retain, properties: Properties::from(properties), topic, payload: b"will" })
}

fn wills(talk: &mut Talk<'_>) -> Try<()> {
    let watcher = talk.enter("will-watcher", Join::default())?;
    talk.subscribe(watcher, "will", options(QoS::AtMostOnce))?;
    let topic = talk.name("will");
    let text = |text| Text::new(text).map_err(|rule| Stop(rule.to_string()));
    let pairs = [(text("b")?, text("1")?), (text("a")?, text("2")?), (text("b")?, text("0")?)];
    let properties = pairs.map(|(name, value)| Property::UserProperty(name, value));
    let join = Join { will: Some(will(&topic, &properties, false)?), ..Join::default() };
    let link = talk.enter("will", join)?;
    talk.cut(link);
    let got = talk.message(watcher)?;
    for statement in ["MQTT-3.1.2-7", "MQTT-3.1.2-8"] {
        talk.see(statement, payload(&got) == "will", || format!("the connection was cut, and {} came", payload(&got)));
    }
    if let Some(Packet::Publish(Publish { properties, .. })) = got.as_ref().and_then(|got| read(&got.bytes)) {
        let came: Vec<_> = properties.user_properties().collect();
        talk.see("MQTT-3.1.3-10", came == pairs, || format!("{came:?} came of {pairs:?}"));
    }
    let quiet = talk.silence(watcher)?;
    talk.see("MQTT-3.1.2-10", quiet, || "a will is published twice".to_owned());
    let late = talk.enter("will-late", Join::default())?;
    talk.subscribe(late, "will", options(QoS::AtMostOnce))?;
    let quiet = talk.silence(late)?;
    talk.see("MQTT-3.1.2-14", quiet, || "a will without RETAIN is retained".to_owned());
    let link = talk.enter("will", join)?;
    talk.raw(link, &[0xE0, 0]);
    talk.cut(link);
    let quiet = talk.silence(watcher)?;
    for statement in ["MQTT-3.14.4-3", "MQTT-3.1.2-10"] {
        talk.see(statement, quiet, || "DISCONNECT with reason 0, and the will is published".to_owned());
    }
    Ok(())
}

fn more_wills(talk: &mut Talk<'_>) -> Try<()> {
    let watcher = talk.enter("will-watcher", Join::default())?;
    let topic = talk.name("will-retained");
    let link = talk.enter("will-retained", Join { will: Some(will(&topic, &[], true)?), ..Join::default() })?;
    talk.cut(link);
    talk.sleep(50);
    talk.subscribe(watcher, "will-retained", options(QoS::AtMostOnce))?;
    let got = talk.message(watcher)?;
    talk.see("MQTT-3.1.2-15", got.as_ref().is_some_and(|got| got.retain), || {
        "a will with RETAIN is not retained".to_owned()
    });
    talk.publish(watcher, "will-retained", "", QoS::AtMostOnce, true)?;
    let _ = talk.arrival(watcher, true)?;
    let topic = talk.name("will-delayed");
    talk.subscribe(watcher, "will-delayed", options(QoS::AtMostOnce))?;
    let delay = [Property::WillDelayInterval(1)];
    let join = Join { will: Some(will(&topic, &delay, false)?), clean: false, properties: LASTING, ..Join::default() };
    let link = talk.enter("will-delayed", join)?;
    talk.cut(link);
    talk.enter("will-delayed", Join { will: None, ..join })?;
    talk.sleep(1500);
    let quiet = talk.silence(watcher)?;
    talk.see("MQTT-3.1.3-9", quiet, || "the client was back within the delay, and the will is published".to_owned());
    Ok(())
}
