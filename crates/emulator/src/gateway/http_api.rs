//! An HTTP API.
//!
//! Every refusal is `403 {"message":"Forbidden"}`
//! ([Control access with IAM authorization](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html)).

use http::StatusCode;
use http::header::HeaderName;
use serde_json::Value;
use xacct_sign_provider::targets::HttpApi;

use crate::body::BodyFailure;
use crate::gateway::front::{AnswerForm, Answers, Call, Front, HeadLimit, Ids, Limits, Refused, Told, UpstreamFailure};
use crate::gateway::{context, event};
use crate::iam::entropy::Entropy;

pub(crate) struct HttpApiFront;

const LIMITS: Limits = Limits {
    head: HeadLimit::LineAndValues(HttpApi::MAX_HEAD_BYTES),
    body_bytes: HttpApi::MAX_BODY_BYTES,
    answer_bytes: HttpApi::MAX_BODY_BYTES,
    timeout: HttpApi::TIMEOUT,
};

impl Answers for HttpApiFront {
    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn told(&self, refused: &Refused<'_>) -> Told {
        let (status, text) = match refused {
            Refused::Method | Refused::OutsideStage => (StatusCode::NOT_FOUND, "Not Found"),
            Refused::Head => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"),
            Refused::Body(BodyFailure::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Refused::Body(BodyFailure::TooSlow) => (StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            Refused::Body(BodyFailure::NoRoom) | Refused::Upstream(UpstreamFailure::Timeout) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Refused::Unauthenticated(..) | Refused::Denied(_) => (StatusCode::FORBIDDEN, "Forbidden"),
            Refused::Upstream(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        };
        Told::message(status, text)
    }
}

impl Front for HttpApiFront {
    fn signing_name(&self) -> &'static str {
        HttpApi::SIGNING_NAME
    }

    fn without_policy(&self) -> &'static str {
        "an HTTP API has no resource policy, so a role in its account has to be assumed first"
    }

    fn ids(&self, entropy: &mut Entropy) -> Ids {
        Ids(vec![(HeaderName::from_static("apigw-requestid"), entropy.gateway_request_id())])
    }

    fn request_context(&self, call: &Call<'_>) -> Value {
        context::two(call)
    }

    fn event(&self, call: &Call<'_>) -> Value {
        event::two(call.parts, call.body, self.request_context(call), event::Secrets::Removed)
    }

    fn answer_form(&self) -> AnswerForm {
        AnswerForm::Two
    }
}
