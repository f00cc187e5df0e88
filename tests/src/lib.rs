//! What judges the stack: a library of judges, each behind a command of the binary `conformance` or a test.

<<<<<<< HEAD
pub mod broker;
pub mod codec;
pub mod hex;
pub mod sim;
=======
pub mod arbitrary;
pub mod codec;
pub mod hex;
pub mod laws;
pub mod tables;
>>>>>>> session
