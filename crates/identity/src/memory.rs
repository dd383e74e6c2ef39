//! What a verifier remembers: keys, and what it has found right or wrong. Bounded, and never for longer than it is so.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::caller::Caller;
use crate::keys::{AGAIN, IssuerKeys, within};
use crate::refusal::{Refusal, RefusalKind as Kind};

/// The SHA-256 of a whole token or proof, or of credentials, behind the verifier's seed: nobody can choose those that meet.
pub(crate) type Hash = [u8; 32];

/// How many tokens and proofs that were right are remembered, and how many proofs that were wrong; twice that, where many are new, and
/// three times, where some are of callers of whom little is.
const MANY: usize = 10_000;
/// How many proofs STS may be asked of at once, of those whose key it has stood by before and of the others each. Whoever sends
/// garbage must not have it asked without end, and takes no place of who is known.
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
    passed: Recent,
    /// Proofs by which STS does not stand: those stay wrong. Apart, so that garbage pushes out nobody.
    refused: Recent,
    /// The credentials that made a proof by which STS stood. They let nobody in: who has some waits in another line.
    known_keys: Recent,
    /// Proofs of which STS is being asked, or could not be asked a moment ago: by keys that are not known, and by those that are.
    asked: [Map; 2],
}

/// What is known of a token, a proof or a key. One type for all maps, since each of another would be code of its own.
#[derive(Debug)]
enum Known {
    Passed(Passed),
    /// Since when.
    Refused(Refusal, SystemTime),
    /// Since when it is asked.
    Asked(SystemTime),
    /// Credentials of this caller's.
    Credentials(usize),
}

impl Known {
    /// Whose it is, if it counts still.
    fn of_caller(&self, now: SystemTime) -> Option<usize> {
        match self {
            Self::Passed(passed) => (passed.expires_at > now).then_some(passed.listed),
            Self::Credentials(listed) => Some(*listed),
            Self::Refused(..) | Self::Asked(_) => None,
        }
    }
}

type Map = HashMap<Hash, Known, BuildHasherDefault<OfHash>>;

/// What is hashed are hashes: their first bytes are as good as any.
#[derive(Debug, Default)]
struct OfHash(u64);

