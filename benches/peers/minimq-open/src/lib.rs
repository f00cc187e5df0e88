//! minimq, with a door to its private codec: the module `workload`, which `peers` measures.
#![allow(dead_code, unused_imports, missing_docs, private_interfaces)]

include!(concat!(env!("OUT_DIR"), "/minimq/lib.rs"));

pub mod workload;
