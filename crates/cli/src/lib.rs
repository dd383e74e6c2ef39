//! The command `xacct-sign`, and its part that is the emulator, each for a program of its own.

mod answer;
mod arguments;
mod cache;
mod caller;
mod commands;
mod counted;
mod doctor;
mod exit;
mod failure;
mod files;
mod findings;
mod hints;
mod identity;
mod manifest;
mod output;
mod report;
mod request;
mod shell;
mod signed;
mod unfinished;
mod usage;
mod verbose;

use std::process::ExitCode;

/// What `xacct-sign` does.
#[must_use]
pub fn run() -> ExitCode {
    ended(usage::arguments().and_then(|arguments: arguments::Arguments| commands::run(arguments.command)))
}

/// What `xacct-sign-emulator` does: the same as `xacct-sign emulator`.
#[must_use]
pub fn run_emulator() -> ExitCode {
    ended(
        usage::arguments().and_then(|program: arguments::EmulatorProgram| commands::emulator::run(&program.arguments)),
    )
}

fn ended(result: Result<(), failure::Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report::report(&failure),
    }
}
