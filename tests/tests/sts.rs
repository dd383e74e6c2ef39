//! STS: the request to the byte, where it goes, and every answer that may come back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use xacct_sign::aws::{RoleArn, parse_rfc3339};
use xacct_sign::sts::{Action as _, AssumeRole, AssumedRole, Endpoint, Mfa};
use xacct_sign::{Error, ErrorKind};
use xacct_sign_tests::{example_credentials, example_instant};

const ROLE: &str = "arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag";

fn call() -> AssumeRole {
    AssumeRole::new(ROLE, "shop")
}

fn endpoint() -> Endpoint {
    Endpoint::new("ap-northeast-1", None).unwrap()
}

fn request(call: &AssumeRole) -> http::Request<Vec<u8>> {
    call.request(&example_credentials(Some("base-token")), &endpoint(), example_instant()).unwrap()
}

fn form(call: &AssumeRole) -> String {
    String::from_utf8(request(call).into_body()).unwrap()
}

#[test]
fn the_request_is_a_signed_form() {
    let request = request(&call());
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "https://sts.ap-northeast-1.amazonaws.com/");
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("host").unwrap(), "sts.ap-northeast-1.amazonaws.com");
    assert_eq!(header("content-type").unwrap(), "application/x-www-form-urlencoded; charset=utf-8");
    // Without it STS answers in JSON, which is documented nowhere.
    assert_eq!(header("accept").unwrap(), "application/xml");
    assert_eq!(header("x-amz-date").unwrap(), "20150830T123600Z");
    assert_eq!(header("x-amz-security-token").unwrap(), "base-token");
    let authorization = header("authorization").unwrap();
    let start = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/ap-northeast-1/sts/aws4_request, \
                 SignedHeaders=accept;content-type;host;x-amz-date;x-amz-security-token, Signature=";
    assert!(authorization.starts_with(start), "{authorization}");
}

#[test]
fn the_least_form() {
    assert_eq!(
        form(&call()),
        "Action=AssumeRole&Version=2011-06-15\
         &RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2FApiAllowByIamRoleStag\
         &RoleSessionName=shop&DurationSeconds=3600"
    );
}

/// Every value is percent-encoded: an external id `a+b` that is not reaches STS as `a b`.
#[test]
fn the_whole_form() {
    let mut call = call();
    call.session_name = "a+b=c,d@e".into();
    call.duration_seconds = 900;
    call.external_id = Some("a+b=c:d/e".into());
    call.policy = Some("{\"Version\":\"2012-10-17\", \"ü\":\"%&\"}".into());
    call.policy_arns = vec!["arn:aws:iam::aws:policy/A".into(), "arn:aws:iam::000000000000:policy/p/B".into()];
    call.tags = vec![("Team".into(), "a b+c".into()), ("日".into(), String::new())];
    call.transitive_tag_keys = vec!["Team".into(), "日".into()];
    call.source_identity = Some("me@example.com".into());
    call.mfa = Some(Mfa { serial_number: "arn:aws:iam::000000000000:mfa/u".into(), token_code: "012345".into() });
    assert_eq!(
        form(&call),
        "Action=AssumeRole&Version=2011-06-15\
         &RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2FApiAllowByIamRoleStag\
         &RoleSessionName=a%2Bb%3Dc%2Cd%40e&DurationSeconds=900&ExternalId=a%2Bb%3Dc%3Ad%2Fe\
         &Policy=%7B%22Version%22%3A%222012-10-17%22%2C%20%22%C3%BC%22%3A%22%25%26%22%7D\
         &PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FA\
         &PolicyArns.member.2.arn=arn%3Aaws%3Aiam%3A%3A000000000000%3Apolicy%2Fp%2FB\
         &Tags.member.1.Key=Team&Tags.member.1.Value=a%20b%2Bc&Tags.member.2.Key=%E6%97%A5&Tags.member.2.Value=\
         &TransitiveTagKeys.member.1=Team&TransitiveTagKeys.member.2=%E6%97%A5\
         &SourceIdentity=me%40example.com\
         &SerialNumber=arn%3Aaws%3Aiam%3A%3A000000000000%3Amfa%2Fu&TokenCode=012345"
    );
}

/// botocore PR#751: each refresh sends the same parameters.
#[test]
fn a_call_sends_the_same_every_time() {
    let call = call();
    assert_eq!(form(&call), form(&call));
}

#[test]
fn a_bad_call_makes_no_request() {
    let mut call = call();
    call.duration_seconds = 1;
    let error = call.request(&example_credentials(None), &endpoint(), example_instant()).unwrap_err();
    assert_eq!(error.code(), "invalid_duration");
}

