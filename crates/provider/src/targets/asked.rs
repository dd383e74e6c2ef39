//! What policies are asked about a call.

use super::execute_api::invoke;
use super::{FunctionUrl, TargetKind};

/// What policies are asked about a call of an API: an action, on what, and a condition key that this action has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// The action, such as `execute-api:Invoke`.
    pub action: &'static str,
    /// The ARN of what it is asked on.
    pub resource: String,
    /// A condition key that this action has, with its value.
    pub key: Option<(&'static str, &'static str)>,
}

impl TargetKind {
    /// What policies are asked about a call of a route, given by one reading of its path, without its leading
    /// `/`: each has to be allowed. `arn` is the API's, see [`Target::arn`](super::Target::arn).
    ///
    /// Of a function URL both actions, on the function or the alias that the URL hangs on: neither knows a method or a path.
    #[must_use]
    pub fn asked(self, arn: &str, method: &str, path: &str) -> Vec<Asked> {
        match self {
            Self::HttpApi | Self::RestApi => {
                vec![Asked { action: invoke!(), resource: format!("{arn}/{method}/{path}"), key: None }]
            }
            Self::FunctionUrl => {
                let asked = |action, key| Asked { action, resource: arn.to_owned(), key: Some(key) };
                vec![
                    asked(FunctionUrl::INVOKE_URL, FunctionUrl::AUTH_TYPE),
                    asked(FunctionUrl::INVOKE, FunctionUrl::BY_URL),
                ]
            }
        }
    }
}
