//! The driver of a verifier.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, iter};

use http::header::{ACCEPT, HeaderName, HeaderValue};
use xacct_sign::retry::Retry;
use xacct_sign::sts::{ANSWER_LIMIT, Endpoint};
use xacct_sign::{Error, ErrorKind};
use xacct_sign_identity::{
    Caller, Callers, Check, KEYS_LIMIT, Line, Need, Refusal, Step, StsRequest, Verifier as Rules, sts_in_place,
};

use super::signature::is_right;
use crate::events::{Event, Listener};
use crate::host::{Addresses, Host, Machine, Sending, begin};
use crate::patience::Patience;
use crate::per_process::PerProcess;

/// How long all tries of one fetch may take: less than the ten seconds after which it is taken for lost.
const FETCH: Duration = Duration::from_secs(8);

/// Says who calls, for any number of threads: one fetch of an issuer's keys for all who wait, one call of STS for each proof.
///
/// ```no_run
/// use xacct_sign_client::Patience;
/// use xacct_sign_client::server::{Callers, CheckError, Development, Verifier};
///
/// let callers = std::fs::read("callers.json")?;
/// let verifier = Verifier::new(Callers::parse(&callers, Development::No)?)?;
/// match verifier.check(&[b"Bearer eyJ..."], &["GET"], &["/items/1"], &Patience::default()) {
///     Ok(caller) => println!("{} calls", caller.name),
///     Err(CheckError::Refused(refusal)) => println!("{}: {refusal}", refusal.status()),
///     Err(CheckError::GivenUp(error)) => return Err(error.into()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Verifier {
    way: Arc<Way>,
    own: PerProcess<Arc<Own>>,
}

/// The way to issuers and to STS.
struct Way {
    host: Arc<dyn Host>,
    /// Where STS is asked, for development.
    sts: Option<Endpoint>,
    listener: Option<Listener>,
}

/// What a forked child has of its own.
struct Own {
    rules: Rules,
    /// How often a check has reported something: who waits for another waits for the next.
    reports: Mutex<u64>,
    reported: Condvar,
}

impl Own {
    fn new(rules: Rules) -> Self {
        Self { rules, reports: Mutex::default(), reported: Condvar::new() }
    }

    fn reports(&self) -> u64 {
        *self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) {
        *self.reports.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.reported.notify_all();
    }

    /// Whose patience ends while he fetches ends nothing for the others: one of those who wait goes on.
    fn given_up(&self, check: Check, error: Error) -> CheckError {
        drop(check);
        self.report();
        CheckError::GivenUp(error)
    }

