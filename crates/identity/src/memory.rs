//! What a verifier remembers: keys, and what it has found right or wrong. Bounded, and never for longer than it is so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::caller::Caller;
use crate::keys::{AGAIN, IssuerKeys, within};
use crate::refusal::{Refusal, RefusalKind as Kind};

/// The SHA-256 of a whole token or proof.
pub(crate) type Hash = [u8; 32];

/// How many tokens and proofs that were right are remembered, and how many proofs that were wrong; twice that, where many are new.
const MANY: usize = 10_000;
/// How many proofs STS may be asked of at once. Whoever sends garbage must not have it asked without end.
const ASKED_AT_ONCE: usize = 256;
/// For so long nobody asks STS again of a proof of which it could not be asked.
const STANDS: Duration = Duration::from_secs(1);

/// What was found right.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    pub(crate) listed: usize,
    pub(crate) caller: Arc<Caller>,
    pub(crate) found_at: SystemTime,
    /// From this instant on it is not.
    pub(crate) expires_at: SystemTime,
    /// Of a token: its issuer, and of which generation the keys were.
    pub(crate) keys: Option<(usize, u64)>,
}

/// What to do for a proof.
#[derive(Debug)]
pub(crate) enum Ask {
    Sts,
    Wait,
    Refused(Refusal),
}

#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) keys: Vec<IssuerKeys>,
    passed: Recent<Passed>,
    /// Proofs by which STS does not stand: those stay wrong. Apart, so that garbage pushes out nobody.
    refused: Recent<(Refusal, SystemTime)>,
    /// Proofs of which STS is being asked, or could not be asked a moment ago.
    asked: BTreeMap<Hash, (SystemTime, Option<Refusal>)>,
}

impl Memory {
    pub(crate) fn new(issuers: usize) -> Self {
        Self {
            keys: (0..issuers).map(|_| IssuerKeys::default()).collect(),
            passed: Recent::default(),
            refused: Recent::default(),
            asked: BTreeMap::new(),
        }
    }

    pub(crate) fn passed(&mut self, hash: &Hash, now: SystemTime) -> Option<&Passed> {
        let keys = &self.keys;
        self.passed.get(hash).filter(|passed| {
            let stands = passed
                .keys
                .is_none_or(|(issuer, generation)| keys.get(issuer).is_some_and(|keys| keys.stands(generation, now)));
            let lifetime = passed.expires_at.duration_since(passed.found_at).unwrap_or_default();
            stands && within(passed.found_at, lifetime, now)
        })
    }

    pub(crate) fn remember(&mut self, hash: Hash, passed: Passed) {
        self.passed.insert(hash, passed);
    }

    /// What to do for a proof that is neither known to be right nor too old. [`Ask::Sts`] is given to one caller, who reports by
    /// [`Memory::answered`].
    pub(crate) fn ask(&mut self, hash: Hash, now: SystemTime) -> Ask {
        if let Some((refusal, from)) = self.refused.get(&hash)
            && within(*from, super::proof::WINDOW * 2, now)
        {
            return Ask::Refused(refusal.clone());
        }
        match self.asked.get(&hash) {
            Some((at, None)) if within(*at, AGAIN, now) => return Ask::Wait,
            Some((at, Some(refusal))) if within(*at, STANDS, now) => return Ask::Refused(refusal.clone()),
            _ => {}
        }
        if self.asked.len() >= ASKED_AT_ONCE {
            let is_underway = |at: SystemTime, refusal: &Option<Refusal>| {
                within(at, if refusal.is_some() { STANDS } else { AGAIN }, now)
            };
            self.asked.retain(|_, (at, refusal)| is_underway(*at, refusal));
            let underway = self.asked.values().filter(|(_, refusal)| refusal.is_none()).count();
            if underway >= ASKED_AT_ONCE {
                return Ask::Refused(Refusal::with(Kind::StsUnavailable, "it is being asked of too many proofs"));
            }
        }
        self.asked.insert(hash, (now, None));
        Ask::Sts
    }

    /// Whoever was to ask STS at that instant does not any more: the next may at once.
    pub(crate) fn given_up(&mut self, hash: &Hash, at: SystemTime) {
        if matches!(self.asked.get(hash), Some((asked_at, None)) if *asked_at == at) {
            self.asked.remove(hash);
        }
    }

    /// What STS said of a proof, or that it said nothing: remembered as long as it is so.
    pub(crate) fn answered(&mut self, hash: Hash, said: Result<Passed, Refusal>, now: SystemTime) {
        self.asked.remove(&hash);
        match said {
            Ok(passed) => self.passed.insert(hash, passed),
            Err(refusal) if refusal.status() == 401 => self.refused.insert(hash, (refusal, now)),
            Err(refusal) => {
                if self.asked.len() < MANY {
                    self.asked.insert(hash, (now, Some(refusal)));
                }
            }
        }
    }
}

/// The last of what was put in: at most twice [`MANY`].
#[derive(Debug)]
struct Recent<V> {
    young: BTreeMap<Hash, V>,
    old: BTreeMap<Hash, V>,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self { young: BTreeMap::new(), old: BTreeMap::new() }
    }
}

impl<V> Recent<V> {
    /// What is asked for is young again.
    fn get(&mut self, hash: &Hash) -> Option<&V> {
        if let Some(value) = self.old.remove(hash) {
            self.insert(*hash, value);
        }
        self.young.get(hash)
    }

    fn insert(&mut self, hash: Hash, value: V) {
        if self.young.len() >= MANY {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let hash = |number: usize| {
            let mut hash = [0; 32];
            hash.iter_mut().zip(number.to_le_bytes()).for_each(|(to, byte)| *to = byte);
            hash
        };
        let mut recent = Recent::default();
        recent.insert(hash(0), 0);
        recent.insert(hash(1), 1);
        for number in 2..5 * MANY {
            recent.insert(hash(number), number);
            assert_eq!(recent.get(&hash(0)), Some(&0));
            assert!(recent.young.len() + recent.old.len() <= 2 * MANY);
        }
        assert_eq!(recent.get(&hash(1)), None);
    }
}
