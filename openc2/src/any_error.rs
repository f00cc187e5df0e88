//! One type for all errors of the crate.

use core::error::Error as StdError;
use core::fmt;

use mqtt5_session::SessionError;

use crate::consumer::ConsumerRefused;
use crate::encoding::error::{EncodeError, Error, LanguageRule};
use crate::encoding::mismatch::DecodeError;
use crate::producer::ProducerRefused;
use crate::session::JoinError;
use crate::snapshot::{ExportError, ImportError};
use crate::transfer::TopicError;

macro_rules! any_error {
    ($($(#[$doc:meta])* $name:ident($held:ty),)*) => {
        /// Any error of this crate, of the session and of the codec, so that one `?` works from all of them.
        ///
        /// It prints as the error that it holds, which is also its [`source`](StdError::source).
        ///
        /// ```
        /// use mqtt5_session::{Client, Inbox, Inline, Instant};
        /// use openc2_mqtt::transfer::Connecting;
        /// use openc2_mqtt::{Encoding, OpenC2Error, Raw, Reading};
        ///
        /// fn all(message: &[u8], client: &mut Client<Inline<1, 256>>, inbox: &mut Inbox<'_>) -> Result<u8, OpenC2Error> {
        ///     Connecting::new("device7", 3_600)?.connect(client, inbox, Instant::from_millis(0))?;
        ///     Reading::default().message(Encoding::Json, message)?;
        ///     Ok(Raw::from_json("7")?.to_serde()?)
        /// }
        /// let said = all(b"{}", &mut Client::new(Inline::new()), &mut Inbox::new(&mut [0; 64])).unwrap_err();
        /// assert!(matches!(said, OpenC2Error::Language(_)), "{said}");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum OpenC2Error {
            $($(#[$doc])* $name($held),)*
            /// The session refuses or fails, or MQTT forbids a value.
            Session(SessionError),
        }

        impl OpenC2Error {
            fn inner(&self) -> &(dyn StdError + 'static) {
                match self {
                    $(Self::$name(error) => error,)*
                    Self::Session(error) => error,
                }
            }
        }

        $(impl From<$held> for OpenC2Error {
            fn from(error: $held) -> Self {
                Self::$name(error)
            }
        })*
    };
}

any_error! {
    /// A message that breaks the language has come.
    Language(Error),
    /// A value that breaks a rule of the language.
    Rule(LanguageRule),
    /// A message could not be written.
    Encode(EncodeError),
    /// A profile's value is not what the caller's type wants.
    Decode(DecodeError),
    /// The Consumer refuses.
    Consumer(ConsumerRefused),
    /// The Producer refuses.
    Producer(ProducerRefused),
    /// A state was not taken up.
    Import(ImportError),
    /// A state was not written.
    Export(ExportError),
    /// There is no such topic.
    Topic(TopicError),
    /// A Consumer or a Producer could not go on with its session.
    Join(JoinError),
}

impl<E: Into<SessionError>> From<E> for OpenC2Error {
    fn from(error: E) -> Self {
        Self::Session(error.into())
    }
}

impl fmt::Display for OpenC2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.inner(), f)
    }
}

impl StdError for OpenC2Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.inner())
    }
}
