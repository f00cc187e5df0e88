//! What is measured, and how: the workloads of the codec's benchmark, our codec's side of it, the messages of OpenC2's, and the one function whose
//! instructions are counted. The peers' side lives in `benches/peers`, out of the workspace; how to run both is in the README.

pub mod growth;
mod measure;
pub mod nom_reader;
pub mod openc2;
pub mod other;
mod ours;
pub mod tables;
pub mod workload;

pub use measure::{Subject, measured, refused, repeat, run};
pub use nom_reader::Nom;
pub use ours::{Given, Ours, Stream};
pub use workload::Workload;
