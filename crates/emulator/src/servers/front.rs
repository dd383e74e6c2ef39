//! What a server answers itself, where it is not the verifier that does: its limits are the emulator's, since it has none of AWS's.

use std::time::Duration;

use http::StatusCode;
use xacct_sign_provider::targets::{FunctionUrl, HttpApi};

use crate::body::BodyFailure;
use crate::gateway::UpstreamFailure;
use crate::gateway::front::{AnswerForm, Answers, HeadLimit, Limits, Refused, Told};

pub(crate) struct ServerFront;

const LIMITS: Limits = Limits {
    head: HeadLimit::None,
    body_bytes: HttpApi::MAX_BODY_BYTES,
    answer_bytes: FunctionUrl::MAX_STREAMED_BYTES,
    timeout: Duration::from_secs(60),
};

impl ServerFront {
    /// How the answer of a function in its place is read.
    pub(crate) const READS: AnswerForm = AnswerForm::Two;
}

impl Answers for ServerFront {
    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn told(&self, refused: &Refused<'_>) -> Told {
        let (status, text) = match refused {
            Refused::Body(BodyFailure::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "Content Too Large"),
            Refused::Body(BodyFailure::TooSlow) => (StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            Refused::Body(BodyFailure::NoRoom) => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Refused::Upstream(UpstreamFailure::Timeout) => (StatusCode::GATEWAY_TIMEOUT, "Gateway Timeout"),
            Refused::Upstream(_) => (StatusCode::BAD_GATEWAY, "Bad Gateway"),
            Refused::Method => (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
            // The verifier says all else.
            Refused::OutsideStage | Refused::Head | Refused::Unauthenticated(..) | Refused::Denied(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        };
        Told::message(status, text)
    }
}
