//! What the command does, a file for each of its commands.

mod check;
mod diff;
mod emulator;
mod init;
mod policy;
mod render;
mod schema;

use crate::arguments::Command;
use crate::failure::Failure;

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Emulator(arguments) => emulator::run(arguments),
        Command::Policy(command) => policy::run(command),
        Command::Render(command) => render::run(command),
        Command::Check(arguments) => check::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Schema => schema::run(),
    }
}
