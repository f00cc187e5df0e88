//! The session's tests, in one program. Each module is about one thing that a session does; `common` is their host, `driver` makes
//! up calls and packets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod authenticating;
mod common;
mod connected;
mod connecting;
mod copying;
mod driver;
mod ending;
mod examples;
mod exchanges;
mod expiring;
mod floors;
mod hosting;
mod identity;
mod inbound_aliases;
mod memory;
mod operations;
mod owning;
mod printing;
mod publishing;
mod receiving;
mod resuming;
mod splitting;
mod subscribing;
