//! The command `xacct-sign`.

mod arguments;
mod check;
mod diff;
mod emulator;
mod failure;
mod init;
mod manifest;
mod output;
mod policy;
mod render;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Emulator(arguments) => emulator::run(arguments),
        Command::Policy(command) => policy::run(command),
        Command::Render(command) => render::run(command),
        Command::Check(arguments) => check::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Init(arguments) => init::init(&arguments),
        Command::Schema => init::schema(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
