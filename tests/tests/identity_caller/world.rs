//! An emulator behind a virtual machine, whose caller may have tokens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use xacct_sign::{Credentials, Error};
use xacct_sign_client::{CredentialSource, IdentityToken, TokenOptions};
use xacct_sign_emulator::{Emulator, Options, Outcome, Target};
use xacct_sign_provider::Manifest;
use xacct_sign_tests::data;
use xacct_sign_tests::virtual_host::VirtualHost;

pub(crate) const REGION: &str = "ap-northeast-1";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// What the server saw: the URL, and the header `authorization`.
pub(crate) type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// The emulator, and credentials of its caller.
pub(crate) fn emulator() -> (Emulator, Credentials) {
    let manifest = Manifest::parse(&data("../demo/xacct.toml"), "xacct.toml").unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
    let caller_policies = BTreeMap::from([("shop".to_owned(), policy.to_owned())]);
    let emulator = Emulator::new(&manifest, Options { caller_policies, ..Options::default() }, [7; 32]).unwrap();
    let shop = emulator.callers().iter().find(|access| access.role.ends_with("/LambdaRoleDeve")).unwrap();
    let credentials = shop.credentials.clone();
    (emulator, credentials)
}

/// What STS's port answers, issuers included.
pub(crate) fn sts(emulator: &mut Emulator, request: &Request<&[u8]>, now: SystemTime) -> Response<Vec<u8>> {
    let mut builder = Request::builder().method(request.method()).uri(request.uri().path());
    for (name, value) in request.headers() {
        builder = builder.header(name, value);
    }
    let request = builder.body(Bytes::copy_from_slice(request.body())).unwrap();
    let Outcome::Respond(mut response) = emulator.handle(&Target::Sts, request, now).outcome else {
        panic!("forwarded")
    };
    // As servers send it.
    response.headers_mut().insert("date", httpdate::fmt_http_date(now).parse().unwrap());
    response.map(|body| body.to_vec())
}

/// A machine whose STS is the emulator, and whose other servers say 200 to whatever comes, or redirect as their path says.
pub(crate) fn machine(mut emulator: Emulator) -> (VirtualHost, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let host = VirtualHost::new(move |request, now| {
        if request.uri().host() == Some("sts.ap-northeast-1.amazonaws.com") {
            return Ok(sts(&mut emulator, request, now));
        }
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        log.lock().unwrap().push((request.uri().to_string(), header("authorization").unwrap_or_default()));
        let mut response = Response::new(Vec::new());
        if let Some(target) = request.uri().query().and_then(|query| query.strip_prefix("to=")) {
            *response.status_mut() = http::StatusCode::TEMPORARY_REDIRECT;
            let target = target.replace("%2F", "/").replace("%3A", ":");
            response.headers_mut().insert("location", target.parse().unwrap());
        }
        Ok(response)
    });
    (host, seen)
}

pub(crate) fn token(host: &Arc<VirtualHost>, base: impl CredentialSource + 'static) -> Result<IdentityToken, Error> {
    IdentityToken::on(Arc::clone(host) as _, TokenOptions::new(AUDIENCE, REGION), base)
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
