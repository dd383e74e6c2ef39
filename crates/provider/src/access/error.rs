//! A question that is none.

/// A question that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AccessError {
    code: &'static str,
    message: String,
    hint: &'static str,
}

impl AccessError {
    pub(super) fn call(message: String) -> Self {
        let hint =
            "write a method and a path, such as `GET /items/1`; a route with variables is asked by a path that it fits";
        Self { code: "invalid_call", message, hint }
    }

    pub(super) fn principal(message: String) -> Self {
        let hint = "give `arn:aws:iam::ACCOUNT:role/PATH/NAME` or `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`, as logs and `xacct-sign whoami` have them";
        Self { code: "invalid_principal", message, hint }
    }

    pub(super) fn user(arn: &str) -> Self {
        let message = format!("`{arn}` is the ARN of a user, and callers are roles");
        let hint = "users come in only where a whole account or an organization is let in: `xacct-sign list` says where; ask who a role of the user's account is";
        Self { code: "invalid_principal", message, hint }
    }

    /// The stable code, `invalid_call` or `invalid_principal`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// What to do about it, one sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        self.hint
    }
}
