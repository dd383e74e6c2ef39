//! Bad input is refused before anything is sent, with the code that `tests/errors.toml` promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use xacct_sign::aws::ApiHost;
use xacct_sign::call::{Call, check_reachable};
use xacct_sign::sts::{Action as _, AssumeRole, GetCallerIdentity, Mfa};
use xacct_sign::{
    Credentials, Error, ErrorClass, ErrorKind, PartialScope, Payload, Request, Scope, Signer, Url, canonical_url,
    sha256_hex,
};
use xacct_sign_tests::{at, data, example_credentials, example_instant};

#[derive(Deserialize)]
struct Table {
    error: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: String,
    code: String,
    text: String,
    python: String,
    js: String,
    retryable: String,
    action: bool,
}

fn table() -> Vec<Row> {
    toml::from_str::<Table>(&data("errors.toml")).unwrap().error
}

#[test]
fn the_table_of_errors_is_the_cores() {
    let in_file: Vec<(String, String)> = table().into_iter().map(|row| (row.kind, row.code)).collect();
    let in_core: Vec<(String, String)> =
        ErrorKind::all().map(|kind| (format!("{kind:?}"), kind.code().to_owned())).collect();
    assert_eq!(in_file, in_core);
    let codes: BTreeSet<&str> = in_file.iter().map(|(_, code)| code.as_str()).collect();
    assert_eq!(codes.len(), in_file.len(), "codes are unique");
    for row in table() {
        // One code in every face.
        assert_eq!(row.js, row.code);
    }
}

#[test]
fn the_class_of_a_kind_is_the_one_python_raises() {
    for (kind, row) in ErrorKind::all().zip(table()) {
        let class = match kind.class() {
            ErrorClass::Validation => "ValidationError",
            ErrorClass::Credentials => "CredentialsError",
            ErrorClass::Sts => "StsError",
            ErrorClass::Transport => "TransportError",
            ErrorClass::Timeout => "TransportTimeout",
            ErrorClass::HttpStatus => "HttpStatusError",
            other => panic!("{other:?} is not in the table"),
        };
        assert_eq!(class, row.python, "{kind:?}");
    }
}

/// Whether to try again is the kind's to say, but for failures of STS, where it is the status's.
#[test]
fn the_table_says_what_may_be_tried_again_and_what_names_its_call() {
    for (kind, row) in ErrorKind::all().zip(table()) {
        assert!(["never", "always", "server_errors"].contains(&row.retryable.as_str()), "{kind:?}");
        assert_eq!(Error::new(kind, "text").is_retryable(), row.retryable == "always", "{kind:?}");
        assert_eq!(row.action, kind.class() == ErrorClass::Sts, "{kind:?}");
    }
    let answers = [
        (403, "AccessDenied", "sts_denied"),
        (400, "ValidationError", "sts_invalid"),
        (403, "ExpiredToken", "sts_expired"),
        (403, "InvalidClientTokenId", "sts_credentials"),
        (400, "Throttling", "sts_throttled"),
        (400, "Unheard", "sts_failed"),
        (503, "ServiceUnavailable", "sts_failed"),
    ];
    for (status, code, expected) in answers {
        let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>");
        let error =
            call().read_answer(&example_credentials(None), status, body.as_bytes(), example_instant()).unwrap_err();
        let row = table().into_iter().find(|row| row.code == expected).unwrap();
        assert_eq!(error.code(), expected);
        let retryable = row.retryable == "always" || (row.retryable == "server_errors" && status >= 500);
        assert_eq!((error.is_retryable(), error.action()), (retryable, Some("AssumeRole")), "{code}");
        let identity =
            GetCallerIdentity.read_answer(&example_credentials(None), status, body.as_bytes(), example_instant());
        let error = identity.unwrap_err();
        assert_eq!((error.code(), error.action()), (expected, Some("GetCallerIdentity")), "{code}");
    }
}

