//! What can be typed behind `call`.

use clap::Args;

use super::{AnswerArguments, IdentityArguments, RequestArguments, RoleArguments};

#[derive(Debug, Args)]
pub(crate) struct CallArguments {
    #[command(flatten)]
    pub(crate) request: RequestArguments<true>,

    #[command(flatten)]
    pub(crate) answer: AnswerArguments,

    #[command(flatten)]
    pub(crate) identity: IdentityArguments,

    #[command(flatten)]
    pub(crate) role: RoleArguments,
}
