//! Inbound messages: on their way to whom they are for, and how they are acknowledged.

use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use mqtt5_codec::{
    Ack, AckKind, Delivery, EncodeError, OwnedPublish, PacketId, Properties, Publish, QoS, ReasonCode, Topic,
};
use mqtt5_session::{Acknowledge, Incoming, Refused};

use crate::state::{Shared, State};

/// What acknowledges one message.
#[derive(Clone)]
pub(crate) struct Receipt {
    id: PacketId,
    twice: bool,
    /// The connection, or at QoS 2 the session, that the identifier belongs to.
    age: u32,
    /// The connection that brought it.
    link: u32,
    /// What several receivers of one message share.
    split: Option<Arc<Split>>,
}

/// How many have not acknowledged yet, and the first reason code that is no success.
struct Split {
    left: AtomicU16,
    reason: AtomicU8,
}

/// A message that waits to be taken.
#[derive(Clone)]
pub(crate) struct Parcel {
    message: OwnedPublish,
    receipt: Option<Receipt>,
    /// How long the packet is.
    bytes: usize,
}

impl Parcel {
    /// The bytes that wait for an acknowledgement.
    pub(crate) fn heavy(&self) -> usize {
        self.receipt.as_ref().map_or(0, |_| self.bytes)
    }
}

/// A received message. Its parts are slices of one [`Bytes`].
///
/// Where the application acknowledges ([`Acknowledge::Manual`]), a message of QoS 1 or QoS 2 that is dropped without it stays
/// unacknowledged: it takes one place of the Receive Maximum, and comes again on the next connection.
pub struct Inbound {
    message: OwnedPublish,
    token: Option<Token>,
}

impl Inbound {
    /// The message as the packet that brought it, borrowed. Its topic alias is resolved.
    #[must_use]
    pub fn as_publish(&self) -> Publish<'_> {
        self.message.as_publish()
    }

    /// The topic name.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.message.as_publish().topic.name().map_or("", Topic::as_str)
    }

    /// The payload; shared, not copied.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.message.payload()
    }

    /// The quality of service at which it was sent to us.
    #[must_use]
    pub fn qos(&self) -> QoS {
        self.message.as_publish().delivery.qos()
    }

    /// Whether the server had retained it.
    #[must_use]
    pub fn retain(&self) -> bool {
        self.message.as_publish().retain
    }

    /// All properties, in their order.
    #[must_use]
    pub fn properties(&self) -> Properties<'_> {
        self.message.as_publish().properties
    }

    /// Acknowledges the message by hand, in any order, with any reason code that PUBACK or PUBREC can have. Does nothing
    /// where there is nothing to acknowledge: at QoS 0, where the host acknowledges, or when [`take_token`](Self::take_token)
    /// was called.
    ///
    /// # Errors
    /// [`AcknowledgeError`]; the message then comes again, or the token is still there.
    pub fn acknowledge(&mut self, reason: ReasonCode) -> Result<(), AcknowledgeError> {
        let Some(token) = &self.token else { return Ok(()) };
        let done = token.use_up(reason);
        if !matches!(done, Err(AcknowledgeError::Refused(_))) {
            self.token = None;
        }
        done
    }

    /// What acknowledges the message, to be kept apart from it. `None` where there is nothing to acknowledge, or it was
    /// taken.
    pub const fn take_token(&mut self) -> Option<Token> {
        self.token.take()
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

/// What acknowledges one message, from any task, once.
#[must_use = "dropping this leaves the message unacknowledged"]
pub struct Token {
    shared: Weak<Shared>,
    receipt: Receipt,
}

impl Token {
    /// Acknowledges the message.
    ///
    /// # Errors
    /// [`AcknowledgeError`].
    pub fn acknowledge(self, reason: ReasonCode) -> Result<(), AcknowledgeError> {
        self.use_up(reason)
    }

    fn use_up(&self, reason: ReasonCode) -> Result<(), AcknowledgeError> {
        let shared = self.shared.upgrade().ok_or(AcknowledgeError::ComesAgain)?;
        shared.with(|state| state.acknowledge(&self.receipt, reason))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.receipt.id.get())
    }
}

/// Why a message was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcknowledgeError {
    /// The connection that brought it is gone, or its session: the server sends it again, if it still has it.
    #[error("the connection that brought the message is gone: it comes again")]
    ComesAgain,
    /// An acknowledgement can't have this reason code.
    #[error("{0}")]
    Refused(#[source] Refused),
}

