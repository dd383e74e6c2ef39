//! `callers.json`: everything that a verifier needs to know, and no secret.

mod error;
mod index;
mod read;

use std::time::Duration;

use xacct_sign::aws::{RoleName, RolePattern, is_like};
use xacct_sign::{Error, ErrorKind};

use crate::caller::Via;
use crate::callers::index::{By, Index};
use crate::refusal::{Refusal, RefusalKind};
use crate::route::Route;

pub use error::{CallersError, CallersErrorKind};

/// The JSON Schema of `callers.json`, for editors and other tools. [`Callers::parse`] knows more.
pub const CALLERS_SCHEMA: &str = include_str!("callers/schema.json");

/// Who may call one stage, and how they are known: `callers.json`, read and checked.
///
/// ```
/// use xacct_sign_identity::{Callers, Development};
///
/// let text = r#"{
///   "version": 1, "stage": "prod", "target": "server", "partition": "aws",
///   "audience": "https://api.example.com", "algorithm": "ES384", "max_duration_seconds": 3600,
///   "regions": ["ap-northeast-1"],
///   "callers": [{
///     "name": "shop", "account": "000000000000", "role": "LambdaRoleProd",
///     "issuer": "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
///   }]
/// }"#;
/// let callers = Callers::parse(text.as_bytes(), Development::No)?;
/// assert_eq!(callers.stage(), "prod");
/// # Ok::<(), xacct_sign_identity::CallersError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Callers {
    stage: String,
    partition: &'static str,
    front: Front,
    callers: Vec<Listed>,
    roles: Vec<(RoleName, usize)>,
    patterns: Vec<(RolePattern, usize)>,
    found_by: Index,
}

/// Whether a verifier is one for development, which may take issuers on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Development {
    /// It stands where callers are real.
    No,
    /// It takes whatever the emulator says: whoever reaches that is anybody.
    Yes,
}

/// What stands in front, and so what is trusted.
#[derive(Debug, Clone)]
pub(crate) enum Front {
    /// Nothing that says who calls: a token or a proof does.
    Server(Identity),
    /// A front that authorizes by IAM, and says in its event who calls.
    Event {
        via: Via,
        /// Of the provider's roles; `None` where callers come as their own.
        provider_account: Option<String>,
    },
}

/// What tokens and proofs have to be.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) audience: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) max_duration: Duration,
    pub(crate) regions: Vec<String>,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) is_development: bool,
}

/// An issuer, and the one account that it speaks for.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) account: String,
}

/// The algorithms of `sts:GetWebIdentityToken`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA on P-384 with SHA-384 (RFC 7518, section 3.4).
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, section 3.3).
    Rs256,
}

impl Algorithm {
    /// As tokens and the manifest name it: `ES384`, `RS256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
        }
    }
}

/// One caller of the list.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) account: Option<String>,
    /// The name of the caller's role, where it has one alone and that is no pattern.
    pub(crate) role: Option<String>,
    pub(crate) session_names: Vec<String>,
    pub(crate) routes: Option<Vec<Route>>,
}

/// What is known of the path of a role that calls.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RolePath<'p> {
    /// Its ARN is a role's, and has it.
    Said(&'p str),
    /// Its ARN is a session's, which has none; but the front has let in by policies alone, which name roles with their paths.
    ByFront,
    /// Its ARN is a session's, and nobody has looked.
    Unknown,
}

impl RolePath<'_> {
    fn said(&self) -> Option<&str> {
        match self {
            Self::Said(said) => Some(said),
            Self::ByFront | Self::Unknown => None,
        }
    }
}

impl Callers {
    /// Reads `callers.json`. A configuration that is wrong cannot be had.
    ///
    /// # Errors
    ///
    /// [`CallersError`], whose code says what is wrong; [`CallersErrorKind::DevelopmentOnly`] for one with `dev_issuers`, unless it
    /// is for development.
    pub fn parse(text: &[u8], development: Development) -> Result<Self, CallersError> {
        read::callers(text, development)
    }

