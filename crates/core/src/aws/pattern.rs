//! Texts with IAM's wildcards, `*` for any characters and `?` for one, and the roles that they name.

use std::fmt;

use super::name::{RoleName, is_name_character};

/// Whether a text fits a pattern, as `StringLike` has it. A text that is a pattern itself fits if all do that fit that one: to this
/// one a `*` is no character of any name, so only a `*` stands for it.
///
/// Goes back to the last `*` only, so hostile patterns cost at most length times length.
#[must_use]
pub fn is_like(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when the last `*` takes one character more.
    let mut retry = None;
    loop {
        let (mut after, mut rest) = (pattern.clone(), text.clone());
        match (after.next(), rest.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                retry = Some((after.clone(), text.clone()));
                pattern = after;
            }
            (Some(one), Some(c)) if one == c || (one == '?' && c != '*') => (pattern, text) = (after, rest),
            _ => {
                let Some((after_star, taken)) = &mut retry else { return false };
                if taken.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), taken.clone());
            }
        }
    }
}

/// Whether some text fits both patterns, with `*` for any characters and `?` for one.
#[must_use]
pub fn may_be_same(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Whether what is left of `one`, from its end, and what is left of `other` from each place may be the same.
    let mut below: Vec<bool> = Vec::new();
    for at in (0..=one.len()).rev() {
        let mine = one.get(at);
        let mut row = vec![false; other.len().saturating_add(1)];
        for place in (0..=other.len()).rev() {
            let theirs = other.get(place);
            let right = || row.get(place.saturating_add(1)).copied().unwrap_or_default();
            let under = |place: usize| below.get(place).copied().unwrap_or_default();
            let is_so = match (mine, theirs) {
                (None, None) => true,
                // A star is of nothing, or of what the other has next.
                (Some('*'), _) => under(place) || (theirs.is_some() && right()),
                (_, Some('*')) => right() || (mine.is_some() && under(place)),
                (Some(a), Some(b)) => (a == b || *a == '?' || *b == '?') && under(place.saturating_add(1)),
                (None, Some(_)) | (Some(_), None) => false,
            };
            if let Some(cell) = row.get_mut(place) {
                *cell = is_so;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or_default()
}

/// Which role of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhichRole {
    /// This one.
    Named(RoleName),
    /// Those whose names fit.
    Like(RolePattern),
    /// Every role, and every other principal of the account.
    Every,
}

impl WhichRole {
    /// Reads `Name`, `path/Name`, `path/Name*` or `*`; `None` where no role could have such a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "*" => Some(Self::Every),
            _ if text.contains('*') => RolePattern::parse(text).map(Self::Like),
            _ => RoleName::parse(text).map(Self::Named),
        }
    }

    /// Whether a role is one of these, or could be where its path is not known.
    #[must_use]
    pub fn fits(&self, path: Option<&str>, name: &str) -> bool {
        match self {
            Self::Named(own) => own.name() == name && path.is_none_or(|path| path == own.path()),
            Self::Like(pattern) => pattern.fits(path, name),
            Self::Every => true,
        }
    }
}

/// The names of roles of one path, with `*` for any characters: what IAM Identity Center calls the roles of a permission set
/// ends in characters that nobody chooses
/// ([referencing permission sets](https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html)).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RolePattern(RoleName);

impl RolePattern {
    /// Reads `Name*` or `path/Name*`; `None` where no role could have such a name, and for `*` alone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Whatever stands for the characters, the name is a role's. A path has no pattern.
        let role = RoleName::parse(&text.replace('*', "_"))?;
        let (path, name) = text.rsplit_once('/').unwrap_or(("", text));
        let is_pattern = name.contains('*') && !path.contains('*') && name.chars().any(is_name_character);
        is_pattern.then(|| Self(role.called(name)))
    }

    /// The path, with a slash at both ends.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The name, with `*`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The ARN, with `*`.
    #[must_use]
    pub fn arn(&self, partition: &str, account: &str) -> String {
        self.0.arn(partition, account)
    }

    /// Whether a role's name fits, and its path where that is known.
    #[must_use]
    pub fn fits(&self, path: Option<&str>, name: &str) -> bool {
        path.is_none_or(|path| path == self.path()) && is_like(self.name(), name)
    }

    /// Whether all roles that fit the other fit this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.fits(Some(other.path()), other.name())
    }

    /// Whether there may be a role that fits both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.path() == other.path() && may_be_same(self.name(), other.name())
    }
}

impl fmt::Display for RolePattern {
    /// Writes what [`RolePattern::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test panics to fail")]
mod tests {
    use super::{RolePattern, WhichRole, is_like, may_be_same};

    #[test]
    fn a_pattern_is_of_one_path_and_could_be_a_name() {
        let fits = |pattern: &str, path: Option<&str>, name: &str| WhichRole::parse(pattern).unwrap().fits(path, name);
        assert!(fits("team/Ba*", Some("/team/"), "Batch") && fits("team/Ba*", None, "Ba"));
        assert!(!fits("team/Ba*", Some("/"), "Batch") && !fits("team/Ba*", Some("/team/x/"), "Batch"));
        assert!(fits("team/Bar", None, "Bar") && !fits("team/Bar", Some("/"), "Bar") && !fits("Bar", None, "bar"));
        assert!(fits("*", Some("/x/"), "Bar"));
        for none in ["**", "te*m/Bar", "/Ba*", "team//Ba*", "Ba r*", "", "?*"] {
            assert_eq!(RolePattern::parse(none), None, "{none}");
            assert_eq!(WhichRole::parse(none), None, "{none}");
        }
        assert_eq!(RolePattern::parse("Bar"), None);
    }

    #[test]
    fn two_patterns_may_be_of_one_text() {
        for (one, other, are) in [
            ("shop", "shop", true),
            ("shop", "Shop", false),
            ("shop-*", "shop-1", true),
            ("shop-*", "mall-*", false),
            ("shop-*", "*-1", true),
            ("shop-*", "*", true),
            ("a*b", "a*c", false),
            ("a*b", "*bb", true),
            ("a?c", "abc", true),
            ("a?c", "ab", false),
            ("a?", "?b", true),
            ("*a*", "*b*", true),
            ("a*", "a", true),
            ("a**", "a", true),
            ("?*", "*?", true),
            ("x?z", "xéz", true),
        ] {
            assert_eq!(may_be_same(one, other), are, "{one} {other}");
            assert_eq!(may_be_same(other, one), are, "{other} {one}");
        }
    }

    #[test]
    fn patterns_are_those_of_string_like() {
        for (pattern, text, is) in [
            ("shop", "shop", true),
            ("shop", "Shop", false),
            ("shop-*", "shop-", true),
            ("shop-*", "shop-1", true),
            ("shop-*", "ashop-1", false),
            ("*-shop", "a-shop-shop", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "aXbXbYc", true),
            ("a*b*c", "aXbXbY", false),
            ("", "a", false),
            ("x?z", "xéz", true),
            ("a*", "a*b", true),
            ("a*b", "a*", false),
            ("a?", "a?", true),
            ("a?", "a*", false),
            ("?", "*", false),
        ] {
            assert_eq!(is_like(pattern, text), is, "{pattern} {text}");
        }
    }
}
