//! Who calls, for servers without API Gateway: `token`, and `call --identity`.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use xacct_sign_emulator::Options;

use crate::command::MANIFEST;
use crate::server::{Seen, Server};
use crate::world::{Ran, World};

const AUDIENCE: &str = "https://api.example.com";

/// Its caller may have tokens for one audience.
fn world(name: &str) -> World {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
        "Condition": { "ForAllValues:StringEquals": { "sts:IdentityTokenAudience": AUDIENCE } },
    }]});
    let caller_policies = BTreeMap::from([("shop".to_owned(), policy.to_string())]);
    World::with(name, MANIFEST, Options { caller_policies, explain: true, ..Options::default() })
}

fn part(token: &str, index: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim_end().split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_token_is_one_line() {
    let world = world("identity-token");
    let ran = world.run(&["token", AUDIENCE]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(ran.text().lines().count(), 1);
    let claims = part(ran.text(), 1);
    assert_eq!(
        (&claims["aud"], &claims["sub"]),
        (&json!(AUDIENCE), &json!("arn:aws:iam::000000000000:role/LambdaRoleDeve"))
    );
    let seconds = |claims: &Value| claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(seconds(&claims), 300);
    let ran = world.run(&["token", "--expires-in", "1h", "--algorithm", "RS256", AUDIENCE]);
    assert_eq!((seconds(&part(ran.text(), 1)), &part(ran.text(), 0)["alg"]), (3600, &json!("RS256")));
}

#[test]
fn a_proof_asks_nobody() {
    let world = world("identity-proof");
    let mut command = world.command(["token", "--proof", "--region", "eu-west-1", "https://other.example.com"]);
    let ran = command.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.starts_with("xacct1."), "{text}");
    assert_eq!(part(&text, 1)["region"], "eu-west-1");
}

#[test]
fn what_cannot_be_had_says_why() {
    let world = world("identity-refused");
    for (arguments, code, text) in [
        (&["token", "https://other.example.com"][..], 67, "sts:IdentityTokenAudience"),
        (&["token", ""], 2, "the audience is empty"),
        (&["token", "--algorithm", "HS256", AUDIENCE], 2, "STS signs no tokens with `HS256`"),
        (&["token", "--expires-in", "59", AUDIENCE], 2, "use 60 to 3600 seconds"),
        (&["token", "--expires-in", "9999999999", AUDIENCE], 2, "use 60 to 3600 seconds"),
        (&["token", "--proof", "--expires-in", "60", AUDIENCE], 2, "--proof"),
        (&["token"], 2, "AUDIENCE"),
        (&["call", "--proof", "https://api.example.com/"], 2, "--identity"),
        (&["call", "--identity", AUDIENCE, "--service", "lambda", "https://api.example.com/"], 2, "--service"),
        (&["call", "--identity", AUDIENCE, "http://api.example.com/"], 2, "plain http"),
    ] {
        let ran = world.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(text), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty());
    }
}

#[test]
fn a_call_takes_what_a_token_takes() {
    let world = world("identity-same");
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
    let ran = world.run(&["call", "--identity", AUDIENCE, "--expires-in", "1h", "--algorithm", "RS256", &server.url]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let seen = server.take();
    let token = seen[0].header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    let claims = part(token, 1);
    assert_eq!(part(token, 0)["alg"], "RS256");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    // What is wrong is said in the same words.
    for wrong in [
        &["--algorithm", "HS256"][..],
        &["--expires-in", "59"],
        &["--expires-in", "x"],
        &["--proof", "--expires-in", "60"],
        &["--proof", "--algorithm", "RS256"],
    ] {
        let token = world.run(&[&["token"], wrong, &[AUDIENCE]].concat());
        let call = world.run(&[&["call", "--identity", AUDIENCE], wrong, &[&server.url]].concat());
        let said = |ran: &Ran| ran.stderr.lines().take(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!((call.code, said(&call)), (Some(2), said(&token)), "{call:?}");
    }
    let ran = world.run(&["call", "--algorithm", "RS256", &server.url]);
    assert!(ran.code == Some(2) && ran.stderr.contains("--identity"), "{ran:?}");
    assert!(server.take().is_empty());
}

#[test]
fn a_call_says_who_calls_and_shows_it_to_nobody() {
    let world = world("identity-call");
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
    let url = format!("{}/hoge?a=b", server.url);
    for way in [&["--identity", AUDIENCE][..], &["--identity", AUDIENCE, "--proof"]] {
        let ran = world.run(&[&["call", "-v", "--json", "{}"], way, &[&url]].concat());
        assert_eq!((ran.code, ran.text()), (Some(0), "hi"), "{ran:?}");
        let seen = server.take();
        let [Seen { method, target, body, .. }] = seen.as_slice() else { panic!("{seen:?}") };
        assert_eq!((method.as_str(), target.as_str(), body.as_slice()), ("POST", "/hoge?a=b", &b"{}"[..]));
        let said = seen[0].header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
        assert_eq!(said.starts_with("xacct1."), way.len() == 3);
        assert!(seen[0].header("x-amz-date").is_none());
        assert!(ran.stderr.contains("> authorization:") && !ran.stderr.contains(&said[..40]), "{}", ran.stderr);
    }
}

#[test]
fn a_refusal_by_a_server_without_api_gateway_is_a_case_for_the_doctor_with_the_same_identity() {
    let world = world("identity-401");
    for (status, is_said) in [("401 Unauthorized", true), ("503 Service Unavailable", true), ("404 Not Found", false)] {
        let server = Server::answering(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
        let ran = world.run(&["call", "--fail", "--identity", AUDIENCE, &server.url]);
        assert_eq!(ran.code, Some(22), "{ran:?}");
        assert_eq!(
            ran.stderr.contains("`xacct-sign doctor` with the same URL, role and `--identity`"),
            is_said,
            "{ran:?}"
        );
    }
}

#[test]
fn an_identity_follows_a_redirect_within_its_origin_and_to_no_other() {
    let world = world("identity-redirects");
    let elsewhere = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nelse");
    let moved = |to: &str| {
        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nmoved")
    };
    let away = moved(&format!("{}/b", elsewhere.url));
    let server = Server::start(move |seen, stream| {
        let answer = if seen.target == "/a" { moved("/b") } else { away.clone() };
        drop(stream.write_all(answer.as_bytes()));
    });
    for way in [&["--identity", AUDIENCE][..], &["--identity", AUDIENCE, "--proof"]] {
        let ran = world.run(&[&["call", "-L"], way, &[&format!("{}/a", server.url)]].concat());
        assert_eq!((ran.code, ran.text()), (Some(0), "moved"), "{ran:?}");
        let seen = server.take();
        let said: Vec<_> = seen.iter().map(|seen| (seen.target.as_str(), seen.header("authorization"))).collect();
        let [("/a", Some(first)), ("/b", Some(second))] = said.as_slice() else { panic!("{seen:?}") };
        assert!(first.starts_with("Bearer ") && second.starts_with("Bearer "));
        assert_eq!(elsewhere.take(), []);
    }
}
