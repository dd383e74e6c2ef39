//! A request on its way, and the verifier that waits for it.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use xacct_sign::verify::{Presented, Refusal, Rules};
use xacct_sign::{Credentials, Payload, Request, Scope, Signer, SigningSettings, Url};
use xacct_sign_tests::{example_credentials, example_instant, path_and_query};

pub(crate) const WINDOW: Duration = Duration::from_secs(300);
pub(crate) const NANOSECOND: Duration = Duration::from_nanos(1);

/// A request on its way, and the verifier that waits for it.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) credentials: Credentials,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) settings: SigningSettings,
    pub(crate) now: SystemTime,
}

impl Sent {
    pub(crate) fn new(
        method: &str,
        url: &str,
        headers: HeaderMap,
        body: &[u8],
        signer: &Signer,
        settings: SigningSettings,
    ) -> Self {
        let (path, query) = path_and_query(url);
        let mut headers = headers;
        headers.insert("host", Url::parse(url).unwrap().host().parse().unwrap());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers,
            body: body.to_owned(),
            credentials: signer.credentials().clone(),
            region: signer.scope().region().to_owned(),
            service: signer.scope().service().to_owned(),
            settings,
            now: example_instant(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let presented = Presented::read(&self.method, &self.path, self.query.as_deref(), &self.headers)?;
        let rules = Rules::new(Scope::new(&*self.region, &*self.service).unwrap(), WINDOW).with_settings(self.settings);
        presented.check(&self.credentials, &rules, &self.body, self.now)
    }

    #[track_caller]
    pub(crate) fn is_let_in(&self) {
        assert_eq!(self.check(), Ok(()));
    }

    #[track_caller]
    pub(crate) fn is_refused(&self, code: &str) {
        let refusal = self.check().expect_err(code);
        assert_eq!(refusal.code(), code, "{refusal}");
    }

    /// This request with one change.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    pub(crate) fn edit_header(&mut self, name: &'static str, edit: impl FnOnce(String) -> String) {
        let value = self.headers.get(name).unwrap().to_str().unwrap().to_owned();
        self.headers.insert(name, edit(value).parse().unwrap());
    }

    pub(crate) fn edit_query(&mut self, edit: impl FnOnce(String) -> String) {
        self.query = Some(edit(self.query.take().unwrap_or_default()));
    }
}

pub(crate) const URL: &str = "https://api.example.com/stage/items?b=2&a=1";
pub(crate) const BODY: &[u8] = b"{\"foo\":\"bar\"}";

pub(crate) fn signer() -> Signer {
    Signer::new(example_credentials(Some("token")), Scope::new("us-east-1", "execute-api").unwrap())
}

pub(crate) fn settings() -> SigningSettings {
    SigningSettings::for_service("execute-api")
}

pub(crate) fn signed() -> Sent {
    signed_with(&[("content-type", b"application/json"), ("x-amz-meta", b"m")])
}

pub(crate) fn signed_with(given: &[(&str, &[u8])]) -> Sent {
    let signer = signer();
    let request =
        Request { method: "PUT", url: Url::parse(URL).unwrap(), headers: given, payload: Payload::Bytes(BODY) };
    let signed = signer.sign_parts(&request, example_instant()).unwrap();
    let mut headers = header_map(given.iter().copied());
    for (name, value) in signed.headers() {
        headers.insert(name, value.parse().unwrap());
    }
    Sent::new("PUT", URL, headers, BODY, &signer, settings())
}

pub(crate) fn presigned() -> Sent {
    let signer = signer();
    let given: [(&str, &[u8]); 1] = [("x-amz-meta", b"m")];
    let request =
        Request { method: "PUT", url: Url::parse(URL).unwrap(), headers: &given, payload: Payload::Bytes(BODY) };
    let url = signer.presign(&request, Duration::from_secs(900), example_instant()).unwrap();
    Sent::new("PUT", &url, header_map(given), BODY, &signer, settings())
}

pub(crate) fn header_map<'a>(given: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

pub(crate) fn rekeyed(sent: &Sent, secret: &str, token: Option<&str>) -> Credentials {
    let token = token.or(sent.credentials.session_token()).map(str::to_owned);
    Credentials::new("AKIDEXAMPLE", secret, token, None).unwrap()
}
