//! Checks requests: a state machine that says what it needs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::authorization::{self, Presented};
use crate::caller::{Caller, Via};
use crate::callers::{Callers, Front, Identity, RolePath};
use crate::event::{self, Who};
use crate::issuer;
use crate::keys::{Asks, KeySet, Look, PublicKey};
use crate::memory::{Ask, Hash, Memory, Passed};
use crate::proof::{self, Proof, StsRequest};
use crate::refusal::{Refusal, RefusalKind as Kind};
use crate::route;
use crate::token::{self, Token};

/// Says who calls, of the callers of one stage. Clones share what it remembers.
///
/// It does nothing itself: each request has a [`Check`], which asks its driver for what it needs.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    callers: Arc<Callers>,
    /// What every hash begins with.
    seed: [u8; 16],
    memory: Mutex<Memory>,
}

/// How many checks may wait in one [`Line`], for one [`Line::place`], as every driver has it: one more is refused, as [`RefusalKind::TooBusy`].
///
/// [`RefusalKind::TooBusy`]: crate::RefusalKind::TooBusy
pub const PLACES: usize = 256;

/// In which line a check waits that has to wait: garbage that anybody can make holds up nobody who is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// Of a token, for the keys of its issuer: one fetch is for all.
    Token,
    /// Of a proof by credentials by which STS has stood before.
    KnownProof,
    /// Of another proof, which anybody can make up.
    Proof,
}

impl Line {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Token, Self::KnownProof, Self::Proof];

    /// Its name, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::KnownProof => "known_proof",
            Self::Proof => "proof",
        }
    }

    /// What the [`PLACES`] of who waits for this are counted by, within the line: tokens that anybody makes up for one issuer leave those
    /// of the others room.
    #[must_use]
    pub const fn place(self, what: u64) -> u64 {
        match self {
            Self::Token => what,
            Self::KnownProof | Self::Proof => 0,
        }
    }

    /// How many of its checks are under way at once, where each takes a thread: most of those for STS are of nobody who is known.
    #[must_use]
    pub const fn threads(self) -> usize {
        match self {
            Self::Token | Self::KnownProof => 8,
            Self::Proof => 24,
        }
    }
}

impl Verifier {
    /// A verifier that remembers nothing yet. The seed is drawn at random by the driver, once for each verifier: with it nobody can
    /// choose proofs that fall into one place of what is remembered, and make it slow.
    #[must_use]
    pub fn new(callers: Callers, seed: [u8; 16]) -> Self {
        Self::of(Arc::new(callers), seed)
    }

    fn of(callers: Arc<Callers>, seed: [u8; 16]) -> Self {
        let issuers = match callers.front() {
            Front::Server(identity) => identity.issuers.len(),
            Front::Event { .. } => 0,
        };
        let many = callers.names().count();
        Self(Arc::new(Inner { callers, seed, memory: Mutex::new(Memory::new(issuers, many)) }))
    }

    /// Another one for the same callers, which remembers nothing: a forked process must not wait for a lock that a thread of its parent
    /// holds.
    #[must_use]
    pub fn anew(&self, seed: [u8; 16]) -> Self {
        Self::of(Arc::clone(&self.0.callers), seed)
    }

    /// Who may call.
    #[must_use]
    pub fn callers(&self) -> &Callers {
        &self.0.callers
    }

    /// The check of a request with these values of `authorization`, each as it was sent, with the method and the path that the
    /// application will see: the path as it was sent, escapes and all, without its query; where that is not sure, in each form that
    /// it may have, of which every one has to be the caller's. Behind the method stand the values of the headers
    /// [`METHOD_OVERRIDES`](crate::METHOD_OVERRIDES): who may not make a request of such a method is refused, too.
    #[must_use]
    pub fn check(&self, authorization: &[&[u8]], methods: &[&str], paths: &[&str]) -> Check {
        let state = self.presented(authorization).unwrap_or_else(State::Refused);
        Check {
            verifier: self.clone(),
            methods: event::methods(methods),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            state,
            asks: None,
        }
    }

