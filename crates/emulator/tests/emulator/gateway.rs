//! The gateway: what passes, and every way in which a request is refused.

use bytes::Bytes;
use serde_json::{Value, json};
use xacct_sign::sts::AssumeRole;
use xacct_sign::{Credentials, Payload, Scope, Signer, Url};
use xacct_sign_emulator::{Addresses, Options, Ready, Target};
use xacct_sign_provider::targets::HttpApi;

use crate::world::*;

#[track_caller]
fn assert_forbidden(world: &World, response: &http::Response<Bytes>, code: &str) {
    assert_eq!(world.reason(), Some(code), "{}", world.detail());
    assert_eq!(response.status(), 403);
    assert_eq!(text(response), r#"{"message":"Forbidden"}"#);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.headers().contains_key("apigw-requestid"));
    let shown = response.headers()["x-xacct-reason"].to_str().unwrap();
    assert!(shown.starts_with(&format!("{code}: ")), "{shown}");
}

#[test]
fn the_whole_flow_reaches_the_echo_as_the_assumed_role() {
    let mut world = world();
    let credentials = world.assume(&world.shop(), STAG);
    let response = world.api(&stag(), &credentials, "PUT", "/hoge?b=2&a=1", r#"{"foo":"bar"}"#);
    assert_eq!(response.status(), 200, "{}", world.detail());
    let echo: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(echo["method"], "PUT");
    assert_eq!(echo["path"], "/hoge");
    assert_eq!(echo["query"], "b=2&a=1");
    assert_eq!(echo["body"], r#"{"foo":"bar"}"#);
    assert_eq!(echo["isBase64Encoded"], false);
    assert_eq!(echo["headers"]["host"], "server.stag.foo.example.com");
    assert_eq!(echo["headers"].get("authorization"), None);
    assert_eq!(echo["headers"].get("x-amz-security-token"), None);
    let context = &echo["requestContext"];
    assert_eq!(context["accountId"], "111111111111");
    assert_eq!(context["apiId"], "f6g7h8i9j0");
    assert_eq!(context["stage"], "$default");
    assert_eq!(context["time"], "14/Nov/2023:22:13:20 +0000");
    assert_eq!(context["timeEpoch"], 1_700_000_000_000_u64);
    let id = context["authorizer"]["iam"]["userId"].as_str().unwrap();
    assert!(id.starts_with("AROA") && id.ends_with(":session-1"), "{id}");
    assert_eq!(
        context["authorizer"]["iam"],
        json!({
            "accessKey": credentials.access_key_id(),
            "accountId": "111111111111",
            "callerId": id,
            "cognitoIdentity": null,
            "principalOrgId": null,
            "userArn": "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/session-1",
            "userId": id,
        })
    );
    assert_eq!(world.reason(), None);
    assert_eq!(response.headers()["apigw-requestid"], context["requestId"].as_str().unwrap());
}

#[test]
fn a_binary_body_is_shown_in_base_64() {
    let mut world = world();
    let credentials = world.assume(&world.shop(), STAG);
    let mut request = request("POST", "/x", "").map(|_| Bytes::from_static(b"\xff\x00"));
    sign(&mut request, &credentials, "execute-api", world.now);
    let echo: Value = serde_json::from_slice(world.send(&stag(), request).body()).unwrap();
    assert_eq!((&echo["body"], &echo["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
}

#[test]
fn without_explain_the_reason_is_in_the_log_only() {
    let mut world = world();
    let response = world.send(&stag(), request("GET", "/hoge", ""));
    assert_eq!(response.status(), 403);
    assert!(!response.headers().contains_key("x-xacct-reason"));
    assert_eq!(world.reason(), Some("signature_missing"));
}

#[test]
fn no_signature() {
    let mut world = explaining();
    let response = world.send(&stag(), request("GET", "/hoge", ""));
    assert_forbidden(&world, &response, "signature_missing");
}

#[test]
fn a_request_changed_after_signing() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let signed = |world: &World| {
        let mut request = request("PUT", "/hoge?a=1", "body");
        sign(&mut request, &credentials, "execute-api", world.now);
        request
    };
    let mut changed = signed(&world);
    *changed.body_mut() = Bytes::from_static(b"Body");
    let response = world.send(&stag(), changed);
    assert_forbidden(&world, &response, "signature_mismatch");
    let computed = world.log.last().unwrap().computed.clone().unwrap();
    assert!(computed.canonical_request.starts_with("PUT\n/hoge\na=1\n"), "{}", computed.canonical_request);

    let mut changed = signed(&world);
    *changed.uri_mut() = "/hoge?a=2".parse().unwrap();
    let response = world.send(&stag(), changed);
    assert_forbidden(&world, &response, "signature_mismatch");

    let mut changed = signed(&world);
    changed.headers_mut().insert("host", "other.example.com".parse().unwrap());
    let response = world.send(&stag(), changed);
    assert_forbidden(&world, &response, "signature_mismatch");

    let unchanged = signed(&world);
    assert_eq!(world.send(&stag(), unchanged).status(), 200);
}

#[test]
fn a_body_that_is_not_the_hashed_one() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let mut request = request("PUT", "/hoge", "body");
    request.headers_mut().insert("x-amz-content-sha256", "set by the signer".parse().unwrap());
    sign(&mut request, &credentials, "execute-api", world.now);
    *request.body_mut() = Bytes::from_static(b"other");
    let response = world.send(&stag(), request);
    assert_forbidden(&world, &response, "body_mismatch");
}

#[test]
fn clocks_five_minutes_apart() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let start = world.now;
    for (signed_at, passes) in [
        (start - seconds(300), true),
        (start + seconds(300), true),
        (start - seconds(301), false),
        (start + seconds(301), false),
    ] {
        let mut request = request("GET", "/hoge", "");
        sign(&mut request, &credentials, "execute-api", signed_at);
        let response = world.send(&stag(), request);
        if passes {
            assert_eq!(response.status(), 200, "{}", world.detail());
        } else {
            assert_forbidden(&world, &response, "skewed");
        }
    }
}

#[test]
fn expired_credentials_are_reported_only_behind_a_right_signature() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    world.now += seconds(3_599);
    assert_eq!(world.api(&stag(), &credentials, "GET", "/hoge", "").status(), 200);
    world.now += seconds(1);
    let response = world.api(&stag(), &credentials, "GET", "/hoge", "");
    assert_forbidden(&world, &response, "expired");
    // A route that would be refused as well: expiry comes first.
    let response = world.api(&Target::Stage("prod".into()), &credentials, "GET", "/hoge", "");
    assert_forbidden(&world, &response, "expired");

    let token = credentials.session_token().map(str::to_owned);
    let wrong = Credentials::new(credentials.access_key_id(), "wrong", token, None).unwrap();
    let response = world.api(&stag(), &wrong, "GET", "/hoge", "");
    assert_forbidden(&world, &response, "signature_mismatch");
}

#[test]
fn long_expired_credentials_are_forgotten() {
    let mut world = explaining();
    let old = world.assume(&world.shop(), STAG);
    world.now += seconds(3_600 + 3_601);
    world.assume(&world.shop(), STAG);
    let response = world.api(&stag(), &old, "GET", "/hoge", "");
    assert_forbidden(&world, &response, "unknown_key");
}

#[test]
fn base_credentials_do_not_expire() {
    let mut world = world_with(Options { credential_lifetime: Some(seconds(1)), ..Options::default() });
    world.now += seconds(86_400);
    let base = world.shop();
    let credentials = world.assume(&base, STAG);
    assert_eq!(credentials.expires_at(), Some(world.now + seconds(1)));
    assert_eq!(world.api(&stag(), &credentials, "GET", "/hoge", "").status(), 200);
    world.now += seconds(1);
    world.api(&stag(), &credentials, "GET", "/hoge", "");
    assert_eq!(world.reason(), Some("expired"));
}

#[test]
fn tokens() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let other = world.assume(&world.shop(), STAG);
    for token in [None, other.session_token().map(str::to_owned)] {
        let (key, secret) = (credentials.access_key_id(), credentials.secret_access_key());
        let wrong = Credentials::new(key, secret, token, None).unwrap();
        let response = world.api(&stag(), &wrong, "GET", "/hoge", "");
        assert_forbidden(&world, &response, "token_invalid");
    }
}

#[test]
fn keys_that_were_not_issued_here() {
    let mut world = explaining();
    let stranger = Credentials::new("AKIDEXAMPLE", "secret", None, None).unwrap();
    let response = world.api(&stag(), &stranger, "GET", "/hoge", "");
    assert_forbidden(&world, &response, "unknown_key");
    assert!(world.detail().contains("`AKIDEXAMPLE`"));
}

#[test]
fn the_scope_is_the_manifests_region_and_execute_api() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    for (region, service) in [("us-east-1", "execute-api"), (REGION, "sts")] {
        let mut request = request("GET", "/hoge", "");
        let signer = Signer::new(credentials.clone(), Scope::new(region, service).unwrap());
        signer.sign(&mut request, world.now).unwrap();
        let response = world.send(&stag(), request);
        assert_forbidden(&world, &response, "scope_mismatch");
    }
}

