//! The command that runs in the emulator.

use std::ffi::OsString;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use xacct_sign_emulator::Environment;

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
    past_the_proxy(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// A proxy for plain http would get what is for the emulator: not every client goes past it to this machine.
fn past_the_proxy(variable: impl Fn(&str) -> Option<String>) -> Environment {
    if ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].into_iter().all(|name| variable(name).is_none()) {
        return Vec::new();
    }
    let mut hosts = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    if hosts == "*" {
        return Vec::new();
    }
    for host in ["127.0.0.1", "localhost"] {
        if !hosts.is_empty() {
            hosts.push(',');
        }
        hosts.push_str(host);
    }
    vec![("no_proxy", Some(hosts.clone())), ("NO_PROXY", Some(hosts))]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_the_emulator_goes_past_a_proxy() {
        let with = |variables: &[(&str, &str)]| {
            let of =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            past_the_proxy(of).into_iter().find_map(|(_, hosts)| hosts)
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("https_proxy", "http://p:1")]), None);
        assert_eq!(with(&[("http_proxy", "http://p:1")]).as_deref(), Some("127.0.0.1,localhost"));
        let both = [("ALL_PROXY", "http://p:1"), ("no_proxy", "a.example"), ("NO_PROXY", "b.example")];
        assert_eq!(with(&both).as_deref(), Some("a.example,127.0.0.1,localhost"));
        assert_eq!(with(&[("HTTP_PROXY", "http://p:1"), ("NO_PROXY", "*")]), None);
    }
}
