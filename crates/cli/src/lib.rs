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
    let command = match usage::arguments() {
        Ok(arguments::Arguments { command, .. }) => command,
        Err(failure) => return ExitCode::from(report::report(&failure)),
    };
    let (is_providers, result) = (command.is_providers(), commands::run(command));
    let code = ended(result);
    ExitCode::from(if is_providers { exit::of_provider(code) } else { code })
}

/// What `xacct-sign-emulator` does: the same as `xacct-sign emulator`.
#[must_use]
pub fn run_emulator() -> ExitCode {
    ExitCode::from(ended(
        usage::arguments().and_then(|program: arguments::EmulatorProgram| commands::emulator::run(&program.arguments)),
    ))
}

fn ended(result: Result<(), failure::Failure>) -> u8 {
    result.map_or_else(|failure| report::report(&failure), |()| 0)
}