#[test]
fn a_role_reaches_its_own_stage_only() {
    let mut world = explaining();
    let prod = Target::Stage("prod".to_owned());
    let for_prod = world.assume(&world.base("/LambdaRoleProd"), PROD);
    assert_eq!(world.api(&prod, &for_prod, "GET", "/hoge", "").status(), 200, "{}", world.detail());
    let response = world.api(&stag(), &for_prod, "GET", "/hoge", "");
    assert_forbidden(&world, &response, "not_allowed");
    let for_stag = world.assume(&world.shop(), STAG);
    let response = world.api(&prod, &for_stag, "GET", "/hoge", "");
    assert_forbidden(&world, &response, "not_allowed");
}

#[test]
fn a_caller_that_assumed_nothing_is_refused() {
    let mut world = explaining();
    for base in [world.shop(), world.emulator.outsider().credentials.clone()] {
        let response = world.api(&stag(), &base, "GET", "/hoge", "");
        assert_forbidden(&world, &response, "not_allowed");
        assert!(world.detail().contains("resource policy"), "{}", world.detail());
    }
}

#[test]
fn a_stage_that_is_not_there() {
    let mut world = world();
    let response = world.send(&Target::Stage("none".to_owned()), request("GET", "/", ""));
    assert_eq!((response.status().as_u16(), text(&response).as_str()), (404, r#"{"message":"Not Found"}"#));
}

#[test]
fn routes_are_enforced_in_every_reading_of_the_path() {
    let mut world = world_with_partner();
    let mut call = AssumeRole::new(PARTNER, "batch");
    call.external_id = Some(EXTERNAL_ID.to_owned());
    let credentials = world.try_assume(&world.partner(), &call).unwrap();
    for (method, path, passes) in [
        ("PUT", "/hoge", true),
        ("GET", "/items/1", true),
        ("GET", "/items/1/secret", true),
        ("GET", "/items/a%20b", true),
        ("GET", "/items/a%2Fb", true),
        ("GET", "/hoge", false),
        ("PUT", "/hoge/", false),
        ("PUT", "/hogehoge", false),
        ("GET", "/items", false),
        ("GET", "/Items/1", false),
        ("GET", "/items/../admin", false),
        ("GET", "/items/%2e%2e/admin", false),
        ("GET", "/items/..%2Fadmin", false),
        ("GET", "/items//../admin", false),
        ("GET", "/items/..", false),
        ("GET", "/items%2F..%2Fadmin", false),
        ("GET", "/%69tems/1", false),
        ("GET", "/items/%ff", false),
        ("GET", "/items/%0a", false),
        ("PUT", "//hoge", false),
    ] {
        let response = world.api(&stag(), &credentials, method, path, "");
        if passes {
            assert_eq!(response.status(), 200, "{method} {path}: {}", world.detail());
        } else {
            assert_eq!(world.reason(), Some("not_allowed"), "{method} {path}: {}", world.detail());
            assert_forbidden(&world, &response, "not_allowed");
        }
    }
    // Who may use every route keeps every spelling.
    let all = world.assume(&world.shop(), STAG);
    for path in ["/items/..%2Fadmin", "/%69tems", "//hoge"] {
        assert_eq!(world.api(&stag(), &all, "GET", path, "").status(), 200, "{path}");
    }
}

/// Parsers of the WHATWG, servers that decode first, or twice, and servers of Java read these paths as they stand in the list.
#[test]
fn e5_no_reading_of_a_path_leads_out_of_the_route() {
    let mut world = world_with_partner();
    let mut call = AssumeRole::new(PARTNER, "batch");
    call.external_id = Some(EXTERNAL_ID.to_owned());
    let credentials = world.try_assume(&world.partner(), &call).unwrap();
    for (path, is_within) in [
        (r"/items/..\admin", false),
        (r"/items/x/..\..\admin", false),
        (r"/items\..\admin", false),
        (r"/items/%2e%2E\admin", false),
        (r"/items/.%2e/admin", false),
        (r"/items/..%5Cadmin", false),
        (r"/items/..%5cadmin", false),
        (r"/items/%252e%252e/admin", false),
        (r"/items/..%252fadmin", false),
        (r"/items/..%255Cadmin", false),
        (r"/items/..;/admin", false),
        (r"/items/..;x=1/admin", false),
        (r"/items/x;/../..;/admin", false),
        (r"/items/%2e%2e;a%2Fadmin", false),
        (r"\items/1", false),
        (r"/items/a\b", true),
        (r"/items/a%5Cb", true),
        (r"/items/a%252Fb", true),
        (r"/items/1;v=2", true),
        (r"/items/...", true),
        (r"/items/100%25", true),
        (r"/items/a/../b", true),
    ] {
        let mut signed = request("GET", "/", "");
        let Ok(uri) = path.parse() else {
            assert!(!is_within, "{path}");
            continue;
        };
        *signed.uri_mut() = uri;
        sign(&mut signed, &credentials, "execute-api", world.now);
        let response = world.send(&stag(), signed);
        if is_within {
            assert_eq!(response.status(), 200, "{path}: {}", world.detail());
            // What was decided on is what is handed on.
            let echo: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(echo["path"], path);
        } else {
            assert_eq!(world.reason(), Some("not_allowed"), "{path}: {}", world.detail());
        }
    }
}

/// What has no path has no route, and no URL at the upstream either.
#[test]
fn e5_a_request_without_a_path_is_refused() {
    let mut world = explaining();
    let all = world.assume(&world.shop(), STAG);
    let response = world.api(&stag(), &all, "OPTIONS", "*", "");
    assert_eq!((response.status().as_u16(), world.reason()), (404, Some("outside_stage")));
}

/// As its invoke URL, `https://{api}.execute-api.{region}.amazonaws.com/v1`.
#[test]
fn e4_a_named_stage_is_in_the_url() {
    let manifest = DEMO.replace("[stages.stag]", "[stages.stag]\napi_stage = \"v1\"");
    assert!(manifest != DEMO);
    let narrow = format!(
        "{manifest}\n[callers.partner]\naccount = \"222222222222\"\nroles = {{ stag = \"Batch\" }}\nroutes = [\"GET /items/*\"]\n"
    );
    let mut world = world_of(&narrow, Options { explain: true, ..Options::default() });
    let stages = ["stag", "prod"].map(|name| (name.to_owned(), "http://127.0.0.1:2".to_owned()));
    let ready = Ready::new(&world.emulator, Addresses::new("http://127.0.0.1:1", stages.into()));
    assert_eq!(ready.addresses().stages["stag"], "http://127.0.0.1:2/v1");
    assert_eq!(ready.addresses().stages["prod"], "http://127.0.0.1:2");

    let partner = world.assume(&world.base("/Batch"), PARTNER);
    let response = world.api(&stag(), &partner, "GET", "/v1/items/1?a=1", "");
    assert_eq!(response.status(), 200, "{}", world.detail());
    let echo: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/items/1"), &json!("a=1")));
    assert_eq!(echo["requestContext"]["http"]["path"], "/v1/items/1");
    assert_eq!(echo["requestContext"]["stage"], "v1");
    for path in ["/items/1", "/v1x/items/1", "/v2/items/1", "/"] {
        let response = world.api(&stag(), &partner, "GET", path, "");
        assert_eq!((response.status().as_u16(), world.reason()), (404, Some("outside_stage")), "{path}");
        assert_eq!(text(&response), r#"{"message":"Not Found"}"#);
    }
    let response = world.api(&stag(), &partner, "GET", "/v1/v1/items/1", "");
    assert_forbidden(&world, &response, "not_allowed");
    let response = world.api(&stag(), &partner, "GET", "/v1/items/../../v1/items", "");
    assert_forbidden(&world, &response, "not_allowed");
    let shop = world.assume(&world.shop(), STAG);
    assert_eq!(world.api(&stag(), &shop, "GET", "/v1", "").status(), 200);
}

#[test]
fn a_session_policy_takes_away_and_adds_nothing() {
    let mut world = explaining();
    let mut call = AssumeRole::new(STAG, "narrow");
    call.policy = Some(
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "execute-api:Invoke",
            "Resource": ["arn:aws:execute-api:*:*:f6g7h8i9j0/*/GET/*", "arn:aws:execute-api:*:*:k1l2m3n4o5/*"],
        }]})
        .to_string(),
    );
    let credentials = world.try_assume(&world.shop(), &call).unwrap();
    assert_eq!(world.api(&stag(), &credentials, "GET", "/hoge", "").status(), 200, "{}", world.detail());
    let response = world.api(&stag(), &credentials, "PUT", "/hoge", "");
    assert_forbidden(&world, &response, "not_allowed");
    assert!(world.detail().contains("the session policy"), "{}", world.detail());
    let response = world.api(&Target::Stage("prod".into()), &credentials, "GET", "/hoge", "");
    assert_forbidden(&world, &response, "not_allowed");
    assert!(world.detail().contains("the role's policy"), "{}", world.detail());
}

