//! What fails on the way: each arm of the client's mapping with a real failure behind it.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;

use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use serde_json::Value;

use crate::world::{Authority, HOST, Server, call, closed_port, head, sends};

const ROLE: &str = "arn:aws:iam::111111111111:role/Role";

/// Code, sentence and a part of the hint, if there is to be one; and an error of the system or of TLS as its cause.
#[track_caller]
fn assert_told(answer: &Value, code: &str, message: &str, hint: &str) {
    assert_eq!(answer["code"], code, "{answer}");
    assert!(answer["message"].as_str().unwrap().contains(message), "{message}: {answer}");
    match answer["hint"].as_str() {
        Some(told) => assert!(!hint.is_empty() && told.contains(hint), "{hint}: {answer}"),
        None => assert_eq!(hint, "", "{answer}"),
    }
    assert!(!answer["sources"].as_array().unwrap().is_empty(), "{answer}");
}

fn at(server: &Server) -> String {
    format!("https://localhost:{}/", server.port)
}

#[test]
fn c6_a_port_that_refuses() {
    let answer = call(&[&format!("http://127.0.0.1:{}/", closed_port())], &[]);
    assert_told(&answer, "transport", "`127.0.0.1` refused the connection", "is the port right?");
}

#[test]
fn c6_a_host_that_nobody_knows() {
    let answer = call(&[&format!("https://{HOST}/")], &[]);
    assert_told(&answer, "transport", &format!("the host `{HOST}` is not known"), "check the URL and the region");
}

#[test]
fn c6_a_certificate_that_is_not_trusted() {
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let trusts = [("AWS_CA_BUNDLE", others.bundle())];
    let told = |server: &Server, message: &str, hint: &str| {
        let answer = call(&[&at(server)], &trusts);
        assert_told(&answer, "transport", "no secure connection to `localhost`", hint);
        assert_told(&answer, "transport", message, hint);
    };
    told(&ours.server(|_| {}), "UnknownIssuer", "AWS_CA_BUNDLE");
    // An authority that was made anew under its name.
    told(&Authority::new("others-anew").server(|_| {}), "BadSignature", "AWS_CA_BUNDLE");
    let of_then = others.server(|params| params.not_after = date_time_ymd(2020, 1, 1));
    told(&of_then, "a certificate of its expired 2020-01-01T00:00:00Z", "needs another certificate");
    let of_later = others.server(|params| {
        (params.not_before, params.not_after) = (date_time_ymd(2100, 1, 1), date_time_ymd(2101, 1, 1));
    });
    told(&of_later, "a certificate of its is not valid before 2100-01-01T00:00:00Z", "clock of this machine");
    let of_another = others.server(|params| params.subject_alt_names.clear());
    told(&of_another, "not valid for name", "a name that its certificate has");
    told(&sends("HTTP/1.1 400 Bad Request\r\n\r\n"), "corrupt message", "does the server speak plain http there?");
    // Those of the platform do not know the authority either.
    let answer = call(&[&at(&ours.server(|_| {}))], &[]);
    assert_told(&answer, "transport", "UnknownIssuer", "AWS_CA_BUNDLE");
}

#[test]
fn c6_a_certificate_of_an_authority_as_the_servers_own() {
    let authority = Authority::new("ca_true");
    let server = authority.server(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let answer = call(&[&at(&server)], &[("AWS_CA_BUNDLE", authority.bundle())]);
    assert_told(
        &answer,
        "transport",
        "its certificate is an authority's (CA:TRUE), and no server's",
        "without CA:TRUE",
    );
}

#[test]
fn c6_the_file_of_certificates() {
    let (ours, others) = (Authority::new("first"), Authority::new("second"));
    let server = ours.server(|_| {});
    let names = ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];
    for (index, name) in names.iter().enumerate() {
        assert_eq!(call(&[&at(&server)], &[(name, ours.bundle())])["status"], 200, "{name}");
        for later in names.iter().skip(index + 1) {
            let answer = call(&[&at(&server)], &[(name, ours.bundle()), (later, others.bundle())]);
            assert_eq!(answer["status"], 200, "{name} before {later}: {answer}");
            let answer = call(&[&at(&server)], &[(name, ""), (later, ours.bundle())]);
            assert_eq!(answer["status"], 200, "{name} is set to nothing, {later}: {answer}");
        }
        let answer = call(&[&at(&server)], &[(name, "/nowhere/ca.pem")]);
        assert_told(
            &answer,
            "invalid_ca_bundle",
            &format!("the CA bundle `/nowhere/ca.pem` of {name} cannot be read"),
            "PEM",
        );
    }
    let empty = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    let answer = call(&[&at(&server)], &[("AWS_CA_BUNDLE", empty.to_str().unwrap())]);
    assert_eq!(answer["code"], "invalid_ca_bundle", "{answer}");
    assert!(answer["message"].as_str().unwrap().ends_with("holds no certificate"), "{answer}");
}

