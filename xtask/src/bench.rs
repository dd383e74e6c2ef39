//! One table, from one run, ratios first; and one of a server under load.

use std::fs;

use crate::npm::{self, RUNTIMES};
use crate::python;
use crate::run::{Step, target};

pub(crate) fn run() -> Result<(), String> {
    crate::build_cli()?;
    let (venv, _) = python::test_venv()?;
    let rust = target().join("bench-rust.json");
    let json = Step::cargo(["run", "--quiet", "--release", "--locked", "--package", "xacct-sign-bench"]).output()?;
    fs::write(&rust, json).map_err(|error| format!("{}: {error}", rust.display()))?;
    let node = target().join("bench-node.json");
    let tarball = npm::CALLER.pack()?;
    let server_tarball = npm::SERVER.pack()?;
    npm::install(RUNTIMES)?;
    let json = Step::new("node")
        .arg("js/runtimes/bench/node.mjs")
        .env("XACCT_SIGN_BIN", crate::cli())
        .env("XACCT_SIGN_TARBALL", &tarball)
        .env("XACCT_SIGN_SERVER_TARBALL", &server_tarball)
        // It adds 50 ms to every start of Node.
        .without_env("NODE_EXTRA_CA_CERTS")
        .output()?;
    fs::write(&node, json).map_err(|error| format!("{}: {error}", node.display()))?;
    Step::new(venv.python()).arg("bench/table.py").arg(&rust).arg(&node).env("XACCT_SIGN_BIN", crate::cli()).run()?;
    Step::new(venv.python()).arg("bench/callers.py").run()
}
