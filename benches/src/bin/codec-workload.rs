//! `codec-workload decode|encode WORKLOAD REPS`: one measurement of our codec, to be run under callgrind by `count.sh`.

use std::process::ExitCode;

use benches::{Ours, Workload, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [operation, workload, reps] = arguments.as_slice() else {
        eprintln!("codec-workload decode|encode 1..7 REPS");
        return ExitCode::from(2);
    };
    let (Some(workload), Ok(reps)) = (workload.parse().ok().and_then(Workload::numbered), reps.parse()) else {
        return ExitCode::from(2);
    };
    // 3: there is no such measurement.
    run::<Ours>(operation, workload, reps).map_or(ExitCode::from(3), |()| ExitCode::SUCCESS)
}
