//! What can be typed behind `emulator`.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use xacct_sign::aws::is_organization_id;

use super::{MANIFEST, account, pair, seconds};

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

    /// What hangs on a stage's REST API or function, instead of the resource policy that is rendered for it; may be repeated
    #[arg(long, value_name = "STAGE=FILE", value_parser = pair)]
    pub(crate) resource_policy: Vec<(String, String)>,

    /// The document of a managed policy that is the roles' permissions boundary: without it nothing is limited; may be repeated
    #[arg(long, value_name = "ARN=FILE", value_parser = pair)]
    pub(crate) policy: Vec<(String, String)>,

    /// The VPC endpoint by which the requests of a private REST API's stage come, in place of the first that the manifest
    /// names; may be repeated
    #[arg(long, value_name = "STAGE=ID", value_parser = pair)]
    pub(crate) vpc_endpoint: Vec<(String, String)>,

    /// The organization that an account is in; may be repeated
    #[arg(long, value_name = "ACCOUNT=ID", value_parser = member)]
    pub(crate) organization: Vec<(String, String)>,

    /// Run a command as this caller, with its credentials and the emulator's addresses in its environment, and end when it ends.
    /// Without a command, only this caller's credentials are printed, or with --env-file none
    #[arg(long = "as", value_name = "CALLER", requires = "stage")]
    pub(crate) caller: Option<String>,

    /// The stage that the caller calls
    #[arg(long, value_name = "NAME", requires = "caller")]
    pub(crate) stage: Option<String>,

    /// The address to listen on. Where others than this machine can reach it, callers' credentials are drawn at random
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_parser = host)]
    pub(crate) host: IpAddr,

    /// The port of STS; the stages get the ports after it, in the order of their names. 0 takes any free ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,

    /// Callers' credentials, in a file as AWS's tools read: with a section for each caller, `[CALLER]`, `[CALLER-STAGE]` or
    /// `[CALLER-ROLE]`
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials_file: Option<PathBuf>,

    /// Write the caller's environment into a file as soon as the emulator listens, as lines NAME=VALUE; deleted when it ends
    #[arg(long, value_name = "FILE", requires = "caller")]
    pub(crate) env_file: Option<PathBuf>,

    /// Where allowed requests go, such as http://127.0.0.1:3000. Without it a built-in echo answers
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<http::Uri>,

    /// How requests are handed on: as `http`, or as the event of a Lambda function (`lambda-event`), by POST to where the runtime
    /// interface emulator takes it
    #[arg(long, value_name = "FORMAT", default_value = "http")]
    pub(crate) format: RequestFormat,

    /// A header for the API behind the emulator, of one of API Gateway's variables: x-caller=$context.identity.userArn; may be
    /// repeated. What callers send by that name does not pass
    #[arg(long, value_name = "NAME=VARIABLE", value_parser = pair)]
    pub(crate) header: Vec<(String, String)>,

    /// Say why a request is refused in the header x-xacct-reason, which AWS never does
    #[arg(long)]
    pub(crate) explain: bool,

    /// Let credentials from AssumeRole live at most this long, to try what happens when they expire: 900, 15m, 1h
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    pub(crate) credential_lifetime: Option<Duration>,

    /// Let pages of this origin call the APIs (CORS), such as http://localhost:5173; `*` is any. May be given again
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,

    /// Print one line of JSON with addresses and credentials when ready, instead of text
    #[arg(long, conflicts_with = "command")]
    pub(crate) json: bool,

    /// Write a line of JSON for each request into a file, before it is answered; what is in the file already stays
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// End when standard input ends, as a pipe does when whoever holds its other end has ended, in whichever way
    #[arg(long, conflicts_with = "command")]
    pub(crate) until_eof: bool,

    /// The command to run, with its arguments. The exit code is its own
    #[arg(last = true, value_name = "COMMAND", requires = "caller")]
    pub(crate) command: Vec<OsString>,
}

/// How requests are handed on.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RequestFormat {
    Http,
    LambdaEvent,
}

fn host(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse().map_err(|_| "it is no address, such as 127.0.0.1, 0.0.0.0 or ::1".to_owned())
}

fn lifetime(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        seconds @ 1..=43_200 => Ok(Duration::from_secs(seconds)),
        _ => Err("credentials live 1 second to 12 hours".to_owned()),
    }
}

fn member(text: &str) -> Result<(String, String), String> {
    let (id, organization) = pair(text)?;
    let account = account(&id)?;
    if !is_organization_id(&organization) {
        return Err(format!("`{organization}` is not the id of an organization, such as `o-a1b2c3d4e5`"));
    }
    Ok((account, organization))
}
