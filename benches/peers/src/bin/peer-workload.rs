//! `peer-workload PEER decode|encode WORKLOAD REPS`: one measurement, to be run under callgrind by `count.sh`.

use std::process::ExitCode;

use benches::{Subject, Workload, run};
use peers::{Minimq, Mountain, ProtocolCore, Rumqttc};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [peer, operation, workload, reps] = arguments.as_slice() else {
        eprintln!("peer-workload PEER decode|encode 1..7 REPS");
        return ExitCode::from(2);
    };
    let (Some(workload), Ok(reps)) = (workload.parse().ok().and_then(Workload::numbered), reps.parse()) else {
        return ExitCode::from(2);
    };
    let done = match peer.as_str() {
        Minimq::NAME => run::<Minimq>(operation, workload, reps),
        Mountain::NAME => run::<Mountain>(operation, workload, reps),
        ProtocolCore::NAME => run::<ProtocolCore>(operation, workload, reps),
        Rumqttc::NAME => run::<Rumqttc>(operation, workload, reps),
        _ => return ExitCode::from(2),
    };
    // 3: this codec can't do that.
    if done.is_some() { ExitCode::SUCCESS } else { ExitCode::from(3) }
}