#[test]
fn texts_are_sentences() {
    for row in table() {
        assert_is_sentence(&row.text);
    }
}

/// One sentence in one line: no capital but in a name, no full stop, backticks in pairs, no name of a Rust type.
#[track_caller]
fn assert_is_sentence(text: &str) {
    let first = text.split([' ', ':']).next().unwrap();
    let is_name = ["STS", "`"].iter().any(|name| first.starts_with(name));
    assert!(is_name || first.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()), "{text}");
    assert!(!text.ends_with('.'), "{text}");
    assert!(!text.contains(char::is_control), "{text}");
    assert_eq!(text.matches('`').count() % 2, 0, "{text}");
    for name in ["::", "Option", "Some(", "None", "Err(", "Utf8Error", "ParseIntError"] {
        let outside: String = text.split('`').step_by(2).collect();
        assert!(!outside.contains(name), "{text}");
    }
}

/// A call that is fine, to be made bad.
fn call() -> AssumeRole {
    AssumeRole::new("arn:aws:iam::123456789012:role/R", "session")
}

fn with(change: impl FnOnce(&mut AssumeRole)) -> Result<(), Error> {
    let mut call = call();
    change(&mut call);
    call.validate()
}

fn signer() -> Signer {
    Signer::new(example_credentials(None), Scope::new("us-east-1", "execute-api").unwrap())
}

fn sign(method: &str, url: &str, headers: &[(&str, &[u8])], payload: Payload<'_>) -> Result<(), Error> {
    let request = Request { method, url: Url::parse(url)?, headers, payload };
    let signed = signer().sign_parts(&request, example_instant()).map(|_| ());
    let presigned = signer().presign(&request, Duration::from_secs(60), example_instant()).map(|_| ());
    assert_eq!(signed.as_ref().map_err(Error::code), presigned.as_ref().map_err(Error::code), "both ways of signing");
    signed
}

const URL: &str = "https://api.example.com/";

fn url(url: &str) -> Result<(), Error> {
    sign("GET", url, &[], Payload::Bytes(b""))
}

fn method(method: &str) -> Result<(), Error> {
    sign(method, URL, &[], Payload::Bytes(b""))
}

fn header(name: &str, value: &[u8]) -> Result<(), Error> {
    sign("GET", URL, &[(name, value)], Payload::Bytes(b""))
}

fn credentials(key: &str, secret: &str, token: &str) -> Result<(), Error> {
    Credentials::new(key, secret, Some(token.to_owned()), None).map(|_| ())
}

fn region(region: &str) -> Result<(), Error> {
    let by_scope = Scope::new(region, "execute-api").map(|_| ());
    let by_endpoint = call().endpoint(region, None).map(|_| ());
    assert_eq!(by_scope.map_err(|error| error.code()), by_endpoint.as_ref().copied().map_err(Error::code), "{region}");
    by_endpoint
}

fn on_a_function_url(region: Option<&str>, service: Option<&str>) -> Result<(), Error> {
    let given = PartialScope::new(region.map(str::to_owned), service.map(str::to_owned)).unwrap();
    given.complete(Url::parse("https://abc.lambda-url.eu-west-1.on.aws/").unwrap(), || None).map(drop)
}

fn service(service: &str) -> Result<(), Error> {
    Scope::new("us-east-1", service).map(|_| ())
}

fn expires_in(expires_in: Duration) -> Result<(), Error> {
    let request = Request { method: "GET", url: Url::parse(URL).unwrap(), headers: &[], payload: Payload::Bytes(b"") };
    signer().presign(&request, expires_in, example_instant()).map(|_| ())
}

fn time(now: SystemTime) -> Result<(), Error> {
    let request = Request { method: "GET", url: Url::parse(URL).unwrap(), headers: &[], payload: Payload::Bytes(b"") };
    signer().sign_parts(&request, now).map(|_| ())
}

