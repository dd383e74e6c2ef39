//! An extractor for axum.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use xacct_sign_identity::Caller;

/// The caller that a [`CallerLayer`](super::CallerLayer) has let in: an argument of axum's handlers.
///
/// A handler that asks for one and stands behind no such layer answers 500, and is not called.
///
/// ```
/// use xacct_sign_client::server::Calling;
///
/// async fn item(caller: Calling) -> String {
///     format!("hello {}", caller.name)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Calling(pub Arc<Caller>);

impl Deref for Calling {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Calling {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get().cloned().map(Self).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
