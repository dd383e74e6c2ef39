//! What the manifest means, on real AWS: `live/` does it, in two accounts that are named. Nothing here is part of `make test`.

use std::env;

use crate::not_run::not_run;
use crate::python;
use crate::run::Step;

/// Deploys, calls, and removes.
pub(crate) fn run() -> Result<(), String> {
    let named = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    // With one of them alone somebody meant it, and is told what is missing.
    if !named("XACCT_LIVE_PROVIDER_PROFILE") && !named("XACCT_LIVE_CALLER_PROFILE") {
        return not_run("live");
    }
    crate::build_cli()?;
    live("run")
}

/// Removes what earlier runs left.
pub(crate) fn undo() -> Result<(), String> {
    live("undo")
}

fn live(what: &str) -> Result<(), String> {
    let (venv, _) = python::test_venv()?;
    Step::new(venv.python()).args(["-m", "live", what]).env("XACCT_SIGN_BIN", crate::cli()).on_terminal().become_it()
}
