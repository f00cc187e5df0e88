//! The client: the engine, with its state and the memory it was given.

use core::fmt;

use mqtt5_codec::{Filter, PacketId, Properties, ReasonCode, Subscription};

use crate::error::{Fault, Refused};
use crate::event::{Event, Figures, Input, Transmit};
use crate::inbox::Inbox;
use crate::memory::Memory;
use crate::options::{ConnectOptions, Ending, Publication};
use crate::state::Engine;
use crate::state::{Phase, State};
use crate::time::Instant;
use crate::timer::first;

/// An MQTT v5 client session, without I/O, clock or randomness of its own.
///
/// The host moves bytes between it and a connection, tells it the time, and gets events; the crate's front page shows the
/// loop. Every call ends after a bounded number of steps, however many exchanges are in flight; those that walk through
/// them say so.
///
/// | | before `connect` | until `Connected` | connected | after `disconnect` | closed |
/// |---|---|---|---|---|---|
/// | `connect` | yes | – | – | – | after `handle_close` |
/// | `publish` | to hold | to hold | yes | – | to hold |
/// | `subscribe`, `unsubscribe`, `ping` | – | – | yes | – | – |
/// | `auth` | – | when asked | yes | – | – |
/// | `acknowledge` | yes | yes | yes | yes | yes |
/// | `disconnect` | – | yes | yes | to hasten it | – |
///
/// Other calls are always allowed. One that is not gives [`Refused`] and changes nothing.
#[derive(Clone, Hash)]
pub struct Client<M> {
    state: State,
    memory: M,
}

impl<M: Memory> Client<M> {
    /// A client without a session and without a connection, in memory that is new or was not used by another client.
    ///
    /// With memory that is all zeros it is all zeros too, so that a static one takes no space in flash.
    pub const fn new(memory: M) -> Self {
        Self { state: State::NEW, memory }
    }

