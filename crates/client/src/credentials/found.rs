//! What a source of the chain has.

use xacct_sign::Credentials;

/// The answer of a source that was asked. One that is set up and fails is an error instead: the chain goes no further then.
#[derive(Debug)]
pub(super) enum Found {
    /// These.
    Credentials(Credentials),
    /// It is not set up here, and this is why it has nothing: a clause such as `AWS_PROFILE is not set`.
    Nothing(String),
}
