//! mqtt5-session
#![no_std]
