//! What judges the stack: a library of judges, each behind a command of the binary `conformance` or a test.

pub mod broker;
pub mod codec;
pub mod hex;
pub mod sim;
