//! The command line: `oc2 demo` is the whole stack at work, an OpenC2 command over a real broker and back.

mod broker;
mod cli;
mod packet;
mod printer;
mod trace;

use clap::Parser;

fn main() {
    let cli::Command::Demo(demo) = cli::Cli::parse().job();
    println!("{demo:?} {:?}", broker::start(demo.timeout));
}
