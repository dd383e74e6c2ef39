//! `GetWebIdentityToken`: the request to the byte, what is refused before it, and what STS may answer.

use xacct_sign::sts::{Action as _, Endpoint, GetWebIdentityToken, TokenAlgorithm, WebIdentityToken};
use xacct_sign::{Error, aws::parse_rfc3339};
use xacct_sign_tests::{example_credentials, example_instant};

const AUDIENCE: &str = "https://api.example.com/a&b+c";
const JWT: &str = "eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJTRUNSRVRNQVJLRVIifQ.c2lnbmF0dXJl-_";

fn call() -> GetWebIdentityToken {
    GetWebIdentityToken::new(AUDIENCE)
}

fn endpoint() -> Endpoint {
    Endpoint::new("ap-northeast-1", None).unwrap()
}

fn form(call: &GetWebIdentityToken) -> Result<String, Error> {
    let request = call.request(&example_credentials(Some("base-token")), &endpoint(), example_instant())?;
    Ok(String::from_utf8(request.into_body()).unwrap())
}

#[test]
fn the_request_is_a_signed_form() {
    let request = call().request(&example_credentials(Some("base-token")), &endpoint(), example_instant()).unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", endpoint().url()));
    assert_eq!(request.headers()["accept"], "application/xml");
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains("/20150830/ap-northeast-1/sts/aws4_request, "), "{authorization}");
    assert_eq!(
        form(&call()).unwrap(),
        "Action=GetWebIdentityToken&Version=2011-06-15&Audience.member.1=https%3A%2F%2Fapi.example.com%2Fa%26b%2Bc\
         &DurationSeconds=300&SigningAlgorithm=ES384"
    );
    let mut call = call();
    (call.duration_seconds, call.algorithm) = (3600, TokenAlgorithm::Rs256);
    assert!(form(&call).unwrap().ends_with("&DurationSeconds=3600&SigningAlgorithm=RS256"));
}

#[test]
fn a_bad_call_makes_no_request() {
    let with = |audience: &str, seconds| {
        let mut call = GetWebIdentityToken::new(audience);
        call.duration_seconds = seconds;
        call
    };
    for (call, code, text) in [
        (with("", 300), "invalid_option", "the audience is empty"),
        (with(&"a".repeat(1001), 300), "invalid_option", "has more than 1000 characters"),
        (with("a\nb", 300), "invalid_option", "visible ASCII"),
        (with("ü", 300), "invalid_option", "visible ASCII"),
        (with("https://${aws:username}.example.com", 300), "invalid_option", "visible ASCII"),
        (with("https://user:password@api.example.com", 300), "invalid_option", "has a user"),
        (with("a", 59), "invalid_duration", "59 seconds"),
        (with("a", 3601), "invalid_duration", "3601 seconds"),
    ] {
        let error = form(&call).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(text) && error.hint().is_some(), "{error}");
        assert_eq!(call.validate().unwrap_err().to_string(), error.to_string());
    }
    assert_eq!(form(&with("a", 59)).unwrap_err().hint(), Some("use 60 to 3600 seconds"));
    for good in [with(&"a".repeat(1000), 60), with("a", 3600)] {
        assert!(form(&good).is_ok());
    }
    for name in ["es384", "HS256", "none", ""] {
        assert_eq!(TokenAlgorithm::named(name).unwrap_err().code(), "invalid_option", "{name}");
    }
    for algorithm in [TokenAlgorithm::Es384, TokenAlgorithm::Rs256] {
        assert_eq!(TokenAlgorithm::named(algorithm.name()).unwrap(), algorithm);
    }
}

fn answer(status: u16, body: &str) -> Result<WebIdentityToken, Error> {
    let response = http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
    call().read_response(&example_credentials(Some("base-token")), &response, example_instant())
}

fn success(token: &str, expiration: &str) -> Result<WebIdentityToken, Error> {
    answer(
        200,
        &format!(
            r#"<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>
            <WebIdentityToken>{token}</WebIdentityToken><Expiration>{expiration}</Expiration></GetWebIdentityTokenResult>
            <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetWebIdentityTokenResponse>"#
        ),
    )
}

#[test]
fn success_is_read() {
    let token = success(JWT, "2015-08-30T12:41:00Z").unwrap();
    assert_eq!((token.token(), Some(token.expires_at())), (JWT, parse_rfc3339("2015-08-30T12:41:00Z")));
    // Whoever has it is the caller.
    assert!(!format!("{token:?}").contains("eyJ"), "{token:?}");
    assert!(token.check_usable(example_instant()).is_ok());
    assert_eq!(token.check_usable(token.expires_at()).unwrap_err().code(), "credentials_expired");
}

#[test]
fn what_is_no_token_is_refused() {
    let long = format!("a.b.{}", "c".repeat(8192));
    let tokens = ["", "a.b", "a.b.c.d", "a.b.c d", "a.b.c&#10;x", "a.b.ü", "a,b.b.c", "a.b.c=", &long];
    for token in tokens {
        let error = success(token, "2015-08-30T12:41:00Z").unwrap_err();
        assert_eq!((error.code(), error.action()), ("invalid_response", Some("GetWebIdentityToken")), "{token}");
    }
    for expiration in ["", "soon", "2015-08-30T12:36:00Z", "2014-08-30T12:36:00Z"] {
        let error = success(JWT, expiration).unwrap_err();
        assert_eq!(error.code(), "invalid_response", "{expiration}");
        assert!(!format!("{error:?}").contains("eyJ"), "{error:?}");
    }
}

#[test]
fn refusals_are_told_apart() {
    let refused = |status, code: &str, message: &str| {
        let body =
            format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>");
        answer(status, &body).unwrap_err()
    };
    for (status, aws, message, code, hint) in [
        (
            403,
            "OutboundWebIdentityFederationDisabledException",
            "off",
            "sts_denied",
            "enable-outbound-web-identity-federation",
        ),
        (403, "SessionDurationEscalationException", "long", "sts_invalid", "ask for fewer seconds"),
        (400, "JWTPayloadSizeExceededException", "large", "sts_invalid", "tags"),
        (
            403,
            "AccessDenied",
            "User: arn:aws:sts::000000000000:assumed-role/R/s is not authorized to perform: sts:GetWebIdentityToken",
            "sts_denied",
            "sts:IdentityTokenAudience",
        ),
        (
            400,
            "InvalidAction",
            "Could not find operation GetWebIdentityToken for version 2011-06-15",
            "sts_failed",
            "a proof needs none",
        ),
        (403, "ExpiredToken", "expired", "sts_expired", "base credentials"),
        (400, "Throttling", "Rate exceeded", "sts_throttled", "try again later"),
    ] {
        let error = refused(status, aws, message);
        assert_eq!((error.code(), error.action()), (code, Some("GetWebIdentityToken")), "{error}");
        assert_eq!(error.aws().map(|answer| answer.code.as_str()), Some(aws));
        assert!(error.hint().unwrap().contains(hint), "{aws}: {:?}", error.hint());
    }
    let error = refused(403, "OutboundWebIdentityFederationDisabledException", "base-token");
    assert!(!format!("{error:?}").contains("base-token"), "{error:?}");
    // Another action's call knows none of these.
    assert!(!refused(403, "AccessDenied", "no").is_retryable());
}
