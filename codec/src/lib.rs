//! mqtt5-codec
#![no_std]
