//! Man pages and shell completions, made of the command line's own description.

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::{Cli, Man};
use crate::terminal::is_gone;

/// Writes the man pages into a folder, `oc2.1` and one for each command.
pub(crate) fn man(man: &Man) -> ExitCode {
    let written = fs::create_dir_all(&man.folder).and_then(|()| clap_mangen::generate_to(Cli::command(), &man.folder));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("oc2: {}: {error}", man.folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Prints what a shell needs to complete the command line.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "oc2", &mut script);
    match io::stdout().write_all(&script) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_gone(&error) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
