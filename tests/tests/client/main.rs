//! `conformance client`, driven as any harness drives it, against a server of literal bytes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their helpers"
)]
#![expect(unreachable_pub, reason = "modules of a test")]

mod commands;
mod harness;
mod link;
mod sessions;
