//! A REST API. Its refusals say more than an HTTP API's: the error's name in a header, and of a signature that does not match,
//! what was computed. AWS documents none of these texts; they stand here as public reports have them.

use http::StatusCode;
use http::header::HeaderName;
use serde_json::Value;
use xacct_sign::verify::Refusal;
use xacct_sign_provider::targets::RestApi;

use crate::body::BodyFailure;
use crate::gateway::front::{AnswerForm, Answers, Call, Front, HeadLimit, Ids, Limits, Refused, Told, UpstreamFailure};
use crate::gateway::{context, event};
use crate::iam::authenticate::Unauthenticated;
use crate::iam::entropy::Entropy;
use crate::sentences;

pub(crate) struct RestApiFront;

const LIMITS: Limits = Limits {
    head: HeadLimit::Values(RestApi::MAX_HEADER_VALUE_BYTES),
    body_bytes: RestApi::MAX_BODY_BYTES,
    answer_bytes: RestApi::MAX_BODY_BYTES,
    timeout: RestApi::TIMEOUT,
};

impl Answers for RestApiFront {
    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn told(&self, refused: &Refused<'_>) -> Told {
        let forbidden = |error, text: &str| Told::error(StatusCode::FORBIDDEN, error, text);
        match refused {
            // What it has no route for is to a REST API a request without a token, signed or not.
            Refused::Method => forbidden("MissingAuthenticationTokenException", "Missing Authentication Token"),
            Refused::OutsideStage => forbidden("ForbiddenException", "Forbidden"),
            Refused::Head => {
                Told::message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large")
            }
            Refused::Body(BodyFailure::TooLarge) => {
                Told::error(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", "Request Too Long")
            }
            Refused::Body(BodyFailure::TooSlow) => Told::message(StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            Refused::Body(BodyFailure::NoRoom) => Told::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Refused::Unauthenticated(unauthenticated, now) => {
                let (error, mut text) = sentences::of(unauthenticated, *now);
                if let Unauthenticated::Refused(Refusal::Mismatch(computed)) = unauthenticated {
                    text.push_str(&format!(
                        "\n\nThe Canonical String for this request should have been\n'{}'\n\nThe String-to-Sign should have been\n'{}'\n",
                        computed.unredacted(),
                        computed.string_to_sign
                    ));
                }
                forbidden(error, &text)
            }
            Refused::Denied(denied) => forbidden("AccessDeniedException", &denied.sentence).capital(),
            Refused::Upstream(UpstreamFailure::Timeout) => {
                Told::error(StatusCode::GATEWAY_TIMEOUT, "InternalServerErrorException", "Endpoint request timed out")
            }
            Refused::Upstream(_) => {
                Told::error(StatusCode::BAD_GATEWAY, "InternalServerErrorException", "Internal server error")
            }
        }
    }
}

impl Front for RestApiFront {
    fn signing_name(&self) -> &'static str {
        RestApi::SIGNING_NAME
    }

    fn without_policy(&self) -> &'static str {
        "the API has no resource policy that lets others in, so a role in its account has to be assumed first"
    }

    fn ids(&self, entropy: &mut Entropy) -> Ids {
        Ids(vec![
            (HeaderName::from_static("x-amzn-requestid"), entropy.request_id()),
            (HeaderName::from_static("x-amz-apigw-id"), entropy.gateway_request_id()),
        ])
    }

    fn request_context(&self, call: &Call<'_>) -> Value {
        context::one(call)
    }

    fn event(&self, call: &Call<'_>) -> Value {
        event::one(call, self.request_context(call))
    }

    fn answer_form(&self) -> AnswerForm {
        AnswerForm::One
    }
}
