//! Times by criterion and allocations of every subject on every message, and at the end one table of them with the ratio to
//! ours in JSON. Times differ from run to run and machine to machine; ratios within one run are what to read.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use openc2_peers::{CborConcise, CborNamed, Crate, Json, LARGE, Sample, Subject, Value, samples};

const OPERATIONS: [&str; 3] = ["decode", "decode and read all", "encode"];

/// The least nanoseconds of all samples, and the allocations of one round.
#[derive(Clone, Copy)]
struct Figure {
    time: f64,
    allocations: u64,
}

/// Of (sample, operation, subject).
type Table = BTreeMap<(usize, usize, &'static str), Figure>;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20)
        .without_plots()
        .configure_from_args();
    let mut table = Table::new();
    let samples = samples();
    for (index, sample) in samples.iter().enumerate() {
        subject::<Json>(&mut criterion, &mut table, index, sample);
        subject::<CborNamed>(&mut criterion, &mut table, index, sample);
        subject::<CborConcise>(&mut criterion, &mut table, index, sample);
        subject::<Crate>(&mut criterion, &mut table, index, sample);
        subject::<Value>(&mut criterion, &mut table, index, sample);
    }
    criterion.final_summary();
    print(&samples, &table);
}

fn subject<S: Subject>(criterion: &mut Criterion, table: &mut Table, index: usize, sample: &Sample) {
    let input = S::input(&sample.json);
    if input.is_empty() {
        return;
    }
    let bytes = input.as_slice();
    let mut buffer = vec![0; LARGE];
    let mut measure = |operation: usize, round: &mut dyn FnMut()| {
        let allocations = allocation_counter::measure(&mut *round).count_total;
        let figure = table.entry((index, operation, S::NAME)).or_insert(Figure { time: f64::INFINITY, allocations });
        // So many rounds between two looks at the clock that looking costs nothing.
        let rounds = if bytes.len() > 4096 { 8 } else { 512 };
        let mut group = criterion.benchmark_group(format!("{}, {}", sample.name, OPERATIONS[operation]));
        group.bench_function(BenchmarkId::from_parameter(S::NAME), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let start = Instant::now();
                    (0..rounds).for_each(|_| round());
                    let time = start.elapsed();
                    figure.time = figure.time.min(time.as_nanos() as f64 / f64::from(rounds));
                    total += time;
                }
                total / rounds as u32
            });
        });
    };
    measure(0, &mut || {
        black_box(S::decode(black_box(bytes)));
    });
    measure(1, &mut || {
        let message = S::decode(black_box(bytes));
        S::visit(black_box(&message));
    });
    let message = S::decode(bytes);
    measure(2, &mut || {
        black_box(S::encode(black_box(&message), black_box(&mut buffer)));
    });
}

fn print(samples: &[Sample], table: &Table) {
    let names = [Json::NAME, CborNamed::NAME, CborConcise::NAME, Crate::NAME, Value::NAME];
    println!("\nNanoseconds (times ours in JSON), allocations. Every subject in this run has the same message.");
    println!("| | bytes | {} |\n|---|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for (index, sample) in samples.iter().enumerate() {
        for (operation, label) in OPERATIONS.iter().enumerate() {
            print!("| {}, {label} | {} |", sample.name, sample.json.len());
            let ours = table.get(&(index, operation, Json::NAME)).map_or(f64::NAN, |figure| figure.time);
            for name in names {
                match table.get(&(index, operation, name)).filter(|figure| figure.time.is_finite()) {
                    Some(Figure { time, allocations }) => {
                        print!(" {time:.0} ({:.2} x), {allocations} |", time / ours);
                    }
                    None => print!(" - |"),
                }
            }
            println!();
        }
    }
    let least = |operation: usize| {
        (0..samples.len())
            .filter_map(|index| {
                let of = |name| table.get(&(index, operation, name)).map(|figure| figure.time);
                Some(of(Crate::NAME)? / of(Json::NAME)?)
            })
            .filter(|ratio| ratio.is_finite())
            .fold(f64::INFINITY, f64::min)
    };
    println!();
    for (operation, label) in OPERATIONS.iter().enumerate() {
        println!("{label}: ours takes at most 1/{:.2} of the crate's time", least(operation));
    }
}
