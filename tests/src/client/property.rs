//! Properties as JSON: the specification's names in snake_case, in the order in which they stand.

use core::num::{NonZeroU16, NonZeroU32};

use mqtt5_codec::{PayloadFormat, Properties, Property, QoS, SubscriptionId, Text, Topic, TopicAlias};
use serde_json::{Map, Value};

use super::json::{self, Trouble};
use crate::hex;

/// Properties that a command gives. What was hexadecimal is kept here, the rest in the command's JSON.
#[derive(Debug, Default)]
pub(super) struct Given<'v>(Vec<Field<'v>>);

#[derive(Debug)]
enum Field<'v> {
    Ready(Property<'v>),
    CorrelationData(Vec<u8>),
    AuthenticationData(Vec<u8>),
}

impl<'v> Given<'v> {
    /// Reads an object, a property to a key, and a list under the keys of what may repeat.
    pub(super) fn read(value: Option<&'v Value>) -> Result<Self, Trouble> {
        let mut given = Self::default();
        let Some(value) = value else { return Ok(given) };
        for (name, value) in json::object("properties", value)? {
            given.add(name, value)?;
        }
        Ok(given)
    }

    /// The properties, for the codec.
    pub(super) fn lend(&self) -> Vec<Property<'_>> {
        self.0
            .iter()
            .map(|field| match field {
                Field::CorrelationData(bytes) => Property::CorrelationData(bytes),
                Field::AuthenticationData(bytes) => Property::AuthenticationData(bytes),
                Field::Ready(property) => *property,
            })
            .collect()
    }

    fn add(&mut self, name: &str, value: &'v Value) -> Result<(), Trouble> {
        let property = match name {
            "correlation_data_hex" => {
                self.0.push(Field::CorrelationData(json::hex(name, value)?));
                return Ok(());
            }
            "authentication_data_hex" => {
                self.0.push(Field::AuthenticationData(json::hex(name, value)?));
                return Ok(());
            }
            "user_property" => return self.pairs(value),
            "subscription_identifier" => {
                if let Value::Array(all) = value {
                    for one in all {
                        self.add(name, one)?;
                    }
                    return Ok(());
                }
                Property::SubscriptionIdentifier(json::within(name, value, SubscriptionId::new)?)
            }
            _ => single(name, value)?,
        };
        self.0.push(Field::Ready(property));
        Ok(())
    }

    fn pairs(&mut self, value: &'v Value) -> Result<(), Trouble> {
        let wrong = || Trouble::Error("user_property: a list of pairs of strings".to_owned());
        for pair in value.as_array().ok_or_else(wrong)? {
            let (Some([Value::String(name), Value::String(value)]), 2) =
                (pair.as_array().and_then(|pair| pair.first_chunk::<2>()), pair.as_array().map_or(0, Vec::len))
            else {
                return Err(wrong());
            };
            self.0.push(Field::Ready(Property::UserProperty(Text::new(name)?, Text::new(value)?)));
        }
        Ok(())
    }
}

/// A property that has one JSON value.
fn single<'v>(name: &str, value: &'v Value) -> Result<Property<'v>, Trouble> {
    let flag = || json::flag(name, value);
    let text = || -> Result<Text<'v>, Trouble> { Ok(Text::new(json::string(name, value)?)?) };
    Ok(match name {
        "payload_format_indicator" => {
            Property::PayloadFormatIndicator(json::within(name, value, PayloadFormat::from_u8)?)
        }
        "message_expiry_interval" => Property::MessageExpiryInterval(json::within(name, value, Some)?),
        "content_type" => Property::ContentType(text()?),
        "response_topic" => Property::ResponseTopic(Topic::new(json::string(name, value)?)?),
        "correlation_data" => Property::CorrelationData(json::string(name, value)?.as_bytes()),
        "session_expiry_interval" => Property::SessionExpiryInterval(json::within(name, value, Some)?),
        "assigned_client_identifier" => Property::AssignedClientIdentifier(text()?),
        "server_keep_alive" => Property::ServerKeepAlive(json::within(name, value, Some)?),
        "authentication_method" => Property::AuthenticationMethod(text()?),
        "authentication_data" => Property::AuthenticationData(json::string(name, value)?.as_bytes()),
        "request_problem_information" => Property::RequestProblemInformation(flag()?),
        "will_delay_interval" => Property::WillDelayInterval(json::within(name, value, Some)?),
        "request_response_information" => Property::RequestResponseInformation(flag()?),
        "response_information" => Property::ResponseInformation(text()?),
        "server_reference" => Property::ServerReference(text()?),
        "reason_string" => Property::ReasonString(text()?),
        "receive_maximum" => Property::ReceiveMaximum(json::within(name, value, NonZeroU16::new)?),
        "topic_alias_maximum" => Property::TopicAliasMaximum(json::within(name, value, Some)?),
        "topic_alias" => Property::TopicAlias(json::within(name, value, TopicAlias::new)?),
        "maximum_qos" => Property::MaximumQoS(json::within(name, value, QoS::from_u8)?),
        "retain_available" => Property::RetainAvailable(flag()?),
        "maximum_packet_size" => Property::MaximumPacketSize(json::within(name, value, NonZeroU32::new)?),
        "wildcard_subscription_available" => Property::WildcardSubscriptionAvailable(flag()?),
        "subscription_identifiers_available" | "subscription_identifier_available" => {
            Property::SubscriptionIdentifiersAvailable(flag()?)
        }
        "shared_subscription_available" => Property::SharedSubscriptionAvailable(flag()?),
        _ => return Err(Trouble::Error(format!("no property is called {name}"))),
    })
}

