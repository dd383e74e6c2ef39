//! What is asked of a manifest.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::MANIFEST;

/// Of what has no answer but what is printed.
pub(super) const CODES: &str = "\
Exit codes:
  0  done
  2  wrong usage, a file that cannot be read or used, or output that cannot be written";

pub(super) const CAN_CODES: &str = "\
Exit codes:
  0  yes
  1  no
  2  wrong usage, a file that cannot be read or used, or output that cannot be written";

pub(super) const WHO_CODES: &str = "\
Exit codes:
  0  the callers are on standard output
  1  it is nobody
  2  wrong usage, a file that cannot be read or used, or output that cannot be written";

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE", default_value = MANIFEST)]
    pub(crate) manifest: PathBuf,

    /// Print JSON: `findings`, each with `code`, `level`, `line`, `message`, `hint`, and `accepted` where it is
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,

    /// Print the findings for something that shows them beside the lines
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<CheckFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// GitHub's workflow commands: annotations of a pull request
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// Of what
    #[arg(value_enum, default_value_t = SchemaOf::Manifest)]
    pub(crate) of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// The manifest, `xacct.toml`
    Manifest,
    /// What `render callers` prints, `callers.json`
    Callers,
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE", default_value = MANIFEST)]
    pub(crate) manifest: PathBuf,

    /// Print a JSON array: `caller`, `stage`, `role`, `routes`, `terms`
    #[arg(long, conflicts_with_all = ["markdown", "html"])]
    pub(crate) json: bool,

    /// Print a table in Markdown
    #[arg(long, conflicts_with = "html")]
    pub(crate) markdown: bool,

    /// Write the access map into a file: one page with the callers, the findings and what has changed since the lock file was
    /// written; in place of a page that may be there
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CanArguments {
    /// A caller of the manifest
    #[arg(value_name = "CALLER")]
    pub(crate) caller: String,

    /// A stage of the manifest
    #[arg(value_name = "STAGE")]
    pub(crate) stage: String,

    /// A method and a path, such as "PUT /hoge", without the API's stage; a query counts for nothing
    #[arg(value_name = "CALL")]
    pub(crate) call: String,

    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE", default_value = MANIFEST)]
    pub(crate) manifest: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct WhoArguments {
    /// The ARN of a role, or of a role's session
    #[arg(value_name = "ARN")]
    pub(crate) arn: String,

    /// The manifest: which roles of which accounts may call which stages
    #[arg(long, value_name = "FILE", default_value = MANIFEST)]
    pub(crate) manifest: PathBuf,
}
