//! What can be typed.

mod answer;
mod call;
mod caller;
mod doctor;
mod emulator;
mod identity;
mod provider;
mod request;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use xacct_sign::aws::{is_account_id, is_region};

use crate::exit;
use crate::shell::Shell;

pub(crate) use answer::{AnswerArguments, UnusedAnswerArguments};
pub(crate) use call::CallArguments;
pub(crate) use caller::{AssumeArguments, BaseArguments, NeededRoleArguments, RoleArguments};
pub(crate) use doctor::{DoctorArguments, ExplainArguments};
pub(crate) use emulator::{EmulatorArguments, RequestFormat};
pub(crate) use identity::{IdentityArguments, IdentityKindArguments, TokenArguments};
pub(crate) use provider::{
    CanArguments, CheckArguments, CheckFormat, ListArguments, SchemaArguments, SchemaOf, WhoArguments,
};
pub(crate) use request::{DataKind, RequestArguments};

/// Cross-account calls to APIs behind API Gateway with IAM authorization.
#[derive(Debug, Parser)]
#[command(name = "xacct-sign", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// STS and an API Gateway with IAM authorization on this machine, enforcing a manifest's policies: `xacct-sign emulator` alone.
#[derive(Debug, Parser)]
#[command(name = "xacct-sign-emulator", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub(crate) struct EmulatorProgram {
    #[command(flatten)]
    pub(crate) arguments: EmulatorArguments,
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

/// A length of time: seconds, or with a unit, such as `15m`.
fn seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.as_bytes().last() {
        Some(b's') => (text.strip_suffix('s'), 1),
        Some(b'm') => (text.strip_suffix('m'), 60),
        Some(b'h') => (text.strip_suffix('h'), 3600),
        _ => (Some(text), 1),
    };
    let number: Option<u64> = number.and_then(|number| number.parse().ok());
    let seconds = number.and_then(|number| number.checked_mul(unit));
    seconds.ok_or_else(|| format!("`{text}` is no length of time, such as `900`, `15m` or `1h`"))
}

const DOCTOR_CODES: &str = "\
Exit codes:
   0  nothing is broken
   1  something is: what was found is on standard output
   2  wrong usage
  23  what was found cannot be written
  26  a file or standard input cannot be read";

const EXPLAIN_CODES: &str = "\
Exit codes:
   0  done, whatever was found
   2  wrong usage
  23  what was found cannot be written
  26  the answer or the canonical request cannot be read, or there is nothing in it";

