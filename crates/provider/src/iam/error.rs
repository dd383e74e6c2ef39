//! The one error of reading policies.

/// A document that is no IAM policy, or an ARN that is no principal's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PolicyError {
    message: String,
}

impl PolicyError {
    pub(super) fn new(message: String) -> Self {
        Self { message }
    }
}
