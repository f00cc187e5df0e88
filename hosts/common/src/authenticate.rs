//! Enhanced authentication (section 4.12): a conversation in AUTH packets, whatever the method.

use core::error::Error;

/// The answer of an authentication method that can't go on.
pub type AuthenticationError = Box<dyn Error + Send + Sync>;

/// The client's side of an authentication method, such as SCRAM-SHA-256.
///
/// It is asked by the loop, so it may compute but not wait. It begins anew with each connection.
pub trait Authenticator: Send {
    /// The name of the method, in CONNECT.
    fn method(&self) -> &str;

    /// Begins; what comes back goes into CONNECT.
    ///
    /// # Errors
    /// Whatever keeps it from beginning. There is no connection then, and the next attempt asks again.
    fn begin(&mut self) -> Result<Option<Vec<u8>>, AuthenticationError>;

    /// The server's challenge; what comes back answers it.
    ///
    /// # Errors
    /// Whatever is wrong with the challenge. The connection ends.
    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, AuthenticationError>;

    /// The server's last word, with its success. Here a method makes sure of the server.
    ///
    /// # Errors
    /// Whatever is wrong with it. The connection ends.
    fn end(&mut self, data: Option<&[u8]>) -> Result<(), AuthenticationError>;
}
