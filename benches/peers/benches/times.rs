//! Times, by criterion, of every codec on every workload, and at the end one table of them with the ratio to ours. Times
//! differ from run to run and machine to machine; ratios within one run are what to read. Exact figures: `count.sh`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{Ours, Subject, Workload};
use criterion::{BenchmarkId, Criterion};
use peers::{Minimq, Mountain, ProtocolCore, Rumqttc};

/// Nanoseconds per packet, the least of all samples: of (operation, workload), of (codec).
type Table = BTreeMap<(&'static str, usize), BTreeMap<&'static str, f64>>;

/// Inputs are prepared for this many rounds at a time, outside of the time taken.
fn rounds(workload: Workload) -> usize {
    match workload {
        Workload::Stream => 1,
        Workload::Large => 16,
        _ => 1000,
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20)
        .without_plots()
        .configure_from_args();
    let mut table = Table::new();
    for workload in Workload::ALL {
        subject::<Ours>(&mut criterion, &mut table, workload);
        subject::<Minimq>(&mut criterion, &mut table, workload);
        subject::<Mountain>(&mut criterion, &mut table, workload);
        subject::<ProtocolCore>(&mut criterion, &mut table, workload);
        subject::<Rumqttc>(&mut criterion, &mut table, workload);
    }
    criterion.final_summary();
    print(&table);
}

fn subject<S: Subject>(criterion: &mut Criterion, table: &mut Table, workload: Workload) {
    let bytes: &'static [u8] = workload.bytes().leak();
    if S::input(workload, bytes).is_some() {
        let stream: &'static [u8] = bytes.repeat(rounds(workload)).leak();
        let packets = workload.packets() * rounds(workload);
        measure(criterion, table, ("decode", workload), S::NAME, packets, || {
            let Some(mut input) = S::input(workload, stream) else { return Duration::ZERO };
            let start = Instant::now();
            for _ in 0..packets {
                S::decode(&mut input);
            }
            start.elapsed()
        });
    }
    if let Some(packet) = S::packet(workload, bytes) {
        let mut output = S::output();
        measure(criterion, table, ("encode", workload), S::NAME, rounds(workload), || {
            let start = Instant::now();
            black_box(S::encode(&packet, &mut output, rounds(workload)));
            start.elapsed()
        });
    }
}

fn measure(
    criterion: &mut Criterion,
    table: &mut Table,
    (operation, workload): (&'static str, Workload),
    name: &'static str,
    packets: usize,
    mut round: impl FnMut() -> Duration,
) {
    let best = table.entry((operation, workload.number())).or_default().entry(name).or_insert(f64::INFINITY);
    let mut group = criterion.benchmark_group(format!("{operation} {}", workload.number()));
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = Duration::ZERO;
            for _ in 0..iterations {
                let time = round();
                *best = best.min(time.as_nanos() as f64 / packets as f64);
                total += time;
            }
            total / u32::try_from(packets).unwrap_or(u32::MAX)
        });
    });
}

fn print(table: &Table) {
    println!(
        "\n| least ns per packet (times ours) | ours | minimq | mountain-mqtt | mqtt-protocol-core | rumqttc |\n|---|---|---|---|---|---|"
    );
    for ((operation, workload), row) in table {
        print!("| {operation} {workload} |");
        let ours = row.get(Ours::NAME).copied().unwrap_or(f64::NAN);
        print!(" {ours:.1} |");
        for name in [Minimq::NAME, Mountain::NAME, ProtocolCore::NAME, Rumqttc::NAME] {
            match row.get(name).filter(|ns| ns.is_finite()) {
                Some(ns) => print!(" {ns:.1} ({:.1} x) |", ns / ours),
                None => print!(" - |"),
            }
        }
        println!();
    }
}
