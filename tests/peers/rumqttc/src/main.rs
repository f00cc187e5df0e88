//! rumqttc, as `conformance peer --exec` wants a client: it connects, subscribes at QoS 2, publishes at each QoS, connects again
//! when it is cut off, and goes on until it is ended.

use core::time::Duration;
use std::{env, thread};

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::ConnectProperties;
use rumqttc::v5::{Client, Event, Incoming, MqttOptions};

fn main() {
    let host = env::var("MQTT_HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = env::var("MQTT_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(1883);
    let mut options = MqttOptions::new("rumqttc", host, port);
    options.set_keep_alive(Duration::from_secs(30)).set_clean_start(false);
    let properties = ConnectProperties { session_expiry_interval: Some(60), ..ConnectProperties::new() };
    options.set_connect_properties(properties);
    let (client, mut connection) = Client::new(options, 10);
    for event in connection.iter() {
        match event {
            Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                let client = client.clone();
                thread::spawn(move || {
                    let _ = client.subscribe("peer/in", QoS::ExactlyOnce);
                    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
                        let _ = client.publish("peer/out", qos, false, "x");
                    }
                });
            }
            Ok(_) => {}
            Err(error) => {
                eprintln!("{error}");
                thread::sleep(Duration::from_millis(300));
            }
        }
    }
}