    /// The stage's name in the manifest.
    #[must_use]
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// The callers' names, in the order of the list.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.callers.iter().map(|caller| caller.name.as_str())
    }

    /// Whether it takes issuers on this machine: whoever starts a server with it says so in its log.
    #[must_use]
    pub fn is_development(&self) -> bool {
        matches!(&self.front, Front::Server(identity) if identity.is_development)
    }

    /// That its callers come by the header of a request, which is asked where middleware is made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`] of another target than `server`: its callers come by events.
    pub fn check_takes_headers(&self) -> Result<(), Error> {
        if matches!(self.front, Front::Server(_)) {
            return Ok(());
        }
        let refusal = Refusal::new(RefusalKind::NotTakenHere);
        let error = Error::new(ErrorKind::InvalidOption, refusal.to_string());
        Err(error.with_hint(refusal.hint().unwrap_or_default()))
    }

    pub(crate) fn partition(&self) -> &'static str {
        self.partition
    }

    pub(crate) fn front(&self) -> &Front {
        &self.front
    }

    pub(crate) fn listed(&self, index: usize) -> Option<&Listed> {
        self.callers.get(index)
    }

    /// The caller that a role is. The path is compared where it is known: AWS leaves it out of the ARNs of sessions. A name is one role's
    /// even so, whatever its path; what a pattern fits may be anybody's who may make roles of some path, so it names nobody then.
    pub(crate) fn of_role(&self, account: &str, name: &str, path: RolePath<'_>) -> Result<usize, Refusal> {
        let key = role_key(account, name);
        let known = self.found_by.all(By::Role, &key).next().and_then(|at| self.roles.get(at));
        let named = known.filter(|(role, _)| role.name() == name);
        if let Some((role, index)) = named
            && path.said().is_none_or(|said| said == role.path())
        {
            return Ok(*index);
        }
        let patterns = self.found_by.all(By::Pattern, account).filter_map(|at| self.patterns.get(at));
        let mut fitting = patterns.filter(|(pattern, _)| pattern.fits(path.said(), name)).map(|(_, index)| *index);
        let what = || format!("role `{name}` of account `{account}`");
        if let Some(index) = fitting.next() {
            if matches!(path, RolePath::Unknown) {
                return Err(Refusal::with(RefusalKind::RolePathUnknown, what()));
            }
            // Two patterns of one caller are one caller.
            let is_only = fitting.all(|other| other == index);
            return if is_only { Ok(index) } else { Err(Refusal::with(RefusalKind::CallersNotToldApart, what())) };
        }
        if let Some(index) = self.found_by.all(By::Account, account).next() {
            return Ok(index);
        }
        let kind = if named.is_some() { RefusalKind::RolePathDiffers } else { RefusalKind::CallerUnknown };
        Err(Refusal::with(kind, what()))
    }

    pub(crate) fn of_organization(&self, organization: &str) -> Option<usize> {
        self.found_by.all(By::Organization, organization).next()
    }

    /// The caller that has a session of a provider's role. Where several may assume the role, the session's name has to be one that
    /// the trust policy leaves to one of them alone.
    pub(crate) fn of_session(&self, role: &str, session: &str) -> Result<usize, Refusal> {
        let admits = |index: &usize| {
            self.listed(*index).is_some_and(|listed| {
                listed.session_names.is_empty() || listed.session_names.iter().any(|name| is_like(name, session))
            })
        };
        let admitted: Vec<usize> = self.found_by.all(By::ProviderRole, role).filter(admits).collect();
        match admitted.as_slice() {
            [only] => Ok(*only),
            [] => Err(Refusal::with(RefusalKind::CallerUnknown, format!("session `{session}` of role `{role}`"))),
            several => {
                let what = format!("{} callers may be session `{session}` of role `{role}`", several.len());
                Err(Refusal::with(RefusalKind::CallersNotToldApart, what))
            }
        }
    }
}

/// What tells a role from others of all accounts: IAM has no two of one account whose names differ by case alone.
fn role_key(account: &str, name: &str) -> String {
    // The account is digits.
    let mut key = [account, "/", name].concat();
    key.make_ascii_lowercase();
    key
}
