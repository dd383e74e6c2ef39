//! Where an API is: what AWS calls it in policies, where it is reached, and what it takes.

mod asked;
pub(crate) mod execute_api;
pub(crate) mod function_url;
mod http_api;
mod rest_api;

use std::fmt;

use crate::iam::document::Statement;

pub use asked::Asked;
pub use function_url::FunctionUrl;
pub use http_api::HttpApi;
pub use rest_api::RestApi;

pub(crate) use execute_api::invoke;

/// Where the API of a stage is.
///
/// ```
/// use xacct_sign_provider::targets::{FunctionUrl, HttpApi, Target};
///
/// let api = Target::HttpApi(HttpApi::new("eu-west-1", "111111111111", "f6g7h8i9j0", "v1"));
/// assert_eq!((api.signing_name(), api.enforces_routes()), ("execute-api", true));
/// let url = Target::FunctionUrl(FunctionUrl::new("eu-west-1", "111111111111", "orders", Some("live"), "abc"));
/// assert_eq!((url.signing_name(), url.enforces_routes()), ("lambda", false));
/// assert_eq!(url.arn(), "arn:aws:lambda:eu-west-1:111111111111:function:orders:live");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target<'a> {
    /// An HTTP API of API Gateway.
    HttpApi(HttpApi<'a>),
    /// A REST API of API Gateway.
    RestApi(RestApi<'a>),
    /// A Lambda function's URL.
    FunctionUrl(FunctionUrl<'a>),
}

impl Target<'_> {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(self) -> TargetKind {
        match self {
            Self::HttpApi(_) => TargetKind::HttpApi,
            Self::RestApi(_) => TargetKind::RestApi,
            Self::FunctionUrl(_) => TargetKind::FunctionUrl,
        }
    }

    /// The service that requests are signed for.
    #[must_use]
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::HttpApi(_) => HttpApi::SIGNING_NAME,
            Self::RestApi(_) => RestApi::SIGNING_NAME,
            Self::FunctionUrl(_) => FunctionUrl::SIGNING_NAME,
        }
    }

    /// What policies call it: the ARN of an API's stage, to which `/{METHOD}/{path}` is appended, or of a function, whole.
    #[must_use]
    pub fn arn(self) -> String {
        match self {
            Self::HttpApi(api) => api.arn(),
            Self::RestApi(api) => api.arn(),
            Self::FunctionUrl(url) => url.arn(),
        }
    }

    /// Where AWS itself answers, without a slash at the end.
    #[must_use]
    pub fn invoke_url(self) -> String {
        match self {
            Self::HttpApi(api) => api.invoke_url(),
            Self::RestApi(api) => api.invoke_url(),
            Self::FunctionUrl(url) => url.invoke_url(),
        }
    }

    /// Whether a policy can open some routes and not others.
    #[must_use]
    pub const fn enforces_routes(self) -> bool {
        !matches!(self, Self::FunctionUrl(_))
    }

    /// Statements that allow their bearer to call these routes, each given from its method on
    /// ([`Route::arn_suffixes`](crate::Route::arn_suffixes)); every route where there are none, and where no policy knows routes.
    #[must_use]
    pub fn statements(self, routes: &[&str]) -> Vec<Statement> {
        let routes = if routes.is_empty() { &["*"] } else { routes };
        match self {
            Self::HttpApi(api) => api.statements(routes),
            Self::RestApi(api) => api.statements(routes),
            Self::FunctionUrl(url) => url.statements(),
        }
    }
}

/// For people: `API f6g7h8i9j0`, `function orders:live`.
impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HttpApi(HttpApi { api_id, .. }) | Self::RestApi(RestApi { api_id, .. }) => write!(f, "API {api_id}"),
            Self::FunctionUrl(url) => write!(f, "function {}", url.qualified_name()),
        }
    }
}

/// The kinds of target, by the names that the manifest has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TargetKind {
    /// An HTTP API of API Gateway, `http_api`.
    HttpApi,
    /// A REST API of API Gateway, `rest_api`.
    RestApi,
    /// A Lambda function's URL, `function_url`.
    FunctionUrl,
}

impl TargetKind {
    /// Every kind, the default first.
    pub const ALL: &[Self] = &[Self::HttpApi, Self::RestApi, Self::FunctionUrl];

    /// Its name, unless it is what everything was before there were others.
    pub(crate) fn if_not_default(self) -> Option<&'static str> {
        (self != Self::HttpApi).then(|| self.name())
    }

    /// What the manifest calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HttpApi => "http_api",
            Self::RestApi => "rest_api",
            Self::FunctionUrl => "function_url",
        }
    }
}
