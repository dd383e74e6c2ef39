//! Functions behind a front: the event that each gets, and what becomes of its answer.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use xacct_sign_emulator::{Format, Forward, Options, Outcome};

use crate::world::*;

fn world() -> World {
    let upstream = Some("http://127.0.0.1:9000/base/".parse().unwrap());
    world_of(FRONTS, Options { upstream, format: Format::LambdaEvent, explain: true, ..Options::default() })
}

/// Sends a request as shop, which is let in everywhere here, and says what goes to the function.
fn forwarded(world: &mut World, stage: &str, mut request: Request<Bytes>) -> Forward {
    let shop = world.base("/Shop");
    let (service, credentials) = match stage {
        "urld" => ("lambda", shop),
        "restd" => ("execute-api", shop),
        _ => ("execute-api", world.assume(&shop, "arn:aws:iam::111111111111:role/ApiHttp")),
    };
    sign(&mut request, &credentials, service, world.now);
    match world.outcome(&at(stage), request) {
        Outcome::Forward(forward) => *forward,
        Outcome::Respond(response) => panic!("{response:?} {}", world.detail()),
    }
}

fn event(world: &mut World, stage: &str, request: Request<Bytes>) -> Value {
    let Forward { request, .. } = forwarded(world, stage, request);
    assert_eq!(
        (request.method().as_str(), request.headers()["host"].as_bytes()),
        ("POST", b"127.0.0.1:9000".as_slice())
    );
    assert_eq!(request.uri(), "http://127.0.0.1:9000/base/2015-03-31/functions/function/invocations");
    assert_eq!(request.headers().len(), 2, "nothing of the client's is in the head: {:?}", request.headers());
    serde_json::from_slice(request.body()).unwrap()
}

