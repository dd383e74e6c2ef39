//! `xacct-sign env`.

use std::ffi::OsString;
use std::process::Command;

use xacct_sign::Credentials;
use xacct_sign::aws::format_rfc3339;
use xacct_sign_client::Patience;
use xacct_sign_emulator::OTHER_CREDENTIALS;

use crate::arguments::EnvArguments;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::output;
use crate::shell::Shell;

pub(crate) fn run(arguments: &EnvArguments) -> Result<(), Failure> {
    let caller = Caller::of_role(&arguments.role, None)?;
    let credentials = caller.source.credentials(&Patience::default())?;
    let (variables, mut unset) = variables(&caller, &credentials);
    unset.extend(OTHER_CREDENTIALS);
    if let Some((program, words)) = arguments.command.split_first() {
        let mut command = Command::new(program);
        command.args(words).envs(variables);
        for name in unset {
            command.env_remove(name);
        }
        return Err(run_in_place(command, program.clone()));
    }
    let shell = arguments.shell.unwrap_or_else(Shell::usual);
    let lines = variables.iter().map(|(name, value)| shell.set(name, value));
    let lines: Vec<String> = lines.chain(unset.into_iter().map(|name| shell.unset(name))).collect();
    output::print(&lines)
}

/// What is set, and what must not be.
fn variables(caller: &Caller, credentials: &Credentials) -> (Vec<(&'static str, String)>, Vec<&'static str>) {
    let expiration = credentials.expires_at().and_then(format_rfc3339);
    let all = [
        ("AWS_ACCESS_KEY_ID", Some(credentials.access_key_id())),
        ("AWS_SECRET_ACCESS_KEY", Some(credentials.secret_access_key())),
        ("AWS_SESSION_TOKEN", credentials.session_token()),
        ("AWS_CREDENTIAL_EXPIRATION", expiration.as_deref()),
    ];
    let missing = all.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    // Some read the one, some the other.
    let variable = |name: &str| caller.region.clone().or_else(|| caller.host.variable(name));
    let either = [variable("AWS_REGION"), variable("AWS_DEFAULT_REGION")].into_iter().flatten().next();
    let either = either.or_else(|| caller.source.usual_region());
    let (region, default) = (variable("AWS_REGION").or(either.clone()), variable("AWS_DEFAULT_REGION").or(either));
    let regions = [("AWS_REGION", region.as_deref()), ("AWS_DEFAULT_REGION", default.as_deref())];
    let set = all.into_iter().chain(regions).filter_map(|(name, value)| Some((name, value?.to_owned())));
    (set.collect(), missing)
}

/// Becomes the program: whoever started this command has its exit status, and its signals reach it.
#[cfg(unix)]
fn run_in_place(mut command: Command, program: OsString) -> Failure {
    use std::os::unix::process::CommandExt as _;
    let source = command.exec();
    Failure::Program { program, source }
}

#[cfg(not(unix))]
fn run_in_place(mut command: Command, program: OsString) -> Failure {
    match command.status() {
        Ok(status) => Failure::Ended(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(source) => Failure::Program { program, source },
    }
}
