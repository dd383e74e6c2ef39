//! The lock file beside the manifest, `xacct.lock.toml`: which of a stage's shared roles each caller has, and which role it
//! has been told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::error::{ManifestError, ManifestErrorKind as Kind};
use super::names;

/// The version of the lock file's format.
const VERSION: i64 = 1;

/// The highest number of a role: an account has 1,000 roles, and 10,000 where AWS has raised the quota.
const MAX_NUMBER: i64 = 10_000;

/// Which of a stage's shared roles each caller has: 1 is the role without a number in its name.
///
/// The default is an empty one, as if there were no lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// Numbers by stage and caller.
    stages: BTreeMap<String, BTreeMap<String, u32>>,
    /// By stage and caller.
    told: BTreeMap<String, BTreeMap<String, Told>>,
}

/// What a caller has been told: its role on an API. Stages and callers may be renamed, the API and the principal stay.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    /// The API's id and its stage in API Gateway, `f6g7h8i9j0/$default`; or a function with its alias, `function:orders:live`; or
    /// the audience of a server, `server:https://api.example.com`.
    pub(crate) api: String,
    /// The ARN of the caller's role, or the id of its organization; of several roles their ARNs, parted by commas.
    pub(crate) caller: String,
    /// The ARN of the provider's role; `direct` where it assumes none, `identity` at a server.
    pub(crate) role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: Spanned<i64>,
    #[serde(default)]
    stages: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<i64>>>,
    #[serde(default)]
    told: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<Told>>>,
}

impl Lock {
    /// Reads a lock file. `file_name` is for messages only.
    ///
    /// # Errors
    ///
    /// [`ManifestErrorKind::InvalidLock`](crate::ManifestErrorKind::InvalidLock) for everything that
    /// [`Lock::to_toml`] does not write.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, ManifestError> {
        let error = |at: usize, message: String| {
            let before = text.get(..at).unwrap_or(text);
            let line = before.matches('\n').count().saturating_add(1);
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
            ManifestError::new(Kind::InvalidLock, file_name, (line, column), message)
        };
        let raw: Raw = toml::from_str(text).map_err(|source| {
            let message = match DeTable::parse(text) {
                Err(syntax) => syntax.message().split_whitespace().collect::<Vec<_>>().join(" "),
                Ok(table) if !table.get_ref().contains_key("version") => "it has no `version`".to_owned(),
                Ok(_) => "this is not what stands in a lock file".to_owned(),
            };
            error(source.span().map_or(0, |span| span.start), message)
        })?;
        if *raw.version.get_ref() != VERSION {
            let message = format!("version `{}` of the lock file is not {VERSION}", raw.version.get_ref());
            return Err(error(raw.version.span().start, message));
        }
        let mut lock = Self::default();
        let check_names = |stage: &Spanned<String>, caller: &Spanned<String>| {
            let wrong = [stage, caller].into_iter().find(|name| !names::is_label(name.get_ref()));
            wrong.map_or(Ok(()), |name| {
                let message = format!("`{}` is not a name of a stage or a caller", name.get_ref());
                Err(error(name.span().start, message))
            })
        };
        for (stage, callers) in raw.told {
            for (caller, told) in callers {
                check_names(&stage, &caller)?;
                let Told { api, caller: principal, role } = told.get_ref();
                if [api, principal, role].into_iter().any(|text| !is_plain(text)) {
                    let message = format!("what caller `{}` has been told is not an API and ARNs", caller.get_ref());
                    return Err(error(told.span().start, message));
                }
                lock.record_told(stage.get_ref(), caller.get_ref(), told.into_inner());
            }
        }
        for (stage, callers) in raw.stages {
            for (caller, number) in callers {
                check_names(&stage, &caller)?;
                let value = u32::try_from(*number.get_ref()).ok().filter(|n| (1..=MAX_NUMBER).contains(&i64::from(*n)));
                let Some(value) = value else {
                    let message = format!("`{}` is not the number of a role", number.get_ref());
                    return Err(error(number.span().start, message));
                };
                lock.record(stage.get_ref(), caller.get_ref(), value);
            }
        }
        Ok(lock)
    }

    /// The lock file's text: the same lock gives the same bytes.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = format!(
            "# Written by `xacct-sign render`; commit it beside the manifest.\n# Which role each caller has been told, so that a change of it is said; and which of a stage's shared roles each\n# caller has, so that adding a caller moves no other.\nversion = {VERSION}\n"
        );
        for (stage, callers) in &self.told {
            let _ = writeln!(text, "\n[told.{stage}]");
            for (name, Told { api, caller, role }) in callers {
                // INVARIANT: none of the three holds what a text of TOML would have to escape.
                let _ = writeln!(text, "{name} = {{ api = \"{api}\", caller = \"{caller}\", role = \"{role}\" }}");
            }
        }
        for (stage, callers) in &self.stages {
            // Names are bare keys of TOML: letters, digits, `-` and `_`.
            let _ = writeln!(text, "\n[stages.{stage}]");
            for (caller, number) in callers {
                let _ = writeln!(text, "{caller} = {number}");
            }
        }
        text
    }

    /// The number of the caller's role on the stage, if it is recorded.
    #[must_use]
    pub fn number(&self, stage: &str, caller: &str) -> Option<u32> {
        self.stages.get(stage)?.get(caller).copied()
    }

    /// What each caller has been told, by stage and caller.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&str, &str, &Told)> {
        self.told.iter().flat_map(|(stage, callers)| {
            callers.iter().map(move |(caller, told)| (stage.as_str(), caller.as_str(), told))
        })
    }

    /// Whether it is as good as the other: it has the same numbers, and if it knows what callers have been told, the same.
    pub(crate) fn says_what(&self, other: &Self) -> bool {
        self.stages == other.stages && (self.told.is_empty() || self.told == other.told)
    }

    pub(crate) fn record_told(&mut self, stage: &str, caller: &str, told: Told) {
        self.told.entry(stage.to_owned()).or_default().insert(caller.to_owned(), told);
    }

    pub(crate) fn record(&mut self, stage: &str, caller: &str, number: u32) {
        self.stages.entry(stage.to_owned()).or_default().insert(caller.to_owned(), number);
    }
}

/// Whether a text is of the characters that ARNs and the names of API stages have.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
}
