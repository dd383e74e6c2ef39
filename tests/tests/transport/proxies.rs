//! The proxy environment, as curl and requests read it.

use std::ffi::OsString;
use std::io::Write;
use std::sync::Arc;

use serde_json::Value;
use xacct_sign::{Credentials, Error, Scope};
use xacct_sign_client::host::{Host as _, Machine, Variables};
use xacct_sign_client::{Patience, Request, Session};

use crate::world::{Authority, HOST, Server, call, closed_port, head, proxy_to, sends};

fn https() -> String {
    format!("https://{HOST}/")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn c5_https_goes_through_the_proxy_of_https() {
    let authority = Authority::new("proxy");
    let server = authority.server(|_| {});
    let bundle = ("AWS_CA_BUNDLE", authority.bundle());
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        for url in [|proxy: &Server| proxy.url(), |proxy: &Server| format!("127.0.0.1:{}", proxy.port)] {
            let proxy = proxy_to(server.port);
            let answer = call(&[&https()], &[bundle, (name, &url(&proxy))]);
            assert_eq!(answer["status"], 200, "{name}: {answer}");
            assert_eq!(proxy.connections(), 1, "{name}");
        }
    }
    // The narrower variable wins, lower case first, and one that is set to nothing is not set.
    let (proxy, other) = (proxy_to(server.port), proxy_to(server.port));
    let (url, wrong) = (proxy.url(), other.url());
    for environment in [
        [bundle, ("HTTPS_PROXY", &*url), ("ALL_PROXY", &*wrong)],
        [bundle, ("https_proxy", &*url), ("HTTPS_PROXY", &*wrong)],
        [bundle, ("https_proxy", ""), ("HTTPS_PROXY", &*url)],
        [bundle, ("HTTPS_PROXY", &*url), ("NO_PROXY", "example.com")],
    ] {
        let before = proxy.connections();
        assert_eq!(call(&[&https()], &environment)["status"], 200, "{environment:?}");
        assert_eq!((proxy.connections(), other.connections()), (before + 1, 0), "{environment:?}");
    }
}

