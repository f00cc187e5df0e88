//! What a program without the embedded broker answers where one is asked for.

use core::net::SocketAddr;
use core::time::Duration;

/// Why there is no embedded broker.
#[derive(Debug, thiserror::Error)]
#[error("not in this build (feature embedded-broker); --broker mqtt://HOST uses one that runs")]
pub(crate) struct Error;

pub(crate) fn start(_: Duration) -> Result<SocketAddr, Error> {
    Err(Error)
}

pub(super) fn serve(_: SocketAddr, _: bool) -> Error {
    Error
}
