//! What callers are found by: one sorted list, because a map of each kind is code of its own, which the WebAssembly module and the wheel
//! would have to carry.

/// By what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    /// The caller's own name.
    Name,
    /// Account and name of a role, whose place in the list of roles it gives.
    Role,
    /// The account, for patterns of role names, whose places it gives.
    Pattern,
    /// The account, all of whose roles are the caller.
    Account,
    Organization,
    /// The provider's role that the caller assumes: several may.
    ProviderRole,
}

impl By {
    /// Whether two callers may be found by the same.
    fn is_shared(self) -> bool {
        matches!(self, Self::Pattern | Self::ProviderRole)
    }
}

/// Sorted once all are in.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(Vec<(By, String, usize)>);

impl Index {
    pub(super) fn add(&mut self, by: By, key: impl Into<String>, at: usize) {
        self.0.push((by, key.into(), at));
    }

    /// Ends the filling; gives what two have that may be one's alone.
    pub(super) fn sorted(&mut self) -> Option<(By, &str)> {
        self.0.sort_unstable();
        let same = self
            .0
            .array_windows()
            .find(|[(by, key, _), (other, same, _)]| by == other && key == same && !by.is_shared());
        same.map(|[(by, key, _), _]| (*by, key.as_str()))
    }

    /// What is found, in the order of the list.
    pub(super) fn all(&self, by: By, key: &str) -> impl Iterator<Item = usize> {
        let from = self.0.partition_point(|(other, text, _)| (*other, text.as_str()) < (by, key));
        let rest = self.0.get(from..).unwrap_or_default().iter();
        rest.take_while(move |(other, text, _)| *other == by && text == key).map(|(_, _, at)| *at)
    }
}
