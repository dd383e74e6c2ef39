//! Why somebody is not let in: one table.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use xacct_sign::escaped;

use crate::caller::Caller;

macro_rules! refusals {
    ($($variant:ident, $code:literal, $status:literal, $sentence:literal, $hint:literal;)*) => {
        /// Why a request is refused, as a value with a stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum RefusalKind {
            $(#[doc = $sentence] $variant,)*
        }

        impl RefusalKind {
            /// Every kind: for tables of documentation and tests.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable code, in snake case.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What the client is told: 401, 403 or 503, and no more.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// What to do about it, where we know it.
            #[must_use]
            pub fn hint(self) -> Option<&'static str> {
                let hint = match self { $(Self::$variant => $hint,)* };
                Some(hint).filter(|hint| !hint.is_empty())
            }
        }
    };
}

refusals! {
    AuthorizationMissing, "authorization_missing", 401, "the request has no Authorization header",
        "the caller sends `authorization: Bearer` and a token or a proof; a token in the URL is not looked at";
    AuthorizationTwice, "authorization_twice", 401, "the request has more than one Authorization header", "";
    AuthorizationMalformed, "authorization_malformed", 401,
        "the Authorization header is not `Bearer`, one space, and one token or proof", "";
    IdentityTooLong, "identity_too_long", 401, "the token or proof is longer than any that is real", "";
    NotTakenHere, "not_taken_here", 401, "tokens and proofs are taken on a stage of the target `server` alone",
        "the front says who is calling: let its event be read, or take the list of a stage of the target `server`";
    TokenMalformed, "token_malformed", 401, "the token is not three parts in base64url of strict JSON", "";
    TokenHeaderRefused, "token_header_refused", 401,
        "the token's header has a member that a web identity token of STS has not", "";
    AlgorithmRefused, "algorithm_refused", 401, "the token's algorithm is not the one that is taken",
        "the caller asks STS for tokens with the manifest's `algorithm`";
    KeyIdMalformed, "key_id_malformed", 401, "the token's key id is missing, or no key id", "";
    ClaimsMalformed, "claims_malformed", 401, "a claim of the token is missing, or not of its form", "";
    ClaimRefused, "claim_refused", 401, "the token has a claim that makes somebody else of its bearer", "";
    IssuerUnknown, "issuer_unknown", 401, "the token's issuer is none of a caller's",
        "write the issuer of the caller's account into the manifest, as `iam:GetOutboundWebIdentityFederationInfo` says it";
    AccountDiffers, "account_differs", 401, "the token speaks of another account than its issuer's", "";
    AudienceRefused, "audience_refused", 401, "the token is for another audience",
        "the caller asks STS for a token with this server's audience alone";
    TokenExpired, "token_expired", 401, "the token has expired", "is the clock of this machine right?";
    TokenAhead, "token_ahead", 401, "the token begins in the future", "is the clock of this machine right?";
    LifetimeRefused, "lifetime_refused", 401, "the token lives longer than tokens may here",
        "the caller asks for a shorter `duration_seconds`, or the manifest's `max_duration_seconds` allows more";
    SubjectRefused, "subject_refused", 401, "the token's subject is not the ARN of a role in this partition",
        "callers run as roles: tokens of users, of root and of persons are not taken";
    KeyUnknown, "key_unknown", 401, "the token's issuer has no key of this id", "";
    KeyRefused, "key_refused", 401, "the issuer's key of this id is of another kind, too weak, or none", "";
    SignatureMalformed, "signature_malformed", 401, "the token's signature is not of its algorithm's form", "";
    SignatureWrong, "signature_wrong", 401, "the token's signature does not verify", "";
    KeysUnavailable, "keys_unavailable", 503, "the issuer's keys could not be had",
        "can this machine reach the issuer?";
    ProofsNotTaken, "proofs_not_taken", 401, "proofs are not taken here", "the manifest's `regions` of `[identity]` is empty";
    ProofMalformed, "proof_malformed", 401, "the proof is not of its exact form", "";
    ProofRegionRefused, "proof_region_refused", 401, "the proof is for a region that is not taken",
        "the caller makes proofs for one of the manifest's `regions`";
    ProofExpired, "proof_expired", 401, "the proof is older than 300 seconds", "is the clock of this machine right?";
    ProofAhead, "proof_ahead", 401, "the proof is from more than 300 seconds in the future",
        "is the clock of this machine right?";
    ProofRefused, "proof_refused", 401, "STS does not stand by the proof",
        "it is for another audience, was changed, or its credentials have expired";
    StsThrottled, "sts_throttled", 503, "STS throttles the calls that proofs need", "use tokens, which need no call each";
    StsUnavailable, "sts_unavailable", 503, "STS could not be asked, or failed", "can this machine reach STS?";
    StsAnswerRefused, "sts_answer_refused", 503, "STS answered what it never answers",
        "something else than STS may have answered: check the network on the way";
    PrincipalRefused, "principal_refused", 401, "the principal is not the session of a role in this partition",
        "callers run as roles: users and root are not taken";
    CallerUnknown, "caller_unknown", 401, "the role is none of a caller's",
        "write the caller into the manifest, and give the server the new callers.json";
    RolePathDiffers, "role_path_differs", 401, "the caller's role has another path in the list of callers",
        "write the role with its path into the manifest, such as `service-role/Name`";
    RolePathUnknown, "role_path_unknown", 401, "a pattern names roles of one path, and a proof does not say the role's",
        "send a token, which says it, or write the role's whole name into the manifest";
    CallersNotToldApart, "callers_not_told_apart", 401, "several callers share the role, and nothing tells them apart",
        "give each of them `session_names` of its own, or `routes`, which make a role of its own for it";
    EventMalformed, "event_malformed", 401, "the event is not one of the stage's target", "";
    EventWithoutIdentity, "event_without_identity", 401, "the front says in the event of nobody who calls",
        "let the front authorize by IAM: nothing else stands for a caller";
    EventIdentityDiffers, "event_identity_differs", 401, "what the front says of the caller contradicts itself", "";
    RouteRefused, "route_refused", 403, "the caller may not use the route", "";
    PathUnreadable, "path_unreadable", 403, "the path is none, or has a broken escape, a control character, or is not UTF-8",
        "a path begins with `/`, and is given as it was sent, without its query";
    MethodOverrideRefused, "method_override_refused", 403,
        "a header asks for another method, which the caller may not use on the route", "";
    MountedElsewhere, "mounted_elsewhere", 403, "the request is for an application that is mounted elsewhere",
        "where the application is mounted below a path, give it as `mounted_at`";
    ScopeUnknown, "scope_unknown", 403, "connections of this type are not checked", "";
    TooBusy, "too_busy", 503, "too many checks wait already", "";
}

