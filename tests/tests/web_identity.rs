//! `AssumeRoleWithWebIdentity`: the request to the byte, what is refused before it, and what STS may answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use xacct_sign::sts::{AssumeRoleWithWebIdentity, AssumedRole, Endpoint};
use xacct_sign::{Error, aws::parse_rfc3339};
use xacct_sign_tests::example_instant;

const ROLE: &str = "arn:aws:iam::000000000000:role/Pod";
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwb2QifQ.U0VDUkVUTUFSS0VS-_";

fn call() -> AssumeRoleWithWebIdentity {
    AssumeRoleWithWebIdentity::new(ROLE, "shop", TOKEN)
}

fn endpoint() -> Endpoint {
    Endpoint::of_role(ROLE, "ap-northeast-1", None).unwrap()
}

#[test]
fn the_request_is_a_form_that_nobody_signs() {
    let request = call().request(&endpoint()).unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", endpoint().url()));
    let mut headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    headers.sort_unstable();
    let expected: [(&str, &[u8]); 3] = [
        ("accept", b"application/xml"),
        ("content-type", b"application/x-www-form-urlencoded; charset=utf-8"),
        ("host", b"sts.ap-northeast-1.amazonaws.com"),
    ];
    assert_eq!(headers, expected);
    assert_eq!(
        String::from_utf8(request.into_body()).unwrap(),
        format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
             &RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2FPod&RoleSessionName=shop&WebIdentityToken={TOKEN}"
        )
    );
}

/// Access tokens of other providers are no JWTs.
#[test]
fn a_tokens_value_is_percent_encoded() {
    let call = AssumeRoleWithWebIdentity::new(ROLE, "shop", "a+b/c=&d%20");
    let body = String::from_utf8(call.request(&endpoint()).unwrap().into_body()).unwrap();
    assert!(body.ends_with("&WebIdentityToken=a%2Bb%2Fc%3D%26d%2520"), "{body}");
}

#[test]
fn a_bad_call_makes_no_request() {
    let long = "x".repeat(20_001);
    let with_role = |role| AssumeRoleWithWebIdentity::new(role, "shop", TOKEN);
    let with_token = |token: &str| AssumeRoleWithWebIdentity::new(ROLE, "shop", token);
    let table = [
        (with_role("arn:aws:iam::000000000000:user/Pod"), "invalid_role_arn", ""),
        (AssumeRoleWithWebIdentity::new(ROLE, "a shop", TOKEN), "invalid_session_name", ""),
        (with_token(""), "invalid_credentials", "is empty"),
        (with_token("abc"), "invalid_credentials", "has 3 characters"),
        (with_token(&long), "invalid_credentials", "has 20001 characters"),
        (with_token("SECRETMARKER\n"), "invalid_credentials", "white space"),
        (with_token("SECRETMARKER\u{7f}"), "invalid_credentials", "white space"),
        (with_token("SECRETMARKERü"), "invalid_credentials", "non-ASCII"),
    ];
    for (call, code, text) in table {
        let error = call.request(&endpoint()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(text) && !format!("{error:?}").contains("SECRETMARKER"), "{error:?}");
        assert_eq!(call.validate().unwrap_err().to_string(), error.to_string());
    }
    let with_length = |length| with_token(&"x".repeat(length)).validate();
    assert!(with_length(4).is_ok() && with_length(20_000).is_ok());
}

#[test]
fn the_endpoint_is_of_the_roles_partition() {
    let of = |role, region, url| Endpoint::of_role(role, region, url).map(|endpoint| endpoint.url().to_owned());
    let china = "arn:aws-cn:iam::000000000000:role/Pod";
    assert_eq!(of(china, "cn-north-1", None).unwrap(), "https://sts.cn-north-1.amazonaws.com.cn/");
    assert_eq!(of(china, "eu-west-1", None).unwrap_err().code(), "partition_mismatch");
    assert_eq!(of(ROLE, "eu-west-1/x", None).unwrap_err().code(), "invalid_region");
    assert_eq!(of("role/Pod", "eu-west-1", None).unwrap_err().code(), "invalid_role_arn");
}

