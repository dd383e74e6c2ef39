//! Each kind of API: what passes there, and in whose words it refuses.

use bytes::Bytes;
use serde_json::{Value, json};
use xacct_sign::{Credentials, Payload, Scope, Signer, Url};
use xacct_sign_emulator::{Addresses, Emulator, Options, Ready, SetupError, UpstreamFailure};
use xacct_sign_provider::Manifest;
use xacct_sign_provider::targets::{FunctionUrl, RestApi};

use crate::world::*;

/// The kinds by stage: the service, and a path.
const STAGES: [(&str, &str, &str); 5] = [
    ("http", "execute-api", "/hoge"),
    ("rest", "execute-api", "/v1/hoge"),
    ("restd", "execute-api", "/v1/hoge"),
    ("url", "lambda", "/hoge"),
    ("urld", "lambda", "/hoge"),
];

fn role(stage: &str) -> String {
    let name = match stage {
        "http" => "ApiHttp",
        "rest" => "ApiRest",
        _ => "ApiUrl",
    };
    format!("arn:aws:iam::111111111111:role/{name}")
}

impl World {
    /// The credentials with which shop calls this stage: a role's, or its own.
    fn shop_at(&mut self, stage: &str) -> Credentials {
        let own = self.base("/Shop");
        if stage.ends_with('d') { own } else { self.assume(&own, &role(stage)) }
    }
}

/// What a front says: status, `x-amzn-errortype`, body.
fn said(response: &http::Response<Bytes>) -> (u16, Option<String>, String) {
    let error = response.headers().get("x-amzn-errortype").map(|name| name.to_str().unwrap().to_owned());
    (response.status().as_u16(), error, text(response))
}

#[test]
fn each_front_lets_its_callers_in_and_tells_who_they_are() {
    let mut world = fronts();
    for (stage, service, path) in STAGES {
        let credentials = world.shop_at(stage);
        let response = world.api_as(&at(stage), &credentials, service, ("PUT", path, "body"));
        assert_eq!(response.status(), 200, "{stage}: {}", world.detail());
        let echo: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!((&echo["path"], &echo["body"]), (&json!("/hoge"), &json!("body")), "{stage}");
        let context = &echo["requestContext"];
        assert_eq!(context["accountId"], "111111111111", "{stage}");
        let (account, arn) = if stage.ends_with('d') {
            ("000000000000", "arn:aws:sts::000000000000:assumed-role/Shop/shop".to_owned())
        } else {
            let role = role(stage).rsplit('/').next().unwrap().to_owned();
            ("111111111111", format!("arn:aws:sts::111111111111:assumed-role/{role}/session-1"))
        };
        let identity = match stage.starts_with("rest") {
            true => &context["identity"],
            false => &context["authorizer"]["iam"],
        };
        assert_eq!((&identity["accountId"], &identity["userArn"]), (&json!(account), &json!(arn)), "{stage}");
        assert_eq!(identity["accessKey"], credentials.access_key_id(), "{stage}");
        let id = context["requestId"].as_str().unwrap();
        let header = if stage == "http" { "apigw-requestid" } else { "x-amzn-requestid" };
        assert_eq!(response.headers()[header], id, "{stage}");
    }
}

#[test]
fn a_function_urls_context_is_of_its_url_and_a_rest_apis_of_its_stage() {
    let mut world = fronts();
    let credentials = world.shop_at("urld");
    let response = world.api_as(&at("urld"), &credentials, "lambda", ("GET", "/a/b?x=1", ""));
    let echo: Value = serde_json::from_slice(response.body()).unwrap();
    let context = &echo["requestContext"];
    assert_eq!((&context["apiId"], &context["stage"]), (&json!("u2u2u2u2"), &json!("$default")));
    assert_eq!(context["http"]["path"], "/a/b");
    let response = world.api(&at("restd"), &credentials, "GET", "/v1/a/b?x=1", "");
    let echo: Value = serde_json::from_slice(response.body()).unwrap();
    let context = &echo["requestContext"];
    assert_eq!((&context["path"], &context["stage"]), (&json!("/v1/a/b"), &json!("v1")));
    assert_eq!((&context["resourcePath"], &context["httpMethod"]), (&json!("/{proxy+}"), &json!("GET")));
    assert_eq!(context["extendedRequestId"], response.headers()["x-amz-apigw-id"].to_str().unwrap());
    assert_eq!(context["identity"]["vpceId"], Value::Null);
}