#[test]
fn endpoints_by_partition_and_region() {
    let table = [
        ("aws", "us-east-1", "https://sts.us-east-1.amazonaws.com/"),
        ("aws", "ap-northeast-1", "https://sts.ap-northeast-1.amazonaws.com/"),
        ("aws-us-gov", "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/"),
        ("aws-cn", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
        ("aws-eusc", "eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu/"),
    ];
    for (partition, region, url) in table {
        let endpoint = AssumeRole::new(format!("arn:{partition}:iam::000000000000:role/R"), "shop")
            .endpoint(region, None)
            .unwrap();
        assert_eq!(endpoint.url(), url);
        assert_eq!(endpoint.scope().region(), region);
    }
}

#[test]
fn an_endpoint_of_ones_own() {
    let table = [
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566/", "127.0.0.1:4566"),
        ("https://STS.example.com:443/base", "https://sts.example.com/base", "sts.example.com"),
    ];
    for (given, url, host) in table {
        let endpoint = Endpoint::new("us-east-1", Some(given)).unwrap();
        assert_eq!(endpoint.url(), url);
        let request = call().request(&example_credentials(None), &endpoint, example_instant()).unwrap();
        assert_eq!(request.uri(), url);
        assert_eq!(request.headers().get("host").unwrap(), host);
    }
}

#[test]
fn a_roles_arn_is_taken_apart() {
    let role = RoleArn::parse("arn:aws-cn:iam::123456789012:role/a/b/Name").unwrap();
    assert_eq!((role.partition(), role.account(), role.name()), ("aws-cn", "123456789012", "Name"));
}

fn answer(status: u16, body: &str) -> Result<AssumedRole, Error> {
    let response = http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
    call().read_response(&example_credentials(Some("base-token")), &response, example_instant())
}

const SUCCESS: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROA123EXAMPLE123:shop</AssumedRoleId>
      <Arn>arn:aws:sts::000000000000:assumed-role/ApiAllowByIamRoleStag/shop</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <SessionToken>
        AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI==
      </SessionToken>
      <Expiration>2019-11-09T13:34:41Z</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
    <SourceIdentity>me@example.com</SourceIdentity>
  </AssumeRoleResult>
  <ResponseMetadata>
    <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
  </ResponseMetadata>
</AssumeRoleResponse>"#;

#[test]
fn success_is_read() {
    let role = answer(200, SUCCESS).unwrap();
    assert_eq!(role.credentials.access_key_id(), "ASIAIOSFODNN7EXAMPLE");
    assert_eq!(role.credentials.secret_access_key(), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY");
    let token = role.credentials.session_token().unwrap();
    assert!(token.starts_with("AQoDYXdzEPT//////////wEXAMPLE") && token.ends_with("7mSEI=="), "{token}");
    assert_eq!(role.credentials.expires_at(), parse_rfc3339("2019-11-09T13:34:41Z"));
    assert_eq!(role.arn, "arn:aws:sts::000000000000:assumed-role/ApiAllowByIamRoleStag/shop");
    assert_eq!(role.id, "AROA123EXAMPLE123:shop");
    assert_eq!(role.packed_policy_size, Some(6));
    assert_eq!(role.source_identity.as_deref(), Some("me@example.com"));
}

#[test]
fn an_expiry_comes_with_and_without_fractions() {
    let with = |text: &str| {
        let body = SUCCESS.replace("2019-11-09T13:34:41Z", text);
        answer(200, &body).map(|role| role.credentials.expires_at().unwrap())
    };
    let whole = with("2019-11-09T13:34:41Z").unwrap();
    assert_eq!(with("2019-11-09T13:34:41.000Z").unwrap(), whole);
    assert_eq!(with("2019-11-09T13:34:41.250Z").unwrap(), whole + std::time::Duration::from_millis(250));
    assert_eq!(with("2019-11-09T22:34:41+09:00").unwrap(), whole);
    for bad in ["", "soon", "2019-11-09", "1573306481", "2019-13-09T13:34:41Z"] {
        assert_eq!(with(bad).unwrap_err().code(), "invalid_response", "{bad}");
    }
}

#[test]
fn what_is_unknown_is_passed_over() {
    let body = SUCCESS
        .replace(
            "<PackedPolicySize>6</PackedPolicySize>",
            "<SessionTokenSize>9</SessionTokenSize><New><Arn>x</Arn></New>",
        )
        .replace("<SourceIdentity>me@example.com</SourceIdentity>", "<SourceIdentity/><!-- a comment --><?pi x?>")
        .replace("<Credentials>", "<Credentials a=\"b\"><Shape>new</Shape>");
    let role = answer(200, &format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n")).unwrap();
    assert_eq!(role.packed_policy_size, None);
    assert_eq!(role.source_identity, None);
    assert_eq!(role.arn, "arn:aws:sts::000000000000:assumed-role/ApiAllowByIamRoleStag/shop");
}

#[test]
fn namespaces_cdata_and_entities_are_xml() {
    let body = SUCCESS
        .replace("wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY", "<![CDATA[a<b&c]]>&amp;&#x41;&#66;")
        .replace("AROA123EXAMPLE123:shop", "AROA&lt;&gt;&quot;&apos;");
    let role = answer(200, &body).unwrap();
    assert_eq!(role.credentials.secret_access_key(), "a<b&c&AB");
    assert_eq!(role.id, "AROA<>\"'");
    let prefixed = SUCCESS.replace("</", "</sts:").replace("\n  <A", "\n  <sts:A").replace("xmlns=", "xmlns:sts=");
    let prefixed = ["AssumeRoleResponse", "AssumedRoleUser", "AssumedRoleId", "Arn", "Credentials", "AccessKeyId"]
        .into_iter()
        .chain(["SecretAccessKey", "SessionToken", "Expiration", "PackedPolicySize", "SourceIdentity"])
        .chain(["ResponseMetadata", "RequestId"])
        .fold(prefixed, |text, name| text.replace(&format!("<{name}"), &format!("<sts:{name}")));
    assert_eq!(answer(200, &prefixed).unwrap().credentials, answer(200, SUCCESS).unwrap().credentials);
}

#[test]
fn what_is_not_stss_answer_is_refused() {
    let without = |element: &str| {
        let (start, end) = (format!("<{element}>"), format!("</{element}>"));
        let (before, rest) = SUCCESS.split_once(&start).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        format!("{before}{after}")
    };
    let mut bodies = vec![
        String::new(),
        " ".into(),
        "null".into(),
        "{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{\"Credentials\":{\"AccessKeyId\":\"A\"}}}}".into(),
        "<!DOCTYPE html><html><head><title>Sign in</title><meta charset=utf-8></head><body><br></body></html>".into(),
        "<html><body>proxy</body></html>".into(),
        "<AssumeRoleResponse/>".into(),
        SUCCESS.replace("ASIAIOSFODNN7EXAMPLE", ""),
        SUCCESS.replace("ASIAIOSFODNN7EXAMPLE", "&unknown;"),
        SUCCESS.replace("ASIAIOSFODNN7EXAMPLE", "AS IA"),
        "<a>".repeat(10_000),
        format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000)),
    ];
    for element in ["Credentials", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"] {
        bodies.push(without(element));
    }
    for body in bodies {
        let error = answer(200, &body).expect_err(&body);
        assert_eq!(error.code(), "invalid_response", "{body}");
        assert!(error.hint().is_some());
        assert!(!error.is_retryable());
        assert!(!error.to_string().contains("wJalr"), "{error}");
    }
    let not_text = http::Response::builder().status(200).body(vec![0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(
        call().read_response(&example_credentials(None), &not_text, example_instant()).unwrap_err().code(),
        "invalid_response"
    );
}

/// An answer that breaks off anywhere before its end gives no credentials.
#[test]
fn a_truncated_answer_is_refused() {
    for length in 0..SUCCESS.len() {
        let body = SUCCESS.get(..length).unwrap();
        let error = answer(200, body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{body}");
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Error {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    \
         <Code>{code}</Code>\n    <Message>{message}</Message>\n  </Error>\n  <RequestId>id-1</RequestId>\n</ErrorResponse>"
    );
    answer(status, &body).unwrap_err()
}

/// Code, status and message as AWS sends them → our code, whether another try helps, a word of the hint.
#[test]
fn refusals_are_told_apart() {
    let denied = "User: arn:aws:sts::111111111111:assumed-role/L/f is not authorized to perform: sts:AssumeRole on resource: \
                  arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag";
    let newer = "User: arn:aws:iam::111111111111:user/u is not authorized to perform: sts:AssumeRole on resource: r because no \
                 identity-based policy allows the sts:AssumeRole action";
    let table: &[(u16, &str, &str, &str, bool, &str)] = &[
        (403, "AccessDenied", denied, "sts_denied", false, "trust policy"),
        (403, "AccessDenied", newer, "sts_denied", false, "external id"),
        (403, "AccessDenied", "Roles may not be assumed by root accounts.", "sts_denied", false, "root"),
        (
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            "sts_invalid",
            false,
            "MaxSessionDuration",
        ),
        (
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            "sts_invalid",
            false,
            "3600",
        ),
        (400, "MalformedPolicyDocument", "Syntax errors in policy.", "sts_invalid", false, ""),
        (400, "PackedPolicyTooLarge", "Packed size is 120%.", "sts_invalid", false, ""),
        (403, "ExpiredToken", "The security token included in the request is expired", "sts_expired", false, "base"),
        (400, "ExpiredTokenException", "x", "sts_expired", false, "base"),
        (
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "sts_credentials",
            false,
            "partition",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
            "sts_credentials",
            false,
            "secret access key",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z (20160610T014508Z - 15 min.)",
            "sts_credentials",
            false,
            "clock",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "Signature not yet current: 20160610T013008Z is still later than 20160610T011008Z",
            "sts_credentials",
            false,
            "clock",
        ),
        (
            403,
            "RegionDisabledException",
            "STS is not activated in this region for account:000000000000.",
            "sts_failed",
            false,
            "activate",
        ),
        (403, "RegionDisabledException", "x", "sts_failed", false, "activate"),
        (500, "InternalFailure", "x", "sts_failed", true, ""),
        (503, "ServiceUnavailable", "x", "sts_failed", true, ""),
        (400, "SomethingNew", "x", "sts_failed", false, ""),
        (400, "Throttling", "Rate exceeded", "sts_throttled", true, "share"),
    ];
    for (status, code, message, ours, retryable, hint) in table {
        let error = refusal(*status, code, message);
        assert_eq!(error.code(), *ours, "{code}: {error}");
        assert_eq!(error.is_retryable(), *retryable, "{code}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{code}: {:?}", error.hint());
        let aws = error.aws().unwrap();
        assert_eq!((aws.code.as_str(), aws.status, aws.request_id.as_deref()), (*code, *status, Some("id-1")));
        assert!(error.to_string().contains(code), "{error}");
        assert!(error.to_string().contains(ROLE), "{error}");
    }
    let shown = refusal(403, "AccessDenied", denied).to_string();
    assert!(shown.contains("`arn:aws:sts::111111111111:assumed-role/L/f`"), "{shown}");
}

#[test]
fn every_name_of_throttling_is_one() {
    for code in [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
    ] {
        let error = refusal(400, code, "Rate exceeded");
        assert_eq!(error.code(), "sts_throttled", "{code}");
        assert!(error.is_retryable() && error.hint().is_some(), "{code}");
    }
    assert_eq!(answer(429, "").unwrap_err().code(), "sts_throttled");
}

/// A line break or an escape sequence would be somebody else's line in a log.
#[test]
fn control_characters_of_an_answer_are_escaped() {
    let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no\u{85}&#x9b;2J&#9;way</Message></Error>\
                <RequestId>id&#10;2</RequestId></ErrorResponse>";
    let error = answer(403, body).unwrap_err();
    assert!(error.to_string().ends_with(r": no\u{85}\u{9b}2J\tway"), "{error:?}");
    assert_eq!(error.aws().unwrap().request_id.as_deref(), Some(r"id\n2"));
    for raw in ["\u{1b}", "&#27;", "&#0;"] {
        let error = answer(403, &body.replace("way", raw)).unwrap_err();
        assert!(!error.to_string().contains("AccessDenied"), "{error:?}");
    }
}

/// Doubles of STS wrap an error once more.
#[test]
fn an_error_in_errors_is_read() {
    let body = "<ErrorResponse><Errors><Error><Code>AccessDenied</Code><Message>no</Message></Error></Errors>\
                <RequestId>id-2</RequestId></ErrorResponse>";
    let error = answer(403, body).unwrap_err();
    assert_eq!(error.code(), "sts_denied");
    assert_eq!(error.aws().unwrap().request_id.as_deref(), Some("id-2"));
}

#[test]
fn an_error_that_is_not_stss_keeps_its_status() {
    for body in ["", "Bad Gateway", "{\"message\":\"Forbidden\"}", "<html><body>502</body></html>", "<ErrorResponse>"] {
        let error = answer(502, body).unwrap_err();
        assert_eq!(error.code(), "sts_failed", "{body}");
        assert!(error.is_retryable());
        let aws = error.aws().unwrap();
        assert_eq!((aws.code.as_str(), aws.status, aws.request_id.as_deref()), ("", 502, None));
        assert!(error.to_string().contains("502"), "{error}");
    }
    assert!(!answer(403, "").unwrap_err().is_retryable());
}

/// The canonical request in the message of a mismatch holds the session token.
#[test]
fn a_canonical_request_in_a_message_is_not_shown() {
    let message = "The request signature we calculated does not match the signature you provided.\n\n\
                   The Canonical String for this request should have been\n'POST\n/\n\n\
                   x-amz-security-token:MARKER-TOKEN\n\nhost\nhash'\n";
    for message in [message.to_owned(), message.replace('\n', "&#10;"), message.replace('\n', "\r\n")] {
        let error = refusal(403, "SignatureDoesNotMatch", &message);
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("MARKER-TOKEN"), "{shown}");
        assert!(!shown.contains("Canonical String"), "{shown}");
        assert!(shown.contains("we calculated does not match"), "{shown}");
    }
}