#[test]
fn presigned_urls_pass_until_they_end_and_show_no_signature() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let parts = xacct_sign::Request {
        method: "GET",
        url: Url::parse("http://api.example.com/hoge?a=1").unwrap(),
        headers: &[],
        payload: Payload::Bytes(b""),
    };
    let signer = Signer::new(credentials, Scope::new(REGION, "execute-api").unwrap());
    let url = signer.presign(&parts, seconds(60), world.now).unwrap();
    let presigned = || http::Request::get(&url).header("host", "api.example.com").body(Bytes::new()).unwrap();
    let response = world.send(&stag(), presigned());
    let echo: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(echo["query"], "a=1", "{}", world.detail());
    world.now += seconds(61);
    let response = world.send(&stag(), presigned());
    assert_forbidden(&world, &response, "presigned_expired");
}

#[test]
fn ten_megabytes() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let most = "x".repeat(HttpApi::MAX_BODY_BYTES);
    assert_eq!(world.api(&stag(), &credentials, "PUT", "/hoge", &most).status(), 200);
    let response = world.api(&stag(), &credentials, "PUT", "/hoge", &format!("{most}x"));
    assert_eq!((response.status().as_u16(), world.reason()), (413, Some("body_too_large")));
    assert_eq!(text(&response), r#"{"message":"Request Entity Too Large"}"#);
}

#[test]
fn request_line_and_headers_of_10240_bytes() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let mut signed = request("GET", "/hoge", "");
    sign(&mut signed, &credentials, "execute-api", world.now);
    let values: usize = signed.headers().values().map(http::HeaderValue::len).sum();
    let used = "GET /hoge HTTP/1.1".len() + values;
    for (padding, status) in [(HttpApi::MAX_HEAD_BYTES - used, 200), (HttpApi::MAX_HEAD_BYTES - used + 1, 431)] {
        let mut padded = request("GET", "/hoge", "");
        // Not signed, so that the signature stays as long as it is.
        padded.headers_mut().insert("user-agent", "x".repeat(padding).parse().unwrap());
        sign(&mut padded, &credentials, "execute-api", world.now);
        let response = world.send(&stag(), padded);
        assert_eq!(response.status(), status, "{}", world.detail());
    }
    assert_eq!(world.reason(), Some("head_too_large"));
}
