//! The emulator behind a virtual machine: it judges what is sent, at the true time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use xacct_sign::{Credentials, Error, ErrorKind, Scope};
use xacct_sign_client::{CredentialSource, RoleOptions, RoleProvider, Session};
use xacct_sign_emulator::{Emulator, Options, Outcome, Target};
use xacct_sign_provider::Manifest;
use xacct_sign_tests::data;
use xacct_sign_tests::virtual_host::VirtualHost;

pub(crate) const REGION: &str = "ap-northeast-1";
pub(crate) const ROLE: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";
pub(crate) const API: &str = "https://server.stag.foo.example.com/hoge";

pub(crate) fn emulator(options: Options) -> Emulator {
    let manifest = Manifest::parse(&data("../demo/xacct.toml"), "xacct.toml").unwrap();
    Emulator::new(&manifest, options, [7; 32]).unwrap()
}

/// The caller's own credentials.
pub(crate) fn caller(emulator: &Emulator) -> Credentials {
    let found = emulator.callers().iter().find(|access| access.role.ends_with("/LambdaRoleDeve"));
    found.map(|access| access.credentials.clone()).unwrap()
}

/// What STS or the stage `stag` answers, with the `Date` that servers send.
pub(crate) fn answered(emulator: &mut Emulator, request: &Request<&[u8]>, now: SystemTime) -> Response<Vec<u8>> {
    let target = if is_sts(request) { Target::Sts } else { Target::Stage("stag".to_owned()) };
    let mut builder = Request::builder().method(request.method()).uri(request.uri().path_and_query().unwrap().as_str());
    builder = builder.header("host", request.uri().authority().unwrap().as_str());
    for (name, value) in request.headers().iter().filter(|(name, _)| *name != "host") {
        builder = builder.header(name, value);
    }
    let request = builder.body(Bytes::copy_from_slice(request.body())).unwrap();
    let Outcome::Respond(mut response) = emulator.handle(&target, request, now).outcome else { panic!("forwarded") };
    response.headers_mut().insert("date", http_date(now).parse().unwrap());
    response.map(|body| body.to_vec())
}

pub(crate) fn is_sts(request: &Request<&[u8]>) -> bool {
    request.uri().host().is_some_and(|host| host.starts_with("sts."))
}

/// Written by the HTTP library, so that it is not ours that reads what is ours.
pub(crate) fn http_date(at: SystemTime) -> String {
    httpdate::fmt_http_date(at)
}

pub(crate) fn role(host: &Arc<VirtualHost>, base: impl CredentialSource + 'static) -> RoleProvider {
    let host = Arc::clone(host);
    let mut options = RoleOptions::on(&*host, ROLE, REGION);
    options.call.duration_seconds = 900;
    RoleProvider::on(host, options, base).unwrap()
}

pub(crate) fn session(host: &Arc<VirtualHost>, source: impl CredentialSource + 'static) -> Session {
    Session::on(Arc::clone(host) as _, source, Scope::new(REGION, "execute-api").unwrap())
}

pub(crate) fn broken() -> Error {
    Error::new(ErrorKind::Transport, "the connection broke")
}

pub(crate) fn late() -> Error {
    Error::new(ErrorKind::Timeout, "no answer came in time")
}

pub(crate) fn response(status: u16, body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
    Response::builder().status(status).body(body.into()).unwrap()
}

/// An error as STS writes it.
pub(crate) fn sts_error(status: u16, code: &str, message: &str) -> Response<Vec<u8>> {
    response(
        status,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
