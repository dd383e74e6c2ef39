//! A call of STS: with credentials of a source, tried again where that may help, at the time that STS has.

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use http::header::DATE;
use xacct_sign::retry::{Retry, TRY};
use xacct_sign::sts::{ANSWER_LIMIT, Action, Endpoint};
use xacct_sign::{Credentials, Error, ErrorKind, Skew};
use zeroize::Zeroizing;

use super::{CredentialSource, shown};
use crate::clock::Clock;
use crate::events::{Event, Listener};
use crate::host::{Host, Sending};
use crate::patience::Patience;
use crate::transport::{Link, broken_link};

/// Who asks, and where.
pub(crate) struct Asking<'a> {
    pub(crate) host: &'a Arc<dyn Host>,
    pub(crate) clock: &'a Clock,
    pub(crate) base: &'a dyn CredentialSource,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) listener: Option<&'a Listener>,
    /// Spreads the pauses between tries.
    pub(crate) seed: u64,
}

impl Asking<'_> {
    /// Asks until there is an answer or an error that stands. What is asked for may depend on the credentials.
    pub(crate) fn ask<A: Action>(
        &self,
        call: impl Fn(&Credentials) -> A,
        patience: &Patience,
    ) -> Result<A::Output, Error> {
        let mut retry = Retry::new(self.seed);
        loop {
            // Asked anew for each try: what STS refuses may have expired meanwhile.
            let base = self.base.credentials(patience)?;
            // What gave them may have taken as long as it liked, as a function of the user's does.
            patience.check().map_err(|error| shown::about("the base credentials came too late", error))?;
            self.clock.check_usable(&base)?;
            let known = self.clock.skew();
            let error = match self.once(&call(&base), &base, known, patience) {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            self.learn(known, error.skew());
            let Some(pause) = retry.failed(&error) else { return Err(error) };
            if error.kind() == ErrorKind::Interrupted || patience.left().is_some_and(|left| left <= pause) {
                return Err(error);
            }
            self.host.sleep(pause, patience)?;
        }
    }

    fn once<A: Action>(
        &self,
        call: &A,
        base: &Credentials,
        known: Skew,
        patience: &Patience,
    ) -> Result<A::Output, Error> {
        let (host, endpoint) = (self.host, self.endpoint);
        let (parts, body) = call.request(base, endpoint, known.apply(host.now()))?.into_parts();
        let request = http::Request::from_parts(parts, body.as_slice());
        let sending = Sending { limit: ANSWER_LIMIT.into(), ..Sending::default() };
        let response = host.send(&request, sending, &patience.at_most(TRY));
        let response = response.map_err(|error| unreachable(error, endpoint).with_action(call.name()))?;
        // It may hold a secret.
        let response = response.map(Zeroizing::new);
        // STS takes signatures that are a quarter of an hour off, APIs five minutes: where it takes one, its `Date` alone says so.
        let now = host.now();
        let more = skew_of(response.headers(), known.apply(now));
        let theirs = more.unwrap_or_default().apply(known.apply(now));
        // By the earlier of both clocks: whether what was given has expired by the other is asked where it is kept.
        let output = call.read_response(base, &response, now.min(theirs))?;
        self.learn(known, more);
        Ok(output)
    }

    /// Takes note of how much more STS's clock is ahead than what was known. Apart from what is generic: it is there once.
    #[inline(never)]
    fn learn(&self, known: Skew, more: Option<Skew>) {
        let is_news = more.is_some_and(|more| self.clock.learn(known, more));
        if let Some(listener) = self.listener.filter(|_| is_news) {
            listener.tell(&Event::ClockSkew { seconds: self.clock.skew().as_seconds() });
        }
    }
}

#[inline(never)]
fn skew_of(headers: &HeaderMap, ours: SystemTime) -> Option<Skew> {
    headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(|date| Skew::of_date(date, ours))
}

/// What is said of an error that came in place of STS's answer.
pub(crate) fn unreachable(error: Error, endpoint: &Endpoint) -> Error {
    // Who has answered in part was reached.
    let is_cut = matches!(broken_link(&error), Some(Link::AnswerHead | Link::AnswerBody));
    let hint = match (error.kind(), error.hint()) {
        (ErrorKind::Transport, Some(hint)) => hint.to_owned(),
        (ErrorKind::Transport, None) if is_cut => {
            "this was STS, not the API: try again, and look for what ends connections on the way, such as a proxy"
                .to_owned()
        }
        (ErrorKind::Transport | ErrorKind::Timeout, _) => format!(
            "this was STS, not the API: a VPC without a way to the internet needs an interface endpoint for \
             `com.amazonaws.{}.sts`, with private DNS",
            endpoint.scope().region()
        ),
        _ => return error,
    };
    let what = if is_cut { "STS did not answer whole" } else { "STS was not reached" };
    Error::new(error.kind(), format!("{what}: {error}")).with_hint(hint).with_source(error)
}