    /// The check of a Lambda function's event, given as JSON, of which [`EVENT_MEMBERS`](crate::EVENT_MEMBERS) are read. What stands in
    /// front is what `callers.json` says: of an event that comes from elsewhere nothing is trusted.
    #[must_use]
    pub fn check_event(&self, event: &[u8]) -> Check {
        let (methods, paths, state) = match event::read(event, &self.0.callers) {
            Ok(event) => {
                let state = match event.who {
                    Who::Known(listed, caller) => State::Known(listed, caller),
                    Who::Presented(values) => {
                        let values: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
                        self.presented(&values).unwrap_or_else(State::Refused)
                    }
                };
                (event.methods, event.paths, state)
            }
            Err(refusal) => (Vec::new(), Vec::new(), State::Refused(refusal)),
        };
        Check { verifier: self.clone(), methods, paths, state, asks: None }
    }

    fn presented(&self, authorization: &[&[u8]]) -> Result<State, Refusal> {
        if !matches!(self.0.callers.front(), Front::Server(_)) {
            return Err(Refusal::new(Kind::NotTakenHere));
        }
        let presented = authorization::read(authorization)?;
        let (Presented::Token(text) | Presented::Proof(text)) = presented;
        let hash = self.hash(text);
        let text = text.to_owned();
        Ok(match presented {
            Presented::Token(_) => State::Token { hash, text },
            Presented::Proof(_) => State::Proof { hash, text },
        })
    }

    /// In which line a request with these values of `authorization` waits, if [`Check::step`] has it wait, and for what: see
    /// [`Check::waits`].
    #[must_use]
    pub fn waits(&self, authorization: &[&[u8]], now: SystemTime) -> (Line, u64) {
        let mut check = self.check(authorization, &[], &[]);
        let line = if let State::Proof { .. } = check.state { Line::Proof } else { Line::Token };
        if let State::Token { .. } | State::Proof { .. } = check.state {
            // It is read, and nothing is asked for yet. What is refused or known by now waits for nothing, and for no issuer.
            let _ = check.advance(now);
        }
        check.waits().unwrap_or((line, u64::MAX))
    }

    fn hash(&self, text: &str) -> Hash {
        Sha256::new_with_prefix(self.0.seed).chain_update(text).finalize().into()
    }

