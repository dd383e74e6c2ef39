//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Cross-account calls to APIs behind API Gateway with IAM authorization.
#[derive(Debug, Parser)]
#[command(name = "xacct-sign", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; the emulator was ended by Ctrl-C or SIGTERM
  1  it failed while running: a port is taken, output cannot be written
  2  wrong usage, or a manifest that cannot be read or used";

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
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// The trust policy of a stage's role: who may assume it
    Trust(StageArguments),
    /// The policy of a stage's role: what it may invoke
    Invoke(StageArguments),
    /// The policy that a caller attaches to its own roles: what they may assume
    Caller(CallerArguments),
}

#[derive(Debug, Args)]
pub(crate) struct StageArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: PathBuf,

    /// A stage of the manifest
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: String,
}

#[derive(Debug, Args)]
pub(crate) struct CallerArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: PathBuf,

    /// A caller of the manifest
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: String,
}

#[derive(Debug, Args)]
pub(crate) struct EmulatorArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: PathBuf,

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
