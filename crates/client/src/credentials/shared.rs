//! What is fetched when it is needed, once for all who ask: credentials, or a token.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, ptr};

use xacct_sign::refresh::{GRACE, Poll, Refresh};
use xacct_sign::{Error, ErrorKind};

use super::lasting::Lasting;
use crate::clock::Clock;
use crate::host::begin;
use crate::patience::Patience;
use crate::per_process::PerProcess;

/// What fetches them.
pub(crate) trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Credentials, or a token.
    type Item: Lasting;

    /// New ones.
    fn fetch(&self, patience: &Patience) -> Result<Self::Item, Error>;

    /// The clock that their expiry is compared with.
    fn clock(&self) -> &Clock;

    /// A fetch has given this. `is_early`: while the credentials that there were still served.
    fn fetched(&self, _result: Result<&Self::Item, &Error>, _is_early: bool, _duration: Duration) {}

    /// What those who wait are told if the thread that fetched panicked.
    fn broken(&self) -> Error;
}

/// The credentials of one source, for every thread: one fetch per lifetime, whoever asks. While the credentials that there are
/// still serve, nobody waits longer than [`GRACE`] for the next. Cloning is cheap.
pub(crate) struct Shared<F: Fetch>(Arc<Inner<F>>);

struct Inner<F: Fetch> {
    source: F,
    seed: u64,
    own: PerProcess<Own<F::Item>>,
}

/// What a forked child has of its own.
#[derive(Debug)]
struct Own<T> {
    state: Mutex<State<T>>,
    settled: Condvar,
}

#[derive(Debug, Clone)]
struct State<T> {
    refresh: Refresh,
    /// What `refresh` speaks of.
    current: Option<T>,
    /// Whose fetch counts, while there is one.
    turn: Option<Turn>,
    turns: u64,
    /// Why the last fetch failed that callers had to wait for, if it did.
    last_error: Option<Error>,
}

/// A turn to fetch. Who is given it fetches, and settles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    number: u64,
    /// While the credentials that there are still serve: nobody counts on it.
    is_early: bool,
}

impl<T> Own<T> {
    fn new(state: State<T>) -> Self {
        Self { state: Mutex::new(state), settled: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // INVARIANT: the state is whole at every point where its holder could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn new(seed: u64) -> Self {
        Self { refresh: Refresh::new(seed), current: None, turn: None, turns: 0, last_error: None }
    }

    fn begin(&mut self, is_early: bool) -> Turn {
        self.turns += 1;
        let turn = Turn { number: self.turns, is_early };
        self.turn = Some(turn);
        turn
    }

    /// Whoever fetches is no longer counted on: the next who polls is given a turn.
    fn abandon(&mut self) {
        self.turn = None;
        self.last_error = None;
        self.refresh.abandoned();
    }
}

impl<F: Fetch> Shared<F> {
    /// Nothing is fetched yet. The seed spreads early refreshes, see [`Refresh::new`].
    pub(crate) fn new(source: F, seed: u64) -> Self {
        let own = PerProcess::new(Own::new(State::new(seed)));
        Self(Arc::new(Inner { source, seed, own }))
    }

    pub(crate) fn source(&self) -> &F {
        &self.0.source
    }

    /// What is valid now: what there is, or what is new. Whose patience ends while he waits, or fetches, ends
    /// nothing for the others.
    pub(crate) fn current(&self, patience: &Patience) -> Result<F::Item, Error> {
        let inner = &*self.0;
        loop {
            let now = inner.source.clock().now();
            let mut state = inner.lock();
            let poll = state.refresh.poll(now);
            if let (Poll::Use, Some(current)) = (poll, &state.current) {
                return Ok(current.clone());
            }
            if let (Poll::Failed, Some(error)) = (poll, &state.last_error) {
                return Err(error.clone());
            }
            match (poll, state.turn) {
                (Poll::Wait, _) if is_fetched_here(inner) => return Err(asks_itself()),
                (Poll::UseAndRefresh, _) => {
                    let turn = state.begin(true);
                    drop(state);
                    self.refresh_early(turn, patience)?;
                }
                (Poll::Wait, Some(turn)) if turn.is_early => {
                    let mut state = inner.wait(state, turn, &patience.at_most(GRACE)).0;
                    if state.turn == Some(turn) {
                        // What was to come in time did not: it is asked for anew.
                        state.abandon();
                    }
                    drop(state);
                    patience.check()?;
                }
                (Poll::Wait, Some(turn)) => {
                    let (state, waited) = inner.wait(state, turn, patience);
                    waited?;
                    if let Some(error) = &state.last_error {
                        return Err(error.clone());
                    }
                }
                // There is no `Use` without credentials, no `Wait` without a turn, no `Failed` without an error: were there, it
                // would be time to fetch.
                (Poll::Refresh | Poll::Wait | Poll::Use | Poll::Failed, _) => {
                    let turn = state.begin(false);
                    drop(state);
                    return inner.fetch_and_settle(turn, patience);
                }
            }
        }
    }

    /// What there is, if it still serves; an early refresh begins, and nobody waits for it.
    pub(crate) fn at_hand(&self) -> Option<F::Item> {
        let now = self.0.source.clock().now();
        let mut state = self.0.lock();
        if !state.refresh.serves(now) {
            return None;
        }
        let current = state.current.clone();
        if state.refresh.poll(now) == Poll::UseAndRefresh {
            let turn = state.begin(true);
            drop(state);
            if !self.begin_early(turn) {
                // The next who can wait makes it.
                let mut state = self.0.lock();
                if state.turn == Some(turn) {
                    state.abandon();
                }
            }
        }
        current
    }