fn unsigned(service: &str) -> Result<(), Error> {
    let request = Request { method: "GET", url: Url::parse(URL).unwrap(), headers: &[], payload: Payload::Unsigned };
    let signer = Signer::new(example_credentials(None), Scope::new("us-east-1", service)?);
    signer.sign_parts(&request, example_instant()).map(|_| ())
}

fn hash(hash: &str) -> Result<(), Error> {
    sign("PUT", URL, &[], Payload::Sha256(hash))
}

fn endpoint(role: &str, region: &str, url: Option<&str>) -> Result<(), Error> {
    AssumeRole::new(role, "session").endpoint(region, url).map(|_| ())
}

fn role_arn(arn: &str) -> Result<(), Error> {
    let by_call = with(|call| call.role_arn = arn.to_owned());
    let by_endpoint = endpoint(arn, "us-east-1", Some("https://sts.example.com"));
    assert_eq!(by_call.as_ref().map_err(Error::code), by_endpoint.as_ref().map_err(Error::code), "{arn}");
    by_call
}

fn tag(key: &str, value: &str) -> Result<(), Error> {
    with(|call| call.tags = vec![(key.to_owned(), value.to_owned())])
}

fn tags(count: usize) -> Vec<(String, String)> {
    (0..count).map(|index| (format!("k{index}"), "v".to_owned())).collect()
}

fn mfa(serial_number: &str, token_code: &str) -> Result<(), Error> {
    let mfa = Mfa { serial_number: serial_number.to_owned(), token_code: token_code.to_owned() };
    with(|call| call.mfa = Some(mfa))
}

/// An ARN of so many characters.
fn arn(prefix: &str, length: usize) -> String {
    format!("{prefix}{}/R", "p".repeat(length - prefix.len() - 2))
}

const ROLE: &str = "arn:aws:iam::123456789012:role/R";
const POLICY: &str = "arn:aws:iam::123456789012:policy/";

