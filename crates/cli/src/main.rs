//! The command `xacct-sign`.

mod arguments;
mod commands;
mod counted;
mod failure;
mod files;
mod findings;
mod manifest;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    match commands::run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
