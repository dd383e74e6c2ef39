//! Who may be asked for on which stage.

use std::collections::BTreeSet;

use xacct_sign_provider::names_there_are;

use crate::emulator::Emulator;
use crate::iam::callers::CallerAccess;

/// Why nobody is that caller on that stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoAccess {
    /// The manifest has no such stage.
    #[error("the manifest has no stage `{name}`; {}", names_there_are(name, known))]
    UnknownStage {
        /// What was asked for.
        name: String,
        /// The stages that there are.
        known: Vec<String>,
    },
    /// The manifest has no such caller.
    #[error("the manifest has no caller `{name}`; {}", names_there_are(name, known))]
    UnknownCaller {
        /// What was asked for.
        name: String,
        /// The callers that there are.
        known: Vec<String>,
    },
    /// The caller is not on that stage.
    #[error("the caller `{caller}` is not on the stage `{stage}`; it is on {}", known.join(", "))]
    NotOnStage {
        /// The caller.
        caller: String,
        /// The stage that was asked for.
        stage: String,
        /// The stages that it is on.
        known: Vec<String>,
    },
}

impl NoAccess {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownStage { .. } => "unknown_stage",
            Self::UnknownCaller { .. } => "unknown_caller",
            Self::NotOnStage { .. } => "caller_not_on_stage",
        }
    }

    /// What to do about it, in the manifest.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnknownStage { .. } => "give the name of a table `[stages.NAME]` of the manifest",
            Self::UnknownCaller { .. } => "give the name of a table `[callers.NAME]` of the manifest",
            Self::NotOnStage { .. } => "give one of these, or add the stage to `roles` or `stages` of the caller",
        }
    }
}

impl Emulator {
    /// That there is such a stage.
    ///
    /// # Errors
    ///
    /// [`NoAccess::UnknownStage`].
    pub fn check_stage(&self, stage: &str) -> Result<(), NoAccess> {
        let names = self.stage_names();
        if names.contains(stage) {
            return Ok(());
        }
        let known = names.into_iter().map(str::to_owned).collect();
        Err(NoAccess::UnknownStage { name: stage.to_owned(), known })
    }

    /// The role of a caller that may assume one of this stage, call it directly, or show it who it is; the first, if it has several.
    ///
    /// # Errors
    ///
    /// [`NoAccess`], which names what there is instead.
    pub fn access(&self, caller: &str, stage: &str) -> Result<&CallerAccess, NoAccess> {
        self.check_stage(stage)?;
        let mut roles = self.callers().iter().filter(|access| access.caller == caller).peekable();
        if roles.peek().is_none() {
            let known: BTreeSet<&String> = self.callers().iter().map(|access| &access.caller).collect();
            let known = known.into_iter().cloned().collect();
            return Err(NoAccess::UnknownCaller { name: caller.to_owned(), known });
        }
        if let Some(access) = roles.clone().find(|access| access.is_on(stage)) {
            return Ok(access);
        }
        let known: BTreeSet<&String> = roles.flat_map(CallerAccess::stages).collect();
        let known = known.into_iter().cloned().collect();
        Err(NoAccess::NotOnStage { caller: caller.to_owned(), stage: stage.to_owned(), known })
    }
}