    /// Waits until somebody reports more than `seen`, or whoever should have is taken for lost.
    fn wait(&self, seen: u64, patience: &Patience) -> Result<(), Error> {
        let lost = Instant::now() + Duration::from_secs(10);
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        while *reports == seen {
            let left = lost.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let slice = patience.slice().map_or(left, |slice| slice.min(left));
            reports = self.reported.wait_timeout(reports, slice).unwrap_or_else(PoisonError::into_inner).0;
            // The watch may do anything, and holds no lock of ours meanwhile.
            drop(reports);
            patience.check()?;
            reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

/// Why a check has not come to a caller.
#[derive(Debug, Clone)]
pub enum CheckError {
    /// The request is refused: the client is told the status.
    Refused(Refusal),
    /// Whoever waited for the check gave it up, or its patience ended.
    GivenUp(Error),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::GivenUp(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CheckError {}

impl From<Error> for CheckError {
    fn from(error: Error) -> Self {
        Self::GivenUp(error)
    }
}

impl Verifier {
    /// A verifier on this machine.
    ///
    /// # Errors
    ///
    /// As [`Verifier::with_host`].
    pub fn new(callers: Callers) -> Result<Self, Error> {
        Self::with_host(callers, Arc::new(Machine::default()))
    }

    /// A verifier on another machine. With callers for development, and only then, `AWS_ENDPOINT_URL_STS` is read now, and says where
    /// proofs are asked of; the `Host` that was signed stays that of the region.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidEndpoint`] and [`ErrorKind::InsecureUrl`] for a URL in `AWS_ENDPOINT_URL_STS` that is none, or plain http to
    /// elsewhere than this machine.
    pub fn with_host(callers: Callers, host: Arc<dyn Host>) -> Result<Self, Error> {
        let moved = if callers.is_development() { host.variable("AWS_ENDPOINT_URL_STS") } else { None };
        let sts = moved.map(|url| sts_in_place(&url)).transpose()?;
        let own = PerProcess::new(Arc::new(Own::new(Rules::new(callers, seed()))));
        Ok(Self { way: Arc::new(Way { host, sts, listener: None }), own })
    }

    /// The same verifier, of whose issuers' keys a listener is told: [`Event::KeysFailed`].
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Self {
        let Way { host, sts, .. } = &*self.way;
        self.way = Arc::new(Way { host: Arc::clone(host), sts: sts.clone(), listener: Some(listener) });
        self
    }

    /// Who may call.
    #[must_use]
    pub fn callers(&self) -> &Callers {
        self.own.latest().rules.callers()
    }

    /// Who makes a request with these values of `authorization`, and whether it may: with the method and the path that the application
    /// will see, the path as it was sent, without its query; where that is not sure, in each form that it may have. Behind the method
    /// stand the values of the headers [`METHOD_OVERRIDES`](super::METHOD_OVERRIDES), if the request has any.
    ///
    /// # Errors
    ///
    /// [`CheckError`].
    pub fn check(
        &self,
        authorization: &[&[u8]],
        methods: &[&str],
        paths: &[&str],
        patience: &Patience,
    ) -> Result<Arc<Caller>, CheckError> {
        let own = self.own();
        self.drive(own, || own.rules.check(authorization, methods, paths), patience)
    }

    /// Who makes the request of a Lambda function's event, given as JSON: see
    /// [`Verifier::check_event`](xacct_sign_identity::Verifier::check_event).
    ///
    /// # Errors
    ///
    /// [`CheckError`].
    pub fn check_event(&self, event: &[u8], patience: &Patience) -> Result<Arc<Caller>, CheckError> {
        let own = self.own();
        self.drive(own, || own.rules.check_event(event), patience)
    }

    /// As [`Verifier::check`], if nobody has to wait for it: `None` where keys or STS are to be asked first. For programs that have no
    /// thread to spare.
    ///
    /// # Errors
    ///
    /// [`CheckError::Refused`].
    pub fn check_at_hand(
        &self,
        authorization: &[&[u8]],
        methods: &[&str],
        paths: &[&str],
    ) -> Option<Result<Arc<Caller>, CheckError>> {
        let own = self.own();
        let at_hand = Patience::of(Some(Duration::ZERO));
        match self.drive(own, || own.rules.check(authorization, methods, paths), &at_hand) {
            Err(CheckError::GivenUp(_)) => None,
            settled => Some(settled),
        }
    }

    /// In which line a request waits that has to, where there is one queue for each, and for what: of those that have the same number
    /// one gets it for all.
    #[must_use]
    pub fn waits(&self, authorization: &[&[u8]]) -> (Line, u64) {
        self.own().rules.waits(authorization, self.way.host.now())
    }

    fn own(&self) -> &Arc<Own> {
        self.own.get(|parents| Arc::new(Own::new(parents.rules.anew(seed()))))
    }

    fn drive(&self, own: &Arc<Own>, new: impl Fn() -> Check, patience: &Patience) -> Result<Arc<Caller>, CheckError> {
        let way = &self.way;
        let mut check = new();
        let mut has_threads = true;
        loop {
            let seen = own.reports();
            match check.step(way.host.now()) {
                Step::Passed(caller) => return Ok(caller),
                Step::Refused(refusal) => return Err(CheckError::Refused(refusal)),
                Step::Wait => own.wait(seen, patience)?,
                Step::Need(Need::Signature { key, message, signature }) => {
                    check.signature(is_right(&key, message.as_bytes(), &signature), way.host.now());
                }
                Step::Need(Need::Keys { url, is_development, is_early: true, .. }) if has_threads => {
                    // The fetch is for all: it has a time of its own, and nobody waits for it.
                    let (own, way) = (Arc::clone(own), Arc::clone(way));
                    let mut early = std::mem::replace(&mut check, new());
                    let fetch = move || {
                        // Without a limit nobody gives up.
                        let _ = way.fetch(&mut early, &url, is_development, true, &Patience::default());
                        own.report();
                    };
                    // Where there is no thread to be had, this one fetches.
                    has_threads = begin(fetch).is_ok();
                }
                Step::Need(Need::Keys { url, is_development, is_early, .. }) => {
                    if let Err(error) = way.fetch(&mut check, &url, is_development, is_early, patience) {
                        return Err(own.given_up(check, error));
                    }
                    own.report();
                }
                Step::Need(Need::Sts(request)) => {
                    match way.ask(&request, patience) {
                        Ok(answer) => check.sts(Some((answer.status().as_u16(), answer.body())), way.host.now()),
                        Err(error) if patience.is_over_with(&error) => return Err(own.given_up(check, error)),
                        Err(error) => check.not_had(&causes(&error), way.host.now()),
                    }
                    own.report();
                }
                // A need that this driver does not know is not met: the next step refuses.
                Step::Need(_) => {}
            }
        }
    }
}

/// An error and what it came from, in one sentence for the log.
fn causes(error: &Error) -> String {
    let causes = iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| {
        let cause = cause.to_string();
        // Some sentences have it already.
        if told.contains(&cause) { told } else { format!("{told}: {cause}") }
    })
}

/// What a verifier's hashes begin with. The hasher's keys are drawn at random for each process.
fn seed() -> [u8; 16] {
    let random = RandomState::new();
    let half = |number: u8| u128::from(random.hash_one(number));
    (half(0) << 64 | half(1)).to_le_bytes()
}

impl Way {
    /// Gets the keys of an issuer for a check. Where there are none, the listener is told why; an error is that whoever waited gave up.
    fn fetch(
        &self,
        check: &mut Check,
        url: &str,
        is_development: bool,
        is_early: bool,
        patience: &Patience,
    ) -> Result<(), Error> {
        let began = self.host.now();
        let error = match self.answered_keys(url, is_development, patience) {
            Ok(set) if check.keys(Some(&set), self.host.now()) => return Ok(()),
            Ok(_) => Error::new(ErrorKind::Transport, "the answer is no set of keys"),
            Err(error) if patience.is_over_with(&error) => return Err(error),
            Err(error) => {
                check.not_had(&causes(&error), self.host.now());
                error
            }
        };
        if let Some(listener) = &self.listener {
            let duration = self.host.now().duration_since(began).unwrap_or_default();
            listener.tell(&Event::KeysFailed { url, is_early, error: &error, duration });
        }
        Ok(())
    }

    /// Anything but a set with status 200 is none; so is a redirect.
    fn answered_keys(&self, url: &str, is_development: bool, patience: &Patience) -> Result<Vec<u8>, Error> {
        let invalid =
            |error| Error::new(ErrorKind::InvalidUrl, "the issuer's keys have no usable URL").with_source(error);
        let request =
            http::Request::get(url).header(ACCEPT, "application/json").body([].as_slice()).map_err(invalid)?;
        let addresses = if is_development { Addresses::Any } else { Addresses::Public };
        let limit = u64::try_from(KEYS_LIMIT).unwrap_or(u64::MAX);
        let answer = self.send(&request, Sending { limit, addresses, ..Sending::default() }, patience)?;
        let status = answer.status();
        if status == http::StatusCode::OK {
            return Ok(answer.into_body());
        }
        let redirect = if status.is_redirection() { ", which is not followed" } else { "" };
        Err(Error::new(ErrorKind::Transport, format!("the answer has status {}{redirect}", status.as_u16())))
    }

    /// STS's answer, whatever it is.
    fn ask(&self, request: &StsRequest, patience: &Patience) -> Result<http::Response<Vec<u8>>, Error> {
        let invalid = |error| Error::new(ErrorKind::InvalidEndpoint, "STS has no usable URL").with_source(error);
        let url = self.sts.as_ref().map_or(request.url.as_str(), Endpoint::url);
        let mut built = http::Request::post(url).body(request.body.as_bytes()).map_err(invalid)?;
        for (name, value) in &request.headers {
            let value = HeaderValue::from_str(value).map_err(|error| {
                Error::new(ErrorKind::InvalidHeader, "a value is none of a header").with_source(error)
            })?;
            built.headers_mut().insert(HeaderName::from_static(name), value);
        }
        self.send(&built, Sending { limit: ANSWER_LIMIT.into(), ..Sending::default() }, patience)
    }

    /// Sends, and tries again what may come right by that.
    fn send(
        &self,
        request: &http::Request<&[u8]>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        let all = patience.at_most(FETCH);
        // Nobody else asks at this moment: there is nothing to spread.
        let mut retry = Retry::new(0);
        loop {
            let error = match self.host.send(request, sending, &all) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = retry.failed(&error).filter(|pause| all.left().is_some_and(|left| left > *pause));
            match pause {
                Some(pause) if !patience.is_over_with(&error) => self.host.sleep(pause, &all)?,
                _ => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("stage", &self.callers().stage()).finish_non_exhaustive()
    }
}
