//! A function's permission, with what each form has in common.

use crate::plan::Permission;
use crate::targets::FunctionUrl;

/// What the condition of a permission is: Lambda takes one of the two, depending on the action.
pub(super) struct Terms {
    pub(super) function_url_auth_type: Option<&'static str>,
    pub(super) invoked_via_function_url: Option<bool>,
}

impl Terms {
    pub(super) fn of(permission: &Permission) -> Self {
        let is_url = permission.action == FunctionUrl::INVOKE_URL;
        Self {
            function_url_auth_type: is_url.then_some("AWS_IAM"),
            invoked_via_function_url: (!is_url).then_some(true),
        }
    }
}
