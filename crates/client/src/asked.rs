//! One question to STS, asked with the credentials of a source.

use xacct_sign::retry::{Retry, TRY};
use xacct_sign::sts::{ANSWER_LIMIT, Action, Endpoint};
use xacct_sign::{Credentials, Error, ErrorKind, Skew};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::credentials::{CredentialSource, unreachable};
use crate::host::Sending;
use crate::patience::Patience;

/// STS's answer. It is asked once more as [`Retry`] has it, and after a clock that is off was set right.
pub(crate) fn asked<A: Action>(
    call: &A,
    source: &dyn CredentialSource,
    clock: &Clock,
    endpoint: &Endpoint,
    mut retry: Retry,
    patience: &Patience,
) -> Result<A::Output, Error> {
    loop {
        let credentials = source.credentials(patience)?;
        let known = clock.skew();
        let error = match once(call, &credentials, clock, endpoint, known, patience) {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        if let Some(more) = error.skew() {
            clock.learn(known, more);
        }
        let Some(pause) = retry.failed(&error) else { return Err(error) };
        if error.kind() == ErrorKind::Interrupted || patience.left().is_some_and(|left| left <= pause) {
            return Err(error);
        }
        clock.host().sleep(pause, patience)?;
    }
}

fn once<A: Action>(
    call: &A,
    credentials: &Credentials,
    clock: &Clock,
    endpoint: &Endpoint,
    known: Skew,
    patience: &Patience,
) -> Result<A::Output, Error> {
    let host = clock.host();
    let (parts, body) = call.request(credentials, endpoint, known.apply(host.now()))?.into_parts();
    let request = http::Request::from_parts(parts, body.as_slice());
    let sending = Sending { limit: ANSWER_LIMIT.into(), ..Sending::default() };
    let response = host.send(&request, sending, &patience.at_most(TRY));
    let response = response.map_err(|error| unreachable(error, endpoint).with_action(call.name()))?;
    // It may hold a secret.
    let response = response.map(Zeroizing::new);
    call.read_response(credentials, &response, known.apply(host.now()))
}
