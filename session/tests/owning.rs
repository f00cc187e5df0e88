//! Events and errors that are handed on: one copy of the bytes, one type of error.

use crate::common::*;
use mqtt5_session::codec::{Filter, Properties, Property, ReasonCode, Rule};
use mqtt5_session::{Event, Fault, Inbox, Input, OwnedEvent, Refused, SessionError};

/// What comes of one packet, owned, and what it said before.
fn owned(host: &mut Host, packet: &str) -> (OwnedEvent, String) {
    let packet = bytes(packet);
    host.inbox.spare()[..packet.len()].copy_from_slice(&packet);
    host.inbox.filled(packet.len());
    let now = host.now();
    match host.client.handle_input(&mut host.inbox, now) {
        Ok(Input::Event(event)) => (event.into_owned().unwrap(), format!("{event:?}")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_event_is_the_same_once_it_is_owned() {
    let mut host = Host::new();
    host.inbox = Inbox::growing(1_000, 1_000).with_aliases(vec![0; 64].leak(), 14);
    let properties = [LASTING[0], Property::TopicAliasMaximum(4)];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    host.connect(&connect).unwrap();
    host.sent();
    let same = |host: &mut Host, packet: &str| {
        let (event, said) = owned(host, packet);
        assert_eq!(format!("{:?}", event.as_event()), said);
        assert_eq!(format!("{:?}", event.clone().as_event()), said);
        event
    };
    same(&mut host, "20 06 00 00 03 21 00 09");
    for qos in [1, 2, 2, 1] {
        host.publish(&message("t", "x", qos)).unwrap();
    }
    host.subscribe("a").unwrap();
    host.client.unsubscribe(&[Filter::new("a").unwrap()], Properties::EMPTY).unwrap();
    host.sent();
    same(&mut host, "40 0a 00 01 10 06 1f 00 03 77 68 79");
    same(&mut host, "50 0a 00 02 00 06 1f 00 03 77 68 79");
    same(&mut host, "50 0a 00 03 97 06 1f 00 03 77 68 79");
    same(&mut host, "70 0a 00 02 92 06 1f 00 03 77 68 79");
    same(&mut host, "40 02 00 04");
    same(&mut host, "90 04 00 05 00 02");
    same(&mut host, "b0 04 00 06 00 11");
    same(&mut host, "d0 00");
    let message = same(&mut host, "32 13 00 03 61 2f 62 00 07 09 23 00 02 26 00 01 6b 00 00 68 69");
    assert_eq!(message.message().unwrap().payload(), "hi");
    same(&mut host, "30 07 00 00 03 23 00 02 78");
    same(&mut host, "e0 08 8b 06 1f 00 03 77 68 79");
}

#[test]
fn the_parts_of_an_owned_message_are_slices_of_one_piece() {
    let mut host = Host::connected();
    let (event, _) = owned(&mut host, "30 08 00 01 74 00 68 65 72 65");
    let other = event.clone();
    let (payload, topic) = (event.message().unwrap().payload(), event.message().unwrap().topic());
    let Event::Message(again) = event.as_event() else { panic!() };
    assert_eq!(payload.as_ptr(), again.payload.as_ptr());
    assert_eq!(payload.as_ptr(), other.message().unwrap().payload().as_ptr());
    assert_eq!(topic.as_ptr() as usize + 2, payload.as_ptr() as usize, "the length of the properties lies between");
    std::thread::spawn(move || assert_eq!(other.message().unwrap().payload(), "here")).join().unwrap();
}

#[test]
fn one_question_mark_works_from_every_error() {
    fn any(what: u8) -> Result<(), SessionError> {
        match what {
            0 => Err(Refused::NotConnected)?,
            1 => Err(fault())?,
            2 => Err(Rule::PUBLISH_QOS)?,
            3 => drop(mqtt5_session::codec::Topic::new("a/#")?),
            4 => drop(mqtt5_session::codec::Decoder::new(mqtt5_session::codec::Sender::Server).decode(&[0x36, 0])?),
            _ => drop(ReasonCode::try_from(3)?),
        }
        Ok(())
    }
    fn fault() -> Fault {
        let mut host = Host::connected();
        host.feed("20 03 00 00 00");
        host.client.fault().unwrap()
    }
    assert_eq!(any(0), Err(SessionError::Refused(Refused::NotConnected)));
    assert!(matches!(any(1), Err(SessionError::Fault(_))));
    for what in 2..6 {
        assert!(matches!(any(what), Err(SessionError::Codec(_))));
        let boxed: Box<dyn core::error::Error> = any(what).unwrap_err().into();
        assert!(boxed.source().is_some());
        assert_eq!(boxed.to_string(), boxed.source().unwrap().to_string());
    }
}
