//! `xacct-sign emulator`.

mod callers;
mod changes;
mod child;
mod env_file;
pub(crate) mod failure;
mod log_file;
mod serve;
mod signals;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use xacct_sign_emulator::server::seed;
use xacct_sign_emulator::{Emulator, Format, LogEntry, Options};
use xacct_sign_provider::Deployment;

use self::failure::EmulatorFailure;
use self::log_file::LogFile;
use crate::arguments::{EmulatorArguments, RequestFormat};
use crate::failure::Failure;
use crate::{files, findings, manifest, output};

pub(crate) fn run(arguments: &EmulatorArguments) -> Result<(), Failure> {
    files::refuse_dash(arguments.env_file.as_deref(), "--env-file", "name a file, such as `--env-file emulator.env`")?;
    files::refuse_dash(arguments.log.as_deref(), "--log", "name a file, such as `--log calls.jsonl`")?;
    let files = changes::Watched::new(files_of(arguments));
    let (deployment, options) = load(arguments)?;
    let emulator = Emulator::of(&deployment, options, seed()?)?;
    if let (Some(caller), Some(stage)) = (&arguments.caller, &arguments.stage) {
        emulator.access(caller, stage).map_err(EmulatorFailure::from)?;
    }
    let log_file = arguments.log.as_deref().map(LogFile::open).transpose()?;
    let (is_explained, with_command) = (arguments.explain, !arguments.command.is_empty());
    // What the command does well is for the command to tell.
    let log = move |entry: &LogEntry| {
        log_file.iter().for_each(|file| file.write(entry));
        if !entry.is_under_way() && (!with_command || entry.reason.is_some()) {
            log(entry, is_explained);
        }
    };
    serve::serve(arguments, files, emulator, SocketAddr::new(arguments.host, arguments.port), log)
}

/// What the emulator enforces, and how.
fn load(arguments: &EmulatorArguments) -> Result<(Deployment, Options), Failure> {
    let deployment = deployment(arguments)?;
    let options = Options {
        upstream: arguments.upstream.clone(),
        format: match arguments.format {
            RequestFormat::Http => Format::Http,
            RequestFormat::LambdaEvent => Format::LambdaEvent,
        },
        explain: arguments.explain,
        allow_origins: arguments.allow_origin.clone(),
        credential_lifetime: arguments.credential_lifetime,
        caller_credentials: callers::credentials(arguments, &deployment)?,
        caller_policies: read_each("--caller-policy", &arguments.caller_policy)?,
        policies: read_each("--policy", &arguments.policy)?,
        resource_policies: read_each("--resource-policy", &arguments.resource_policy)?,
        vpc_endpoints: by_name("--vpc-endpoint", &arguments.vpc_endpoint)?,
        headers: by_name("--header", &arguments.header)?,
        organizations: by_name("--organization", &arguments.organization)?,
    };
    note_boundaries(&deployment, &options);
    Ok((deployment, options))
}

/// Says which permissions boundaries are not known here, and so limit nobody.
fn note_boundaries(deployment: &Deployment, options: &Options) {
    let unknown = options.unknown_boundaries(deployment);
    let line = |arn: &str| format!("{}: give it with `--policy ARN=FILE`", findings::unknown_boundary(arn));
    output::note(&unknown.into_iter().map(line).collect::<Vec<_>>());
}

/// What an option gives, by name: for each name once, so that nothing that was typed is lost.
fn by_name(option: &str, pairs: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    for (name, value) in pairs {
        if values.insert(name.clone(), value.clone()).is_some() {
            let text = format!("`{option}` is given twice for `{name}`");
            return Err(Failure::Usage { text, hint: Some("give it once for each name") });
        }
    }
    Ok(values)
}

/// The texts of files by name.
fn read_each(option: &str, files: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let files = by_name(option, files)?;
    files.into_iter().map(|(name, file)| Ok((name, files::read(Path::new(&file))?))).collect()
}

/// What the emulator enforces: the templates, or what the manifest renders to.
fn deployment(arguments: &EmulatorArguments) -> Result<Deployment, Failure> {
    if !arguments.template.is_empty() {
        let texts = arguments.template.iter().map(|path| files::read(path)).collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        return Deployment::of_templates(&texts).map_err(|source| Failure::of_documents(&arguments.template, source));
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
    let policies = arguments.caller_policy.iter().chain(&arguments.resource_policy).chain(&arguments.policy);
    files.extend(policies.map(|(_, file)| PathBuf::from(file)));
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
