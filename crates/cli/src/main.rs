//! The command `xacct-sign`.

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
mod text;
mod unfinished;
mod usage;
mod verbose;

use std::process::ExitCode;

fn main() -> ExitCode {
    match usage::arguments().and_then(|arguments| commands::run(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report::report(&failure),
    }
}
