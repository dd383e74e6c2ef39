//! Who signs: what can be typed behind every command of a caller.

use clap::{Arg, Args};

use super::{pair, region, seconds};

/// The credentials to start from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct BaseArguments {
    /// The profile of ~/.aws to take credentials from; by default AWS_PROFILE, and before it the environment's keys
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// The region: AWS's own API hosts name it; else AWS_REGION, AWS_DEFAULT_REGION, or the profile
    #[arg(long, value_name = "NAME", value_parser = region)]
    pub(crate) region: Option<String>,
}

/// The region behind commands that call no API.
pub(super) fn of_sts(region: Arg) -> Arg {
    let help = "The region, whose STS is asked [default: AWS_REGION, AWS_DEFAULT_REGION, or the profile's]";
    region.help(help)
}

/// How a role is assumed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct AssumeArguments {
    /// The external id that the role's owner gave you
    #[arg(long, requires = "role", value_name = "ID")]
    pub(crate) external_id: Option<String>,

    /// The session's name in the owner's logs [default: AWS_ROLE_SESSION_NAME, else xacct-sign]
    #[arg(long, requires = "role", value_name = "NAME")]
    pub(crate) session_name: Option<String>,

    /// How long the credentials live: seconds, or such as 15m or 1h [default: 1h]
    #[arg(long, requires = "role", value_name = "TIME", value_parser = seconds)]
    pub(crate) duration: Option<u64>,

    /// A session tag; may be repeated
    #[arg(long, requires = "role", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) tag: Vec<(String, String)>,

    /// The source identity
    #[arg(long, requires = "role", value_name = "NAME")]
    pub(crate) source_identity: Option<String>,

    /// The serial number or ARN of your MFA device; its code is asked for on the terminal
    #[arg(long, requires = "role", value_name = "ARN")]
    pub(crate) mfa_serial: Option<String>,

    /// Ask STS, and keep nothing
    #[arg(long)]
    pub(crate) no_cache: bool,
}

/// Who signs: a role, or without one whoever the base credentials are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct RoleArguments {
    /// The role to assume; without it the base credentials themselves sign
    #[arg(long, value_name = "ARN")]
    pub(crate) role: Option<String>,

    #[command(flatten)]
    pub(crate) base: BaseArguments,

    #[command(flatten)]
    pub(crate) assume: AssumeArguments,
}

/// A role, for commands that are of no use without one.
#[derive(Debug, Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct NeededRoleArguments {
    /// The role to assume
    #[arg(long, value_name = "ARN")]
    pub(crate) role: String,

    #[command(flatten)]
    pub(crate) base: BaseArguments,

    #[command(flatten)]
    pub(crate) assume: AssumeArguments,
}