    /// Fetches in a thread of its own; whether there is one to be had.
    fn begin_early(&self, turn: Turn) -> bool {
        let inner = Arc::clone(&self.0);
        // The fetch is for all: it has a time of its own, and nobody's Ctrl-C ends it.
        let fetch = move || drop(inner.fetch_and_settle(turn, &Patience::default()));
        begin(fetch).is_ok()
    }

    /// Fetches meanwhile, and waits for that no longer than [`GRACE`].
    fn refresh_early(&self, turn: Turn, patience: &Patience) -> Result<(), Error> {
        if !self.begin_early(turn) {
            // Where there are no threads to be had, this one fetches.
            drop(self.0.fetch_and_settle(turn, &patience.at_most(GRACE)));
            return Ok(());
        }
        let grace = patience.at_most(GRACE);
        drop(self.0.wait(self.0.lock(), turn, &grace));
        // The credentials that there are still serve; only who may wait no more is told.
        patience.check()
    }
}

impl<F: Fetch> Inner<F> {
    /// Until this turn is over, or the patience.
    fn wait<'i>(
        &'i self,
        mut state: MutexGuard<'i, State<F::Item>>,
        turn: Turn,
        patience: &Patience,
    ) -> (MutexGuard<'i, State<F::Item>>, Result<(), Error>) {
        while state.turn == Some(turn) {
            let slice = patience.slice().unwrap_or(Duration::MAX);
            state = self.own().settled.wait_timeout(state, slice).unwrap_or_else(PoisonError::into_inner).0;
            if state.turn != Some(turn) {
                break;
            }
            // A watch may take long, and may need the others.
            drop(state);
            let checked = patience.check();
            state = self.lock();
            if checked.is_err() {
                return (state, checked);
            }
        }
        (state, Ok(()))
    }

    /// Fetches, and tells the state machine and those who wait.
    fn fetch_and_settle(&self, turn: Turn, patience: &Patience) -> Result<F::Item, Error> {
        let mut unsettled = Unsettled { inner: self, turn, is_over: false };
        // What has expired already is as good as nothing, and would be fetched again at once, forever.
        let usable = |fetched: F::Item| self.source.clock().check_usable(&fetched).map(|()| fetched);
        let began = self.source.clock().now();
        let fetched = {
            let _here = Here::new(self);
            self.source.fetch(patience).and_then(usable)
        };
        unsettled.is_over = true;
        if fetched.as_ref().is_err_and(|error| patience.is_over_with(error)) {
            // Not the fetch has failed: this one may wait no longer. The next who asks fetches.
            let mut state = self.lock();
            if state.turn == Some(turn) {
                state.abandon();
                self.own().settled.notify_all();
            }
            return fetched;
        }
        let duration = self.source.clock().now().duration_since(began).unwrap_or_default();
        let result = self.settle(turn, fetched.clone());
        // Who is told may take long, or ask for these credentials: they are settled, and no lock is held.
        self.source.fetched(fetched.as_ref(), turn.is_early, duration);
        result
    }

    fn settle(&self, turn: Turn, fetched: Result<F::Item, Error>) -> Result<F::Item, Error> {
        let mut state = self.lock();
        if state.turn != Some(turn) {
            // Another has taken its place.
            return fetched;
        }
        let now = self.source.clock().now();
        let result = match fetched {
            Ok(new) => {
                state.refresh.succeeded(new.expires_at(), now);
                state.current = Some(new.clone());
                Ok(new)
            }
            Err(error) => {
                let serves = state.refresh.failed(now);
                state.current.clone().filter(|_| serves).ok_or(error)
            }
        };
        state.last_error = result.as_ref().err().cloned();
        state.turn = None;
        self.own().settled.notify_all();
        result
    }

    fn lock(&self) -> MutexGuard<'_, State<F::Item>> {
        self.own().lock()
    }

    fn own(&self) -> &Own<F::Item> {
        self.own.get(|parents| {
            // A forked child has the credentials, and not the thread that was fetching.
            let state = parents.state.try_lock().map(|state| state.clone());
            let mut state = state.unwrap_or_else(|_| State::new(self.seed));
            state.abandon();
            Own::new(state)
        })
    }
}

thread_local! {
    /// The addresses of what this thread is fetching for, innermost last.
    static FETCHING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Whether this very thread is fetching for `inner`: were it to wait for that, it would wait for itself.
fn is_fetched_here<F: Fetch>(inner: &Inner<F>) -> bool {
    FETCHING.with_borrow(|all| all.contains(&ptr::from_ref(inner).addr()))
}

fn asks_itself() -> Error {
    Error::new(ErrorKind::CredentialsNotFound, "the credentials are asked for by what fetches them")
        .with_hint("what gives a role's base credentials must not use that role")
}

/// This thread is fetching, until it is dropped.
struct Here;

impl Here {
    fn new<F: Fetch>(inner: &Inner<F>) -> Self {
        FETCHING.with_borrow_mut(|all| all.push(ptr::from_ref(inner).addr()));
        Self
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        FETCHING.with_borrow_mut(|all| all.pop());
    }
}

/// A turn that is not settled yet. Should its thread panic, the others do not wait forever.
struct Unsettled<'i, F: Fetch> {
    inner: &'i Inner<F>,
    turn: Turn,
    is_over: bool,
}

impl<F: Fetch> Drop for Unsettled<'_, F> {
    fn drop(&mut self) {
        if !self.is_over {
            // Whoever waits gets the error; this thread is unwinding.
            let _ = self.inner.settle(self.turn, Err(self.inner.source.broken()));
        }
    }
}

impl<F: Fetch> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: Fetch> fmt::Debug for Shared<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}
