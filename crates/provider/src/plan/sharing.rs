//! Which callers share a role: the first role of a stage until its trust policy is full, then the next.

use std::collections::{BTreeMap, BTreeSet};

use super::trust::{self, Part, Terms};
use crate::manifest::{Access, Caller, Lock, Manifest, Stage};

/// Callers by stage, sorted by name.
pub(crate) type ByStage<'m> = BTreeMap<&'m str, Vec<&'m Caller>>;

/// Which of a stage's shared roles each caller has.
///
/// Callers stay where the lock file has them as long as they fit there. The others, in the order of their names, go to
/// the first role with room for them. So adding a caller moves no other, and the room that one leaves is used again.
#[derive(Debug, Clone)]
pub struct Plan<'m> {
    pub(crate) manifest: &'m Manifest,
    /// By stage and number of the role, the callers sorted by name.
    pub(crate) shared: BTreeMap<&'m str, BTreeMap<u32, Vec<&'m Caller>>>,
    /// By stage, the callers with routes of their own, sorted by name.
    pub(crate) own: ByStage<'m>,
    /// By stage with direct access, its callers, sorted by name.
    pub(super) direct: ByStage<'m>,
    /// By what a resource policy hangs on, the stages whose callers it names, sorted: they share it.
    pub(super) policies: BTreeMap<String, Vec<&'m Stage>>,
    /// The stages of each API, sorted, by what tells it from others: whoever may call one may call all.
    pub(super) apis: BTreeMap<String, Vec<&'m Stage>>,
    /// What a caller that the lock file knows got instead.
    moved: Vec<Move>,
    pub(super) lock: Lock,
    /// What callers have to be told.
    pub(super) role_changes: Vec<RoleChange>,
    /// Whether the lock file that was given says the same.
    pub(crate) is_recorded: bool,
}

/// A caller that no longer fits into the role that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move {
    /// The caller's name.
    pub caller: String,
    /// The stage's name.
    pub stage: String,
    /// The number of the role that it had.
    pub from: u32,
    /// The number of the role that it gets.
    pub to: u32,
}

/// A caller whose role has another ARN than the lock file says it has been told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleChange {
    /// The caller's name.
    pub caller: String,
    /// The stage's name.
    pub stage: String,
    /// The ARN that it had.
    pub from: String,
    /// The ARN that it gets.
    pub to: String,
}

impl Manifest {
    /// Gives each caller a role; nobody has been told anything yet.
    pub(super) fn share(&self, lock: &Lock) -> Plan<'_> {
        let mut shared = BTreeMap::new();
        let mut moved = Vec::new();
        let mut new_lock = Lock::default();
        let (mut sharing, mut own, mut direct) = (ByStage::new(), ByStage::new(), ByStage::new());
        let mut policies: BTreeMap<String, Vec<&Stage>> = BTreeMap::new();
        let mut apis: BTreeMap<String, Vec<&Stage>> = BTreeMap::new();
        for stage in self.stages.values() {
            apis.entry(stage.target.identity()).or_default().push(stage);
            if let Some(place) = stage.target.policy_place().filter(|_| stage.needs_resource_policy()) {
                policies.entry(place).or_default().push(stage);
            }
        }
        for caller in self.callers.values() {
            for stage in caller.stages() {
                let by_stage = match (self.stages.get(stage).map(|stage| stage.access), &caller.routes) {
                    (Some(Access::Direct), _) => &mut direct,
                    // A server lets them in by what they show it.
                    (Some(Access::Identity), _) => continue,
                    (_, None) => &mut sharing,
                    (_, Some(_)) => &mut own,
                };
                by_stage.entry(stage).or_default().push(caller);
            }
        }
        for stage in self.stages.keys() {
            let mut shelves = Shelves::new(stage, self.api.partition(), self.api.role_trust_policy_length);
            let mut rest = Vec::new();
            for caller in sharing.remove(stage.as_str()).unwrap_or_default() {
                match lock.number(stage, &caller.name) {
                    Some(number) if shelves.put(caller, number) => {}
                    recorded => rest.push((caller, recorded)),
                }
            }
            let callers: Vec<&Caller> = rest.iter().map(|(caller, _)| *caller).collect();
            for ((caller, recorded), number) in rest.into_iter().zip(shelves.put_anywhere(&callers)) {
                if let Some(from) = recorded {
                    let (caller, stage) = (caller.name.clone(), stage.clone());
                    moved.push(Move { caller, stage, from, to: number });
                }
            }
            let roles = shelves.into_callers();
            for (number, callers) in &roles {
                for caller in callers {
                    new_lock.record(stage, &caller.name, *number);
                }
            }
            shared.insert(stage.as_str(), roles);
        }
        let (lock, role_changes) = (new_lock, Vec::new());
        Plan { manifest: self, shared, own, direct, policies, apis, moved, lock, role_changes, is_recorded: false }
    }
}

impl Plan<'_> {
    /// Notes whether the lock file that was given says what this one has to say.
    pub(super) fn compare_with(&mut self, before: &Lock) {
        let has_several = self.shared.values().any(|roles| roles.keys().any(|number| *number > 1));
        self.is_recorded = before.says_what(&self.lock) || (!has_several && *before == Lock::default());
    }

    /// What the lock file should say.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Callers that no longer fit into the role that they had, because their conditions or the quota changed: they have
    /// to be told their new role. Adding a caller moves none.
    #[must_use]
    pub fn moved(&self) -> &[Move] {
        &self.moved
    }
}

