//! An MQTT v5 client on tokio: TCP, TLS, WebSocket, Unix sockets and any stream of yours, reconnecting, in bounded memory.
//!
//! ```no_run
//! # use core::time::Duration;
//! # use mqtt5_tokio::{HostError, Options, Outbound};
//! # async fn run() -> Result<(), Box<dyn core::error::Error>> {
//! let (client, _events) = mqtt5_tokio::connect("mqtts://broker.example", Options::new("device-7")).await?;
//! let mut levels = client.subscribe("plant/+/level").await?;
//! let acknowledgement = client.publish(Outbound::new("plant/1/level", "0.7").at_least_once()).await?;
//! println!("{:?}", acknowledgement.await);
//! while let Some(message) = levels.next().await {
//!     println!("{}: {:?}", message.topic(), message.payload());
//! }
//! client.close(Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Builder`] has everything else: several addresses, TLS, credentials for each attempt, a loop that you drive yourself.
//! What this host shares with others, [`Handle`], [`Messages`], [`Events`] and their like, is re-exported from `mqtt5-host`.
//!
//! # Cancellation
//! Every future may be dropped at any point. One of [`Handle::publish`] that was not ready has published nothing; one of
//! [`Handle::subscribe`] takes the subscription back; one of [`Messages::next`] and [`Events::next`] has taken nothing; an
//! [`Acknowledgement`] and the future of [`Handle::close`] stop nothing.
//!
//! # Features
//! - `tls` (default): `mqtts://` and `wss://`. Without it, nothing of TLS is built.
//! - `websocket` (default): `ws://` and `wss://`.

mod builder;
mod exchange;
mod run;
mod transport;
#[cfg(feature = "websocket")]
mod websocket;

pub use builder::{Builder, Running, connect};
pub use mqtt5_host::*;
pub use transport::Transport;