/// A request that is refused: why, for the log. The client is told [`Refusal::status`] and no more.
///
/// [`Display`](fmt::Display) is one sentence without the token or the proof in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    detail: Cow<'static, str>,
    caller: Option<Arc<Caller>>,
}

impl Refusal {
    /// A refusal that says no more than its kind.
    pub(crate) fn new(kind: RefusalKind) -> Self {
        Self::with(kind, "")
    }

    /// One with what it is about, which is shown as it stands.
    pub(crate) fn with(kind: RefusalKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), caller: None }
    }

    /// The same of a caller that is known, and has no such route.
    pub(crate) fn of(self, caller: &Arc<Caller>) -> Self {
        Self { caller: Some(Arc::clone(caller)), ..self }
    }

    /// One about a text from outside, which is cut and escaped.
    pub(crate) fn about(kind: RefusalKind, text: &str) -> Self {
        Self::with(kind, quote(text))
    }

    /// The same with what a driver says of it, if it says anything: on one line, and not all of it.
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        let cut: String = why.chars().take(512).collect();
        let detail = match (self.detail.is_empty(), cut.is_empty()) {
            (_, true) => self.detail,
            (true, false) => escaped(&cut).into(),
            (false, false) => format!("{}: {}", self.detail, escaped(&cut)).into(),
        };
        Self { detail, ..self }
    }

    /// Why, as a value.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// Who calls, where that is known: it is the request that is refused.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_deref()
    }

    /// The stable code of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// 401, 403 or 503: what the client is told.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.kind.status()
    }

    /// What to do about it, where we know it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.kind.hint()
    }
}

/// For drivers, which find some of them: [`RefusalKind::TooBusy`], [`RefusalKind::MountedElsewhere`], [`RefusalKind::ScopeUnknown`].
impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.sentence())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

impl std::error::Error for Refusal {}

/// A text from outside in backticks, escaped, cut to 128 characters.
pub(crate) fn quote(text: &str) -> String {
    let cut: String = text.chars().take(128).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", escaped(&cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_one_of_three_statuses() {
        let mut codes: Vec<&str> = RefusalKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), RefusalKind::ALL.len());
        for kind in RefusalKind::ALL {
            assert!(matches!(kind.status(), 401 | 403 | 503), "{kind:?}");
            let sentence = Refusal::new(*kind).to_string();
            assert!(!sentence.ends_with('.') && !sentence.starts_with(' '), "{sentence}");
        }
    }

    #[test]
    fn what_comes_from_outside_is_shown_on_one_line_and_cut() {
        let shown = Refusal::about(RefusalKind::IssuerUnknown, &format!("a\n\u{1b}[2K{}", "x".repeat(500))).to_string();
        assert!(shown.contains(r"a\n\u{1b}[2K") && shown.ends_with("…`") && shown.len() < 250, "{shown}");
    }
}
