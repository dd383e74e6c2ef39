//! Whose credentials they are: `GetCallerIdentity`.

use std::sync::Arc;

use xacct_sign::retry::{Retry, TRY};
use xacct_sign::sts::{ANSWER_LIMIT, Action as _, CallerIdentity, Endpoint, GetCallerIdentity};
use xacct_sign::{Credentials, Error, ErrorKind, Skew};

use crate::clock::Clock;
use crate::credentials::{CredentialSource, sts_endpoint, unreachable};
use crate::host::{Host, Sending, region_of_environment};
use crate::patience::Patience;

/// Asks STS whose credentials a source gives: at the endpoint of a region, else of the source's, else of `AWS_REGION` or
/// `AWS_DEFAULT_REGION`, else of the profile's. It is asked once more as [`Retry`] has it, and after a clock that is off was set right.
///
/// # Errors
///
/// As [`CredentialSource::credentials`]; [`ErrorKind::InvalidRegion`] if nobody has said a region; those of the STS call.
pub fn caller_identity(
    host: &Arc<dyn Host>,
    source: &dyn CredentialSource,
    region: Option<&str>,
    patience: &Patience,
) -> Result<CallerIdentity, Error> {
    let given = region.or(source.region()).map(str::to_owned);
    let region = given.or_else(|| region_of_environment(&**host)).or_else(|| source.usual_region());
    let region = region.ok_or_else(|| {
        Error::new(ErrorKind::InvalidRegion, "no region is given whose STS is asked")
            .with_hint("give a region, such as `ap-northeast-1`, or set AWS_REGION")
    })?;
    let endpoint = sts_endpoint(&**host, &region)?;
    source.learn_region(&region)?;
    let clock = source.clock().unwrap_or_else(|| Clock::new(Arc::clone(host)));
    // Nobody else asks at this moment: there is nothing to spread.
    let mut retry = Retry::new(0);
    loop {
        let credentials = source.credentials(patience)?;
        let known = clock.skew();
        let error = match ask(&**host, &credentials, &endpoint, known, patience) {
            Ok(identity) => return Ok(identity),
            Err(error) => error,
        };
        if let Some(more) = error.skew() {
            clock.learn(known, more);
        }
        let Some(pause) = retry.failed(&error) else { return Err(error) };
        if error.kind() == ErrorKind::Interrupted || patience.left().is_some_and(|left| left <= pause) {
            return Err(error);
        }
        host.sleep(pause, patience)?;
    }
}

fn ask(
    host: &dyn Host,
    credentials: &Credentials,
    endpoint: &Endpoint,
    known: Skew,
    patience: &Patience,
) -> Result<CallerIdentity, Error> {
    let (parts, body) = GetCallerIdentity.request(credentials, endpoint, known.apply(host.now()))?.into_parts();
    let request = http::Request::from_parts(parts, body.as_slice());
    let sending = Sending { limit: ANSWER_LIMIT.into(), ..Sending::default() };
    let response = host.send(&request, sending, &patience.at_most(TRY));
    let response = response.map_err(|error| unreachable(error, endpoint).with_action(GetCallerIdentity.name()))?;
    GetCallerIdentity.read_response(credentials, &response, known.apply(host.now()))
}