#[test]
fn what_is_not_signed_is_refused_in_each_fronts_words() {
    let mut world = fronts();
    for (stage, error, body) in [
        ("http", None, r#"{"message":"Forbidden"}"#),
        ("rest", Some("MissingAuthenticationTokenException"), r#"{"message":"Missing Authentication Token"}"#),
        ("url", Some("AccessDeniedException"), r#"{"Message":"Forbidden"}"#),
    ] {
        let path = if stage == "rest" { "/v1/hoge" } else { "/hoge" };
        let response = world.send(&at(stage), request("GET", path, ""));
        assert_eq!(said(&response), (403, error.map(str::to_owned), body.to_owned()));
        assert_eq!(world.reason(), Some("signature_missing"));
    }
}

#[test]
fn a_scope_that_is_wrong_is_told_with_awss_sentence() {
    let mut world = fronts();
    for (stage, region, service, text) in [
        ("restd", REGION, "lambda", "Credential should be scoped to correct service: 'execute-api'. "),
        ("restd", "us-east-1", "execute-api", "Credential should be scoped to a valid region, not 'us-east-1'. "),
        ("urld", REGION, "execute-api", "Credential should be scoped to correct service: 'lambda'. "),
        ("urld", "us-east-1", "lambda", "Credential should be scoped to a valid region, not 'us-east-1'. "),
        (
            "urld",
            "us-east-1",
            "s3",
            "Credential should be scoped to a valid region, not 'us-east-1'. Credential should be scoped to correct service: 'lambda'. ",
        ),
        ("http", REGION, "lambda", "Forbidden"),
    ] {
        let path = if stage == "restd" { "/v1/hoge" } else { "/hoge" };
        let credentials = world.shop_at("restd");
        let mut request = request("GET", path, "");
        Signer::new(credentials, Scope::new(region, service).unwrap()).sign(&mut request, world.now).unwrap();
        let response = world.send(&at(stage), request);
        let error = (stage != "http").then(|| "InvalidSignatureException".to_owned());
        assert_eq!(said(&response), (403, error, json!({ "message": text }).to_string()), "{stage}");
        assert_eq!(world.reason(), Some("scope_mismatch"));
    }
}

#[test]
fn a_rest_api_says_what_it_computed_and_a_function_url_that_it_did() {
    let mut world = fronts();
    let credentials = world.shop_at("restd");
    let changed = |world: &mut World, stage: &str, service: &str, path: &str| {
        let mut request = request("PUT", path, "body");
        sign(&mut request, &credentials, service, world.now);
        request.headers_mut().insert("host", "other.example.com".parse().unwrap());
        world.send(&at(stage), request)
    };
    const FIRST: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    let error = Some("InvalidSignatureException".to_owned());
    let response = changed(&mut world, "urld", "lambda", "/hoge");
    assert_eq!(said(&response), (403, error.clone(), json!({ "message": FIRST }).to_string()));

    let response = changed(&mut world, "restd", "execute-api", "/v1/hoge");
    let (status, name, body) = said(&response);
    assert_eq!((status, name), (403, error));
    let body: Value = serde_json::from_str(&body).unwrap();
    let message = body["message"].as_str().unwrap();
    let token = credentials.session_token().unwrap();
    let start = format!(
        "{FIRST}\n\nThe Canonical String for this request should have been\n'PUT\n/v1/hoge\n\nhost:other.example.com\nx-amz-date:20231114T221320Z\nx-amz-security-token:{token}\n\nhost;x-amz-date;x-amz-security-token\n"
    );
    assert!(message.starts_with(&start), "{message}");
    let end = "'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20231114T221320Z\n20231114/ap-northeast-1/execute-api/aws4_request\n";
    assert!(message.contains(end) && message.ends_with("'\n"), "{message}");
    // It is for whoever sent it: the log has no token.
    assert!(!format!("{:?}", world.log).contains(token));
}

#[test]
fn keys_tokens_and_clocks_are_refused_by_name() {
    let mut world = fronts();
    let own = world.base("/Shop");
    let token = own.session_token().map(str::to_owned);
    let stranger = Credentials::new("AKIDEXAMPLE", "secret", None, None).unwrap();
    let other = Credentials::new(own.access_key_id(), own.secret_access_key(), Some("wrong".into()), None).unwrap();
    let assumed = world.assume(&own, &role("url"));
    let later = world.now + seconds(3_600);
    const INVALID: &str = "The security token included in the request is invalid.";
    let late = "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z (20231114T221821Z - 5 min.)";
    let early =
        "Signature not yet current: 20231114T221320Z is still later than 20231114T221319Z (20231114T220819Z + 5 min.)";
    let signed_at = world.now;
    for (stage, service, path) in [("restd", "execute-api", "/v1/x"), ("urld", "lambda", "/x")] {
        for (credentials, at_time, now, error, text) in [
            (&stranger, signed_at, signed_at, "UnrecognizedClientException", INVALID),
            (&other, signed_at, signed_at, "UnrecognizedClientException", INVALID),
            (&own, signed_at, signed_at + seconds(301), "InvalidSignatureException", late),
            (&own, signed_at, signed_at - seconds(301), "InvalidSignatureException", early),
            (&assumed, later, later, "ExpiredTokenException", "The security token included in the request is expired"),
        ] {
            let mut request = request("GET", path, "");
            let credentials = Credentials::new(
                credentials.access_key_id(),
                credentials.secret_access_key(),
                credentials.session_token().map(str::to_owned),
                None,
            );
            sign(&mut request, &credentials.unwrap(), service, at_time);
            world.now = now;
            let response = world.send(&at(stage), request);
            let expected = (403, Some(error.to_owned()), json!({ "message": text }).to_string());
            assert_eq!(said(&response), expected, "{stage}: {}", world.detail());
        }
        let mut request = request("GET", path, "");
        request.headers_mut().insert("authorization", "Bearer SECRETMARKER".parse().unwrap());
        world.now = signed_at;
        let (status, error, body) = said(&world.send(&at(stage), request));
        assert_eq!((status, error.as_deref()), (403, Some("IncompleteSignatureException")));
        assert!(
            body.starts_with(r#"{"message":"Invalid key=value pair (missing equal-sign) in Authorization header "#)
        );
        assert!(!body.contains("SECRETMARKER"));
    }
    assert!(token.is_some());
}

#[test]
fn a_part_that_a_signature_lacks_is_named_with_awss_sentence() {
    let mut world = fronts();
    let credentials = world.shop_at("restd");
    for (stage, service, path) in [("restd", "execute-api", "/v1/x"), ("urld", "lambda", "/x")] {
        for name in ["Credential", "SignedHeaders", "Signature", "x-amz-date"] {
            let mut request = request("GET", path, "");
            sign(&mut request, &credentials, service, world.now);
            let signature = request.headers()["authorization"].to_str().unwrap().to_owned();
            let text = if name == "x-amz-date" {
                request.headers_mut().remove(name);
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned()
            } else {
                let without = signature.replace(&format!("{name}="), "Other=");
                request.headers_mut().insert("authorization", without.parse().unwrap());
                format!("Authorization header requires '{name}' parameter.")
            };
            let response = world.send(&at(stage), request);
            let error = Some("IncompleteSignatureException".to_owned());
            assert_eq!(said(&response), (403, error, json!({ "message": text }).to_string()), "{stage}: {name}");
        }
    }
}

#[test]
fn who_may_not_is_told_so_in_each_fronts_words() {
    let mut world = fronts();
    let outsider = world.emulator.outsider().credentials.clone();
    let response = world.api(&at("http"), &outsider, "GET", "/hoge", "");
    assert_eq!(said(&response), (403, None, r#"{"message":"Forbidden"}"#.to_owned()));
    let denied = Some("AccessDeniedException".to_owned());
    for stage in ["url", "urld"] {
        let response = world.api_as(&at(stage), &outsider, "lambda", ("GET", "/hoge", ""));
        let body = r#"{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}"#;
        assert_eq!(said(&response), (403, denied.clone(), body.to_owned()));
        assert_eq!(world.reason(), Some("not_allowed"));
    }
    for (stage, api) in [("rest", "r1r1r1r1r1"), ("restd", "r2r2r2r2r2")] {
        let response = world.api(&at(stage), &outsider, "GET", "/v1/hoge", "");
        let text = format!(
            "User: arn:aws:sts::999999999999:assumed-role/Outsider/outsider is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:ap-northeast-1:********1111:{api}/v1/GET/hoge because no resource-based policy allows the execute-api:Invoke action"
        );
        assert_eq!(said(&response), (403, denied.clone(), json!({ "Message": text }).to_string()));
    }
}

#[test]
fn paths_and_methods_that_are_nowhere() {
    let mut world = fronts();
    let credentials = world.shop_at("restd");
    let response = world.api(&at("restd"), &credentials, "GET", "/v2/hoge", "");
    assert_eq!(said(&response), (403, Some("ForbiddenException".into()), r#"{"message":"Forbidden"}"#.into()));
    assert_eq!(world.reason(), Some("outside_stage"));
    let response = world.api(&at("restd"), &credentials, "PROPFIND", "/v1/hoge", "");
    let missing = "MissingAuthenticationTokenException".to_owned();
    assert_eq!(said(&response), (403, Some(missing), r#"{"message":"Missing Authentication Token"}"#.into()));
    // A function URL has every path.
    for path in ["/", "/v2/hoge", "/a%2Fb/../c"] {
        let response = world.api_as(&at("urld"), &credentials, "lambda", ("GET", path, ""));
        assert_eq!(response.status(), 200, "{path}");
    }
}

#[test]
fn a_function_urls_bodies_are_shorter_and_its_heads_longer() {
    let mut world = fronts();
    let credentials = world.shop_at("urld");
    for (stage, service, path, most, error, text) in [
        ("restd", "execute-api", "/v1/hoge", RestApi::MAX_BODY_BYTES, "RequestTooLargeException", "Request Too Long"),
        (
            "urld",
            "lambda",
            "/hoge",
            FunctionUrl::MAX_BODY_BYTES,
            "RequestTooLargeException",
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        ),
    ] {
        assert_eq!(world.emulator.max_body_bytes(&at(stage)), most);
        let body = "x".repeat(most);
        assert_eq!(world.api_as(&at(stage), &credentials, service, ("PUT", path, &body)).status(), 200);
        let response = world.api_as(&at(stage), &credentials, service, ("PUT", path, &format!("{body}x")));
        assert_eq!(said(&response), (413, Some(error.to_owned()), json!({ "message": text }).to_string()));
        let mut padded = request("GET", path, "");
        padded.headers_mut().insert("user-agent", "x".repeat(12_000).parse().unwrap());
        sign(&mut padded, &credentials, service, world.now);
        let expected = if stage == "restd" { 431 } else { 200 };
        assert_eq!(world.send(&at(stage), padded).status(), expected, "{stage}");
    }
}

#[test]
fn each_front_waits_as_long_as_its_own_limit_and_fails_in_its_words() {
    let options = || Options { upstream: Some("http://127.0.0.1:3000".parse().unwrap()), ..Options::default() };
    for (stage, service, path, seconds, megabytes, timeout, failed) in [
        (
            "http",
            "execute-api",
            "/x",
            30,
            10,
            (503, None, r#"{"message":"Service Unavailable"}"#),
            (500, None, r#"{"message":"Internal Server Error"}"#),
        ),
        (
            "rest",
            "execute-api",
            "/v1/x",
            29,
            10,
            (504, Some("InternalServerErrorException"), r#"{"message":"Endpoint request timed out"}"#),
            (502, Some("InternalServerErrorException"), r#"{"message":"Internal server error"}"#),
        ),
        (
            "url",
            "lambda",
            "/x",
            900,
            200,
            (502, None, r#"{"Message":"Internal Server Error"}"#),
            (502, None, r#"{"Message":"Internal Server Error"}"#),
        ),
    ] {
        let mut world = world_of(FRONTS, options());
        let credentials = world.shop_at(stage);
        let mut request = request("GET", path, "");
        sign(&mut request, &credentials, service, world.now);
        let xacct_sign_emulator::Outcome::Forward(forward) = world.outcome(&at(stage), request) else {
            panic!("{}", world.detail());
        };
        let reply = &forward.reply;
        assert_eq!((reply.timeout().as_secs(), reply.max_bytes()), (seconds, megabytes * 1024 * 1024), "{stage}");
        for (failure, (status, error, body)) in
            [(UpstreamFailure::Timeout, timeout), (UpstreamFailure::Connection, failed)]
        {
            let response = reply.failed(failure, world.log.last_mut().unwrap());
            assert_eq!(said(&response), (status, error.map(str::to_owned), body.to_owned()), "{stage}");
        }
    }
}

#[test]
fn whoever_starts_is_told_each_stages_url_kind_and_service() {
    let world = fronts();
    let url = |stage: &str| (stage.to_owned(), format!("http://127.0.0.1/{stage}"));
    let addresses = Addresses::new("http://127.0.0.1:1", STAGES.map(|(stage, ..)| url(stage)).into());
    let ready = Ready::new(&world.emulator, addresses);
    let shown: Value = serde_json::from_str(&ready.to_json()).unwrap();
    assert_eq!(
        shown["stages"]["rest"],
        json!({"url": "http://127.0.0.1/rest/v1", "api_id": "r1r1r1r1r1", "target": "rest_api", "service": "execute-api"})
    );
    assert_eq!(
        shown["stages"]["urld"],
        json!({"url": "http://127.0.0.1/urld", "api_id": "u2u2u2u2", "target": "function_url", "service": "lambda"})
    );
    let shop = &shown["callers"][0];
    assert_eq!(shop["may_call"]["urld"], "arn:aws:lambda:ap-northeast-1:111111111111:function:orders:live");
    assert_eq!(shop["may_assume"]["url"], role("url"));
    let variables = |stage| ready.environment("shop", stage).unwrap();
    let of = |stage, name| variables(stage).into_iter().find(|(known, _)| *known == name).and_then(|(_, value)| value);
    assert_eq!(of("urld", "XACCT_SERVICE").as_deref(), Some("lambda"));
    assert_eq!(of("urld", "XACCT_ROLE_ARN"), None);
    assert_eq!(of("url", "XACCT_ROLE_ARN"), Some(role("url")));
    assert_eq!(of("rest", "XACCT_SERVICE").as_deref(), Some("execute-api"));
    let banner = ready.to_string();
    for line in [
        "API     http://127.0.0.1/http  (stage http)",
        "API     http://127.0.0.1/rest/v1  (stage rest, a REST API)",
        "API     http://127.0.0.1/url  (stage url, a function URL, signed for lambda)",
        "#   calls urld directly, as itself",
    ] {
        assert!(banner.contains(line), "{banner}");
    }
}

#[test]
fn options_about_what_is_not_there() {
    let manifest = Manifest::parse(FRONTS, "xacct.toml").unwrap();
    let made = |options| Emulator::new(&manifest, options, [0; 32]).map(drop);
    let policy = |stage: &str| Options {
        resource_policies: [(stage.to_owned(), r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned())].into(),
        ..Options::default()
    };
    let endpoint = |stage: &str| Options {
        vpc_endpoints: [(stage.to_owned(), "vpce-01234567".to_owned())].into(),
        ..Options::default()
    };
    assert!(matches!(made(policy("none")), Err(SetupError::UnknownStage(stage)) if stage == "none"));
    assert!(matches!(made(endpoint("none")), Err(SetupError::UnknownStage(_))));
    for options in [policy("http"), endpoint("http"), endpoint("url")] {
        assert!(matches!(made(options), Err(SetupError::NotOfTarget { .. })));
    }
    let broken = Options { resource_policies: [("url".to_owned(), "{}".to_owned())].into(), ..Options::default() };
    assert!(matches!(made(broken), Err(SetupError::Policy { .. })));
    assert!(matches!(made(endpoint("rest")), Err(SetupError::NotPrivate(stage)) if stage == "rest"));
    let of = |stage: &str, action: &str| {
        Options {
        resource_policies: [(
            stage.to_owned(),
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"*"}}]}}"#
            ),
        )]
        .into(),
        ..Options::default()
    }
    };
    for (stage, action) in [("restd", "lambda:InvokeFunctionUrl"), ("urld", "execute-api:Invoke")] {
        assert!(matches!(made(of(stage, action)), Err(SetupError::ForeignPolicy { .. })), "{stage}");
    }
    for (stage, action) in [("restd", "execute-api:*"), ("urld", "lambda:InvokeFunctionUrl"), ("restd", "*")] {
        assert!(made(of(stage, action)).is_ok(), "{stage} {action}");
    }
    let private =
        FRONTS.replace("api_id = \"r1r1r1r1r1\"", "api_id = \"r1r1r1r1r1\"\nvpc_endpoints = [\"vpce-01234567\"]");
    let private = Manifest::parse(&private, "xacct.toml").unwrap();
    let made = |id: &str| {
        let vpc_endpoints = [("rest".to_owned(), id.to_owned())].into();
        Emulator::new(&private, Options { vpc_endpoints, ..Options::default() }, [0; 32]).map(drop)
    };
    assert!(made("vpce-89abcdef").is_ok());
    assert!(matches!(made("xx"), Err(SetupError::VpcEndpoint { id, .. }) if id == "xx"));
}

#[test]
fn a_rest_api_counts_the_values_of_its_headers_and_not_the_request_line() {
    let mut world = fronts();
    let credentials = world.shop_at("restd");
    let path = format!("/v1/hoge?a={}", "x".repeat(2_000));
    let mut call = |padding: usize| {
        let mut request = request("GET", &path, "");
        request.headers_mut().insert("user-agent", "x".repeat(padding).parse().unwrap());
        sign(&mut request, &credentials, "execute-api", world.now);
        let values: usize = request.headers().values().map(http::HeaderValue::len).sum();
        (values, world.send(&at("restd"), request).status().as_u16())
    };
    let (used, _) = call(1);
    let most = RestApi::MAX_HEADER_VALUE_BYTES;
    assert_eq!(call(most - used + 1), (most, 200));
    assert_eq!(call(most - used + 2), (most + 1, 431));
}

#[test]
fn presigned_urls_pass_at_each_front_and_unsigned_payloads_at_none() {
    let mut world = fronts();
    for (stage, service, path) in [("restd", "execute-api", "/v1/hoge"), ("urld", "lambda", "/hoge")] {
        let credentials = world.shop_at(stage);
        let signer = Signer::new(credentials.clone(), Scope::new(REGION, service).unwrap());
        let url = format!("http://api.example.com{path}?a=1");
        let parts = xacct_sign::Request {
            method: "GET",
            url: Url::parse(&url).unwrap(),
            headers: &[],
            payload: Payload::Bytes(b""),
        };
        let url = signer.presign(&parts, seconds(60), world.now).unwrap();
        let presigned = http::Request::get(&url).header("host", "api.example.com").body(Bytes::new()).unwrap();
        let response = world.send(&at(stage), presigned);
        assert_eq!(response.status(), 200, "{stage}: {}", world.detail());
        let echo: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(echo["query"], "a=1");

        let mut unsigned = request("PUT", path, "body");
        sign(&mut unsigned, &credentials, service, world.now);
        unsigned.headers_mut().insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD".parse().unwrap());
        let (status, error, _) = said(&world.send(&at(stage), unsigned));
        assert_eq!((status, error.as_deref()), (403, Some("InvalidSignatureException")));
        assert_eq!(world.reason(), Some("unsigned_payload"));
    }
}