#[test]
fn what_is_bad_is_refused() {
    let long = |length: usize| "a".repeat(length);
    let cases: Vec<(&str, &str, Result<(), Error>)> = vec![
        ("relative", "invalid_url", url("/hoge")),
        ("no scheme", "invalid_url", url("api.example.com/hoge")),
        ("no host", "invalid_url", url("https:///hoge")),
        ("empty", "invalid_url", url("")),
        ("another scheme", "invalid_url", url("ftp://api.example.com/")),
        ("a scheme in the query", "invalid_url", url("/?next=https://api.example.com/")),
        ("a space", "invalid_url", url("https://api.example.com/a b")),
        ("a line break", "invalid_url", url("https://api.example.com/a\nHost: x")),
        ("non-ASCII", "invalid_url", url("https://api.example.com/ü")),
        ("an international host", "invalid_url", url("https://bücher.example.com/")),
        ("port too large", "invalid_url", url("https://api.example.com:65536/")),
        ("port no number", "invalid_url", url("https://api.example.com:https/")),
        ("a bracket open", "invalid_url", url("https://[::1/")),
        ("canonical_url of a relative URL", "invalid_url", canonical_url("/hoge").map(|_| ())),
        ("canonical_url of a line break", "invalid_url", canonical_url("https://api.example.com/\n").map(|_| ())),
        ("canonical_url of an international host", "invalid_url", canonical_url("https://bücher.example/").map(|_| ())),
        ("empty", "invalid_method", method("")),
        ("a space", "invalid_method", method("GE T")),
        ("a line break", "invalid_method", method("GET\n")),
        ("non-ASCII", "invalid_method", method("GÉT")),
        ("a tunnel", "invalid_method", method("CONNECT")),
        (
            "a signature",
            "already_signed",
            check_reachable(Url::parse("https://a.example.com/?X-Amz-Signature=0").unwrap()),
        ),
        ("empty", "invalid_header", header("", b"a")),
        ("a space in the name", "invalid_header", header("X A", b"a")),
        ("a colon in the name", "invalid_header", header("X:A", b"a")),
        ("non-ASCII in the name", "invalid_header", header("X-Ä", b"a")),
        ("a line break in the name", "invalid_header", header("X\r\nA", b"a")),
        ("a line feed in the value", "invalid_header", header("X-A", b"a\nb")),
        ("a carriage return in the value", "invalid_header", header("X-A", b"a\rb")),
        ("a NUL in the value", "invalid_header", header("X-A", b"a\0b")),
        ("a DEL in the value", "invalid_header", header("X-A", b"a\x7fb")),
        ("63 digits", "invalid_body", hash(&"0".repeat(63))),
        ("65 digits", "invalid_body", hash(&"0".repeat(65))),
        ("upper case", "invalid_body", hash(&sha256_hex(b"").to_ascii_uppercase())),
        ("no digit", "invalid_body", hash(&"g".repeat(64))),
        ("empty", "invalid_body", hash("")),
        ("a slash", "invalid_region", region("us-east-1/x")),
        ("a dot", "invalid_region", region("us-east-1.evil.example.org")),
        ("an at", "invalid_region", region("x@evil")),
        ("upper case", "invalid_region", region("US-EAST-1")),
        ("empty", "invalid_region", region("")),
        ("a hyphen first", "invalid_region", region("-us")),
        ("a hyphen last", "invalid_region", region("us-")),
        ("64 letters", "invalid_region", region(&long(64))),
        ("a line break", "invalid_region", region("us-east-1\n")),
        ("non-ASCII", "invalid_region", region("ü")),
        ("another region than the host's", "scope_mismatch", on_a_function_url(Some("us-east-1"), None)),
        ("another service than the host's", "scope_mismatch", on_a_function_url(None, Some("execute-api"))),
        ("several regions", "scope_mismatch", ApiHost::of("abc.lambda-web.global.on.aws").map(drop)),
        ("empty", "invalid_service", service("")),
        ("a slash", "invalid_service", service("execute-api/x")),
        ("a space", "invalid_service", service("execute api")),
        ("65 letters", "invalid_service", service(&long(65))),
        ("no secret", "invalid_credentials", credentials("AKID", "", "")),
        ("no key", "invalid_credentials", credentials("", "secret", "")),
        ("a line break after the secret", "invalid_credentials", credentials("AKID", "secret\n", "")),
        ("a space before the secret", "invalid_credentials", credentials("AKID", " secret", "")),
        ("a secret that is not ASCII", "invalid_credentials", credentials("AKID", "sécret", "")),
        ("a line break after the key", "invalid_credentials", credentials("AKID\n", "secret", "")),
        ("a slash in the key", "invalid_credentials", credentials("AK/ID", "secret", "")),
        ("a comma in the key", "invalid_credentials", credentials("AK,ID", "secret", "")),
        ("an equals in the key", "invalid_credentials", credentials("AK=ID", "secret", "")),
        ("a line break after the token", "invalid_credentials", credentials("AKID", "secret", "token\r\n")),
        ("before 1970", "invalid_time", time(UNIX_EPOCH - Duration::from_nanos(1))),
        ("after 9999", "invalid_time", time(at(253_402_300_800))),
        ("nothing", "invalid_expires_in", expires_in(Duration::ZERO)),
        ("less than a second", "invalid_expires_in", expires_in(Duration::from_millis(999))),
        ("over seven days", "invalid_expires_in", expires_in(Duration::from_secs(604_801))),
        ("just over seven days", "invalid_expires_in", expires_in(Duration::new(604_800, 1))),
        ("execute-api", "unsigned_payload", unsigned("execute-api")),
        ("sts", "unsigned_payload", unsigned("sts")),
        ("lambda", "unsigned_payload", unsigned("lambda")),
        ("a name only", "invalid_role_arn", role_arn("ApiAllowByIamRoleStag")),
        ("empty", "invalid_role_arn", role_arn("")),
        ("a user", "invalid_role_arn", role_arn("arn:aws:iam::123456789012:user/U")),
        ("an assumed role", "invalid_role_arn", role_arn("arn:aws:sts::123456789012:assumed-role/R/s")),
        ("no resource", "invalid_role_arn", role_arn("arn:aws:iam::123456789012")),
        ("eleven digits", "invalid_role_arn", role_arn("arn:aws:iam::12345678901:role/R")),
        ("a wildcard", "invalid_role_arn", role_arn("arn:aws:iam::123456789012:role/*")),
        ("no name", "invalid_role_arn", role_arn("arn:aws:iam::123456789012:role/")),
        ("a region", "invalid_role_arn", role_arn("arn:aws:iam:us-east-1:123456789012:role/R")),
        ("another partition", "invalid_role_arn", role_arn("arn:gcp:iam::123456789012:role/R")),
        ("2049 characters", "invalid_role_arn", role_arn(&arn("arn:aws:iam::123456789012:role/", 2049))),
        ("a name of 65", "invalid_role_arn", role_arn(&format!("arn:aws:iam::123456789012:role/{}", long(65)))),
        ("a line break", "invalid_role_arn", role_arn("arn:aws:iam::123456789012:role/R\n")),
        ("1 character", "invalid_session_name", with(|call| call.session_name = long(1))),
        ("65 characters", "invalid_session_name", with(|call| call.session_name = long(65))),
        ("a space", "invalid_session_name", with(|call| call.session_name = "a b".into())),
        ("a slash", "invalid_session_name", with(|call| call.session_name = "a/b".into())),
        ("a colon", "invalid_session_name", with(|call| call.session_name = "a:b".into())),
        ("non-ASCII", "invalid_session_name", with(|call| call.session_name = "åb".into())),
        ("899", "invalid_duration", with(|call| call.duration_seconds = 899)),
        ("43201", "invalid_duration", with(|call| call.duration_seconds = 43_201)),
        ("0", "invalid_duration", with(|call| call.duration_seconds = 0)),
        ("1 character", "invalid_external_id", with(|call| call.external_id = Some(long(1)))),
        ("empty", "invalid_external_id", with(|call| call.external_id = Some(String::new()))),
        ("1225 characters", "invalid_external_id", with(|call| call.external_id = Some(long(1225)))),
        ("a space", "invalid_external_id", with(|call| call.external_id = Some("a b".into()))),
        ("a quote", "invalid_external_id", with(|call| call.external_id = Some("a\"b".into()))),
        ("empty", "invalid_session_policy", with(|call| call.policy = Some(String::new()))),
        ("2049 characters", "invalid_session_policy", with(|call| call.policy = Some(long(2049)))),
        ("beyond Latin-1", "invalid_session_policy", with(|call| call.policy = Some("{Ā}".into()))),
        ("a vertical tab", "invalid_session_policy", with(|call| call.policy = Some("{\u{b}}".into()))),
        ("11 policies", "invalid_session_policy", with(|call| call.policy_arns = vec![format!("{POLICY}P"); 11])),
        (
            "a policy of another account",
            "invalid_session_policy",
            with(|call| call.policy_arns = vec!["arn:aws:iam::210987654321:policy/P".into()]),
        ),
        (
            "a policy of another partition",
            "invalid_session_policy",
            with(|call| call.policy_arns = vec!["arn:aws-cn:iam::123456789012:policy/P".into()]),
        ),
        ("a role as policy", "invalid_session_policy", with(|call| call.policy_arns = vec![ROLE.into()])),
        ("a policy's ARN of 2049", "invalid_session_policy", with(|call| call.policy_arns = vec![arn(POLICY, 2049)])),
        ("51 tags", "invalid_tag", with(|call| call.tags = tags(51))),
        ("no key", "invalid_tag", tag("", "v")),
        ("a key of 129", "invalid_tag", tag(&long(129), "v")),
        ("a value of 257", "invalid_tag", tag("k", &long(257))),
        ("a star in a key", "invalid_tag", tag("k*", "v")),
        ("a line break in a value", "invalid_tag", tag("k", "v\n")),
        ("a tab in a value", "invalid_tag", tag("k", "a\tb")),
        ("an emoji in a value", "invalid_tag", tag("k", "🦀")),
        ("a reserved key", "invalid_tag", tag("AWS:k", "v")),
        (
            "one key in two cases",
            "invalid_tag",
            with(|call| call.tags = vec![("Team".into(), "a".into()), ("team".into(), "b".into())]),
        ),
        (
            "51 transitive keys",
            "invalid_tag",
            with(|call| {
                call.tags = tags(50);
                call.transitive_tag_keys = vec!["k0".into(); 51];
            }),
        ),
        ("a transitive key without tag", "invalid_tag", with(|call| call.transitive_tag_keys = vec!["k".into()])),
        ("1 character", "invalid_source_identity", with(|call| call.source_identity = Some(long(1)))),
        ("65 characters", "invalid_source_identity", with(|call| call.source_identity = Some(long(65)))),
        ("a space", "invalid_source_identity", with(|call| call.source_identity = Some("a b".into()))),
        ("reserved", "invalid_source_identity", with(|call| call.source_identity = Some("aws:x".into()))),
        ("a serial number of 8", "invalid_mfa", mfa(&long(8), "123456")),
        ("a serial number of 257", "invalid_mfa", mfa(&long(257), "123456")),
        ("a space in the serial number", "invalid_mfa", mfa("GAHT 12345678", "123456")),
        ("five digits", "invalid_mfa", mfa("GAHT12345678", "12345")),
        ("seven digits", "invalid_mfa", mfa("GAHT12345678", "1234567")),
        ("a letter", "invalid_mfa", mfa("GAHT12345678", "12345a")),
        ("China for aws", "partition_mismatch", endpoint(ROLE, "cn-north-1", None)),
        ("Ireland for China", "partition_mismatch", endpoint("arn:aws-cn:iam::123456789012:role/R", "eu-west-1", None)),
        (
            "GovCloud for aws, with an endpoint",
            "partition_mismatch",
            endpoint(ROLE, "us-gov-west-1", Some("https://sts.example.com")),
        ),
        (
            "a partition without endpoint",
            "unknown_partition",
            endpoint("arn:aws-iso:iam::123456789012:role/R", "us-iso-east-1", None),
        ),
        (
            "a partition that is new",
            "unknown_partition",
            endpoint("arn:aws-new:iam::123456789012:role/R", "xx-new-1", None),
        ),
        ("relative", "invalid_endpoint", endpoint(ROLE, "us-east-1", Some("sts.example.com"))),
        ("another scheme", "invalid_endpoint", endpoint(ROLE, "us-east-1", Some("ftp://sts.example.com"))),
        ("a web socket", "invalid_endpoint", endpoint(ROLE, "us-east-1", Some("wss://sts.example.com"))),
        ("a query", "invalid_endpoint", endpoint(ROLE, "us-east-1", Some("https://sts.example.com/?a=1"))),
        ("a fragment", "invalid_endpoint", endpoint(ROLE, "us-east-1", Some("https://sts.example.com/#a"))),
        ("user info", "invalid_endpoint", endpoint(ROLE, "us-east-1", Some("https://u:p@sts.example.com/"))),
        ("plain http", "insecure_url", endpoint(ROLE, "us-east-1", Some("http://sts.example.com"))),
        (
            "plain http, looks like loopback",
            "insecure_url",
            endpoint(ROLE, "us-east-1", Some("http://localhost.example.com")),
        ),
        (
            "plain http, begins like loopback",
            "insecure_url",
            endpoint(ROLE, "us-east-1", Some("http://127.0.0.1.example.com")),
        ),
    ];
    let mut seen = BTreeSet::new();
    for (what, code, outcome) in cases {
        let error = outcome.expect_err(what);
        assert_eq!(error.code(), code, "{what}: {error}");
        assert_is_sentence(&error.to_string());
        assert!(!error.is_retryable(), "{what}");
        assert_eq!(error.kind().class(), ErrorClass::Validation, "{what}");
        assert!(error.aws().is_none(), "{what}");
        seen.insert(code);
    }
    // The kinds of this class that only a face can find: options, a role that is missing, a session that is
    // closed, and URLs compared with its `base_url`.
    let elsewhere = [ErrorKind::Closed, ErrorKind::InvalidOption, ErrorKind::OriginMismatch, ErrorKind::RoleNotGiven];
    let expected: BTreeSet<&str> = ErrorKind::all()
        .filter(|kind| kind.class() == ErrorClass::Validation && !elsewhere.contains(kind))
        .map(ErrorKind::code)
        .collect();
    assert_eq!(seen, expected);
}

