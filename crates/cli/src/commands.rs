//! What the command does, a file for each of its commands.

mod call;
mod check;
mod credentials;
mod diff;
mod emulator;
mod init;
mod policy;
mod render;
mod schema;
mod whoami;

use crate::arguments::Command;
use crate::failure::Failure;

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Call(arguments) => call::run(&arguments),
        Command::Credentials(arguments) => credentials::run(&arguments),
        Command::Whoami(arguments) => whoami::run(&arguments),
        Command::Emulator(arguments) => emulator::run(arguments),
        Command::Policy(command) => policy::run(command),
        Command::Render(command) => render::run(command),
        Command::Check(arguments) => check::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Schema => schema::run(),
    }
}