fn answer(status: u16, body: &str) -> Result<AssumedRole, Error> {
    let response = http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
    call().read_response(&response, example_instant())
}

const SUCCESS: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>system:serviceaccount:shop:shop</SubjectFromWebIdentityToken>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::000000000000:assumed-role/Pod/shop</Arn>
      <AssumedRoleId>AROA123EXAMPLE123:shop</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE</SessionToken>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <Expiration>2019-11-09T13:34:41Z</Expiration>
      <AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>
    </Credentials>
    <PackedPolicySize>3</PackedPolicySize>
    <SourceIdentity>me@example.com</SourceIdentity>
    <Provider>arn:aws:iam::000000000000:oidc-provider/oidc.eks.example.com/id/1</Provider>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>"#;

#[test]
fn success_is_read() {
    let role = answer(200, SUCCESS).unwrap();
    assert_eq!(role.credentials.access_key_id(), "ASgeIAIOSFODNN7EXAMPLE");
    assert_eq!(role.credentials.session_token(), Some("AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE"));
    assert_eq!(role.credentials.expires_at(), parse_rfc3339("2019-11-09T13:34:41Z"));
    assert_eq!(
        (role.arn.as_str(), role.id.as_str()),
        ("arn:aws:sts::000000000000:assumed-role/Pod/shop", "AROA123EXAMPLE123:shop")
    );
    assert_eq!((role.packed_policy_size, role.source_identity.as_deref()), (Some(3), Some("me@example.com")));
}

#[test]
fn what_is_not_stss_answer_is_refused() {
    let expired = SUCCESS.replace("2019-11-09", "2015-08-01");
    for body in ["", "<html/>", &SUCCESS.replace("SessionToken", "Token"), &expired] {
        let error = answer(200, body).unwrap_err();
        assert_eq!((error.code(), error.action()), ("invalid_response", Some("AssumeRoleWithWebIdentity")), "{body}");
    }
}

/// Code, status and message as AWS sends them → our code, whether another try helps, a word of the hint.
#[test]
fn refusals_are_told_apart() {
    let table = [
        (
            403,
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "sts_denied",
            false,
            "trust policy",
        ),
        (403, "IDPRejectedClaim", "The token was revoked", "sts_denied", false, "a new one"),
        (
            400,
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://oidc.eks.example.com/id/1",
            "sts_credentials",
            false,
            "IAM OIDC provider",
        ),
        (400, "InvalidIdentityToken", "Incorrect token audience", "sts_credentials", false, "`sts.amazonaws.com`"),
        (400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.", "sts_credentials", false, "whole"),
        (
            400,
            "ExpiredTokenException",
            "Token expired: current date/time 1600000000 must be before the expiration date/time 1500000000",
            "sts_expired",
            false,
            "clock",
        ),
        (400, "IDPCommunicationError", "x", "sts_failed", true, "try again"),
        (400, "ValidationError", "1 validation error detected", "sts_invalid", false, ""),
        (400, "SomethingNew", "x", "sts_failed", false, ""),
        (503, "ServiceUnavailable", "x", "sts_failed", true, ""),
        (400, "Throttling", "Rate exceeded", "sts_throttled", true, ""),
        (403, "RegionDisabledException", "x", "sts_failed", false, "activate"),
    ];
    for (status, code, message, ours, retryable, hint) in table {
        let body =
            format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>");
        let error = answer(status, &body).unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ours, retryable), "{code}: {error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{code}: {:?}", error.hint());
        assert_eq!(error.action(), Some("AssumeRoleWithWebIdentity"));
        assert!(error.to_string().contains(ROLE) && error.to_string().contains(code), "{error}");
    }
}

#[test]
fn no_text_shows_the_token() {
    let body = format!(
        "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>bad token {TOKEN} here</Message></Error>\
         <RequestId>{TOKEN}</RequestId></ErrorResponse>"
    );
    let error = answer(400, &body).unwrap_err();
    assert!(error.to_string().contains("bad token [redacted] here"), "{error}");
    assert!(!format!("{error:?} {:?}", call()).contains(TOKEN), "{error:?}");
}
