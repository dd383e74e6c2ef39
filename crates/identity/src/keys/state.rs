//! When an issuer's keys are fetched, and which of them count: a state machine with instants, without a clock.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{KeySet, PublicKey};
use crate::refusal::{Refusal, RefusalKind as Kind};

/// Keys are fetched anew after so long.
const FRESH: Duration = Duration::from_secs(3600);
/// Through an outage they are used so long.
const USABLE: Duration = Duration::from_secs(86_400);
/// Between two fetches, for whatever reason: who sends a thousand key ids that nobody knows causes one. A fetch that has not come back
/// after so long is taken for lost.
pub(crate) const AGAIN: Duration = Duration::from_secs(10);

/// The keys of one issuer.
#[derive(Debug, Default)]
pub(crate) struct IssuerKeys {
    had: Option<Had>,
    asked: Option<Asked>,
    /// Counts what was asked: a clock may be set back, and turns are not.
    turns: u64,
}

#[derive(Debug)]
struct Had {
    set: KeySet,
    /// Counts the sets that differed from the one before: what was found right with another set counts no more.
    generation: u64,
    /// When it was asked, since the issuer may have made it then, however late it came.
    fetched_at: SystemTime,
    turn: u64,
}

#[derive(Debug)]
struct Asked {
    at: SystemTime,
    turn: u64,
    outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    None,
    Fetched,
    /// For this reason, for the log.
    Failed(String),
}

/// What to do for a key.
#[derive(Debug)]
pub(crate) enum Look {
    /// Here it is, of this generation of the set.
    Key(Arc<PublicKey>, u64),
    /// Fetch the keys, and look again; early, while those that there are still serve.
    Fetch {
        is_early: bool,
        asks: Asks,
    },
    /// Somebody else is fetching them: look again when they are there.
    Wait,
    Refused(Refusal),
    /// They could not be had, for this reason.
    Unavailable(String),
}

/// Since when somebody gets what others wait for, and in which turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asks {
    pub(crate) at: SystemTime,
    pub(crate) turn: u64,
}

impl IssuerKeys {
    /// What there is of a key at `now`. [`Look::Fetch`] is given to one caller at a time, who reports by [`IssuerKeys::fetched`].
    /// A key of the generation by which a signature was wrong is as good as none: an issuer may have put another one under its id.
    pub(crate) fn look(&mut self, key_id: &str, wrong_by: Option<u64>, now: SystemTime) -> Look {
        let asked = self.asked.as_ref().filter(|asked| within(asked.at, AGAIN, now)).map(|asked| &asked.outcome);
        let is_asked = asked.is_some();
        let is_underway = asked == Some(&Outcome::None);
        let failed = match asked {
            Some(Outcome::Failed(why)) => Some(why.as_str()),
            _ => None,
        };
        let usable = self.usable(now).filter(|had| wrong_by != Some(had.generation));
        let key = usable.and_then(|had| Some((had.set.get(key_id)?.cloned(), had)));
        match key {
            // One fetches; the others go on with what there is.
            Some((_, had)) if !is_asked && !within(had.fetched_at, FRESH, now) => self.ask(true, now),
            Some((Some(key), had)) => Look::Key(key, had.generation),
            Some((None, _)) => Look::Refused(Refusal::about(Kind::KeyRefused, key_id)),
            None if is_underway => Look::Wait,
            None if !is_asked => self.ask(false, now),
            // It may be a new one, which the fetch would have brought.
            None if failed.is_some() || self.usable(now).is_none() => {
                Look::Unavailable(failed.unwrap_or_default().to_owned())
            }
            None if wrong_by.is_some() => Look::Refused(Refusal::new(Kind::SignatureWrong)),
            None => Look::Refused(Refusal::about(Kind::KeyUnknown, key_id)),
        }
    }

    /// Whether what was found right with the set of a generation is so still, and nobody has to fetch another first.
    pub(crate) fn stands(&self, generation: u64, now: SystemTime) -> bool {
        let is_asked = self.asked.as_ref().is_some_and(|asked| within(asked.at, AGAIN, now));
        self.usable(now)
            .is_some_and(|had| had.generation == generation && (is_asked || within(had.fetched_at, FRESH, now)))
    }

    /// What a fetch brought at `now`: a set, or why there is none. A set replaces the whole one before it. One that was asked earlier than
    /// the set at hand, and comes later, is older, and is dropped.
    pub(crate) fn fetched(&mut self, set: Result<KeySet, String>, asks: Asks, now: SystemTime) {
        let (outcome, set) = match set {
            Ok(set) => (Outcome::Fetched, Some(set)),
            Err(why) => (Outcome::Failed(why), None),
        };
        // Whoever asked in a later turn is at it still.
        if self.turns == asks.turn {
            self.asked = Some(Asked { at: now, turn: asks.turn, outcome });
        }
        let before = self.had.as_ref();
        if let Some(set) = set
            && before.is_none_or(|had| had.turn < asks.turn)
        {
            let is_same = before.is_some_and(|had| had.set == set);
            let generation = before.map_or(0, |had| had.generation + u64::from(!is_same));
            self.had = Some(Had { set, generation, fetched_at: asks.at, turn: asks.turn });
        }
    }

    /// Whoever was to fetch in that turn does not any more: the next may at once.
    pub(crate) fn given_up(&mut self, asks: Asks) {
        self.asked = self.asked.take().filter(|asked| asked.turn != asks.turn || asked.outcome != Outcome::None);
    }

    fn usable(&self, now: SystemTime) -> Option<&Had> {
        self.had.as_ref().filter(|had| within(had.fetched_at, USABLE, now))
    }

    fn ask(&mut self, is_early: bool, now: SystemTime) -> Look {
        self.turns += 1;
        let asks = Asks { at: now, turn: self.turns };
        self.asked = Some(Asked { at: now, turn: self.turns, outcome: Outcome::None });
        Look::Fetch { is_early, asks }
    }
}

/// Whether `now` is within so long from an instant on. A clock that is set back ends it too; but who read it a moment ago, and comes
/// when another has written a later instant, is no such clock.
pub(crate) fn within(from: SystemTime, length: Duration, now: SystemTime) -> bool {
    const MOMENT: Duration = Duration::from_secs(60);
    now.duration_since(from).map_or_else(|ahead| ahead.duration() < MOMENT, |age| age < length)
}