    /// What credentials are known by: the key's id alone is no secret, and the session token is one.
    fn key(&self, proof: &Proof) -> Hash {
        self.hash(&proof.session())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing that holds it leaves it half done.
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn identity(&self) -> Option<&Identity> {
        match self.0.callers.front() {
            Front::Server(identity) => Some(identity),
            Front::Event { .. } => None,
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("stage", &self.0.callers.stage()).finish_non_exhaustive()
    }
}

/// The check of one request.
///
/// The driver calls [`Check::step`]. A step that needs something names it: the driver gets it, reports it by the method of the same
/// name, and steps again. Where somebody else is getting it the step says [`Step::Wait`]: the driver waits until any check of the
/// verifier has reported something or was dropped, ten seconds at most, and steps again. A check that is dropped gets nothing for
/// anybody: the next is asked. What is never reported is asked anew after ten seconds.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use xacct_sign_identity::{Callers, Development, Step, Verifier};
///
/// let callers = r#"{"version": 1, "stage": "prod", "target": "server", "partition": "aws", "audience": "https://api.example.com",
///     "algorithm": "ES384", "max_duration_seconds": 3600, "regions": ["ap-northeast-1"],
///     "callers": [{"name": "shop", "account": "000000000000", "role": "LambdaRoleProd"}]}"#;
/// let seed = [7; 16]; // drawn at random
/// let verifier = Verifier::new(Callers::parse(callers.as_bytes(), Development::No)?, seed);
/// let mut check = verifier.check(&[], &["GET"], &["/items"]);
/// let Step::Refused(refusal) = check.step(UNIX_EPOCH + Duration::from_secs(1_795_000_000)) else { panic!() };
/// assert_eq!((refusal.code(), refusal.status()), ("authorization_missing", 401));
/// # Ok::<(), xacct_sign_identity::CallersError>(())
/// ```
pub struct Check {
    verifier: Verifier,
    methods: Vec<String>,
    paths: Vec<String>,
    state: State,
    /// Since when others wait for what this one was to get.
    asks: Option<Asks>,
}

enum State {
    /// As it was presented.
    Token {
        hash: Hash,
        text: String,
    },
    /// Read: it lacks its key.
    Read {
        hash: Hash,
        text: String,
        token: Box<Token>,
        /// Its signature is wrong by the key of this generation.
        wrong_by: Option<u64>,
    },
    /// It lacks the word that its signature is right, by a key of this generation.
    Signed {
        hash: Hash,
        text: String,
        token: Box<Token>,
        generation: u64,
    },
    Proof {
        hash: Hash,
        text: String,
    },
    /// It lacks STS's answer.
    Asked {
        hash: Hash,
        proof: Box<Proof>,
    },
    Known(usize, Arc<Caller>),
    Refused(Refusal),
}

/// What a check has come to.
#[derive(Debug)]
#[must_use = "a need counts on being met"]
pub enum Step {
    /// It is this caller, and it may do this.
    Passed(Arc<Caller>),
    /// It is refused: the client is told the status, and the log the reason.
    Refused(Refusal),
    /// It needs something.
    Need(Need),
    /// Somebody else is getting what it needs.
    Wait,
}

/// What a check needs of its driver.
#[derive(Debug)]
#[non_exhaustive]
pub enum Need {
    /// The keys of an issuer: `GET url`, over https (an issuer for development may be over http on this machine), without a redirect,
    /// of [`KEYS_LIMIT`](crate::KEYS_LIMIT) bytes at most, within ten seconds. Reported by [`Check::keys`].
    Keys {
        /// The issuer.
        issuer: String,
        /// Where its keys are.
        url: String,
        /// Whether it is one for development: a real one is never at a private address.
        is_development: bool,
        /// Whether the keys at hand still serve. A driver that can fetch beside lets this check do so, and goes on with another one for
        /// the same request, which uses them: so nobody waits.
        is_early: bool,
    },
    /// Whether a signature is right. Everything else about key and signature has been checked. Reported by [`Check::signature`].
    Signature {
        /// The key, which says the [algorithm](PublicKey::algorithm), too.
        key: Arc<PublicKey>,
        /// What was signed.
        message: String,
        /// The signature: `r` and `s` of 48 bytes each, or as many bytes as the RSA key has.
        signature: Vec<u8>,
    },
    /// STS's answer to this request, sent as it stands, without a redirect, within ten seconds. Reported by [`Check::sts`].
    Sts(StsRequest),
}

impl Check {
    /// Goes as far as it comes at `now`.
    pub fn step(&mut self, now: SystemTime) -> Step {
        loop {
            match self.advance(now) {
                Ok(Some(step)) => return step,
                Ok(None) => {}
                Err(refusal) => self.state = State::Refused(refusal),
            }
        }
    }

    /// One state further: the step that this one ends in, if it does.
    fn advance(&mut self, now: SystemTime) -> Result<Option<Step>, Refusal> {
        let not_here = || Refusal::new(Kind::NotTakenHere);
        match &mut self.state {
            State::Refused(refusal) => return Ok(Some(Step::Refused(refusal.clone()))),
            State::Known(listed, caller) => {
                let routes = self.verifier.callers().listed(*listed).and_then(|listed| listed.routes.as_ref());
                if let Some(routes) = routes {
                    // Of a request without a path or a method nothing is known.
                    let checked = if self.paths.is_empty() {
                        Err(Refusal::new(Kind::PathUnreadable))
                    } else if self.methods.is_empty() {
                        Err(Refusal::with(Kind::RouteRefused, "a request without a method"))
                    } else {
                        self.paths.iter().try_for_each(|path| route::check(routes, &self.methods, path))
                    };
                    checked.map_err(|refusal| refusal.of(caller))?;
                }
                return Ok(Some(Step::Passed(Arc::clone(caller))));
            }
            State::Token { hash, text } | State::Proof { hash, text } => {
                if let Some(passed) = self.verifier.memory().passed(hash, now) {
                    let (listed, caller) = (passed.listed, Arc::clone(&passed.caller));
                    self.state = State::Known(listed, caller);
                    return Ok(None);
                }
                let (hash, text) = (*hash, std::mem::take(text));
                let identity = self.verifier.identity().ok_or_else(not_here)?;
                if matches!(self.state, State::Token { .. }) {
                    let token = Box::new(token::read(&text, self.verifier.callers(), identity, now)?);
                    self.state = State::Read { hash, text, token, wrong_by: None };
                    return Ok(None);
                }
                if identity.regions.is_empty() {
                    return Err(Refusal::new(Kind::ProofsNotTaken));
                }
                let proof = Box::new(proof::read(&text, &identity.regions, now)?);
                self.state = State::Asked { hash, proof };
            }
            State::Read { text, token, wrong_by, .. } => {
                if token.expires_at <= now {
                    return Err(Refusal::new(Kind::TokenExpired));
                }
                let identity = self.verifier.identity().ok_or_else(not_here)?;
                let mut memory = self.verifier.memory();
                let look = memory.keys.get_mut(token.issuer).map(|keys| keys.look(&token.key_id, *wrong_by, now));
                drop(memory);
                let (key, generation) = match look.ok_or_else(not_here)? {
                    Look::Key(key, generation) => (key, generation),
                    Look::Wait => return Ok(Some(Step::Wait)),
                    Look::Unavailable(why) => {
                        let issuer = identity.issuers.get(token.issuer).map(|issuer| issuer.url.as_str());
                        let of = Refusal::about(Kind::KeysUnavailable, issuer.unwrap_or_default());
                        return Err(of.because(&why));
                    }
                    Look::Refused(refusal) => return Err(refusal),
                    Look::Fetch { is_early, asks } => {
                        let issuer =
                            identity.issuers.get(token.issuer).map(|issuer| issuer.url.clone()).unwrap_or_default();
                        let url = issuer::keys_url(&issuer);
                        let is_development = issuer::form(&issuer) == issuer::IssuerForm::Loopback;
                        self.asks = Some(asks);
                        return Ok(Some(Step::Need(Need::Keys { issuer, url, is_development, is_early })));
                    }
                };
                if key.algorithm() != identity.algorithm {
                    return Err(Refusal::about(Kind::KeyRefused, &token.key_id));
                }
                if !key.makes(&token.signature) {
                    return Err(Refusal::new(Kind::SignatureMalformed));
                }
                // Both are kept: another key may be there by now under the same id.
                let need = Need::Signature {
                    key,
                    message: text.get(..token.signed_bytes).unwrap_or_default().to_owned(),
                    signature: token.signature.clone(),
                };
                if let State::Read { hash, text, token, .. } = std::mem::replace(&mut self.state, unheard()) {
                    self.state = State::Signed { hash, text, token, generation };
                }
                return Ok(Some(Step::Need(need)));
            }
            // Who steps without an answer has none: the signature is taken for wrong.
            State::Signed { .. } => return Err(Refusal::new(Kind::SignatureWrong)),
            State::Asked { hash, proof } => {
                // Whoever waited for another may have waited for long.
                if proof.expires_at() < now {
                    return Err(Refusal::new(Kind::ProofExpired));
                }
                let mut memory = self.verifier.memory();
                // Somebody else may have asked meanwhile.
                if let Some(passed) = memory.passed(hash, now) {
                    let (listed, caller) = (passed.listed, Arc::clone(&passed.caller));
                    drop(memory);
                    self.state = State::Known(listed, caller);
                    return Ok(None);
                }
                let key = self.verifier.key(proof);
                match memory.ask(*hash, &key, now) {
                    Ask::Wait => return Ok(Some(Step::Wait)),
                    Ask::Refused(refusal) => return Err(refusal),
                    Ask::Sts => {}
                }
                drop(memory);
                // Of one proof there is one answer, whenever it was asked: it needs no turn.
                self.asks = Some(Asks { at: now, turn: 0 });
                let identity = self.verifier.identity().ok_or_else(not_here)?;
                let request = proof.request(&identity.audience).ok_or_else(not_here)?;
                return Ok(Some(Step::Need(Need::Sts(request))));
            }
        }
        Ok(None)
    }

    /// In which line it waits, where [`Check::step`] says that it does, and for what: a number that is the same for all that wait for the
    /// keys of one issuer, or for STS's answer to one proof, and for the one that gets it. `None` where it needs neither.
    #[must_use]
    pub fn waits(&self) -> Option<(Line, u64)> {
        match &self.state {
            State::Read { token, .. } => Some((Line::Token, token.issuer as u64)),
            State::Asked { hash, proof } => {
                let key = self.verifier.key(proof);
                let line = if self.verifier.memory().is_known(&key) { Line::KnownProof } else { Line::Proof };
                // Drawn at random by the seed: none is an issuer's.
                Some((line, hash.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))))
            }
            _ => None,
        }
    }

