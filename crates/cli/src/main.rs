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
mod manifest;
mod output;
mod report;
mod request;
mod shell;
mod signed;
mod text;
mod unfinished;
mod verbose;

use std::process::ExitCode;

use clap::Parser as _;
use xacct_sign::escaped;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    match commands::run(arguments().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report::report(&failure),
    }
}

/// What was typed. What is said of something wrong shows it, so that is said of the arguments as they may be shown.
fn arguments() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|error| {
        let shown = std::env::args_os().map(|argument| escaped(&argument.to_string_lossy()));
        Arguments::try_parse_from(shown).err().unwrap_or(error).exit()
    })
}
