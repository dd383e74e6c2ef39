//! A Lambda function's URL whose `AuthType` is `AWS_IAM`
//! ([Control access to function URLs](https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html)).

use http::StatusCode;
use http::header::HeaderName;
use serde_json::Value;
use xacct_sign::verify::Refusal;
use xacct_sign_provider::targets::FunctionUrl;

use crate::body::BodyFailure;
use crate::gateway::front::{AnswerForm, Answers, Call, Front, HeadLimit, Ids, Limits, Refused, Told};
use crate::gateway::{context, event};
use crate::iam::authenticate::Unauthenticated;
use crate::iam::entropy::Entropy;
use crate::sentences;

pub(crate) struct FunctionUrlFront;

const LIMITS: Limits = Limits {
    head: HeadLimit::None,
    body_bytes: FunctionUrl::MAX_BODY_BYTES,
    answer_bytes: FunctionUrl::MAX_STREAMED_BYTES,
    timeout: FunctionUrl::TIMEOUT,
};

/// What is said to somebody who signed and may not.
const FORBIDDEN: &str = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";

impl Answers for FunctionUrlFront {
    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn told(&self, refused: &Refused<'_>) -> Told {
        let denied = |text| Told::error(StatusCode::FORBIDDEN, "AccessDeniedException", text).capital();
        match refused {
            Refused::Unauthenticated(Unauthenticated::Refused(Refusal::Missing), _) => denied("Forbidden"),
            Refused::Unauthenticated(unauthenticated, now) => {
                let (error, text) = sentences::of(unauthenticated, *now);
                Told::error(StatusCode::FORBIDDEN, error, text)
            }
            Refused::Denied(_) => denied(FORBIDDEN),
            Refused::Method => Told::message(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").capital(),
            // It has no stage in its path.
            Refused::OutsideStage => Told::message(StatusCode::NOT_FOUND, "Not Found").capital(),
            Refused::Head => {
                Told::message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large").capital()
            }
            Refused::Body(BodyFailure::TooLarge) => {
                let most = FunctionUrl::MAX_BODY_BYTES;
                let text = format!("Request must be smaller than {most} bytes for the InvokeFunction operation");
                Told::error(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", text)
            }
            Refused::Body(BodyFailure::TooSlow) => {
                Told::message(StatusCode::REQUEST_TIMEOUT, "Request Timeout").capital()
            }
            Refused::Body(BodyFailure::NoRoom) => {
                Told::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").capital()
            }
            // A function that fails, or does not end in time.
            Refused::Upstream(_) => Told::message(StatusCode::BAD_GATEWAY, "Internal Server Error").capital(),
        }
    }
}

impl Front for FunctionUrlFront {
    fn signing_name(&self) -> &'static str {
        FunctionUrl::SIGNING_NAME
    }

    fn without_policy(&self) -> &'static str {
        "the function has no resource policy that lets others in, so a role in its account has to be assumed first"
    }

    fn ids(&self, entropy: &mut Entropy) -> Ids {
        Ids(vec![(HeaderName::from_static("x-amzn-requestid"), entropy.request_id())])
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