#[test]
fn c6_what_takes_too_long() {
    let hangs = Server::start(|mut stream| head(&mut stream) + &head(&mut stream));
    let stalls = Server::start(|mut stream| {
        let asked = head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").unwrap();
        asked + &head(&mut stream)
    });
    let impatient = [("IMPATIENT", "1")];
    // The handshake, the head, the body.
    for url in [at(&hangs), hangs.url(), stalls.url()] {
        let answer = call(&[&url], &impatient);
        assert_told(&answer, "timeout", "did not answer in time", "gives up after 30 s");
        assert_eq!(answer["retryable"], true, "{answer}");
    }
}

#[test]
fn c6_a_connection_that_breaks() {
    let closes = sends("");
    let cuts_head = sends("HTTP/1.1 200 OK\r\ncontent-le");
    let cuts_body = sends("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
    let cuts_chunk = sends("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf");
    for server in [closes, cuts_head, cuts_body, cuts_chunk] {
        let answer = call(&[&server.url()], &[]);
        assert_told(&answer, "transport", "the connection to `127.0.0.1` broke", "");
        assert_eq!(answer["retryable"], true, "{answer}");
    }
    // Closed at once, with the request unread: the system resets it.
    let resets = Server::start(|stream: TcpStream| {
        stream.shutdown(Shutdown::Read).unwrap();
        String::new()
    });
    let answer = call(&[&resets.url()], &[]);
    assert_told(&answer, "transport", "the connection to `127.0.0.1` broke", "");
}

#[test]
fn c6_what_is_no_http() {
    for answer in ["HTTP/9.9 nonsense\r\n\r\n", "220 mail.example.com ESMTP\r\n"] {
        let answer = call(&[&sends(answer).url()], &[]);
        assert_told(&answer, "transport", "the request to `127.0.0.1` failed", "");
    }
}

#[test]
fn c6_an_answer_that_is_too_large() {
    let body = "x".repeat(2_000_000);
    let sts = sends(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    let answer = call(&[&sts.url(), ROLE], &[]);
    assert_told(&answer, "response_too_large", "answered with more than", "piece by piece");
    assert_eq!(answer["retryable"], false, "{answer}");
    let head = sends(format!("HTTP/1.1 200 OK\r\nx-long: {body}\r\n\r\n"));
    let many = sends(format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(1000)));
    for server in [head, many] {
        assert_told(&call(&[&server.url()], &[]), "response_too_large", "headers that are too long", "piece by piece");
    }
}

/// What a command's exit code and a diagnosis go by: the part of the way, as a value.
#[test]
fn the_part_of_the_way_that_broke_is_named() {
    let authority = Authority::new("link");
    let (untrusted, plain) = (authority.server(|_| {}), sends("HTTP/1.1 400 Bad Request\r\n\r\n"));
    let closed = format!("127.0.0.1:{}", closed_port());
    let refuses = sends("HTTP/1.1 403 Forbidden\r\n\r\n").url();
    let (proxy, unknown_proxy) = (format!("http://{closed}"), format!("http://{HOST}:1"));
    let api = "https://api.example.com/";
    let cases: [(&str, Option<&str>, Option<&str>); 14] = [
        (&format!("https://{HOST}/"), None, Some("Name")),
        (&format!("http://{closed}/"), None, Some("Connection")),
        (&at(&plain), None, Some("Tls")),
        (&at(&untrusted), None, Some("Certificate")),
        (api, Some(&unknown_proxy), Some("ProxyName")),
        (api, Some(&proxy), Some("ProxyConnection")),
        (api, Some(&at(&plain)), Some("ProxyTls")),
        (api, Some(&at(&untrusted)), Some("ProxyCertificate")),
        (api, Some(&refuses), Some("Proxy")),
        (&sends("").url(), None, Some("AnswerHead")),
        (&sends("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").url(), None, Some("AnswerBody")),
        (&sends("HTTP/1.1 2").url(), None, Some("AnswerHead")),
        (&sends("no http\r\n\r\n").url(), None, None),
        ("http://api.example.com/", None, None),
    ];
    for (url, proxy, link) in cases {
        let environment: Vec<(&str, &str)> = proxy.map(|proxy| ("HTTPS_PROXY", proxy)).into_iter().collect();
        let answer = call(&[url], &environment);
        assert_eq!(answer["link"].as_str(), link, "{url}: {answer}");
        // The same on the way to STS, of whose errors they are a cause.
        if link.is_some() {
            let answer = call(&[url, ROLE], &environment);
            assert_eq!(answer["link"].as_str(), link, "{url}: {answer}");
        }
    }
}
