//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use xacct_sign::aws::{is_account_id, is_organization_id, is_region};

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

fn member(text: &str) -> Result<(String, String), String> {
    let (id, organization) = pair(text)?;
    let account = account(&id)?;
    if !is_organization_id(&organization) {
        return Err(format!("`{organization}` is not the id of an organization, such as `o-a1b2c3d4e5`"));
    }
    Ok((account, organization))
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

#[derive(Debug, Args)]
pub(crate) struct EmulatorArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE", default_value = MANIFEST, conflicts_with = "template")]
    pub(crate) manifest: PathBuf,

    /// A CloudFormation template in JSON to take the roles from instead of a manifest, as `render cloudformation` prints it;
    /// may be repeated, a stage each. Whoever its trust policies name is a caller
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Vec<PathBuf>,

    /// What a caller has attached to its roles, instead of the policy that is rendered for it; may be repeated
    #[arg(long, value_name = "CALLER=FILE", value_parser = pair)]
    pub(crate) caller_policy: Vec<(String, String)>,

    /// The organization that an account is in; may be repeated
    #[arg(long, value_name = "ACCOUNT=ID", value_parser = member)]
    pub(crate) organization: Vec<(String, String)>,

    /// The port of STS; the stages get the ports after it, in the order of their names. 0 takes any free ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,

    /// Where allowed requests go, such as http://127.0.0.1:3000. Without it a built-in echo answers
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<http::Uri>,

    /// Say why a request is refused in the header x-xacct-reason, which AWS never does
    #[arg(long)]
    pub(crate) explain: bool,

    /// Let credentials from AssumeRole live at most this long, to try what happens when they expire
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) credential_lifetime: Option<u64>,

    /// Let pages of this origin call the APIs (CORS), such as http://localhost:5173; `*` is any. May be given again
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,

    /// Print one line of JSON with addresses and credentials when ready, instead of text
    #[arg(long)]
    pub(crate) json: bool,
}
