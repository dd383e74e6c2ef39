//! Checks that have to wait, beside an async runtime.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;
use xacct_sign_identity::{Caller, Line, PLACES, Refusal, RefusalKind};

use super::verifier::{CheckError, Verifier};
use crate::patience::Patience;

/// What a check is of.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) authorization: Vec<Vec<u8>>,
    pub(super) methods: Vec<String>,
    pub(super) paths: Vec<String>,
}

impl Asked {
    /// What a verifier makes of it: the header's values, the methods, the paths.
    fn of<T>(&self, judged: impl FnOnce(&[&[u8]], &[&str], &[&str]) -> T) -> T {
        let values: Vec<&[u8]> = self.authorization.iter().map(Vec::as_slice).collect();
        let methods: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        let paths: Vec<&str> = self.paths.iter().map(String::as_str).collect();
        judged(&values, &methods, &paths)
    }
}

/// A verifier for callers that must not wait in their own thread.
#[derive(Debug)]
pub(super) struct Lines {
    verifier: Arc<Verifier>,
    tokens: One,
    known_proofs: One,
    proofs: One,
}

/// A line: its places, and how many of the runtime's threads it may take.
#[derive(Debug)]
struct One {
    taken: Arc<Mutex<HashMap<u64, usize>>>,
    threads: Arc<Semaphore>,
    /// What checks are getting, and when each is over.
    under_way: Arc<Mutex<HashMap<u64, Receiver<()>>>>,
}

/// A place of a line.
#[derive(Debug)]
struct Place {
    number: u64,
    taken: Arc<Mutex<HashMap<u64, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        match taken.get_mut(&self.number) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.number)),
        }
    }
}

/// Nothing that holds it leaves it half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The turn of the one that gets something for all who wait for that.
#[derive(Debug)]
struct Turn {
    what: u64,
    under_way: Arc<Mutex<HashMap<u64, Receiver<()>>>>,
    /// Those who wait see it go.
    _over: Sender<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        locked(&self.under_way).remove(&self.what);
    }
}

impl One {
    fn new(line: Line) -> Self {
        Self { taken: Arc::default(), threads: Arc::new(Semaphore::new(line.threads())), under_way: Arc::default() }
    }

    fn place(&self, number: u64) -> Result<Place, CheckError> {
        let mut taken = locked(&self.taken);
        let count = taken.entry(number).or_default();
        if *count == PLACES {
            return Err(too_busy());
        }
        *count += 1;
        Ok(Place { number, taken: Arc::clone(&self.taken) })
    }

    /// The turn, or the end of another's.
    fn turn(&self, what: u64) -> Result<Turn, Receiver<()>> {
        let mut under_way = locked(&self.under_way);
        if let Some(over) = under_way.get(&what) {
            return Err(over.clone());
        }
        let (sender, over) = channel(());
        under_way.insert(what, over);
        Ok(Turn { what, under_way: Arc::clone(&self.under_way), _over: sender })
    }
}

fn too_busy() -> CheckError {
    CheckError::Refused(Refusal::from(RefusalKind::TooBusy))
}

impl Lines {
    pub(super) fn new(verifier: Arc<Verifier>) -> Self {
        let [tokens, known_proofs, proofs] = Line::ALL.map(One::new);
        Self { verifier, tokens, known_proofs, proofs }
    }

    fn of(&self, line: Line) -> &One {
        match line {
            Line::Token => &self.tokens,
            Line::KnownProof => &self.known_proofs,
            _ => &self.proofs,
        }
    }

    /// What a check comes to. Whoever goes away while a thread is at it leaves his place when that one comes back. Who waits for what
    /// another is getting takes no thread: an issuer that says nothing holds up none of another's.
    pub(super) async fn check(&self, asked: Asked) -> Result<Arc<Caller>, CheckError> {
        let verifier = &self.verifier;
        let mut place = None;
        loop {
            if let Some(settled) = asked.of(|values, methods, paths| verifier.check_at_hand(values, methods, paths)) {
                return settled;
            }
            let (line, what) = asked.of(|values, _, _| verifier.waits(values));
            let (number, line) = (line.place(what), self.of(line));
            if place.is_none() {
                place = Some(line.place(number)?);
            }
            let turn = match line.turn(what) {
                Ok(turn) => turn,
                Err(mut over) => {
                    // It ends with its turn, and changes never.
                    let _ = over.changed().await;
                    continue;
                }
            };
            // It is never closed.
            let thread = Arc::clone(&line.threads).acquire_owned().await.map_err(|_| too_busy())?;
            let verifier = Arc::clone(verifier);
            let checked = spawn_blocking(move || {
                let _held = (place, thread, turn);
                asked.of(|values, methods, paths| verifier.check(values, methods, paths, &Patience::default()))
            });
            // A runtime that ends starts no more.
            return checked.await.unwrap_or_else(|_| Err(too_busy()));
        }
    }
}
