//! A role that is assumed with the token in a file: EKS's roles for service accounts, and CI jobs with OIDC
//! ([assume role with web identity](https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html)).

use xacct_sign::retry::TRY;
use xacct_sign::sts::{ANSWER_LIMIT, AssumeRoleWithWebIdentity};
use xacct_sign::{Credentials, Error, ErrorKind};
use zeroize::Zeroizing;

use super::endpoint::{self, Said, Silent};
use super::found::Found;
use super::metadata::token_of_file;
use super::tries::several;
use super::{role, sts};
use crate::clock::Clock;
use crate::host::{Host, Sending, region_of_environment};
use crate::patience::Patience;

const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE_ARN: &str = "AWS_ROLE_ARN";

/// The role that the environment names, if it names a token's file.
pub(super) fn from_environment(clock: &Clock, patience: &Patience) -> Result<Found, Error> {
    let host = &**clock.host();
    let Some(token_file) = host.variable(TOKEN_FILE) else {
        return Ok(Found::Nothing(format!("{TOKEN_FILE} is not set")));
    };
    let Some(role_arn) = host.variable(ROLE_ARN) else {
        let message = format!("the environment variable `{ROLE_ARN}` is not set, and `{TOKEN_FILE}` is");
        return Err(Error::new(ErrorKind::CredentialsNotFound, message)
            .with_hint("set AWS_ROLE_ARN to the ARN of the role that the token is for"));
    };
    load(clock, patience, &role_arn, &token_file, None, None, &Silent).map(Found::Credentials)
}

/// The role and the file that the environment names.
pub(super) fn given(host: &dyn Host) -> Option<[String; 3]> {
    let token_file = host.variable(TOKEN_FILE)?;
    Some([token_file, host.variable(ROLE_ARN).unwrap_or_default(), role::session_name(host)])
}

/// The role's credentials, by the token that is in the file now. What is not given is the environment's; of endpoints a profile has
/// its say.
pub(super) fn load(
    clock: &Clock,
    patience: &Patience,
    role_arn: &str,
    token_file: &str,
    session_name: Option<&str>,
    region: Option<&str>,
    profile: &dyn Said,
) -> Result<Credentials, Error> {
    let host = &**clock.host();
    let region = region.map(str::to_owned).or_else(|| region_of_environment(host)).ok_or_else(|| {
        Error::new(ErrorKind::CredentialsNotFound, "no region says whose STS takes the web identity token")
            .with_hint("set AWS_REGION to the region where this runs: its STS is called")
    })?;
    let session_name = session_name.map_or_else(|| role::session_name(host), str::to_owned);
    let endpoint = endpoint::of_sts(host, role_arn, &region, profile)?;
    let token = token_of_file(host, "web identity token's file", token_file)?;
    // No token has a line break: one at the end is an editor's, or `echo`'s.
    let call = AssumeRoleWithWebIdentity::new(role_arn, session_name, token.trim_end());
    let request = call.request(&endpoint)?.map(Zeroizing::new);
    several(host, patience, || {
        let (parts, body) = request.clone().into_parts();
        let request = http::Request::from_parts(parts, body.as_slice());
        let sending = Sending { limit: ANSWER_LIMIT.into(), ..Sending::default() };
        let response = host.send(&request, sending, &patience.at_most(TRY));
        let response = response.map_err(|error| sts::unreachable(error, &endpoint).with_action(call.name()))?;
        Ok(call.read_response(&response.map(Zeroizing::new), clock.now())?.credentials)
    })
}