    /// What came for [`Need::Keys`] at `now`: the body of an answer with status 200, or nothing. Without it the keys at hand serve for
    /// a day. Says whether it is a set of keys, for whom the log is.
    pub fn keys(&mut self, body: Option<&[u8]>, now: SystemTime) -> bool {
        // Read before the lock is taken: nobody waits for arithmetic.
        let set = body.map(|body| KeySet::read(body).ok_or("the answer is no set of keys")).unwrap_or(Err(""));
        let is_set = set.is_ok();
        self.fetched(set, now);
        is_set
    }

    /// Why what is needed could not be had at `now`: one sentence, for the log, without a secret in it. For [`Need::Keys`] and
    /// [`Need::Sts`], and else the same as telling them that nothing came.
    pub fn not_had(&mut self, why: &str, now: SystemTime) {
        match self.state {
            State::Asked { .. } => self.answered(Err(why), now),
            _ => self.fetched(Err(why), now),
        }
    }

    fn fetched(&mut self, set: Result<KeySet, &str>, now: SystemTime) {
        let State::Read { token, .. } = &self.state else { return };
        // Who was not told to fetch has nothing to say.
        let Some(asks) = self.asks.take() else { return };
        let set = set.map_err(str::to_owned);
        if let Some(keys) = self.verifier.memory().keys.get_mut(token.issuer) {
            keys.fetched(set, asks, now);
        }
    }