impl State {
    /// Hands a message to those whose subscription it is for, otherwise to the events.
    pub(crate) fn deliver(&mut self, incoming: &Incoming<'_>) {
        // Copied once; a message of a session can be.
        let Ok(message) = incoming.into_owned() else { return };
        let bytes = message.frame_len();
        let twice = matches!(incoming.delivery, Delivery::ExactlyOnce { .. });
        let age = if twice { self.era } else { self.link };
        let receipt = incoming.delivery.id().map(|id| Receipt { id, twice, age, link: self.link, split: None });
        let mut parcel = Parcel { message, receipt, bytes };
        if parcel.receipt.is_some() {
            self.stock.owe();
        }
        let found = self.routes.find(incoming);
        if let [_, _, ..] = found.as_slice()
            && let Some(receipt) = &mut parcel.receipt
        {
            let left = AtomicU16::new(u16::try_from(found.len()).unwrap_or(u16::MAX));
            receipt.split = Some(Arc::new(Split { left, reason: AtomicU8::new(0) }));
        }
        let Some((last, others)) = found.split_last() else { return self.queue(parcel, None) };
        for id in others {
            self.queue(parcel.clone(), Some(*id));
        }
        self.queue(parcel, Some(*last));
    }

    /// Puts a message where it waits to be taken. At QoS 0 there may be no room.
    fn queue(&mut self, parcel: Parcel, route: Option<u32>) {
        match &parcel.receipt {
            Some(_) => self.stock.put_heavy(parcel.bytes),
            None if self.stock.put_light(parcel.bytes, &self.options) => {}
            None => return self.drop_one(),
        }
        let unwanted = match route {
            None => self.events.push_message(parcel, &mut self.wake),
            Some(id) => self.routes.push(id, parcel, &mut self.wake),
        };
        if let Some(unwanted) = unwanted {
            self.discard(&unwanted);
        }
    }

    /// Takes note of a message that is handed out, and acknowledges it where that is the host's business.
    pub(crate) fn hand_out(&mut self, parcel: Parcel, shared: &Arc<Shared>) -> Inbound {
        let mut token = None;
        self.take_out(&parcel);
        match &parcel.receipt {
            None => {}
            Some(receipt) if self.options.acknowledge == Acknowledge::Automatic => {
                // A stale one comes again.
                let _ = self.acknowledge(receipt, ReasonCode::SUCCESS);
            }
            Some(receipt) => token = Some(Token { shared: Arc::downgrade(shared), receipt: receipt.clone() }),
        }
        Inbound { message: parcel.message, token }
    }

    /// Nobody wants the message any more.
    pub(crate) fn discard(&mut self, parcel: &Parcel) {
        self.take_out(parcel);
        if let Some(receipt) = &parcel.receipt {
            let _ = self.acknowledge(receipt, ReasonCode::SUCCESS);
        }
    }

    /// A message waits no more, and makes room.
    fn take_out(&mut self, parcel: &Parcel) {
        match &parcel.receipt {
            None => self.stock.take_light(parcel.bytes),
            Some(_) => self.stock.take_heavy(parcel.bytes),
        }
        if core::mem::take(&mut self.paused) {
            self.rouse();
        }
    }

    fn acknowledge(&mut self, receipt: &Receipt, reason: ReasonCode) -> Result<(), AcknowledgeError> {
        if receipt.age != if receipt.twice { self.era } else { self.link } {
            return Err(AcknowledgeError::ComesAgain);
        }
        let mut reason = reason;
        if reason != ReasonCode::SUCCESS {
            let ack = Ack { id: receipt.id, reason, properties: Properties::EMPTY };
            let kind = if receipt.twice { AckKind::PubRec } else { AckKind::PubAck };
            if let Err(EncodeError::Refused(rule)) = ack.encoded_len(kind) {
                return Err(AcknowledgeError::Refused(Refused::Rule(rule)));
            }
        }
        if let Some(split) = &receipt.split {
            if reason != ReasonCode::SUCCESS {
                let _ = split.reason.compare_exchange(0, reason.value(), Ordering::Relaxed, Ordering::Relaxed);
            }
            if split.left.fetch_sub(1, Ordering::Relaxed) > 1 {
                return Ok(());
            }
            reason = ReasonCode::from_u8(split.reason.load(Ordering::Relaxed)).unwrap_or(reason);
        }
        match self.session.acknowledge(receipt.id, reason) {
            Ok(()) => {
                if receipt.link == self.link {
                    self.stock.pay();
                }
                if core::mem::take(&mut self.paused) {
                    self.rouse();
                }
                self.answered();
                Ok(())
            }
            Err(Refused::Unknown) => Err(AcknowledgeError::ComesAgain),
            Err(refused) => Err(AcknowledgeError::Refused(refused)),
        }
    }

    /// A connection has begun. In a resumed session QoS 1 messages of the last one that nobody took come again.
    pub(crate) fn forget_what_comes_again(&mut self, resumed: bool) {
        let comes_again = |parcel: &Parcel| parcel.receipt.as_ref().is_some_and(|receipt| resumed && !receipt.twice);
        let heavy =
            self.routes.retain(|parcel| !comes_again(parcel)) + self.events.retain(|parcel| !comes_again(parcel));
        self.stock.begin(heavy);
    }
}
