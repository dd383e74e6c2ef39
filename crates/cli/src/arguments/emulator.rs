//! What can be typed behind `emulator`.

use std::path::PathBuf;

use clap::Args;
use xacct_sign::aws::is_organization_id;

use super::{MANIFEST, account, pair};

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

fn member(text: &str) -> Result<(String, String), String> {
    let (id, organization) = pair(text)?;
    let account = account(&id)?;
    if !is_organization_id(&organization) {
        return Err(format!("`{organization}` is not the id of an organization, such as `o-a1b2c3d4e5`"));
    }
    Ok((account, organization))
}
