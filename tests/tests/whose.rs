//! Whose credentials they are: what is asked of STS, and how often.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics to fail")]

use std::sync::{Arc, Mutex};

use http::Response;
use xacct_sign_client::host::Host;
use xacct_sign_client::{Patience, caller_identity};
use xacct_sign_tests::example_credentials;
use xacct_sign_tests::virtual_host::VirtualHost;

const ANSWER: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:user/me</Arn>\
    <UserId>AIDA</UserId><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

fn refusal(code: &str, message: &str) -> String {
    format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
}

/// Answers with these, one after the other; the URLs that were asked.
fn host(answers: Vec<(u16, String)>) -> (VirtualHost, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (kept, mut answers) = (Arc::clone(&asked), answers.into_iter());
    let host = VirtualHost::new(move |request, _| {
        assert_eq!(request.body(), b"Action=GetCallerIdentity&Version=2011-06-15");
        kept.lock().unwrap().push(format!("{} {}", request.uri(), request.headers()["x-amz-date"].to_str().unwrap()));
        let (status, body) = answers.next().unwrap();
        Ok(Response::builder().status(status).body(body.into_bytes()).unwrap())
    });
    (host, asked)
}

fn ask(host: VirtualHost, region: Option<&str>) -> Result<String, xacct_sign::Error> {
    let host: Arc<dyn Host> = Arc::new(host);
    caller_identity(&host, &example_credentials(None), region, &Patience::default()).map(|identity| identity.arn)
}

#[test]
fn sts_is_asked_in_the_region_that_is_said() {
    let fine = || vec![(200, ANSWER.to_owned())];
    for (region, variables, url) in [
        (Some("eu-west-1"), &[("AWS_REGION", "us-east-1")][..], "https://sts.eu-west-1.amazonaws.com/"),
        (None, &[("AWS_DEFAULT_REGION", "cn-north-1")], "https://sts.cn-north-1.amazonaws.com.cn/"),
        (Some("us-east-1"), &[("AWS_USE_FIPS_ENDPOINT", "true")], "https://sts-fips.us-east-1.amazonaws.com/"),
        (Some("us-east-1"), &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")], "http://127.0.0.1:1/"),
    ] {
        let (host, asked) = host(fine());
        let host = variables.iter().fold(host, |host, (name, value)| host.with_variable(name, value));
        assert_eq!(ask(host, region).unwrap(), "arn:aws:iam::000000000000:user/me");
        assert!(asked.lock().unwrap()[0].starts_with(&format!("{url} ")), "{asked:?}");
    }
    assert_eq!(ask(host(Vec::new()).0, None).unwrap_err().code(), "invalid_region");
}

#[test]
fn a_bad_moment_of_sts_is_waited_out_and_a_refusal_is_not() {
    let (host, asked) =
        self::host(vec![(503, String::new()), (400, refusal("Throttling", "Rate exceeded")), (200, ANSWER.to_owned())]);
    ask(host, Some("us-east-1")).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 3);
    let (host, asked) = self::host(vec![(403, refusal("InvalidClientTokenId", "no"))]);
    let error = ask(host, Some("us-east-1")).unwrap_err();
    assert_eq!((error.code(), error.action()), ("sts_credentials", Some("GetCallerIdentity")));
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[test]
fn a_clock_that_is_off_is_set_right() {
    let text =
        "Signature not yet current: 20150830T130600Z is still later than 20150830T125100Z (20150830T123600Z + 15 min.)";
    let (host, asked) = self::host(vec![(403, refusal("SignatureDoesNotMatch", text)), (200, ANSWER.to_owned())]);
    ask(host.ahead(1800), Some("us-east-1")).unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked[0].ends_with(" 20150830T130600Z") && asked[1].ends_with(" 20150830T123600Z"), "{asked:?}");
}