#[test]
fn c5_the_proxy_of_http_is_not_that_of_https() {
    let proxy = proxy_to(closed_port());
    for name in ["HTTP_PROXY", "http_proxy"] {
        let answer = call(&[&https()], &[(name, &proxy.url())]);
        assert_eq!(text(&answer, "message"), format!("the host `{HOST}` is not known"));
    }
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn c5_no_proxy_covers_subdomains_and_entries_after_a_space() {
    let proxy = proxy_to(closed_port());
    for name in ["NO_PROXY", "no_proxy"] {
        for list in
            ["example.invalid", ".example.invalid", "localhost, example.invalid", "*", "api.example.invalid:443"]
        {
            let answer = call(&[&https()], &[("HTTPS_PROXY", &proxy.url()), (name, list)]);
            assert_eq!(text(&answer, "message"), format!("the host `{HOST}` is not known"), "{list}");
        }
    }
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn c5_a_proxy_that_cannot_be_used_is_an_error() {
    for (name, url) in [
        ("HTTPS_PROXY", "http://"),
        ("HTTPS_PROXY", "://secret@proxy"),
        ("https_proxy", "http://pro xy:secret@3128"),
        ("ALL_PROXY", "ftp://user:secret@proxy:21"),
        ("all_proxy", "socks5h://user:secret@127.0.0.1:1080"),
        ("HTTPS_PROXY", "http://user:secret@proxy:port"),
    ] {
        let answer = call(&[&https()], &[(name, url)]);
        assert_eq!(text(&answer, "code"), "invalid_option", "{url}: {answer}");
        assert_eq!(answer["retryable"], false);
        assert!(text(&answer, "message").contains(&format!("`{name}`")), "{answer}");
        assert!(text(&answer, "hint").contains("NO_PROXY"), "{answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
        // What needs no proxy is not kept from its way.
        let exempt = call(&[&https()], &[(name, url), ("NO_PROXY", "invalid")]);
        assert_eq!(text(&exempt, "message"), format!("the host `{HOST}` is not known"), "{url}");
    }
}

#[cfg(unix)]
#[test]
fn c5_a_proxy_that_is_no_text_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_call"))
        .arg(https())
        .env_clear()
        .env("HTTPS_PROXY", std::ffi::OsStr::from_bytes(b"http://\xff"))
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(text(&answer, "code"), "invalid_option", "{answer}");
}

#[test]
fn c5_what_a_proxy_fails_at_is_the_proxys_fault() {
    let refuses = |status: &str| sends(format!("HTTP/1.1 {status}\r\n\r\n"));
    let (denies, wants_password, broken) = (refuses("403 Forbidden"), refuses("407 No"), refuses("502 Bad Gateway"));
    let silent = sends("");
    let closed = format!("http://127.0.0.1:{}", closed_port());
    let unencrypted = denies.url().replace("http:", "https:");
    for (proxy, expected, hint) in [
        (closed.as_str(), "refused the connection", "HTTPS_PROXY"),
        (&denies.url(), "answered 403", "NO_PROXY"),
        (&wants_password.url(), "answered 407", "user:password@"),
        (&broken.url(), "answered 502", "NO_PROXY"),
        (&silent.url(), "did not answer", "NO_PROXY"),
        (&unencrypted, "no secure connection", "NO_PROXY"),
        ("http://proxy.invalid:3128", "the host `proxy.invalid:3128` is not known", "NO_PROXY"),
    ] {
        let answer = call(&[&https()], &[("HTTPS_PROXY", proxy)]);
        let message = text(&answer, "message");
        assert!(message.starts_with(&format!("the proxy does not connect to `{HOST}`: ")), "{proxy}: {answer}");
        assert!(message.contains(expected), "{proxy}: {answer}");
        assert!(text(&answer, "hint").contains(hint), "{proxy}: {answer}");
        assert_eq!(text(&answer, "code"), "transport", "{proxy}");
    }
    // One that takes the connection and says nothing.
    let hangs = Server::start(|mut stream| {
        head(&mut stream);
        head(&mut stream)
    });
    let answer = call(&[&https()], &[("HTTPS_PROXY", &hangs.url()), ("IMPATIENT", "1")]);
    assert_eq!(text(&answer, "code"), "timeout", "{answer}");
    assert!(text(&answer, "message").contains(&format!("the proxy does not connect to `{HOST}`")), "{answer}");
    // What the API itself says is the API's.
    let proxy = proxy_to(sends("no TLS").port);
    let answer = call(&[&https()], &[("HTTPS_PROXY", &proxy.url())]);
    assert!(text(&answer, "message").starts_with(&format!("no secure connection to `{HOST}`")), "{answer}");
}

#[test]
fn c5_nothing_for_this_machine_goes_through_a_proxy() {
    let authority = Authority::new("loopback");
    let server = authority.server(|_| {});
    let plain = sends("HTTP/1.1 204 No Content\r\n\r\n");
    let proxy = proxy_to(server.port);
    let url = proxy.url();
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let mut environment: Vec<(&str, &str)> = names.iter().map(|name| (*name, url.as_str())).collect();
    environment.push(("AWS_CA_BUNDLE", authority.bundle()));
    let answer = call(&[&format!("https://localhost:{}/", server.port)], &environment);
    assert_eq!(answer["status"], 200, "{answer}");
    let answer = call(&[&plain.url()], &environment);
    assert_eq!(answer["status"], 204, "{answer}");
    assert_eq!(proxy.connections(), 0);
}

/// Plain http goes there, and so a name server must not say where that is.
#[test]
fn c12_what_is_in_localhost_is_this_machine() {
    let server = sends("HTTP/1.1 204 No Content\r\n\r\n");
    let proxy = proxy_to(server.port);
    for name in ["localhost", "api.localhost", "A.B.LOCALHOST"] {
        for variable in ["HTTP_PROXY", "ALL_PROXY"] {
            let answer = call(&[&format!("http://{name}:{}/", server.port)], &[(variable, &proxy.url())]);
            assert_eq!(answer["status"], 204, "{answer}");
        }
    }
    assert_eq!(proxy.connections(), 0);
    let answer = call(&["http://localhost.example.invalid/"], &[]);
    assert_eq!(text(&answer, "code"), "insecure_url", "{answer}");
}

#[test]
fn c5_a_proxys_user_and_password_go_to_the_proxy() {
    let proxy = Server::start(|mut stream| {
        let head = head(&mut stream);
        stream.write_all(b"HTTP/1.1 407 No\r\n\r\n").unwrap();
        head
    });
    let url = proxy.url().replace("//", "//us%65r:p%40ss@");
    let answer = call(&[&https()], &[("HTTPS_PROXY", &url)]);
    assert!(!answer.to_string().contains("p%40ss") && !answer.to_string().contains("p@ss"), "{answer}");
    // `user:p@ss`
    assert!(proxy.seen()[0].contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{:?}", proxy.seen());
}

/// Variables that are not the process's.
#[derive(Debug)]
struct Given(Vec<(&'static str, String)>);

impl Variables for Given {
    fn values(&self, names: &[&str]) -> Result<Vec<Option<OsString>>, Error> {
        let value = |name: &&str| self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.into());
        Ok(names.iter().map(value).collect())
    }

    fn all(&self) -> Result<Option<Vec<(OsString, OsString)>>, Error> {
        Ok(Some(self.0.iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    fn hold(&self, reader: &mut dyn FnMut()) -> Result<(), Error> {
        reader();
        Ok(())
    }
}

#[test]
fn proxies_certificates_and_programs_have_the_variables_of_the_machine() {
    let authority = Authority::new("variables");
    let server = authority.server(|_| {});
    let proxy = proxy_to(server.port);
    let path = std::env::var("PATH").unwrap_or_default();
    let given = [("HTTPS_PROXY", proxy.url()), ("AWS_CA_BUNDLE", authority.bundle().to_owned()), ("PATH", path)];
    let machine = Machine::with_variables(Given(given.to_vec()));
    let ran = machine.run("env", &[], &Patience::default()).unwrap();
    let mut told: Vec<String> = String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect();
    told.sort();
    let mut expected: Vec<String> = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
    expected.push("XACCT_SIGN_DEPTH=1".to_owned());
    expected.sort();
    assert_eq!(told, expected);
    assert_eq!(machine.variables(&["HOME", "HTTPS_PROXY"]), [None, Some(proxy.url())]);

    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None).unwrap();
    let session = Session::on(Arc::new(machine), credentials, Scope::new("us-east-1", "execute-api").unwrap());
    assert_eq!(session.send(Request::new("GET", https())).unwrap().status, 200);
    assert_eq!(proxy.connections(), 1);
}