const EXIT_CODES: &str = "\
Exit codes:
   0  done; the emulator was ended by Ctrl-C or SIGTERM
   1  it failed while running: a port is taken; `check` found something that is not accepted, `diff` a difference,
      `render` or `policy` an error; with `render --locked`, the lock file is outdated
   2  wrong usage, or a manifest or another file that cannot be read or used; of the provider's commands (`policy`, `render`,
      `check`, `list`, `can`, `who`, `diff`, `init`, `schema`) output that cannot be written, too
  23  standard output or a file cannot be written
  Those of a caller's commands are curl's: see `xacct-sign call --help`";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Call an API with a signed request, with curl's options
    ///
    /// Region and service are known from the API's host, where that is one of AWS's. Credentials come from where AWS's tools look
    /// for them: the environment, a profile, the container, the instance; `--role` assumes a role with them.
    #[command(after_help = exit::POINTER, after_long_help = exit::help())]
    Call(Box<CallArguments>),

    /// Print a role's credentials as JSON, for `credential_process` in ~/.aws/config
    #[command(mut_arg("region", caller::of_sts), after_help = exit::POINTER, after_long_help = exit::POINTER)]
    Credentials(CredentialsArguments),

    /// Print a role's credentials as variables for a shell, or run one program with them
    ///
    /// In bash or zsh: `eval "$(xacct-sign env --role ARN)"`. Behind `--` stands a program, which runs with the variables: its
    /// exit status is that of this command. A profile and whatever else could say other credentials is taken out of its way.
    #[command(mut_arg("region", caller::of_sts), after_help = exit::POINTER, after_long_help = exit::POINTER)]
    Env(EnvArguments),

    /// Sign a request that something else sends, and print its headers
    ///
    /// The signature is good for some minutes. `xacct-sign sign URL | curl -H @- URL` sends it.
    #[command(after_help = exit::POINTER, after_long_help = exit::POINTER)]
    Sign(Box<SignArguments>),

    /// Print a URL with the signature in it: whoever has it can call the API until it ends
    ///
    /// The signature is of the method, the headers and the body that are given here: the URL serves no other request. Without a body
    /// it serves none that has one.
    #[command(after_help = exit::POINTER, after_long_help = exit::POINTER)]
    Presign(Box<PresignArguments>),

    /// Print a token that says to a server who calls, where no API Gateway is in front
    ///
    /// STS makes it, for one audience and some minutes: `curl -H "authorization: Bearer $(xacct-sign token AUDIENCE)" URL` sends it.
    /// Whoever has it is the caller until it ends. With `--proof`, the signature of a question that the server has STS answer.
    #[command(mut_arg("region", caller::of_sts), after_help = exit::POINTER, after_long_help = exit::POINTER)]
    Token(TokenArguments),

    /// Say who signs: account, ARN and user id, as STS has it
    #[command(mut_arg("region", caller::of_sts), after_help = exit::POINTER, after_long_help = exit::POINTER)]
    Whoami(WhoamiArguments),

    /// The cache of roles' credentials, which all commands of this user share
    ///
    /// Credentials of a role are kept until shortly before they expire, in files that nobody else can read: `xacct-sign` in
    /// $XDG_CACHE_HOME or ~/.cache, on macOS in ~/Library/Caches, on Windows in %LOCALAPPDATA%. `--no-cache` does without.
    #[command(subcommand)]
    Cache(CacheCommand),

    /// Find out why a call is refused: each link from credentials to answer is tried, and the broken one named
    ///
    /// Credentials, who you are, clock, name and certificate of the host, proxy, the role (and that it cannot be had without the
    /// external id, where one is given), the signed call. What is found has a code, the side that can change it, and what to do.
    /// With `--identity` the call is one to a server without API Gateway: the token or the proof, and what the server makes of it.
    #[command(after_help = DOCTOR_CODES, after_long_help = DOCTOR_CODES)]
    Doctor(Box<DoctorArguments>),

    /// Say what the saved answer of a refused call means
    ///
    /// The body alone, or all that `xacct-sign call --include` or `curl --include` has printed.
    #[command(after_help = EXPLAIN_CODES, after_long_help = EXPLAIN_CODES)]
    Explain(ExplainArguments),

    /// Run STS and an API Gateway with IAM authorization on this machine, enforcing a manifest's policies
    ///
    /// One loopback port is STS, one is each stage's API. Signatures, tokens, expiry, trust policies and routes are checked
    /// as AWS does, against the very documents that the manifest renders to. For development and tests only.
    #[command(after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
    Emulator(Box<EmulatorArguments>),

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

    /// List who may call what: a row for each caller and stage
    #[command(after_help = provider::CODES, after_long_help = provider::CODES)]
    List(ListArguments),

    /// Say whether a caller may call a route of a stage, and which policy decides it, as the emulator does
    #[command(after_help = provider::CAN_CODES, after_long_help = provider::CAN_CODES)]
    Can(CanArguments),

    /// Say which callers somebody is, whose ARN stands in a log
    ///
    /// Of a role of the provider's, which several callers may share, all are said that use it; of a session on it, those that
    /// could have taken its name.
    #[command(after_help = provider::WHO_CODES, after_long_help = provider::WHO_CODES)]
    Who(WhoArguments),

    /// Compare deployed roles with the manifest: what each has that the other does not
    #[command(after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
    Diff(DiffArguments),

    /// Write a commented manifest to start from; a file that is there stays as it is
    Init(InitArguments),

    /// Print the JSON Schema of the manifest, with which editors complete and check it, or of `callers.json`
    Schema(SchemaArguments),

    /// Print a script for a shell that completes commands and options
    Completions(CompletionsArguments),

    /// Write manual pages into a folder
    Man(ManArguments),
}