/// A request with some of everything.
fn rich(path: &str) -> Request<Bytes> {
    let mut request = request("PUT", &format!("{path}?a=1&a=2+3&b=%C3%A9&c"), r#"{"foo":"bar"}"#);
    for (name, value) in [
        ("accept", "text/plain"),
        ("accept", "text/html"),
        ("cookie", "one=1; two=2"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-amzn-request-context", r#"{"forged":true}"#),
        ("x-forwarded-for", "10.0.0.1"),
    ] {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    request
}

#[test]
fn an_http_api_and_a_function_url_give_an_event_of_format_two() {
    for stage in ["http", "urld"] {
        let mut world = world();
        let mut event = event(&mut world, stage, rich("/a%2Fb/c"));
        let context = event["requestContext"].take();
        assert_eq!(context["routeKey"], "$default");
        let account = if stage == "http" { "111111111111" } else { "000000000000" };
        assert_eq!(context["authorizer"]["iam"]["accountId"], account);
        assert_eq!(context["http"]["path"], "/a%2Fb/c");
        let headers = event["headers"].take();
        for (name, value) in [
            ("accept", json!("text/plain,text/html")),
            ("host", json!("server.stag.foo.example.com")),
            ("x-forwarded-for", json!("127.0.0.1")),
            ("cookie", Value::Null),
            ("authorization", Value::Null),
            ("x-amz-security-token", Value::Null),
            ("x-amzn-request-context", Value::Null),
        ] {
            assert_eq!(headers[name], value, "{stage} {name}");
        }
        assert_eq!(
            event,
            json!({
                "version": "2.0",
                "routeKey": "$default",
                "rawPath": "/a%2Fb/c",
                "rawQueryString": "a=1&a=2+3&b=%C3%A9&c",
                "queryStringParameters": {"a": "1,2 3", "b": "é", "c": ""},
                "cookies": ["one=1", "two=2"],
                "headers": null,
                "requestContext": null,
                "body": r#"{"foo":"bar"}"#,
                "isBase64Encoded": false,
            })
        );
    }
}

#[test]
fn a_rest_api_gives_an_event_of_format_one() {
    let mut world = world();
    let mut event = event(&mut world, "restd", rich("/v1/a%2Fb/c"));
    let context = event["requestContext"].take();
    assert_eq!(context["identity"]["accountId"], "000000000000");
    assert_eq!((&context["path"], &context["resourcePath"]), (&json!("/v1/a%2Fb/c"), &json!("/{proxy+}")));
    let (headers, all_headers) = (event["headers"].take(), event["multiValueHeaders"].take());
    assert_eq!(
        (&headers["accept"], &all_headers["accept"]),
        (&json!("text/html"), &json!(["text/plain", "text/html"]))
    );
    assert_eq!((&headers["cookie"], &headers["authorization"]), (&json!("one=1; two=2"), &Value::Null));
    assert_eq!(all_headers["x-forwarded-for"], json!(["127.0.0.1"]));
    assert_eq!(
        event,
        json!({
            "resource": "/{proxy+}",
            "path": "/a%2Fb/c",
            "httpMethod": "PUT",
            "headers": null,
            "multiValueHeaders": null,
            "queryStringParameters": {"a": "2 3", "b": "é", "c": ""},
            "multiValueQueryStringParameters": {"a": ["1", "2 3"], "b": ["é"], "c": [""]},
            "pathParameters": {"proxy": "a/b/c"},
            "stageVariables": null,
            "requestContext": null,
            "body": r#"{"foo":"bar"}"#,
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn what_there_is_none_of_is_left_out_or_null() {
    let mut world = world();
    let two = event(&mut world, "urld", request("GET", "/", ""));
    for name in ["body", "cookies", "queryStringParameters"] {
        assert_eq!(two.get(name), None, "{name}");
    }
    assert_eq!(two["rawQueryString"], "");
    let one = event(&mut world, "restd", request("GET", "/v1", ""));
    for name in ["body", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters"] {
        assert_eq!(one.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!((&one["path"], &one["resource"]), (&json!("/"), &json!("/")));
}

#[test]
fn a_body_that_is_no_text_is_base_64() {
    for (stage, path, kind, body, expected) in [
        ("urld", "/", Some("application/octet-stream"), &b"abc"[..], ("YWJj", true)),
        ("urld", "/", Some("application/x-www-form-urlencoded"), b"a=b", ("YT1i", true)),
        ("urld", "/", Some("application/vnd.api+json"), b"{}", ("{}", false)),
        ("urld", "/", Some("TEXT/CSV"), b"a,b", ("a,b", false)),
        ("urld", "/", Some("text/plain"), b"\xff\x00", ("/wA=", true)),
        ("urld", "/", None, b"abc", ("abc", false)),
        ("restd", "/v1/", Some("application/octet-stream"), b"abc", ("abc", false)),
        ("restd", "/v1/", None, b"\xff\x00", ("/wA=", true)),
    ] {
        let mut request = request("PUT", path, "").map(|_| Bytes::copy_from_slice(body));
        if let Some(kind) = kind {
            request.headers_mut().insert("content-type", kind.parse().unwrap());
        }
        let event = event(&mut world(), stage, request);
        assert_eq!(
            (event["body"].as_str().unwrap(), event["isBase64Encoded"].as_bool().unwrap()),
            expected,
            "{kind:?}"
        );
    }
}

/// Status, headers and body that a front makes of what a function answered.
fn answered(stage: &str, answer: Response<Bytes>) -> (u16, HeaderMap, String) {
    let mut world = world();
    let path = if stage == "restd" { "/v1/x" } else { "/x" };
    let Forward { reply, .. } = forwarded(&mut world, stage, request("GET", path, ""));
    assert!(reply.takes_whole());
    let response = reply.function_answered(&answer, world.log.last_mut().unwrap());
    (response.status().as_u16(), response.headers().clone(), text(&response))
}

fn of(stage: &str, answer: Value) -> (u16, HeaderMap, String) {
    answered(stage, Response::new(Bytes::from(answer.to_string())))
}

#[test]
fn an_answer_with_status_headers_and_body_becomes_one_of_http() {
    let answer = json!({
        "statusCode": 201,
        "headers": {"content-type": "text/csv", "x-number": 5, "content-length": "99", "connection": "close"},
        "multiValueHeaders": {"x-many": ["a", "b"]},
        "cookies": ["a=1; Secure", "b=2"],
        "body": "YWJj",
        "isBase64Encoded": true,
    });
    for stage in ["http", "urld", "restd"] {
        let (status, headers, body) = of(stage, answer.clone());
        assert_eq!((status, body.as_str()), (201, "abc"), "{stage}");
        assert_eq!(headers["content-type"], "text/csv");
        assert_eq!(headers["x-number"], "5");
        assert!(!headers.contains_key("connection") && !headers.contains_key("content-length"), "{headers:?}");
        let all =
            |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>();
        // Each format knows its own way of saying a thing twice.
        let (many, cookies) = (all("x-many"), all("set-cookie"));
        match stage {
            "restd" => assert_eq!((many, cookies), (vec!["a".to_owned(), "b".to_owned()], vec![])),
            _ => assert_eq!((many, cookies), (vec![], vec!["a=1; Secure".to_owned(), "b=2".to_owned()])),
        }
        let id = if stage == "http" { "apigw-requestid" } else { "x-amzn-requestid" };
        assert!(headers.contains_key(id), "{stage}");
    }
    // A name that stands in both is there as often as it is said.
    let both = json!({"statusCode": "200", "headers": {"x": "1"}, "multiValueHeaders": {"x": ["1", "2"]}});
    let (status, headers, body) = of("restd", both);
    assert_eq!((status, headers.get_all("x").iter().count(), body.as_str()), (200, 2, ""));
}

#[test]
fn what_has_no_status_is_the_body_but_for_a_rest_api() {
    for (answer, body) in [
        (json!({"ok": true}), r#"{"ok":true}"#),
        (json!([1, 2]), "[1,2]"),
        (json!("hello"), "hello"),
        (Value::Null, "null"),
    ] {
        for stage in ["http", "urld"] {
            let (status, headers, said) = of(stage, answer.clone());
            assert_eq!(
                (status, said.as_str(), &headers["content-type"]),
                (200, body, &"application/json".parse().unwrap())
            );
        }
        let (status, _, said) = of("restd", answer);
        assert_eq!((status, said.as_str()), (502, r#"{"message":"Internal server error"}"#));
    }
}

#[test]
fn a_function_that_fails_or_answers_nonsense_is_the_fronts_failure() {
    let failed = |of: &dyn Fn() -> Response<Bytes>, what: &str| {
        for (stage, status, body) in [
            ("http", 500, r#"{"message":"Internal Server Error"}"#),
            ("restd", 502, r#"{"message":"Internal server error"}"#),
            ("urld", 502, r#"{"Message":"Internal Server Error"}"#),
        ] {
            let (got, headers, said) = answered(stage, of());
            assert_eq!((got, said.as_str()), (status, body), "{stage} {what}");
            let reason = headers["x-xacct-reason"].to_str().unwrap();
            assert!(reason.starts_with("upstream_failed: ") && reason.contains(what), "{reason}");
        }
    };
    let json = |value: Value| Response::new(Bytes::from(value.to_string()));
    failed(&|| json(json!({"errorMessage": "boom", "errorType": "ValueError"})), "the function failed");
    let unhandled = || {
        let mut response = json(json!({"statusCode": 200}));
        response.headers_mut().insert("x-amz-function-error", "Unhandled".parse().unwrap());
        response
    };
    failed(&unhandled, "the function failed");
    failed(&|| Response::builder().status(404).body(Bytes::from("<html>")).unwrap(), "takes no event");
    for nonsense in [
        json!({"statusCode": 99}),
        json!({"statusCode": "x"}),
        json!({"statusCode": 200, "headers": []}),
        json!({"statusCode": 200, "headers": {"a b": "c"}}),
        json!({"statusCode": 200, "headers": {"a": "b\nc"}}),
        json!({"statusCode": 200, "body": "%", "isBase64Encoded": true}),
    ] {
        failed(&|| json(nonsense.clone()), "the function's answer is none");
    }
    failed(&|| Response::new(Bytes::from("not json")), "the function's answer is none");
}

/// Without anything behind it, the echo shows the event.
#[test]
fn the_echo_answers_with_the_event() {
    let options = Options { format: Format::LambdaEvent, ..Options::default() };
    let mut world = world_of(FRONTS, options);
    let shop = world.base("/Shop");
    let response = world.api_as(&at("urld"), &shop, "lambda", ("PUT", "/hoge", "body"));
    let event: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(
        (&event["rawPath"], &event["body"], &event["version"]),
        (&json!("/hoge"), &json!("body"), &json!("2.0"))
    );
}

/// Lambda's limit is the event's, and base 64 takes a third more: of an API's 10 MB not all goes to a function.
#[test]
fn an_event_that_a_function_cannot_get_is_refused() {
    let mut world = world();
    let shop = world.base("/Shop");
    for (stage, service, path, text) in [
        ("urld", "lambda", "/x", "Request must be smaller than 6291456 bytes for the InvokeFunction operation"),
        ("restd", "execute-api", "/v1/x", "Request Too Long"),
    ] {
        for (bytes, status) in [(4_000_000, None), (5_000_000, Some(413))] {
            // No text, so that it is base 64 at both.
            let mut request = request("PUT", path, "").map(|_| Bytes::from(vec![0xff; bytes]));
            sign(&mut request, &shop, service, world.now);
            match world.outcome(&at(stage), request) {
                Outcome::Forward(forward) => {
                    assert_eq!((status, forward.reply.max_bytes()), (None, 6 * 1024 * 1024));
                    assert!(forward.request.body().len() > 5_300_000);
                }
                Outcome::Respond(response) => {
                    assert_eq!((Some(response.status().as_u16()), world.reason()), (status, Some("body_too_large")));
                    assert_eq!(crate::world::text(&response), json!({ "message": text }).to_string());
                }
            }
        }
    }
}
