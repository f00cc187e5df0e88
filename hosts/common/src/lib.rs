//! What every host of an MQTT v5 session with a heap shares. It has no runtime and no sockets.
//!
//! # Features
//! - `tls` (default): `Tls`, which makes a `rustls::ClientConfig`. Without it, nothing of TLS is built.

mod address;
mod backoff;
mod clock;
mod error;
mod message;
mod options;
mod reconnect;
mod secret;
#[cfg(feature = "tls")]
mod tls;

pub use address::{Address, AddressError, Scheme};
pub use backoff::Backoff;
pub use clock::{Clock, after};
pub use error::{Cause, Error, Notice, Step, wrong_protocol};
pub use message::{About, Outgoing, Will};
pub use options::{Dial, Offline, Options};
pub use reconnect::{Itinerary, Reconnect, Verdict, verdict};
pub use secret::{Credentials, Secret};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};

pub use mqtt5_codec as codec;
pub use mqtt5_session as session;
#[cfg(feature = "tls")]
pub use rustls;
