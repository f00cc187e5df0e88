//! Values and what they mean: commands, responses, messages. Profiles are reached by a table that it is handed.

pub(crate) mod binary;
pub(crate) mod command;
pub(crate) mod document;
pub(crate) mod extension;
pub(crate) mod formats;
pub(crate) mod idn;
pub(crate) mod list;
pub(crate) mod message;
pub(crate) mod net;
pub(crate) mod object;
pub(crate) mod profile;
pub(crate) mod reading;
pub(crate) mod response;
pub(crate) mod salvage;
pub(crate) mod target;
pub(crate) mod vocabulary;
