//! What says to a server without API Gateway who calls.

use clap::Args;

use super::{RoleArguments, seconds};

/// Behind commands that call, in place of a signature.
#[derive(Debug, Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct IdentityArguments {
    /// Sign nothing, and say who calls by a token for this audience: for a server that has no API Gateway in front
    #[arg(long, value_name = "AUDIENCE", conflicts_with = "service")]
    pub(crate) identity: Option<String>,

    #[command(flatten)]
    pub(crate) kind: IdentityKindArguments,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// The server's audience, as its provider wrote it: most have the server's URL
    #[arg(id = "identity", value_name = "AUDIENCE")]
    pub(crate) audience: String,

    #[command(flatten)]
    pub(crate) kind: IdentityKindArguments,

    #[command(flatten)]
    pub(crate) role: RoleArguments,
}

/// A token or a proof, and of which kind: behind whatever has an audience, the argument `identity`.
#[derive(Debug, Args)]
pub(crate) struct IdentityKindArguments {
    /// A proof in place of a token: it needs no permission, and the server has STS answer it
    #[arg(long, requires = "identity", conflicts_with_all = ["expires_in", "algorithm"])]
    pub(crate) proof: bool,

    /// How long the token serves: 60 seconds to 1h, and no longer than the credentials
    #[arg(long, value_name = "TIME", default_value = "5m", requires = "identity", value_parser = seconds)]
    pub(crate) expires_in: u64,

    /// What signs the token: ES384, or RS256 where the server takes no other
    #[arg(long, value_name = "NAME", default_value = "ES384", requires = "identity")]
    pub(crate) algorithm: String,
}