    #[inline]
    fn engine(&mut self) -> Engine<'_> {
        Engine::new(&mut self.state, self.memory.lend())
    }

    // --- connection ---

    /// Begins a connection over a transport that has just been opened: queues CONNECT [MQTT-3.1.0-1], and empties the inbox,
    /// which belongs to this connection from now on. The fault of the last connection is forgotten.
    ///
    /// With Clean Start, and if no session is held, walks through the exchanges in flight: those that were sent are lost,
    /// and `poll_lost` names them [MQTT-3.1.2-4].
    ///
    /// # Errors
    /// [`Refused::Connected`] until `handle_close` was called for the last connection; [`Refused::Prior`] for a Clean Start of 0
    /// without [`prior`](ConnectOptions::prior); [`Refused::Rule`] when the packet may not be sent, or, without Clean Start, has
    /// another client identifier than the session that is held [MQTT-3.1.3-2]; [`Refused::Bytes`].
    pub fn connect(
        &mut self,
        options: &ConnectOptions<'_>,
        inbox: &mut Inbox<'_>,
        now: Instant,
    ) -> Result<(), Refused> {
        self.engine().connect(options, inbox, now)
    }

    /// Continues an authentication that the server asked for by [`Event::Auth`] [MQTT-4.12.0-3], or begins a new one on a
    /// live connection with [`ReasonCode::RE_AUTHENTICATE`] [MQTT-4.12.1-1]. The properties have the Authentication Method
    /// of CONNECT.
    ///
    /// # Errors
    /// [`Refused::Rule`] when it is not our turn, the method differs [MQTT-4.12.0-5] or CONNECT had none [MQTT-4.12.0-7];
    /// [`Refused::NotConnected`], [`Refused::Closing`], [`Refused::Bytes`].
    pub fn auth(&mut self, reason: ReasonCode, properties: Properties<'_>) -> Result<(), Refused> {
        self.engine().auth(reason, properties)
    }

    /// Linked the connection in order, with the plainest DISCONNECT: at once or after what is queued.
    /// [`is_closed`](Self::is_closed) tells when it has been transmitted.
    ///
    /// # Errors
    /// [`Refused::NotConnected`]; [`Refused::Closing`] the second time, unless at once.
    pub fn disconnect(&mut self, ending: Ending) -> Result<(), Refused> {
        self.engine().disconnect_normally(ending)
    }

    /// As [`disconnect`](Self::disconnect), with a reason and properties. A Session Expiry Interval among them governs from now
    /// on.
    ///
    /// # Errors
    /// As there; [`Refused::Rule`] when the packet may not be sent, or sets an expiry where CONNECT had none
    /// [MQTT-3.14.2.2.2]; [`Refused::Bytes`], but not for one without properties.
    pub fn disconnect_with(
        &mut self,
        reason: ReasonCode,
        properties: Properties<'_>,
        ending: Ending,
    ) -> Result<(), Refused> {
        self.engine().disconnect(reason, properties, ending)
    }

    /// The transport is closed, by whichever side. What belonged to the connection is forgotten: aliases, limits, quota,
    /// timers, a packet half written; SUBSCRIBE and UNSUBSCRIBE without an answer are lost. The session ends when its expiry
    /// interval has passed from now on, at once if that is 0 [MQTT-3.1.2-23]. [`fault`](Self::fault) lives on until the next
    /// `connect`.
    ///
    /// Walks through what is queued and what was received. Does nothing without a connection.
    pub fn handle_close(&mut self, now: Instant) {
        self.engine().close(now);
    }

    /// Whether there is no connection, or it is over and nothing is left to transmit: close the transport.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state.link.phase, Phase::Down | Phase::Closed)
    }

    /// Whether the server has accepted the connection, and it is not being ended.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state.link.phase == Phase::Up
    }

    /// What the server did wrong on the connection that there is, or was last; `None` if it did nothing wrong, and from the next
    /// `connect` on.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.state.link.fault
    }

    // --- requests ---

    /// Queues a message. From QoS 1 on with the packet identifier that [`Event::Published`] or `poll_lost` will name.
    ///
    /// Costs the encoding of the packet.
    ///
    /// # Errors
    /// [`Refused::NotConnected`], [`Refused::Closing`], [`Refused::Exchanges`], [`Refused::Bytes`]; a limit of the server:
    /// [`Refused::ReceiveMaximum`] [MQTT-3.3.4-7], or [`Refused::Rule`] for Maximum QoS [MQTT-3.2.2-11], Retain Available
    /// [MQTT-3.2.2-14], Maximum Packet Size [MQTT-3.2.2-15], Topic Alias Maximum [MQTT-3.2.2-17]; and what the codec
    /// refuses.
    ///
    /// ```
    /// use mqtt5_codec::Topic;
    /// use mqtt5_session::{Client, Inline, Publication, Refused};
    /// let mut client = Client::new(Inline::<8, 512>::new());
    /// let mut publication = Publication::new(Topic::new("a/b")?, b"hello");
    /// assert_eq!(client.publish(&publication), Err(Refused::NotConnected));
    /// publication.hold = true; // until there is a connection
    /// assert_eq!(client.publish(&publication), Ok(None));
    /// # Ok::<(), mqtt5_codec::Rule>(())
    /// ```
    pub fn publish(&mut self, publication: &Publication<'_>) -> Result<Option<PacketId>, Refused> {
        self.engine().publish(publication)
    }

    /// Queues a SUBSCRIBE with these filters. [`Event::Subscribed`] has a result for each; a lost connection, `poll_lost`.
    ///
    /// # Errors
    /// [`Refused::NotConnected`], [`Refused::Closing`], [`Refused::Exchanges`], [`Refused::Bytes`]; [`Refused::Rule`] for
    /// what the server said it lacks, Maximum Packet Size [MQTT-3.2.2-15], and what the codec refuses: no filter
    /// [MQTT-3.8.3-2], No Local on a shared subscription [MQTT-3.8.3-4].
    pub fn subscribe(&mut self, filters: &[Subscription<'_>], properties: Properties<'_>) -> Result<PacketId, Refused> {
        self.engine().subscribe(filters, properties)
    }

    /// Queues an UNSUBSCRIBE with these filters. [`Event::Unsubscribed`] has a result for each; a lost connection,
    /// `poll_lost`.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn unsubscribe(&mut self, filters: &[Filter<'_>], properties: Properties<'_>) -> Result<PacketId, Refused> {
        self.engine().unsubscribe(filters, properties)
    }

    /// Queues a PINGREQ now; the keep-alive sends its own. [`Event::Pong`] answers.
    ///
    /// # Errors
    /// [`Refused::NotConnected`], [`Refused::Closing`]; [`Refused::Bytes`] when other small packets wait to be transmitted.
    pub fn ping(&mut self, now: Instant) -> Result<(), Refused> {
        self.engine().ping(now)
    }

    /// Acknowledges a message by hand, where `connect` said so: in any order, with any reason code that PUBACK or PUBREC can
    /// have. The packets go out in the order that the messages came in [MQTT-4.6.0-2] [MQTT-4.6.0-3].
    ///
    /// # Errors
    /// [`Refused::Unknown`] when no message with this identifier waits for it; [`Refused::Rule`] for another reason code
    /// [MQTT-3.4.2-1] [MQTT-3.5.2-1].
    pub fn acknowledge(&mut self, id: PacketId, reason: ReasonCode) -> Result<(), Refused> {
        self.engine().acknowledge(id, reason)
    }

    /// The name of an exchange that ended without an answer, until there are none: with the server's session, with our
    /// own, with the connection (SUBSCRIBE and UNSUBSCRIBE), or by the limits of a new connection. Its identifier is not
    /// used again before.
    pub fn poll_lost(&mut self) -> Option<PacketId> {
        PacketId::new(self.engine().poll_lost())
    }

    // --- bytes and time ---

    /// Handles received bytes up to the next event. Packets without one are passed by: duplicates, releases, stray answers.
    ///
    /// The event borrows the inbox, not the client. Its message is acknowledged, if automatically, at the next call or by
    /// [`handled`](Self::handled).
    ///
    /// # Errors
    /// A [`Fault`], when the server breaks the protocol: the connection is over. A DISCONNECT that says so has been queued,
    /// except where a client may not send one.
    pub fn handle_input<'i>(&mut self, inbox: &'i mut Inbox<'_>, now: Instant) -> Result<Input<'i>, Fault> {
        self.engine().input(inbox, now)
    }

    /// Tells that the message given last has been handled, and queues its acknowledgement, if automatic. For a host that
    /// will not call `handle_input` soon.
    pub fn handled(&mut self) {
        self.engine().handled();
    }

    /// What to write next; `None` when there is nothing. Tell what was written by [`transmitted`](Self::transmitted).
    ///
    /// In a resumed session that is first what is unanswered, in the order in which it was first sent: each PUBLISH with DUP,
    /// each PUBREL [MQTT-4.4.0-1] [MQTT-4.6.0-1]. A PUBLISH that waits for the server's Receive Maximum lets PUBRELs pass
    /// [MQTT-3.3.4-8]; a new PUBREL waits for those that are sent again [MQTT-4.6.0-4]. Then comes what is new. Passing by the
    /// PUBRELs that went ahead costs a step each, once a connection.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.engine().transmit().map(Transmit::Bytes)
    }

    /// Copies what is to be written next into `out`, as many whole packets as fit, and gives the number of bytes; 0 when there
    /// is nothing, or no room. A packet that is larger than `out` is copied as far as it fits, and continued at the next call.
    ///
    /// The order is that of [`poll_transmit`](Self::poll_transmit), and the two may be mixed. What was copied belongs to this
    /// connection: it is written in full and in order, or not at all once the connection is lost. Tell what has really been
    /// written by [`transmitted`](Self::transmitted), also the part that went before a write failed: what was copied and not
    /// written counts as not sent.
    ///
    /// A program that doesn't call it holds no code for it.
    pub fn transmit_into(&mut self, out: &mut [u8]) -> usize {
        self.engine().transmit_into(out)
    }

    /// Tells that `n` more bytes of what was lent or copied out have been written; more than there are count as all. The keep-alive
    /// counts from the call that tells of a packet's last byte.
    pub fn transmitted(&mut self, n: usize, now: Instant) {
        self.engine().transmitted(n, now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; `None` for never. Changes with every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state.link.phase {
            Phase::Down => Some(self.state.session.expires).filter(|expires| expires.is_set()),
            Phase::Closed => None,
            Phase::Connecting | Phase::Leaving => Some(self.state.link.timers.answer),
            _ => first([self.state.link.timers.answer, self.state.link.timers.ping, self.state.link.silence()]),
        }
    }

    /// Does what is due: queues a PINGREQ, since nothing was sent [MQTT-3.1.2-20] or received for as long as `connect` said, or
    /// ends a session whose expiry interval passed, walking through its exchanges. Does nothing when nothing is due.
    ///
    /// # Errors
    /// A [`Fault`], when the server did not answer CONNECT or PINGREQ in time: the connection is closed, and nothing is sent.
    /// The time for PINGRESP counts from the last byte received once PINGREQ is written, and until then from the last byte
    /// written. As long our own DISCONNECT may wait to be written; then the connection is closed without it.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<Option<Event<'static>>, Fault> {
        self.engine().timeout(now)
    }

    /// The first invariant of the state that does not hold: for tests that try to break it. Walks through everything.
    #[doc(hidden)]
    pub fn check(&mut self) -> Result<(), &'static str> {
        self.engine().check()
    }

    /// Zeroes what nothing will ever read, and the number of the connection: for tests that search through states, where equal
    /// bytes are to mean equal states. Inboxes of older connections may not be used any more.
    #[doc(hidden)]
    pub fn scrub(&mut self) {
        self.engine().scrub();
    }

    /// The state in figures.
    #[must_use]
    pub fn figures(&self, now: Instant) -> Figures {
        Figures {
            in_flight: self.state.session.in_use,
            unacknowledged: self.state.link.inbound.unacknowledged,
            quota: self.state.link.server.quota,
            lost: self.state.session.losses,
            bytes_held: self.memory.held(),
            next_deadline: self.poll_timeout().map(|at| now.until(at)),
        }
    }
}

impl<M: Memory> fmt::Debug for Client<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("phase", &self.state.link.phase)
            .field("session", &self.state.session.alive)
            .field("in_flight", &self.state.session.in_use)
            .field("lost", &self.state.session.losses)
            .field("unacknowledged", &self.state.link.inbound.unacknowledged)
            .field("quota", &self.state.link.server.quota)
            .field("bytes_held", &self.memory.held())
            .field("fault", &self.state.link.fault)
            .finish_non_exhaustive()
    }
}
