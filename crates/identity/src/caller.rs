//! Who is calling.

/// Who is calling: one of the callers of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The caller's name in the manifest.
    pub name: String,
    /// The caller's account, 12 digits; `None` where it came in by a role that an organization, or every account, may assume.
    pub account: Option<String>,
    /// The ARN as AWS said it: a role's with its path (by token), or a role's session's. With access by role that is the session of
    /// the provider's role.
    pub arn: String,
    /// The name of the caller's own role, without its path; `None` where it is not known, as with access by role for a caller that
    /// may use several.
    pub role: Option<String>,
    /// The name of the role's session, which the caller chooses; a token has none.
    pub session: Option<String>,
    /// The caller's organization, where AWS said it.
    pub organization: Option<String>,
    /// How it is known.
    pub via: Via,
}

/// How a caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Via {
    /// By a web identity token of its account's issuer.
    Token,
    /// By a signed `GetCallerIdentity` that STS answered.
    Proof,
    /// By the event of an HTTP API with IAM authorization.
    HttpApi,
    /// By the event of a REST API with IAM authorization.
    RestApi,
    /// By the event of a function URL of the `AuthType` `AWS_IAM`.
    FunctionUrl,
}

impl Via {
    /// The name, the same in every language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Proof => "proof",
            Self::HttpApi => "http_api",
            Self::RestApi => "rest_api",
            Self::FunctionUrl => "function_url",
        }
    }
}
