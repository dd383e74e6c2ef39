//! What is asked of the policies.

use super::condition::Lookup;
use super::context::{Context, Values};
use super::principal::PrincipalIdentity;

/// What is asked of the policies.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Who asks; `None` for a request without credentials.
    pub principal: Option<PrincipalIdentity>,
    /// The action, such as `sts:AssumeRole`.
    pub action: &'a str,
    /// The ARN of what it is asked on: the role to assume, the route to call.
    pub resource: &'a str,
    /// The values of condition keys.
    pub context: Context,
}

impl Lookup for Request<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        let principals = self.principal.as_ref().and_then(|principal| principal.value(key));
        principals.map(Values::one).or_else(|| self.context.of_key(key))
    }
}
