//! What can be typed.

mod emulator;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use xacct_sign::aws::{is_account_id, is_region};

pub(crate) use emulator::EmulatorArguments;

/// Cross-account calls to APIs behind API Gateway with IAM authorization.
#[derive(Debug, Parser)]
#[command(name = "xacct-sign", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where commands look for the manifest.
const MANIFEST: &str = "xacct.toml";

fn pair(text: &str) -> Result<(String, String), String> {
    let (left, right) = text.split_once('=').ok_or("a `=` is missing")?;
    Ok((left.to_owned(), right.to_owned()))
}

fn account(text: &str) -> Result<String, String> {
    if is_account_id(text) { Ok(text.to_owned()) } else { Err(format!("`{text}` is not an account id of 12 digits")) }
}

fn region(text: &str) -> Result<String, String> {
    if is_region(text) { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a region")) }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; the emulator was ended by Ctrl-C or SIGTERM
  1  it failed while running: a port is taken, output cannot be written; `check` found something that is not accepted,
     `diff` a difference, `render` or `policy` an error; with `render --locked`, the lock file is outdated
  2  wrong usage, or a manifest or another file that cannot be read or used";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run STS and an API Gateway with IAM authorization on this machine, enforcing a manifest's policies
    ///
    /// One loopback port is STS, one is each stage's API. Signatures, tokens, expiry, trust policies and routes are checked
    /// as AWS does, against the very documents that the manifest renders to. For development and tests only.
    #[command(after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
    Emulator(EmulatorArguments),

    /// Print the IAM documents that a manifest means, as JSON: where several roles are meant, by role ARN
    #[command(subcommand)]
    Policy(PolicyCommand),

    /// Print a stage's roles with their policies, ready to deploy, and write the lock file
    ///
    /// The lock file beside the manifest (`xacct.lock.toml`) records which role each caller has, so that adding a caller moves
    /// no other: commit it. Nothing is printed while the check has an error.
    #[command(subcommand, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
    Render(RenderCommand),

    /// Check a manifest: what AWS would refuse, and what is probably not meant
    ///
    /// A warning is accepted in the manifest, with a reason: `accept = { CODE = \"why\" }` in the table that it is about.
    #[command(after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
    Check(CheckArguments),

    /// Compare deployed roles with the manifest: what each has that the other does not
    #[command(after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
    Diff(DiffArguments),

    /// Write a commented manifest to start from; a file that is there stays as it is
    Init(InitArguments),

    /// Print the manifest's JSON Schema, with which editors complete and check it
    Schema,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RenderCommand {
    /// A CloudFormation template in JSON
    Cloudformation(RenderArguments),
    /// Terraform's JSON syntax: a file `*.tf.json`
    Terraform(RenderArguments),
    /// The documents themselves, for everything else
    Json(RenderArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RenderArguments {
    #[command(flatten)]
    pub(crate) stage: StageArguments,

    /// Fail instead of writing the lock file, if it would change: for CI
    #[arg(long)]
    pub(crate) locked: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE", default_value = MANIFEST)]
    pub(crate) manifest: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    pub(crate) stage: StageArguments,

    /// What is deployed: a trust policy, or what `aws iam get-role`, `list-roles` or `get-account-authorization-details`
    /// print, or a template
    #[arg(long, value_name = "FILE")]
    pub(crate) deployed: PathBuf,

    /// Compare only this role; a bare trust policy is this role's
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = MANIFEST)]
    pub(crate) manifest: PathBuf,

    /// The account of the API
    #[arg(long, value_name = "ID", default_value = "111111111111", value_parser = account)]
    pub(crate) account: String,

    /// The region of the API
    #[arg(long, value_name = "NAME", default_value = "us-east-1", value_parser = region)]
    pub(crate) region: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// The trust policy of a stage's role: who may assume it. Of several roles an object by role ARN, of none `{}`
    Trust(StageArguments),
    /// The policy of a stage's role: what it may invoke
    Invoke(StageArguments),
    /// The policy that a caller attaches to its own roles: what they may assume
    Caller(CallerArguments),
    /// A note in Markdown to send to a caller: role, region, external id, how to call, the policy to attach
    Note(CallerArguments),
}

#[derive(Debug, Args)]
pub(crate) struct StageArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE", default_value = MANIFEST)]
    pub(crate) manifest: PathBuf,

    /// A stage of the manifest
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: String,
}

#[derive(Debug, Args)]
pub(crate) struct CallerArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE", default_value = MANIFEST)]
    pub(crate) manifest: PathBuf,

    /// A caller of the manifest
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: String,
}