/// One role's trust policy as it fills up.
struct Shelf<'m> {
    callers: Vec<&'m Caller>,
    terms: BTreeSet<Terms<'m>>,
    /// The policy's size or a little more.
    at_most: usize,
    is_exact: bool,
}

/// What a caller adds to a policy, in characters.
struct Measure<'m> {
    parts: Vec<Part<'m>>,
    /// Its policy if it has the role for itself.
    alone: usize,
}

impl<'m> Measure<'m> {
    fn terms(&self) -> impl Iterator<Item = Terms<'m>> {
        self.parts.iter().map(|part| part.terms)
    }

    /// At least and at most, beside statements of these terms.
    fn beside(&self, there: &BTreeSet<Terms<'m>>) -> (usize, usize) {
        let each = self.parts.iter().map(|part| match there.contains(&part.terms) {
            true => (part.least, part.most),
            false => (part.own, part.own),
        });
        each.fold((0, 0), |(least, most), (l, m)| (least.saturating_add(l), most.saturating_add(m)))
    }

    /// At least, whatever is there.
    fn least(&self) -> usize {
        self.parts.iter().map(|part| part.least.min(part.own)).fold(0, usize::saturating_add)
    }
}

struct Shelves<'m> {
    stage: &'m str,
    partition: &'static str,
    limit: usize,
    by_number: BTreeMap<u32, Shelf<'m>>,
    /// The terms of all roles together.
    terms: BTreeSet<Terms<'m>>,
}

impl<'m> Shelves<'m> {
    fn new(stage: &'m str, partition: &'static str, limit: usize) -> Self {
        Self { stage, partition, limit, by_number: BTreeMap::new(), terms: BTreeSet::new() }
    }

    fn into_callers(self) -> BTreeMap<u32, Vec<&'m Caller>> {
        let sorted = |mut shelf: Shelf<'m>| {
            shelf.callers.sort_by(|a, b| a.name.cmp(&b.name));
            shelf.callers
        };
        self.by_number.into_iter().map(|(number, shelf)| (number, sorted(shelf))).collect()
    }

    fn measure(&self, caller: &'m Caller) -> Measure<'m> {
        let alone = trust::policy(&[caller], self.stage, self.partition).characters();
        Measure { parts: trust::parts(caller, self.stage, self.partition), alone }
    }

    /// Puts the caller into this role if it fits. The first one always does: alone it fits nowhere better.
    fn put(&mut self, caller: &'m Caller, number: u32) -> bool {
        let measure = self.measure(caller);
        self.terms.extend(measure.terms());
        match self.by_number.get_mut(&number) {
            Some(shelf) => shelf.put(caller, &measure, self.stage, self.partition, self.limit),
            None => {
                self.by_number.insert(number, Shelf::new(caller, &measure));
                true
            }
        }
    }

    /// Puts each caller into the first role with room for it, in their order, and says which.
    fn put_anywhere(&mut self, callers: &[&'m Caller]) -> Vec<u32> {
        let measures: Vec<_> = callers.iter().map(|caller| self.measure(caller)).collect();
        // No caller takes less: a role without that much room is not looked at again.
        let smallest = measures.iter().map(Measure::least).min().unwrap_or_default();
        let mut with_room: BTreeSet<u32> = self.by_number.keys().copied().collect();
        let mut unused = 1;
        let mut numbers = Vec::new();
        for (caller, measure) in callers.iter().zip(measures) {
            let (least, _) = measure.beside(&self.terms);
            self.terms.extend(measure.terms());
            while self.by_number.contains_key(&unused) {
                unused = unused.saturating_add(1);
            }
            let (mut found, mut full) = (None, Vec::new());
            for number in with_room.range(..unused) {
                let Some(shelf) = self.by_number.get_mut(number) else { continue };
                // Most roles are full, which two numbers tell.
                let is_full = shelf.is_exact && shelf.at_most.saturating_add(least) > self.limit;
                if !is_full && shelf.put(caller, &measure, self.stage, self.partition, self.limit) {
                    found = Some(*number);
                    break;
                }
                if shelf.is_exact && shelf.at_most.saturating_add(smallest) > self.limit {
                    full.push(*number);
                }
            }
            for number in full {
                with_room.remove(&number);
            }
            numbers.push(found.unwrap_or_else(|| {
                self.by_number.insert(unused, Shelf::new(caller, &measure));
                with_room.insert(unused);
                unused
            }));
        }
        numbers
    }
}

impl<'m> Shelf<'m> {
    fn new(caller: &'m Caller, measure: &Measure<'m>) -> Self {
        Self { callers: vec![caller], terms: measure.terms().collect(), at_most: measure.alone, is_exact: true }
    }

    fn put(&mut self, caller: &'m Caller, measure: &Measure<'m>, stage: &str, partition: &str, limit: usize) -> bool {
        let (least, most) = measure.beside(&self.terms);
        // Close to the limit, the policy itself is measured, once for all callers to come.
        if !self.is_exact && self.at_most.saturating_add(most) > limit {
            self.at_most = trust::policy(&self.callers, stage, partition).characters();
            self.is_exact = true;
        }
        if self.at_most.saturating_add(least) > limit {
            return false;
        }
        self.callers.push(caller);
        if self.at_most.saturating_add(most) <= limit {
            self.at_most = self.at_most.saturating_add(most);
            self.is_exact &= least == most;
        } else {
            let size = trust::policy(&self.callers, stage, partition).characters();
            if size > limit {
                self.callers.pop();
                return false;
            }
            self.at_most = size;
        }
        self.terms.extend(measure.terms());
        true
    }
}
