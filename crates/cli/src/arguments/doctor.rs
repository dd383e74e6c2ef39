//! What can be typed behind `doctor` and `explain`.

use std::path::PathBuf;

use clap::Args;

use super::{IdentityArguments, RequestArguments, RoleArguments, UnusedAnswerArguments};

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) request: RequestArguments<false>,

    /// Print JSON: `findings`, each with `code`, `side`, `reason` and `hint`
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) unused: UnusedAnswerArguments,

    #[command(flatten)]
    pub(crate) identity: IdentityArguments,

    #[command(flatten)]
    pub(crate) role: RoleArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The answer; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,

    /// The canonical request that was signed, as `xacct-sign sign --canonical` writes it: each line is compared with the one that AWS
    /// computed
    #[arg(long, value_name = "FILE")]
    pub(crate) canonical: Option<PathBuf>,

    /// The call had a token or a proof in place of a signature, as `xacct-sign call --identity` sends it
    #[arg(long, conflicts_with = "canonical")]
    pub(crate) identity: bool,

    /// Print JSON: `findings`, each with `code`, `side`, `reason` and `hint`
    #[arg(long)]
    pub(crate) json: bool,
}
