//! One table, from one run, ratios first.

use std::fs;

use crate::python;
use crate::run::{Step, target};

pub(crate) fn run() -> Result<(), String> {
    crate::build_cli()?;
    let (venv, _) = python::test_venv()?;
    let rust = target().join("bench-rust.json");
    let json = Step::cargo(["run", "--quiet", "--release", "--locked", "--package", "xacct-sign-bench"]).output()?;
    fs::write(&rust, json).map_err(|error| format!("{}: {error}", rust.display()))?;
    Step::new(venv.python()).arg("bench/table.py").arg(&rust).env("XACCT_SIGN_BIN", crate::cli()).run()
}
