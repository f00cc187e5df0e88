//! One `?` takes every error of the crate, each says why, and what it comes from.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use core::error::Error as StdError;

use mqtt5_session::codec::{Rule, Topic};
use mqtt5_session::{Client, Inbox, Inline, Instant, Refused, SessionError};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, ConsumerRefused, Declaration};
use openc2_mqtt::producer::{Producer, ProducerMemory, ProducerPolicy, ProducerRefused, Request};
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{Connecting, TopicError};
use openc2_mqtt::{
    Action, Command, DecodeError, EncodeError, Encoding, Error, ExportError, Form, ImportError, Ipv4Net, JoinError,
    LanguageRule, Mismatch, OpenC2Error, Raw, Reading, Target,
};

const NOW: Instant = Instant::from_millis(0);

fn command() -> Command<'static> {
    Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()))
}

/// Each of these fails, in a way of its own.
const STEPS: usize = 12;

fn one<E>(step: usize) -> Result<(), E>
where
    E: From<Error> + From<EncodeError> + From<LanguageRule> + From<DecodeError> + From<ConsumerRefused>,
    E: From<ProducerRefused> + From<ImportError> + From<ExportError> + From<TopicError> + From<JoinError>,
    E: From<Refused> + From<Rule>,
{
    let mut consumer = Consumer::new(
        Declaration::new("c", "d", &slpf::PROFILES, &[]),
        ConsumerPolicy::default(),
        ConsumerMemory::<1, 64>::new(),
    );
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<1, 1>::new());
    let (mut client, mut bytes) = (Client::new(Inline::<1, 256>::new()), [0; 64]);
    match step {
        0 => drop(Reading::default().message(Encoding::Json, b"{}")?),
        1 => drop(command().encode(Form::Json, &mut [0; 8])?),
        2 => drop(Raw::from_json(r#"{"a":1,"a":2}"#)?),
        3 => drop(Raw::from_json("[1]")?.to_serde::<[bool; 1]>()?),
        4 => Err(ConsumerRefused::NoSuchTicket)?,
        5 => drop(producer.request(&Request::to_device("d", command(), 1), [7; 16], NOW, None, &mut [0; 8])?),
        6 => consumer.import(b"OC2", NOW, None)?,
        7 => drop(consumer.export(NOW, None, &mut [0; 8])?),
        8 => Err(TopicError::Level)?,
        9 => Err(JoinError::NotReady)?,
        10 => {
            let mut inbox = Inbox::new(&mut bytes);
            Connecting::new("d", 0)?.connect(&mut client, &mut inbox, NOW)?;
            Connecting::new("d", 0)?.connect(&mut client, &mut inbox, NOW)?;
        }
        _ => drop(Topic::new("a/#")?),
    }
    Ok(())
}

/// What each says, and what the variant of [`OpenC2Error`] is called.
const SAID: [(&str, &str); STEPS] = [
    ("Language", "message: the message has no body [CS01 2.4.2]"),
    ("Encode", "the buffer is too small: "),
    ("Rule", "this key stands twice [RFC 7493 2.3]"),
    ("Decode", "[0]: the type wants another kind of value"),
    ("Consumer", "this command is not being carried out"),
    ("Producer", "the buffer is too small: "),
    ("Import", "not the exported state of such a machine"),
    ("Export", "the buffer is too small: "),
    ("Topic", "an identifier is no level of a topic [CS01 2.2]"),
    ("Join", "the subscriptions are not granted yet"),
    ("Session", "connected already"),
    ("Session", "a topic name has no wildcards [MQTT-4.7.0-1]"),
];

#[test]
fn one_question_mark_takes_every_error_of_the_crate() {
    for (step, (variant, said)) in SAID.into_iter().enumerate() {
        let error = one::<OpenC2Error>(step).unwrap_err();
        assert!(format!("{error:?}").starts_with(&format!("{variant}(")), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(StdError::source(&error).unwrap().to_string(), error.to_string());
        assert_eq!(one::<Box<dyn StdError>>(step).unwrap_err().to_string(), error.to_string());
        assert_eq!(one::<Box<dyn StdError + Send + Sync>>(step).unwrap_err().to_string(), error.to_string());
    }
}

#[test]
fn an_error_leads_to_the_rule_that_was_broken() {
    fn root<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
        error.source().map_or(error, root)
    }
    let rule = |error: OpenC2Error| root(&error).downcast_ref::<LanguageRule>().copied();
    assert_eq!(rule(one(0).unwrap_err()), Some(LanguageRule::NoBody));
    assert_eq!(rule(one(2).unwrap_err()), Some(LanguageRule::DuplicateKey));
    assert_eq!(rule(EncodeError::Refused(LanguageRule::Nsid).into()), Some(LanguageRule::Nsid));
    let broken = Reading::default().message(Encoding::Json, b"{}").unwrap_err();
    assert_eq!(rule(JoinError::Answer(broken).into()), Some(LanguageRule::NoBody));
    // A refusal is the end of its own way.
    let refused = OpenC2Error::from(JoinError::Session(Refused::Closing));
    assert_eq!(root(&refused).downcast_ref::<Refused>(), Some(&Refused::Closing));
    let full = OpenC2Error::from(SessionError::from(Refused::Bytes { need: 9 }));
    assert_eq!(root(&full).downcast_ref::<Refused>(), Some(&Refused::Bytes { need: 9 }));
}

/// Nothing can be boxed here, and clippy warns from 128 bytes on.
#[test]
fn an_error_is_small_enough_to_be_returned() {
    assert!(size_of::<OpenC2Error>() < 128 && size_of::<DecodeError>() < 128, "{}", size_of::<OpenC2Error>());
    let error = Raw::from_json("null").unwrap().to_serde::<u8>().unwrap_err();
    assert_eq!(error.why(), Mismatch::Type);
}
