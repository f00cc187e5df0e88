//! `codec-workload decode|text|encode WORKLOAD REPS`: one measurement of our codec, to be run under callgrind by `count.sh`.
//!
//! `codec-workload other` is the codec's second caller, as any real program has one: it is there so that the compiler doesn't make
//! one piece of the codec and the loop that is measured.

use std::process::ExitCode;

use benches::{Ours, Workload, other, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "other") {
        return if other::round_trips() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let [operation, workload, reps] = arguments.as_slice() else {
        eprintln!("codec-workload decode|text|encode 1..7 REPS");
        return ExitCode::from(2);
    };
    let (Some(workload), Ok(reps)) = (workload.parse().ok().and_then(Workload::numbered), reps.parse()) else {
        return ExitCode::from(2);
    };
    // 3: there is no such measurement.
    run::<Ours>(operation, workload, reps).map_or(ExitCode::from(3), |()| ExitCode::SUCCESS)
}
