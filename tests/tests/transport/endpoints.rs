//! Where STS is called, as AWS's variables have it.

use crate::world::{Server, call, closed_port, sends};

const ROLE: &str = "arn:aws:iam::111111111111:role/Role";

fn sts() -> Server {
    sends("HTTP/1.1 403 Forbidden\r\n\r\n")
}

#[test]
fn c11_the_endpoint_of_the_environment() {
    let (ours, others) = (sts(), sts());
    let (url, wrong) = (ours.url(), others.url());
    for (argument, environment) in [
        ("-", vec![("AWS_ENDPOINT_URL_STS", &*url)]),
        ("-", vec![("AWS_ENDPOINT_URL", &*url)]),
        ("-", vec![("AWS_ENDPOINT_URL", &*url), ("AWS_ENDPOINT_URL_STS", "")]),
        ("-", vec![("AWS_ENDPOINT_URL", &*wrong), ("AWS_ENDPOINT_URL_STS", &*url)]),
        ("-", vec![("AWS_ENDPOINT_URL", &*url), ("AWS_USE_FIPS_ENDPOINT", "true")]),
        ("-", vec![("AWS_ENDPOINT_URL", &*url), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "False")]),
        (&*url, vec![("AWS_ENDPOINT_URL_STS", &*wrong)]),
        (&*url, vec![("AWS_ENDPOINT_URL", &*wrong), ("AWS_USE_FIPS_ENDPOINT", "true")]),
        // Of what is given here, the environment says nothing.
        (&*url, vec![("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]),
    ] {
        let before = ours.connections();
        call(&[argument, ROLE], &environment);
        assert_eq!((ours.connections(), others.connections()), (before + 1, 0), "{environment:?}");
    }
    let answer = call(&["-", ROLE], &[("AWS_ENDPOINT_URL", "http://sts.example.com")]);
    assert_eq!(answer["code"], "insecure_url", "{answer}");
}

#[test]
fn c11_the_kind_of_endpoint() {
    for (environment, host) in [
        (vec![], "sts.us-east-1.amazonaws.com"),
        (vec![("AWS_USE_FIPS_ENDPOINT", "true")], "sts-fips.us-east-1.amazonaws.com"),
        (vec![("AWS_USE_FIPS_ENDPOINT", "TRUE")], "sts-fips.us-east-1.amazonaws.com"),
        (vec![("AWS_USE_FIPS_ENDPOINT", "false")], "sts.us-east-1.amazonaws.com"),
        (vec![("AWS_USE_DUALSTACK_ENDPOINT", "true")], "sts.us-east-1.api.aws"),
        (vec![("AWS_USE_DUALSTACK_ENDPOINT", "true"), ("AWS_USE_FIPS_ENDPOINT", "true")], "sts-fips.us-east-1.api.aws"),
        (
            vec![("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
            "sts.us-east-1.amazonaws.com",
        ),
    ] {
        // A proxy is told where to.
        let proxy = sends("HTTP/1.1 502 No\r\n\r\n");
        let url = proxy.url();
        let mut all = environment.clone();
        all.push(("HTTPS_PROXY", &url));
        call(&["-", ROLE], &all);
        assert!(proxy.seen()[0].starts_with(&format!("CONNECT {host}:443 ")), "{environment:?}: {:?}", proxy.seen());
    }
}

#[test]
fn c11_what_is_neither_true_nor_false_is_refused() {
    for name in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] {
        let proxy = format!("http://127.0.0.1:{}", closed_port());
        let answer = call(&["-", ROLE], &[(name, "1"), ("HTTPS_PROXY", &proxy)]);
        assert_eq!(answer["code"], "invalid_option", "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(name), "{answer}");
    }
}
