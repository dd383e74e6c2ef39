//! Checks that have to wait, beside an async runtime.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
    places: Arc<Semaphore>,
    threads: Arc<Semaphore>,
}

impl One {
    fn new(line: Line) -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), threads: Arc::new(Semaphore::new(line.threads())) }
    }

    /// A place, and a thread once there is one.
    async fn enter(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), CheckError> {
        let is_busy = |_| CheckError::Refused(Refusal::from(RefusalKind::TooBusy));
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(is_busy)?;
        let thread = Arc::clone(&self.threads).acquire_owned().await;
        // It is never closed.
        Ok((place, thread.map_err(|_| CheckError::Refused(Refusal::from(RefusalKind::TooBusy)))?))
    }
}

impl Lines {
    pub(super) fn new(verifier: Arc<Verifier>) -> Self {
        let [tokens, known_proofs, proofs] = Line::ALL.map(One::new);
        Self { verifier, tokens, known_proofs, proofs }
    }

    /// What a check comes to. Whoever goes away while a thread is at it leaves his place when that one comes back.
    pub(super) async fn check(&self, asked: Asked) -> Result<Arc<Caller>, CheckError> {
        let verifier = &self.verifier;
        if let Some(settled) = asked.of(|values, methods, paths| verifier.check_at_hand(values, methods, paths)) {
            return settled;
        }
        let line = match asked.of(|values, _, _| verifier.line(values)) {
            Line::Token => &self.tokens,
            Line::KnownProof => &self.known_proofs,
            _ => &self.proofs,
        };
        let held = line.enter().await?;
        let verifier = Arc::clone(verifier);
        let checked = spawn_blocking(move || {
            let _held = held;
            asked.of(|values, methods, paths| verifier.check(values, methods, paths, &Patience::default()))
        });
        // A runtime that ends starts no more.
        checked.await.unwrap_or_else(|_| Err(CheckError::Refused(Refusal::from(RefusalKind::TooBusy))))
    }
}
