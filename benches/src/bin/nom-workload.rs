//! `nom-workload decode WORKLOAD REPS`: as `codec-workload`, for the PUBLISH reader that is made of nom's combinators.

use std::process::ExitCode;

use benches::{Nom, Workload, nom_reader, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "other") {
        return if nom_reader::other(&Workload::Publish.bytes()) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let [operation, workload, reps] = arguments.as_slice() else { return ExitCode::from(2) };
    let (Some(workload), Ok(reps)) = (workload.parse().ok().and_then(Workload::numbered), reps.parse()) else {
        return ExitCode::from(2);
    };
    // 3: there is no such measurement.
    run::<Nom>(operation, workload, reps).map_or(ExitCode::from(3), |()| ExitCode::SUCCESS)
}
