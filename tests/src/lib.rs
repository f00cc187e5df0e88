//! What judges the stack: a library of judges, each behind a command of the binary `conformance` or a test.

pub mod arbitrary;
pub mod broker;
pub mod client;
pub mod codec;
pub mod explore;
pub mod hex;
pub mod html;
pub mod interop;
pub mod judge;
pub mod laws;
pub mod report;
pub mod sequences;
pub mod sim;
pub mod statements;
pub mod stream;
pub mod tables;
pub mod topics;
pub mod url;
pub mod vectors;
