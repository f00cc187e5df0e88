//! What outlives the process: a log of frames, each with all that changed since the one before.
//!
//! The bytes of a frame are made and checked in [`frame`], and nowhere else. Who keeps them (a file, a database, flash) knows
//! where a frame begins and ends, and whether a log is whole, by asking there.

pub mod frame;
