//! Why a request was refused: what AWS does not tell.

use std::fmt;

use http::HeaderValue;
use xacct_sign::verify::Refusal;

use crate::body::BodyFailure;

/// The longest reason that goes into a header, in characters.
const MAX_HEADER_CHARACTERS: usize = 2_000;

/// Declares the reasons that are the emulator's own, each with its code and what it means: the docs' table is made of it.
macro_rules! reasons {
    ($($kind:ident = $code:literal: $meaning:literal;)*) => {
        /// Which reason it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            /// A signature's, with the code of its [`Refusal`].
            Signature(&'static str),
            /// A verifier's, with the code of its refusal.
            Identity(&'static str),
            $(#[doc = $meaning] $kind,)*
        }

        impl Kind {
            #[cfg(test)]
            const OWN: &[Self] = &[$(Self::$kind),*];

            fn code(self) -> &'static str {
                match self {
                    Self::Signature(code) | Self::Identity(code) => code,
                    $(Self::$kind => $code,)*
                }
            }
        }

        /// Why a request was refused: a stable code, and a detail for people. Neither holds a secret.
        ///
        /// The codes of signatures are those of [`Refusal::code`], those of servers are a verifier's (`docs/identity.md`). The emulator
        /// adds:
        ///
        /// | code | meaning |
        /// |---|---|
        $(#[doc = concat!("| `", $code, "` | ", $meaning, " |")])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Reason {
            kind: Kind,
            detail: String,
        }
    };
}

reasons! {
    UnknownKey = "unknown_key": "the access key id was not issued here, or expired long ago";
    Expired = "expired": "the signature is right, the credentials have expired";
    NotAllowed = "not_allowed": "gateway: no policy of the session allows the route, or one denies it";
    UnknownStage = "unknown_stage": "the manifest has no such stage";
    OutsideStage = "outside_stage": "gateway: the path does not begin with the name of the API's stage";
    MethodUnknown = "method_unknown": "gateway: a method that no route can have";
    OriginNotAllowed = "origin_not_allowed": "gateway: a preflight of a page that may not call";
    HeadTooLarge = "head_too_large": "a limit of API Gateway; STS has one of its own here";
    BodyTooLarge = "body_too_large": "a limit of API Gateway; STS's is that of the longest call";
    BodyTooSlow = "body_too_slow": "the body did not come in time";
    NoRoom = "no_room": "so many bodies are held that there was no room for another in time";
    BrokenOff = "broken_off": "the connection ended before there was an answer";
    UpstreamFailed = "upstream_failed": "the API behind the gateway could not be reached or broke off";
    UpstreamTimeout = "upstream_timeout": "the API behind the gateway took too long";
    UpstreamTooLarge = "upstream_too_large": "the answer of the API behind the gateway is too long";
    ActionMissing = "action_missing": "STS: the call names no action";
    ActionUnknown = "action_unknown": "STS: the call's action or version is not emulated";
    ParametersMalformed = "parameters_malformed": "STS: the call's parameters cannot be read";
    ParameterInvalid = "parameter_invalid": "STS: a parameter is missing or breaks a constraint";
    PolicyMalformed = "policy_malformed": "STS: the session policy is none";
    PolicyArnsUnsupported = "policy_arns_unsupported": "STS: managed session policies cannot be looked up";
    MfaUnsupported = "mfa_unsupported": "STS: there are no MFA devices";
    RoleNotFound = "role_not_found": "STS: no such role; AWS says `AccessDenied`";
    CallerNotAllowed = "caller_not_allowed": "STS: the caller's own policy does not allow it";
    TrustDenied = "trust_denied": "STS: the role's trust policy does not allow it: caller, ExternalId, conditions";
    TagInherited = "tag_inherited": "STS: a tag that the session has inherited is set anew";
    SourceIdentitySet = "source_identity_set": "STS: another source identity than the session's own";
    DurationTooLong = "duration_too_long": "STS: longer than the role, role chaining or the session takes";
    FederationDisabled = "federation_disabled": "STS: the account's issuer of web identity tokens is switched off";
    TokenTooLarge = "token_too_large": "STS: the claims of a web identity token are too long";
    Internal = "internal": "the emulator itself failed";
}

impl Reason {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// Of a body that did not come.
    pub(crate) fn of_body(failure: BodyFailure, max_bytes: usize) -> Self {
        match failure {
            BodyFailure::TooLarge => {
                Self::new(Kind::BodyTooLarge, format!("the body is longer than {max_bytes} bytes"))
            }
            BodyFailure::TooSlow => Self::new(Kind::BodyTooSlow, "the body did not come in time"),
            BodyFailure::NoRoom => {
                Self::new(Kind::NoRoom, "so many bodies are held that there was no room for this one")
            }
        }
    }

    /// The stable code, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What happened. It may have several lines; `Display` shows one.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Puts the reason into the header `x-xacct-reason`, which AWS does not have: ASCII on one line, at most 2,000 characters.
    pub(crate) fn explain<B>(&self, response: &mut http::Response<B>) {
        let text: String = self.to_string().chars().take(MAX_HEADER_CHARACTERS).collect();
        let value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(self.code()));
        response.headers_mut().insert("x-xacct-reason", value);
    }
}

impl From<&Refusal> for Reason {
    fn from(refusal: &Refusal) -> Self {
        Self::new(Kind::Signature(refusal.code()), refusal.to_string())
    }
}

/// `code: detail`, ASCII on one line.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code())?;
        one_line(f, &self.detail)
    }
}

/// Writes text from outside so that it can neither break a line nor a terminal.
pub(crate) fn one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for character in text.chars() {
        if character.is_ascii_graphic() || character == ' ' {
            write!(f, "{character}")?;
        } else {
            write!(f, "{}", character.escape_default())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_different_and_in_snake_case() {
        let codes: BTreeSet<&str> = Kind::OWN.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Kind::OWN.len());
        for code in codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
        }
    }
}