impl Hasher for OfHash {
    fn write(&mut self, bytes: &[u8]) {
        // The length of the array comes first, and is the same for all.
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Memory {
    pub(crate) fn new(issuers: usize, callers: usize) -> Self {
        Self {
            keys: (0..issuers).map(|_| IssuerKeys::default()).collect(),
            passed: Recent::of(callers),
            refused: Recent::of(0),
            known_keys: Recent::of(callers),
            asked: [Map::default(), Map::default()],
        }
    }

    pub(crate) fn passed(&mut self, hash: &Hash, now: SystemTime) -> Option<&Passed> {
        let keys = &self.keys;
        let Some(Known::Passed(passed)) = self.passed.get(hash, now) else { return None };
        let stands = passed
            .keys
            .is_none_or(|(issuer, generation)| keys.get(issuer).is_some_and(|keys| keys.stands(generation, now)));
        let lifetime = passed.expires_at.duration_since(passed.found_at).unwrap_or_default();
        (stands && within(passed.found_at, lifetime, now)).then_some(passed)
    }

    pub(crate) fn remember(&mut self, hash: Hash, passed: Passed) {
        let now = passed.found_at;
        self.passed.insert(hash, Known::Passed(passed), now);
    }

    /// Whether STS has stood by a proof of this key.
    pub(crate) fn is_known(&mut self, key: &Hash) -> bool {
        // Credentials count at every instant.
        self.known_keys.get(key, SystemTime::UNIX_EPOCH).is_some()
    }

    /// What to do for a proof that is neither known to be right nor too old. [`Ask::Sts`] is given to one caller, who reports by
    /// [`Memory::answered`].
    pub(crate) fn ask(&mut self, hash: Hash, key: &Hash, now: SystemTime) -> Ask {
        if let Some(Known::Refused(refusal, from)) = self.refused.get(&hash, now)
            && within(*from, super::proof::WINDOW * 2, now)
        {
            return Ask::Refused(refusal.clone());
        }
        match self.asked.iter().find_map(|asked| asked.get(&hash)) {
            Some(Known::Asked(at)) if within(*at, AGAIN, now) => return Ask::Wait,
            Some(Known::Refused(refusal, at)) if within(*at, STANDS, now) => return Ask::Refused(refusal.clone()),
            _ => {}
        }
        let is_known = self.is_known(key);
        let [of_others, of_known] = &mut self.asked;
        let asked = if is_known { of_known } else { of_others };
        if asked.len() >= ASKED_AT_ONCE {
            asked.retain(|_, known| match known {
                Known::Asked(at) => within(*at, AGAIN, now),
                Known::Refused(_, at) => within(*at, STANDS, now),
                Known::Passed(_) | Known::Credentials(_) => false,
            });
            let underway = asked.values().filter(|known| matches!(known, Known::Asked(_))).count();
            if underway >= ASKED_AT_ONCE {
                return Ask::Refused(Refusal::with(Kind::StsUnavailable, "it is being asked of too many proofs"));
            }
        }
        asked.insert(hash, Known::Asked(now));
        Ask::Sts
    }

    /// Whoever was to ask STS at that instant does not any more: the next may at once.
    pub(crate) fn given_up(&mut self, hash: &Hash, at: SystemTime) {
        for asked in &mut self.asked {
            if matches!(asked.get(hash), Some(Known::Asked(asked_at)) if *asked_at == at) {
                asked.remove(hash);
            }
        }
    }

    /// What STS said of a proof, or that it said nothing: remembered as long as it is so.
    pub(crate) fn answered(&mut self, hash: Hash, key: Hash, said: Result<Passed, Refusal>, now: SystemTime) {
        // The key may have become known meanwhile.
        self.asked.iter_mut().for_each(|asked| drop(asked.remove(&hash)));
        match said {
            Ok(passed) => {
                self.known_keys.insert(key, Known::Credentials(passed.listed), now);
                self.passed.insert(hash, Known::Passed(passed), now);
            }
            Err(refusal) if refusal.status() == 401 => self.refused.insert(hash, Known::Refused(refusal, now), now),
            Err(refusal) => {
                let is_known = self.is_known(&key);
                let [of_others, of_known] = &mut self.asked;
                let asked = if is_known { of_known } else { of_others };
                if asked.len() < MANY {
                    asked.insert(hash, Known::Refused(refusal, now));
                }
            }
        }
    }
}

/// The last of what was put in, at most twice [`MANY`]; and of each caller of the list its share of [`MANY`], for as long as it counts,
/// whatever others put in.
#[derive(Debug)]
struct Recent {
    young: Map,
    old: Map,
    callers: usize,
}

impl Recent {
    fn of(callers: usize) -> Self {
        Self { young: Map::default(), old: Map::default(), callers }
    }

    /// What is asked for is young again.
    fn get(&mut self, hash: &Hash, now: SystemTime) -> Option<&Known> {
        if let Some(value) = self.old.remove(hash) {
            self.insert(*hash, value, now);
        }
        self.young.get(hash)
    }

    fn insert(&mut self, hash: Hash, value: Known, now: SystemTime) {
        if self.young.len() >= MANY {
            let oldest = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.keep_shares(oldest, now);
        }
        self.young.insert(hash, value);
    }

    /// Keeps of the oldest what callers have less than their share without.
    fn keep_shares(&mut self, oldest: Map, now: SystemTime) {
        let share = (MANY / self.callers.max(1)).max(1);
        let mut had = vec![0; self.callers];
        for caller in self.old.values().filter_map(|known| known.of_caller(now)) {
            if let Some(had) = had.get_mut(caller) {
                *had += 1;
            }
        }
        for (hash, known) in oldest {
            let had = known.of_caller(now).and_then(|caller| had.get_mut(caller)).filter(|had| **had < share);
            if let Some(had) = had {
                *had += 1;
                self.old.insert(hash, known);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::caller::Via;

    fn hash(number: usize) -> Hash {
        let mut hash = [0; 32];
        hash.iter_mut().zip(number.to_le_bytes()).for_each(|(to, byte)| *to = byte);
        hash
    }

    fn passed(listed: usize, found_at: SystemTime, expires_at: SystemTime) -> Passed {
        let caller = Caller {
            name: "shop".to_owned(),
            account: None,
            arn: String::new(),
            role: None,
            session: None,
            organization: None,
            via: Via::Proof,
        };
        Passed { listed, caller: Arc::new(caller), found_at, expires_at, keys: None }
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let now = SystemTime::UNIX_EPOCH;
        let mut recent = Recent::of(0);
        let known = || Known::Asked(now);
        recent.insert(hash(0), known(), now);
        recent.insert(hash(1), known(), now);
        for number in 2..5 * MANY {
            recent.insert(hash(number), known(), now);
            assert!(recent.get(&hash(0), now).is_some());
            assert!(recent.young.len() + recent.old.len() <= 2 * MANY);
        }
        assert!(recent.get(&hash(1), now).is_none());
    }

    #[test]
    fn what_one_caller_puts_in_pushes_out_no_others_share() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let of = |listed, lives| Known::Passed(passed(listed, now, now + Duration::from_secs(lives)));
        let mut recent = Recent::of(4);
        for number in 0..MANY {
            recent.insert(hash(number), of(1, 300), now);
        }
        recent.insert(hash(MANY), of(2, 300), now);
        recent.insert(hash(MANY + 1), of(2, 10), now);
        recent.insert(hash(MANY + 2), Known::Credentials(3), now);
        let later = now + Duration::from_secs(10);
        for number in 2 * MANY..9 * MANY {
            recent.insert(hash(number), of(0, 300), later);
            assert!(recent.young.len() + recent.old.len() <= 3 * MANY);
        }
        let is_there = |number| recent.young.contains_key(&hash(number)) || recent.old.contains_key(&hash(number));
        assert!(is_there(MANY) && is_there(MANY + 2));
        // What has expired takes no place, and nobody keeps more than a share.
        assert!(!is_there(MANY + 1));
        assert_eq!((0..MANY).filter(|number| is_there(*number)).count(), MANY / 4);
    }

    #[test]
    fn garbage_takes_no_place_of_a_key_by_which_sts_has_stood() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let (known_key, other_key) = (hash(1_000_001), hash(1_000_002));
        let mut memory = Memory::new(0, 1);
        let passed = passed(0, now, now + Duration::from_secs(300));
        assert!(matches!(memory.ask(hash(0), &known_key, now), Ask::Sts));
        memory.answered(hash(0), known_key, Ok(passed), now);
        for number in 1..=ASKED_AT_ONCE {
            assert!(matches!(memory.ask(hash(number), &other_key, now), Ask::Sts));
        }
        assert!(matches!(memory.ask(hash(2000), &other_key, now), Ask::Refused(refusal) if refusal.status() == 503));
        // The caller's next proof finds a place, and others of its key up to the same bound.
        for number in 3000..3000 + ASKED_AT_ONCE {
            assert!(matches!(memory.ask(hash(number), &known_key, now), Ask::Sts));
        }
        assert!(matches!(memory.ask(hash(4000), &known_key, now), Ask::Refused(_)));
        // Somebody who asks for the same one waits, whichever line it is in; who gives up leaves a place.
        assert!(matches!(memory.ask(hash(1), &known_key, now), Ask::Wait));
        memory.given_up(&hash(3000), now);
        assert!(matches!(memory.ask(hash(4000), &known_key, now), Ask::Sts));
    }
}