/// The other side of each limit.
#[test]
fn what_is_just_good_is_taken() {
    let long = |length: usize| "a".repeat(length);
    let cases: Vec<(&str, Result<(), Error>)> = vec![
        ("a tab in a header", header("X-A", b"a\tb")),
        ("bytes beyond ASCII in a header", header("X-A", b"\xff")),
        ("a method of one's own", method("M-SEARCH")),
        ("63 letters as region", region(&long(63))),
        ("one letter as region", region("a")),
        ("64 letters as service", service(&long(64))),
        ("a hash", hash(&sha256_hex(b""))),
        ("1970", time(UNIX_EPOCH)),
        ("the last second of 9999", time(at(253_402_300_799))),
        ("a second", expires_in(Duration::from_secs(1))),
        ("seven days", expires_in(Duration::from_secs(604_800))),
        ("an unsigned payload elsewhere", unsigned("s3")),
        ("no token", credentials("AKID", "secret", "")),
        ("a role's ARN of 2048", role_arn(&arn("arn:aws:iam::123456789012:role/", 2048))),
        ("a role's name of 64", role_arn(&format!("arn:aws:iam::123456789012:role/a/b/{}", long(64)))),
        ("every sign in a role's name", role_arn("arn:aws:iam::123456789012:role/a_+=,.@-Z9")),
        ("a session name of 2", with(|call| call.session_name = long(2))),
        ("a session name of 64", with(|call| call.session_name = long(64))),
        ("every sign in a session name", with(|call| call.session_name = "aZ9_+=,.@-".into())),
        ("900", with(|call| call.duration_seconds = 900)),
        ("43200", with(|call| call.duration_seconds = 43_200)),
        ("an external id of 2", with(|call| call.external_id = Some(long(2)))),
        ("an external id of 1224", with(|call| call.external_id = Some(long(1224)))),
        ("every sign in an external id", with(|call| call.external_id = Some("aZ9_+=,.@:/-".into()))),
        ("a policy of 2048", with(|call| call.policy = Some(long(2048)))),
        ("Latin-1 and line breaks in a policy", with(|call| call.policy = Some("{\t\r\n\u{ff}}".into()))),
        ("10 policies", with(|call| call.policy_arns = vec![format!("{POLICY}P"); 10])),
        ("AWS's policy", with(|call| call.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()])),
        ("a policy's ARN of 2048", with(|call| call.policy_arns = vec![arn(POLICY, 2048)])),
        (
            "50 tags, all transitive",
            with(|call| {
                call.tags = tags(50);
                call.transitive_tag_keys = tags(50).into_iter().map(|(key, _)| key.to_uppercase()).collect();
            }),
        ),
        ("a key of 128", tag(&long(128), "")),
        ("a value of 256", tag("k", &long(256))),
        ("a value of 256 characters of three bytes", tag("k", &"日".repeat(256))),
        ("every sign in a tag", tag("aZ9 _.:/=+-@ü日", "_.:/=+-@ ü日٣")),
        ("a source identity of 2", with(|call| call.source_identity = Some(long(2)))),
        ("a source identity of 64", with(|call| call.source_identity = Some(long(64)))),
        ("a serial number of 9", mfa(&long(9), "000000")),
        ("a serial number of 256", mfa(&long(256), "123456")),
        ("an ARN as serial number", mfa("arn:aws:iam::123456789012:mfa/user", "123456")),
        (
            "an endpoint for a new partition",
            endpoint("arn:aws-new:iam::123456789012:role/R", "xx-new-1", Some("https://sts.example.com")),
        ),
        ("http on loopback", endpoint(ROLE, "us-east-1", Some("http://127.0.0.1:4566"))),
        ("http on localhost", endpoint(ROLE, "us-east-1", Some("http://localhost:4566"))),
        ("http on IPv6 loopback", endpoint(ROLE, "us-east-1", Some("http://[::1]:4566"))),
    ];
    for (what, outcome) in cases {
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
    }
}

