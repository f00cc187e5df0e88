//! What the firmware programs share.
#![no_std]

pub mod host;
pub mod machine;
pub mod opaque;
pub mod sample;
pub mod script;
pub mod slpf;
