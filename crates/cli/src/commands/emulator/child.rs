//! The command that runs in the emulator.

use std::ffi::OsString;
use std::process::ExitStatus;

use tokio::process::{Child, Command};
use xacct_sign_emulator::{Environment, past_the_proxy};

use crate::failure::Failure;

/// Starts the command with these variables, and without those that have no value; standard input, output and error are its own.
pub(super) fn start(program: &OsString, arguments: &[OsString], variables: &Environment) -> Result<Child, Failure> {
    let mut child = Command::new(program);
    child.args(arguments);
    for (name, value) in variables {
        match value {
            Some(value) => child.env(name, value),
            None => child.env_remove(name),
        };
    }
    child.spawn().map_err(|source| Failure::Program { program: program.clone(), source })
}

/// What a caller's environment has beside what the emulator gives it.
pub(super) fn of_this_machine() -> Environment {
    past_the_proxy(|name| std::env::var(name).ok())
}

/// How the command ended, as a shell has it: its exit code, or 128 and the signal that ended it.
pub(super) fn ended(status: ExitStatus) -> Result<(), Failure> {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code().or(signal.map(|signal| signal.saturating_add(128)));
    match code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1) {
        0 => Ok(()),
        code => Err(Failure::Ended(code)),
    }
}