/// Properties of a packet, as an object. All that repeats stands where the first of it stood: user properties as a list
/// of pairs, subscription identifiers as a number, or as a list if there are several.
pub(crate) fn shown(properties: &Properties<'_>) -> Value {
    let mut object = Map::new();
    for property in properties.iter() {
        let (name, value) = named(&property);
        match (object.get_mut(name), value) {
            (Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
            (Some(Value::Array(all)), one) => all.push(one),
            (Some(first), second) => *first = Value::Array(vec![first.take(), second]),
            (None, value) => drop(object.insert(name.to_owned(), value)),
        }
    }
    Value::Object(object)
}

fn named(property: &Property<'_>) -> (&'static str, Value) {
    let text = |text: &Text<'_>| Value::from(text.as_str());
    let flag = |flag: &bool| Value::from(u8::from(*flag));
    match property {
        Property::PayloadFormatIndicator(format) => ("payload_format_indicator", u8::from(*format).into()),
        Property::MessageExpiryInterval(seconds) => ("message_expiry_interval", (*seconds).into()),
        Property::ContentType(name) => ("content_type", text(name)),
        Property::ResponseTopic(topic) => ("response_topic", topic.as_str().into()),
        Property::CorrelationData(bytes) => ("correlation_data_hex", digits(bytes)),
        Property::SubscriptionIdentifier(id) => ("subscription_identifier", id.get().into()),
        Property::SessionExpiryInterval(seconds) => ("session_expiry_interval", (*seconds).into()),
        Property::AssignedClientIdentifier(id) => ("assigned_client_identifier", text(id)),
        Property::ServerKeepAlive(seconds) => ("server_keep_alive", (*seconds).into()),
        Property::AuthenticationMethod(name) => ("authentication_method", text(name)),
        Property::AuthenticationData(bytes) => ("authentication_data_hex", digits(bytes)),
        Property::RequestProblemInformation(wanted) => ("request_problem_information", flag(wanted)),
        Property::WillDelayInterval(seconds) => ("will_delay_interval", (*seconds).into()),
        Property::RequestResponseInformation(wanted) => ("request_response_information", flag(wanted)),
        Property::ResponseInformation(information) => ("response_information", text(information)),
        Property::ServerReference(reference) => ("server_reference", text(reference)),
        Property::ReasonString(reason) => ("reason_string", text(reason)),
        Property::ReceiveMaximum(most) => ("receive_maximum", most.get().into()),
        Property::TopicAliasMaximum(most) => ("topic_alias_maximum", (*most).into()),
        Property::TopicAlias(alias) => ("topic_alias", alias.get().into()),
        Property::MaximumQoS(qos) => ("maximum_qos", u8::from(*qos).into()),
        Property::RetainAvailable(yes) => ("retain_available", flag(yes)),
        Property::UserProperty(name, value) => ("user_property", vec![vec![name.as_str(), value.as_str()]].into()),
        Property::MaximumPacketSize(most) => ("maximum_packet_size", most.get().into()),
        Property::WildcardSubscriptionAvailable(yes) => ("wildcard_subscription_available", flag(yes)),
        Property::SubscriptionIdentifiersAvailable(yes) => ("subscription_identifiers_available", flag(yes)),
        Property::SharedSubscriptionAvailable(yes) => ("shared_subscription_available", flag(yes)),
    }
}

/// Bytes as a string of hexadecimal digits.
pub(crate) fn digits(bytes: &[u8]) -> Value {
    let mut digits = Vec::new();
    hex::write(bytes, &mut digits);
    Value::String(String::from_utf8(digits).unwrap_or_default())
}
