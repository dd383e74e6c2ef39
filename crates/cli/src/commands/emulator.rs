//! `xacct-sign emulator`.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use xacct_sign_emulator::server::{run as serve, seed};
use xacct_sign_emulator::{Emulator, LogEntry, Options, Ready};
use xacct_sign_provider::Deployment;

use crate::arguments::EmulatorArguments;
use crate::failure::Failure;
use crate::{files, findings, manifest, output};

pub(crate) fn run(arguments: EmulatorArguments) -> Result<(), Failure> {
    let deployment = deployment(&arguments)?;
    let mut caller_policies = BTreeMap::new();
    for (caller, file) in arguments.caller_policy {
        caller_policies.insert(caller, files::read(Path::new(&file))?);
    }
    let options = Options {
        upstream: arguments.upstream,
        explain: arguments.explain,
        allow_origins: arguments.allow_origin,
        credential_lifetime: arguments.credential_lifetime.map(Duration::from_secs),
        caller_policies,
        organizations: arguments.organization.into_iter().collect(),
    };
    let emulator = Emulator::of(&deployment, options, seed()?)?;
    let (is_json, is_explained) = (arguments.json, arguments.explain);
    serve(emulator, arguments.port, |ready| announce(ready, is_json), move |entry| log(entry, is_explained))?;
    Ok(())
}

/// What the emulator enforces: the templates, or what the manifest renders to.
fn deployment(arguments: &EmulatorArguments) -> Result<Deployment, Failure> {
    if let Some(first) = arguments.template.first() {
        let texts = arguments.template.iter().map(|path| files::read(path)).collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let failed = |source| Failure::Deployed { path: first.clone(), source };
        return Deployment::of_templates(&texts).map_err(failed);
    }
    let manifest = manifest::read(&arguments.manifest)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    findings::note(&manifest, &plan.findings());
    Ok(plan.deployment())
}

/// Tells where the emulator is. Whoever waits for the line gets it at once.
fn announce(ready: &Ready, is_json: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if is_json {
        writeln!(stdout, "{}", ready.to_json())?;
    } else {
        write!(stdout, "{ready}")?;
    }
    stdout.flush()
}

fn log(entry: &LogEntry, is_explained: bool) {
    let mut lines = vec![entry.to_string()];
    if let (true, Some(computed)) = (is_explained, &entry.computed) {
        for (title, text) in
            [("canonical request", &computed.canonical_request), ("string to sign", &computed.string_to_sign)]
        {
            lines.push(format!("  the {title} computed here:"));
            lines.extend(text.lines().map(|line| format!("    {line}")));
        }
    }
    output::note(&lines);
}
