//! What the AWS CLI knows of a profile and this crate does not
//! ([`aws configure export-credentials`](https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html)).

use xacct_sign::{Credentials, Error, ErrorKind, escaped};

use super::{process, shown};
use crate::host::Host;
use crate::patience::Patience;

/// The credentials that the CLI gives for a profile.
pub(super) fn load(host: &dyn Host, patience: &Patience, profile: &str) -> Result<Credentials, Error> {
    let arguments = ["configure", "export-credentials", "--profile", profile, "--format", "process"].map(str::to_owned);
    let name = shown::name(profile);
    let what = format!("`aws configure export-credentials`, which is asked for the profile {name},");
    process::run(host, patience, &what, "aws", &arguments).map_err(|error| match error.kind() {
        ErrorKind::CredentialsNotFound => error.with_hint("install the AWS CLI: it knows how this profile logs in"),
        ErrorKind::CredentialsRefused => error.with_hint(format!(
            "log in: `aws login --profile {}`; an AWS CLI that does not know this command is too old for the profile",
            escaped(profile)
        )),
        _ => error,
    })
}
