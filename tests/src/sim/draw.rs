//! How a schedule's devices and broker are: drawn from its seed.

use mqtt5_codec::{QoS, ReasonCode};

use super::random::Random;
use crate::broker::{Faults, Limits};

/// Every QoS.
pub(super) const QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

/// The authentication method of devices that have one.
pub(super) const METHOD: &str = "m";

/// How a device is made and connects; drawn once a schedule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Exchanges that it has room for.
    pub flights: usize,
    /// Bytes that it has room for.
    pub bytes: usize,
    /// Whether the application acknowledges by hand.
    pub manual: bool,
    /// The QoS of its subscription.
    pub granted: QoS,
    /// Whether it refuses messages now and then.
    pub refuses: bool,
    /// Whether its subscription is shared.
    pub shared: bool,
    /// The identifier of its subscription.
    pub identifier: Option<u32>,
    /// Its Receive Maximum.
    pub receive_maximum: u16,
    /// Topic aliases that it takes and wants.
    pub aliases: u16,
    /// Session expiry in seconds.
    pub expiry: u32,
    /// Keep-alive in seconds.
    pub keep_alive: u16,
    /// The QoS of its will, and its delay in seconds.
    pub will: Option<(QoS, u32)>,
    /// Whether it authenticates.
    pub method: bool,
}

/// Draws a device.
pub(super) fn habits(random: &mut Random, refuses: bool) -> Habits {
    let flights = random.pick(&[1, 2, 3, 8]).unwrap_or(1);
    Habits {
        flights,
        bytes: random.pick(&[384, 512, 1024, 2048]).unwrap_or(512),
        manual: random.chance(30),
        granted: random
            .pick(&[QoS::ExactlyOnce, QoS::ExactlyOnce, QoS::AtLeastOnce, QoS::AtMostOnce])
            .unwrap_or_default(),
        refuses,
        shared: random.chance(20),
        identifier: random.chance(20).then(|| 1 + random.below(300) as u32),
        receive_maximum: 1 + random.below(flights as u64) as u16,
        aliases: random.pick(&[0, 1, 3]).unwrap_or(0),
        expiry: random.pick(&[0, 10, 1000, u32::MAX, u32::MAX, u32::MAX]).unwrap_or(0),
        keep_alive: random.pick(&[0, 5, 60]).unwrap_or(0),
        will: random
            .chance(30)
            .then(|| (random.pick(&QOS).unwrap_or_default(), random.pick(&[0, 0, 3, 60]).unwrap_or(0))),
        method: random.chance(20),
    }
}

/// Draws what the broker grants from now on.
pub(super) fn limits(random: &mut Random) -> Limits {
    let common = random.chance(50);
    Limits {
        receive_maximum: random.pick(&[u16::MAX, 1, 2, 5]).unwrap_or(u16::MAX),
        maximum_qos: if random.chance(90) { QoS::ExactlyOnce } else { random.pick(&QOS).unwrap_or_default() },
        retain_available: random.chance(85),
        maximum_packet_size: random.pick(&[None, None, None, Some(40)]).filter(|_| !common).flatten(),
        topic_alias_maximum: random.pick(&[0, 1, 2, 100]).unwrap_or(0),
        wildcards: random.chance(97),
        subscription_identifiers: random.chance(90),
        shared_subscriptions: random.chance(90),
        server_keep_alive: random.pick(&[None, None, Some(0), Some(3)]).flatten(),
        session_expiry: random.pick(&[None, None, Some(5)]).filter(|_| !common).flatten(),
        authentication: Some((METHOD, random.below(3) as u8)),
        aliases: random.chance(70),
        reason_strings: random.chance(20),
        ..Limits::default()
    }
}

/// Draws something that the broker is to do wrong from now on, or no more.
pub(super) fn fault(random: &mut Random, faults: &mut Faults, doubles: bool) {
    match random.below(11) {
        0 => faults.next_publish = Some(ReasonCode::QUOTA_EXCEEDED),
        1 => faults.next_connect = Some(ReasonCode::SERVER_BUSY),
        2 => faults.next_subscribe = Some(ReasonCode::NOT_AUTHORIZED),
        3 => faults.next_unsubscribe = Some(ReasonCode::NOT_AUTHORIZED),
        4 => faults.lose_session = random.chance(50),
        5 => faults.mute_pings = !faults.mute_pings,
        6 => faults.hold_acknowledgements = !faults.hold_acknowledgements,
        7 => faults.double_resends = doubles && !faults.double_resends,
        8 => faults.cut_received = Some(random.below(120) as usize),
        9 => faults.delay = random.pick(&[0, 0, 20, 400]).unwrap_or(0),
        _ => faults.cut_sent = Some(random.below(80) as usize),
    }
}
