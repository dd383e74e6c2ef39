//! What the command does, a file for each of its commands.

mod cache;
mod call;
mod can;
mod check;
mod completions;
mod credentials;
mod diff;
mod doctor;
pub(crate) mod emulator;
pub(crate) mod env;
mod explain;
mod init;
mod list;
mod man;
mod policy;
mod presign;
mod render;
mod schema;
mod sign;
mod token;
mod who;
mod whoami;

use crate::arguments::Command;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    let unused = match &command {
        Command::Sign(arguments) => arguments.unused.note("sign"),
        Command::Presign(arguments) => arguments.unused.note("presign"),
        Command::Doctor(arguments) => arguments.unused.note("doctor"),
        _ => None,
    };
    output::note(&Vec::from_iter(unused));
    match command {
        Command::Call(arguments) => call::run(&arguments),
        Command::Credentials(arguments) => credentials::run(&arguments),
        Command::Env(arguments) => env::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Presign(arguments) => presign::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Whoami(arguments) => whoami::run(&arguments),
        Command::Cache(command) => cache::run(&command),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Emulator(arguments) => emulator::run(&arguments),
        Command::Policy(command) => policy::run(command),
        Command::Render(command) => render::run(command),
        Command::Check(arguments) => check::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Can(arguments) => can::run(&arguments),
        Command::Who(arguments) => who::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    }
}
