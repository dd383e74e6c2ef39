//! What an HTTP API is to IAM and to its callers
//! ([Quotas of HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html)).

use std::time::Duration;

/// The service in a credential scope.
pub(crate) const SIGNING_NAME: &str = "execute-api";

/// The action that a policy has to allow.
pub(crate) const INVOKE: &str = "execute-api:Invoke";

/// The longest body of a request, in bytes: 10 MB.
pub const MAX_BODY_BYTES: usize = 10_485_760;

/// The longest request line and header values together, in bytes.
///
/// AWS documents the limit, not the status; the gateway answers 431 (RFC 6585, section 5).
pub const MAX_HEAD_BYTES: usize = 10_240;

/// How long the gateway waits for the API behind it.
pub const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(30);

/// How far a request's time may lie from the gateway's, either way.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);