    /// Whether the signature of [`Need::Signature`] is right, found at `now`. Where it is not, the next step may ask for keys: an issuer
    /// may have put another one under the same id.
    pub fn signature(&mut self, is_right: bool, now: SystemTime) {
        if !matches!(self.state, State::Signed { .. }) {
            return;
        }
        let State::Signed { hash, text, token, generation } = std::mem::replace(&mut self.state, unheard()) else {
            return;
        };
        if !is_right {
            self.state = State::Read { hash, text, token, wrong_by: Some(generation) };
            return;
        }
        let (listed, caller) = (token.listed, Arc::clone(&token.caller));
        let keys = Some((token.issuer, generation));
        let passed = Passed { listed, caller: Arc::clone(&caller), found_at: now, expires_at: token.expires_at, keys };
        self.verifier.memory().remember(hash, passed);
        self.state = State::Known(listed, caller);
    }

    /// What STS answered at `now` to the request of [`Need::Sts`]: status and body; or nothing, where it could not be asked.
    pub fn sts(&mut self, answer: Option<(u16, &[u8])>, now: SystemTime) {
        self.answered(answer.ok_or(""), now);
    }

    fn answered(&mut self, answer: Result<(u16, &[u8]), &str>, now: SystemTime) {
        let State::Asked { hash, proof } = &self.state else { return };
        self.asks = None;
        let said = self.judged(proof, answer, now);
        let key = self.verifier.key(proof);
        self.verifier.memory().answered(*hash, key, said.clone(), now);
        self.state = match said {
            Ok(passed) => State::Known(passed.listed, passed.caller),
            Err(refusal) => State::Refused(refusal),
        };
    }

    fn judged(&self, proof: &Proof, answer: Result<(u16, &[u8]), &str>, now: SystemTime) -> Result<Passed, Refusal> {
        let callers = self.verifier.callers();
        let (status, body) = answer.map_err(|why| Refusal::new(Kind::StsUnavailable).because(why))?;
        let session = proof::read_answer(status, body, callers.partition())?;
        if proof.expires_at() < now {
            return Err(Refusal::new(Kind::ProofExpired));
        }
        let listed = callers.of_role(&session.account, &session.role, RolePath::Unknown)?;
        let caller = Caller {
            name: callers.listed(listed).map(|listed| listed.name.clone()).unwrap_or_default(),
            account: Some(session.account),
            arn: session.arn,
            role: Some(session.role),
            session: Some(session.name),
            organization: None,
            via: Via::Proof,
        };
        Ok(Passed { listed, caller: Arc::new(caller), found_at: now, expires_at: proof.expires_at(), keys: None })
    }
}

/// What stands in a state's place while it becomes another.
fn unheard() -> State {
    State::Refused(Refusal::new(Kind::SignatureWrong))
}

impl Drop for Check {
    fn drop(&mut self) {
        let Some(asks) = self.asks else { return };
        let mut memory = self.verifier.memory();
        match &self.state {
            State::Read { token, .. } => {
                if let Some(keys) = memory.keys.get_mut(token.issuer) {
                    keys.given_up(asks);
                }
            }
            State::Asked { hash, .. } => memory.given_up(hash, asks.at),
            _ => {}
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was presented is a secret.
        f.debug_struct("Check").field("methods", &self.methods).field("paths", &self.paths).finish_non_exhaustive()
    }
}