impl Command {
    /// Whether it is of those that keep the list: what they say is said by their exit codes, too.
    pub(crate) fn is_providers(&self) -> bool {
        matches!(
            self,
            Command::Policy(_)
                | Command::Render(_)
                | Command::Check(_)
                | Command::List(_)
                | Command::Can(_)
                | Command::Who(_)
                | Command::Diff(_)
                | Command::Init(_)
                | Command::Schema(_)
        )
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Remove what is in it
    Clear,
}

#[derive(Debug, Args)]
pub(crate) struct CredentialsArguments {
    #[command(flatten)]
    pub(crate) role: NeededRoleArguments,
}

#[derive(Debug, Args)]
pub(crate) struct EnvArguments {
    /// The shell that reads the lines [default: sh, on Windows powershell]
    #[arg(long, value_enum, value_name = "SHELL", conflicts_with = "command")]
    pub(crate) shell: Option<Shell>,

    /// A program and its arguments, to be run with the variables
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,

    #[command(flatten)]
    pub(crate) role: NeededRoleArguments,
}

#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    #[command(flatten)]
    pub(crate) request: RequestArguments<false>,

    /// Print JSON: `method`, `url`, `headers`
    #[arg(long, conflicts_with = "curl")]
    pub(crate) json: bool,

    /// Print a line for a shell that has curl send the request, with the secrets on curl's standard input
    #[arg(long)]
    pub(crate) curl: bool,

    /// Write the canonical request into a file, too: what `xacct-sign explain --canonical` compares with a refusal's. It holds the
    /// session token
    #[arg(long, value_name = "FILE")]
    pub(crate) canonical: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) unused: UnusedAnswerArguments,

    #[command(flatten)]
    pub(crate) role: RoleArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PresignArguments {
    #[command(flatten)]
    pub(crate) request: RequestArguments<true>,

    /// How long the URL serves: seconds, or such as 15m or 1h; credentials of a role may end sooner
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = seconds)]
    pub(crate) expires_in: u64,

    #[command(flatten)]
    pub(crate) unused: UnusedAnswerArguments,

    #[command(flatten)]
    pub(crate) role: RoleArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The folder
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct WhoamiArguments {
    /// Print JSON: `account`, `arn`, `user_id`
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) role: RoleArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RenderCommand {
    /// A CloudFormation template in JSON
    Cloudformation(RenderImportArguments),
    /// Terraform's JSON syntax: a file `*.tf.json`
    Terraform(RenderImportArguments),
    /// The documents themselves, for everything else
    Json(RenderArguments),
    /// `callers.json`: what the verifier of a server, or of a function, has to know of the callers; the lock file is read
    /// alone
    Callers(StageArguments),
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
pub(crate) struct RenderImportArguments {
    #[command(flatten)]
    pub(crate) render: RenderArguments,

    /// Take in what is deployed already: for Terraform with a block
    /// `import` for each resource, for CloudFormation print the file of `--resources-to-import` in place of the template
    #[arg(long)]
    pub(crate) import: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    pub(crate) stage: StageArguments,

    /// What is deployed: a trust policy, or what `aws iam get-role`, `list-roles` or `get-account-authorization-details`
    /// print, or a template; for a stage with direct access its policy, or what `aws lambda get-policy` or
    /// `aws apigateway get-rest-api` print
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

    /// Deployed roles to read it from: what `aws iam get-account-authorization-details` prints, or a template; may be
    /// repeated. Every role keeps its ARN and its callers; the lock file is written, too, and what a manifest cannot say is
    /// said
    #[arg(long, value_name = "FILE", conflicts_with_all = ["account", "region"])]
    pub(crate) from: Vec<PathBuf>,

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
    /// The policy of an API that is called directly: who may call it. `{}` for a stage by role
    Resource(StageArguments),
    /// The policy that a caller attaches to its own roles: what they may assume, or call directly
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