/// kube2iam#43 and its like: a long input does not become a long message, a control character no line of a log.
#[test]
fn input_in_a_message_is_cut_and_escaped() {
    let error = with(|call| call.role_arn = format!("arn:a\n{}", "b".repeat(10_000))).unwrap_err();
    assert!(error.to_string().len() < 200, "{error}");
    assert!(error.to_string().contains("a\\n"), "{error}");
}

#[test]
fn a_presigned_url_cannot_tell_a_service_that_the_payload_is_unsigned() {
    let request = Request { method: "GET", url: Url::parse(URL).unwrap(), headers: &[], payload: Payload::Unsigned };
    let presign = |service: &str| {
        let signer = Signer::new(example_credentials(None), Scope::new("us-east-1", service).unwrap());
        signer.presign(&request, Duration::from_secs(60), example_instant()).map(|_| ())
    };
    assert_eq!(presign("dynamodb").unwrap_err().code(), "unsigned_payload");
    presign("s3").unwrap();
    presign("vpc-lattice-svcs").unwrap();
}

#[test]
fn a_port_is_sent_without_zeros_before_it() {
    // Clients write the port as a number: what is signed must be the same.
    assert_eq!(xacct_sign::canonical_url("http://127.0.0.1:08080/").unwrap(), "http://127.0.0.1:8080/");
    assert_eq!(xacct_sign::canonical_url("https://[::1]:08443/").unwrap(), "https://[::1]:8443/");
    assert_eq!(xacct_sign::canonical_url("https://[::1]/").unwrap(), "https://[::1]/");
    assert_eq!(xacct_sign::canonical_url("https://a:0443/").unwrap(), "https://a/");
}

/// STS compares tag keys without regard to case, in every script.
#[test]
fn tag_keys_that_differ_in_case_alone_are_one() {
    for (one, other) in [("team", "TEAM"), ("größe", "GRÖßE"), ("команда", "КОМАНДА")] {
        let result = with(|call| call.tags = vec![(one.into(), "1".into()), (other.into(), "2".into())]);
        assert_eq!(result.unwrap_err().code(), "invalid_tag", "{one} {other}");
    }
}

/// Of many headers it is this one, however long its name.
#[test]
fn c10_the_header_whose_value_is_wrong_is_named() {
    let name = "X-Very-Long-Header-Name-Of-My-Company-Trace";
    let error = header(name, b"a\nMARKER").unwrap_err();
    assert!(error.to_string().contains(name) && !error.to_string().contains("MARKER"), "{error}");
    let url = xacct_sign::CanonicalUrl::parse(URL).unwrap();
    let error = Call::new("GET", url, &[(name, b"a\nMARKER")], Vec::new()).unwrap_err();
    assert!(error.to_string().contains(name) && !error.to_string().contains("MARKER"), "{error}");
}
