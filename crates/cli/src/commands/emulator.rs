//! `xacct-sign emulator`.

mod callers;
mod changes;
mod child;
mod env_file;
mod failure;
mod serve;
mod signals;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use xacct_sign_emulator::server::seed;
use xacct_sign_emulator::{Emulator, LogEntry, Options};
use xacct_sign_provider::Deployment;

use crate::arguments::EmulatorArguments;
use crate::failure::Failure;
use crate::{files, findings, manifest, output};

pub(crate) use failure::EmulatorFailure;

pub(crate) fn run(arguments: &EmulatorArguments) -> Result<(), Failure> {
    let files = changes::Watched::new(files_of(arguments));
    let (deployment, options) = load(arguments)?;
    if let (Some(caller), Some(stage)) = (&arguments.caller, &arguments.stage) {
        callers::check(&deployment, caller, stage)?;
    }
    let emulator = Emulator::of(&deployment, options, seed()?)?;
    let (is_explained, with_command) = (arguments.explain, !arguments.command.is_empty());
    // What the command does well is for the command to tell.
    let log = move |entry: &LogEntry| {
        if !with_command || entry.reason.is_some() {
            log(entry, is_explained);
        }
    };
    serve::serve(arguments, files, emulator, SocketAddr::new(arguments.host, arguments.port), log)
}

/// What the emulator enforces, and how.
fn load(arguments: &EmulatorArguments) -> Result<(Deployment, Options), Failure> {
    let deployment = deployment(arguments)?;
    let mut caller_policies = BTreeMap::new();
    for (caller, file) in &arguments.caller_policy {
        caller_policies.insert(caller.clone(), files::read(Path::new(file))?);
    }
    let options = Options {
        upstream: arguments.upstream.clone(),
        explain: arguments.explain,
        allow_origins: arguments.allow_origin.clone(),
        credential_lifetime: arguments.credential_lifetime,
        caller_credentials: callers::credentials(arguments, &deployment)?,
        caller_policies,
        organizations: arguments.organization.iter().cloned().collect(),
    };
    Ok((deployment, options))
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

/// Every file that [`load`] reads, the one that gives the others their meaning first.
fn files_of(arguments: &EmulatorArguments) -> Vec<PathBuf> {
    let mut files = arguments.template.clone();
    if files.is_empty() {
        files.extend([arguments.manifest.clone(), manifest::lock_path(&arguments.manifest)]);
    }
    files.extend(arguments.caller_policy.iter().map(|(_, file)| PathBuf::from(file)));
    files.extend(arguments.credentials_file.clone());
    files
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
