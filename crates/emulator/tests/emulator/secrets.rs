//! No secret is in a log line or in a reason.

use bytes::Bytes;
use http::Request;
use xacct_sign::sts::AssumeRole;
use xacct_sign::{Credentials, Payload, Scope, Signer, Url};
use xacct_sign_emulator::{Addresses, Ready, Target};

use crate::world::*;

const MARKER: &str = "SECRETMARKER/abc+def";

#[test]
fn logs_and_reasons_hold_no_secret() {
    let mut world = explaining();
    let base = world.shop();
    let assumed = world.assume(&base, STAG);
    let mut answers = Vec::new();
    let mut send = |world: &mut World, target: &Target, request: Request<Bytes>| {
        let response = world.send(target, request);
        answers.push(format!("{:?}", response.headers()));
    };

    // Every refusal of a signed request: right, changed, misdirected, late, with a wrong token.
    for (target, service, target_uri) in [
        (stag(), "execute-api", "/hoge"),
        (Target::Stage("prod".to_owned()), "execute-api", "/hoge"),
        (Target::Sts, "sts", "/?Action=GetCallerIdentity&Version=2011-06-15"),
        (Target::Sts, "sts", "/?Action=AssumeRole&Version=2011-06-15&RoleArn=x&RoleSessionName=y"),
    ] {
        for credentials in [&base, &assumed] {
            let mut signed = request("GET", target_uri, "");
            sign(&mut signed, credentials, service, world.now);
            send(&mut world, &target, signed.clone());
            let mut changed = signed.clone();
            *changed.body_mut() = Bytes::from_static(b"x");
            send(&mut world, &target, changed);
            let mut token = signed.clone();
            token.headers_mut().insert("x-amz-security-token", MARKER.parse().unwrap());
            send(&mut world, &target, token);
            world.now += seconds(4_000);
            send(&mut world, &target, signed);
            world.now -= seconds(4_000);
            let url = format!("http://h{target_uri}");
            let parts = xacct_sign::Request {
                method: "GET",
                url: Url::parse(&url).unwrap(),
                headers: &[],
                payload: Payload::Bytes(b""),
            };
            let url = Signer::new(credentials.clone(), Scope::new(REGION, service).unwrap())
                .presign(&parts, seconds(60), world.now)
                .unwrap();
            for method in ["GET", "PUT"] {
                let presigned =
                    Request::builder().method(method).uri(&url).header("host", "h").body(Bytes::new()).unwrap();
                send(&mut world, &target, presigned);
            }
        }
    }
    // Key and secret swapped; a token of another scheme.
    let swapped = Credentials::new("SECRETMARKERabc+def", base.access_key_id(), None, None).unwrap();
    let mut request = crate::world::request("GET", "/hoge", "");
    sign(&mut request, &swapped, "execute-api", world.now);
    send(&mut world, &stag(), request.clone());
    for value in [
        MARKER.to_owned(),
        format!("Bearer {MARKER}"),
        format!("AWS4-HMAC-SHA256 Credential={MARKER}, SignedHeaders=host, Signature={MARKER}"),
    ] {
        request.headers_mut().insert("authorization", value.parse().unwrap());
        send(&mut world, &stag(), request.clone());
        send(&mut world, &Target::Sts, request.clone());
    }
    let wrong = world.call(&assumed, &AssumeRole::new(STAG, "session-1"));
    answers.push(format!("{:?}", wrong.headers()));

    assert!(world.log.len() > 50);
    let log: String = world.log.iter().map(|entry| format!("{entry}\n{entry:?}\n")).collect();
    for secret in [&base, &assumed]
        .iter()
        .flat_map(|c| [c.secret_access_key(), c.session_token().unwrap()])
        .chain(["SECRETMARKER"])
    {
        let encoded = secret.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        for text in [log.as_str()].into_iter().chain(answers.iter().map(String::as_str)) {
            for line in text.lines() {
                assert!(!line.contains(secret) && !line.contains(&encoded), "{line}");
            }
        }
    }
}

#[test]
fn e8_the_log_of_a_mismatch_shows_no_value_of_a_secret_header() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let mut request = request("PUT", "/hoge?access_token=SECRETMARKER", "body");
    for name in ["cookie", "x-api-key", "x-auth-token", "x-own"] {
        request.headers_mut().insert(name, "SECRETMARKER".parse().unwrap());
    }
    sign(&mut request, &credentials, "execute-api", world.now);
    *request.method_mut() = http::Method::POST;
    let response = world.send(&stag(), request);
    assert_eq!(world.reason(), Some("signature_mismatch"));
    let computed = world.log.last().unwrap().computed.clone().unwrap();
    assert!(
        computed.canonical_request.contains("\nx-api-key:[redacted, 12 bytes]\n"),
        "{}",
        computed.canonical_request
    );
    let said = format!("{:?}{:?}", world.log, response.headers());
    assert!(!said.contains("SECRETMARKER"), "{said}");
    let said = "line 1 of the canonical request, the method, was signed as `PUT`";
    assert!(response.headers()["x-xacct-reason"].to_str().unwrap().contains(said), "{response:?}");
}

#[test]
fn a_log_entry_is_one_line_of_ascii() {
    let mut world = world();
    let _ = world.send(&stag(), request("GET", "/a%0ab/%C3%A9", ""));
    let shown = world.log[0].to_string();
    assert_eq!(
        shown,
        "2023-11-14T22:13:20Z stag GET /a%0ab/%C3%A9 403 signature_missing: the request has neither an `Authorization` header nor a signature in its query"
    );
}

#[test]
fn the_ready_line_is_one_line() {
    let world = world();
    let stages = [("stag".to_owned(), "http://127.0.0.1:2".to_owned())];
    let addresses = Addresses::new("http://127.0.0.1:1", stages.into());
    let line = Ready::new(&world.emulator, addresses).to_json();
    assert!(!line.contains('\n'));
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["region"], REGION);
    assert_eq!(ready["sts_url"], "http://127.0.0.1:1");
    assert_eq!(
        ready["stages"]["stag"],
        serde_json::json!({
            "url": "http://127.0.0.1:2", "api_id": "f6g7h8i9j0", "target": "http_api", "service": "execute-api",
        })
    );
    let callers = ready["callers"].as_array().unwrap();
    assert_eq!(callers.len(), 2);
    let shop = callers.iter().find(|c| c["role"] == "arn:aws:iam::000000000000:role/LambdaRoleDeve").unwrap();
    assert_eq!((&shop["caller"], &shop["account"]), (&"shop".into(), &"000000000000".into()));
    assert_eq!(shop["may_assume"], serde_json::json!({ "deve": STAG.replace("Stag", "Deve"), "stag": STAG }));
    assert_eq!(shop["credentials"]["access_key_id"], world.shop().access_key_id());
    assert_eq!(shop["credentials"]["secret_access_key"], world.shop().secret_access_key());
    assert_eq!(shop["credentials"]["session_token"], world.shop().session_token().unwrap());
    assert!(ready["outsider"]["credentials"]["session_token"].is_string());
}
