//! No secret is shown but where it is asked for: marked ones go through every command, and what is printed is searched.

use std::collections::BTreeSet;
use std::process::Command;

use crate::server::Server;
use crate::world::{ROLE, Ran, World};

const SECRET: &str = "SECRETMARKER0secret0access0key0wJalrXUtnFE";
const TOKEN: &str = "TOKENMARKER0session0token0IQoJb3JpZ2luX2Vj";
const HEADER: &str = "HEADERMARKER0api0key";
const COOKIE: &str = "COOKIEMARKER0session";

const MARKERS: [&str; 4] = [SECRET, TOKEN, HEADER, COOKIE];

fn marked(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments.iter().copied());
    command
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", TOKEN);
    command
}

/// STS, and an API, that say back all that they are sent.
fn echo(status: &'static str) -> Server {
    Server::start(move |seen, stream| {
        let token = seen.header("x-amz-security-token").unwrap_or_default().to_owned();
        let said = format!("{seen:?} {}", String::from_utf8_lossy(&seen.body));
        let body = format!(
            "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>no: {said}</Message></Error></ErrorResponse>"
        );
        let answer = format!(
            "HTTP/1.1 {status}\r\nx-echo: {token}\r\nset-cookie: a={COOKIE}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let _ = std::io::Write::write_all(stream, answer.as_bytes());
    })
}

#[test]
fn no_secret_is_shown_in_an_error_or_by_verbose() {
    let world = World::new("secrets");
    let (api, refusing) = (echo("403 Forbidden"), echo("403 Forbidden"));
    let header = format!("x-api-key: {HEADER}");
    let cookie = format!("cookie: a={COOKIE}");
    let swapped = format!("authorization: Bearer {TOKEN}");
    let long_role = format!("arn:aws:iam::111111111111:role/{}", "x".repeat(70));
    let no_header = HEADER.to_owned();
    let broken_url = format!("https://user:{SECRET}@no host/?token={TOKEN}");
    let presigned = format!("{}/?X-Amz-Signature=1&X-Amz-Security-Token={TOKEN}", api.url);
    let cases: Vec<Vec<&str>> = vec![
        vec!["call", "-v", "-H", &header, "-H", &cookie, "-H", &swapped, "-o", "/dev/null", &api.url],
        vec!["call", "-v", "--fail", "-i", "-I", "-o", "/dev/null", &api.url],
        vec!["call", "-v", "--role", ROLE, &api.url],
        vec!["call", "-v", "--role", &long_role, &api.url],
        vec!["call", "-v", "-m", "0.00001", &api.url],
        vec!["call", "-H", &no_header, &api.url],
        vec!["call", "-v", &broken_url],
        vec!["call", "-v", &presigned],
        vec!["call", "--role", SECRET, &api.url],
        vec!["call", "--external-id", TOKEN, "--role", ROLE, &api.url],
        vec!["whoami"],
        vec!["whoami", "--role", ROLE],
        vec!["credentials", "--role", ROLE],
        vec!["env", "--role", ROLE],
        vec!["sign", "--role", ROLE, &api.url],
        vec!["presign", "--role", ROLE, &api.url],
    ];
    let mut told = BTreeSet::new();
    for arguments in cases {
        let output = marked(&world, &arguments).env("AWS_ENDPOINT_URL_STS", &refusing.url).output().unwrap();
        let ran = Ran::from(output);
        let text = format!("{}{}", ran.text(), ran.stderr);
        assert!(!text.is_empty(), "{arguments:?} says nothing");
        for marker in MARKERS {
            assert!(!text.contains(marker), "{arguments:?} shows {marker}: {text}");
        }
        told.insert(text.split(':').next().unwrap().to_owned());
    }
    assert!(told.len() > 5, "{told:?}");
    assert!(
        refusing.take().iter().any(|seen| seen.header("x-amz-security-token") == Some(TOKEN)),
        "it was there to be shown"
    );
    assert!(api.take().iter().any(|seen| seen.header("x-api-key") == Some(HEADER)));
}

#[test]
fn verbose_shows_what_was_signed_for_whom() {
    let world = World::new("secrets-verbose");
    let ran = world.call("/a?b=c", &["-v", "-d", "x=y"]);
    assert_eq!(ran.code, Some(0));
    for part in [
        "* assumed the role arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag\n",
        "> POST /a?b=c HTTP/1.1\n",
        "\n> host: 127.0.0.1:",
        "\n> content-type: application/x-www-form-urlencoded\n",
        "\n> authorization: AWS4-HMAC-SHA256 Credential=ASIA",
        "/ap-northeast-1/execute-api/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=…\n",
        "\n> x-amz-security-token: …\n",
        "\n> content-length: 3\n",
        "\n>\n< HTTP/1.1 200 OK\n",
        "\n< content-type: application/json\n",
    ] {
        assert!(ran.stderr.contains(part), "{part:?} is missing: {}", ran.stderr);
    }
    let seen = ran.json();
    for (name, value) in seen["headers"].as_object().unwrap() {
        assert!(ran.stderr.contains(&format!("> {name}: {}\n", value.as_str().unwrap())), "{name} is not shown");
    }
}

#[test]
fn verbose_shows_what_was_sent_and_nothing_else() {
    let world = World::new("secrets-verbose-sent");
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    // What the transport takes away, adds and writes itself.
    let typed = ["-H", "content-length: 99", "-H", "Transfer-Encoding: chunked", "-H", "x-mine: 1", "-d", "a=b"];
    let ran = world.run(&[&["call", "-v"], &typed[..], &[&server.url]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let [seen] = server.take().try_into().unwrap();
    let shown: BTreeSet<String> =
        ran.stderr.lines().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned).collect();
    let hidden = |name: &str| ["authorization", "x-amz-security-token"].contains(&name);
    let sent = seen.headers.iter().filter(|(name, _)| !hidden(name)).map(|(name, value)| format!("{name}: {value}"));
    let mut sent: BTreeSet<String> = sent.collect();
    sent.insert("POST / HTTP/1.1".to_owned());
    let known: BTreeSet<String> =
        shown.iter().filter(|line| !hidden(line.split(':').next().unwrap())).cloned().collect();
    assert_eq!(known, sent);
    assert!(sent.contains("content-length: 3"), "{sent:?}");

    // Where nothing left, nothing is shown.
    for (name, value, url) in [
        ("HTTPS_PROXY", "http://127.0.0.1:1", "https://api.example.com/"),
        ("HTTPS_PROXY", "", "http://127.0.0.1:1/"),
        ("HTTPS_PROXY", "", "https://nowhere.invalid/"),
    ] {
        let ran: Ran = world.command(["call", "-v", url]).env(name, value).output().unwrap().into();
        assert!(ran.stderr.contains("error[transport]: ") && !ran.stderr.contains("> "), "{ran:?}");
    }
    // What asks the proxy to connect did leave.
    let proxy = Server::answering("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n");
    let with_password = proxy.url.replace("http://", "http://user:hunter2@");
    let mut command = world.command(["call", "-v", "https://api.example.com/"]);
    let ran: Ran = command.env("HTTPS_PROXY", with_password).output().unwrap().into();
    assert!(ran.stderr.starts_with("> CONNECT api.example.com:443 HTTP/1.1\n"), "{ran:?}");
    assert!(ran.stderr.contains("\n> Proxy-Authorization: …\n") && !ran.stderr.contains("> GET"), "{ran:?}");
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
}
