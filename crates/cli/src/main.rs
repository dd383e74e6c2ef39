//! The command `xacct-sign`.

mod arguments;
mod emulator;
mod failure;
mod manifest;
mod policy;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Emulator(arguments) => emulator::run(arguments),
        Command::Policy(command) => policy::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
