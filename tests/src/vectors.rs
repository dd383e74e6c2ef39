//! AWS's signing test suite (`aws-signing-test-suite/v4` in the package `aws-sigv4`), as data that every face can run.
//!
//! Origin: <https://github.com/awslabs/aws-c-auth>, `tests/aws-signing-test-suite`; Apache-2.0. The files stay in the
//! package that cargo downloads; the version is the one in `Cargo.lock`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use xacct_sign::{HeaderSelection, PathNormalization, PercentEncoding, SessionToken, SigningSettings, UnsignedPayload};

use crate::{EXAMPLE_SECRET, path_and_query, query_pairs};

/// What a case needs beyond the settings that hold for most services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Dot segments and `//` stay; agrees with `normalize` in the case's context.
    NoNormalization,
    /// The path is encoded once.
    SingleEncoding,
    /// The session token is added after signing; agrees with `omit_session_token` in the context.
    TokenAfterSigning,
    /// `x-amz-content-sha256` is added; agrees with `sign_body` in the context.
    PayloadHeader,
    /// A header is signed that this project leaves unsigned by default.
    AllHeaders,
    /// The request line holds what cannot be sent: the URL is percent-encoded before it is signed.
    EscapedUrl,
    /// A header value is folded over lines (obsolete, RFC 9112, section 5.2): it is unfolded before it is signed.
    UnfoldedHeader,
    /// The case has no `context.json`; [`OWN_CONTEXTS`] has it.
    OwnContext,
}

use Need::*;

/// Every case of the suite, what it needs, and why.
pub const CASES: [(&str, &[Need], &str); 40] = [
    ("double-encode-path", &[OwnContext], "`@` is encoded once, `%3D` once more; its files have two dates"),
    ("double-url-encode", &[OwnContext], "`%3A` of an ARN is encoded once more"),
    ("get-header-key-duplicate", &[], "values of one name are joined with commas, in order"),
    ("get-header-value-multiline", &[UnfoldedHeader], "a line break cannot be in a header's value"),
    ("get-header-value-order", &[], "values of one name are not sorted"),
    ("get-header-value-trim", &[], "blanks at the ends go, inner runs fold, inside quotes too"),
    ("get-relative-normalized", &[], "`/example/..` is `/`"),
    ("get-relative-relative-normalized", &[], "`/example1/example2/../..` is `/`"),
    ("get-relative-relative-unnormalized", &[NoNormalization], "the path as it is"),
    ("get-relative-unnormalized", &[NoNormalization], "the path as it is"),
    ("get-slash-dot-slash-normalized", &[], "`/./` is `/`"),
    ("get-slash-dot-slash-unnormalized", &[NoNormalization], "the path as it is"),
    ("get-slash-normalized", &[], "`//` is `/`"),
    ("get-slash-pointless-dot-normalized", &[], "`/./example` is `/example`"),
    ("get-slash-pointless-dot-unnormalized", &[NoNormalization], "the path as it is"),
    ("get-slash-unnormalized", &[NoNormalization], "the path as it is"),
    ("get-slashes-normalized", &[], "`//example//` is `/example/`"),
    ("get-slashes-unnormalized", &[NoNormalization], "the path as it is"),
    ("get-space-normalized", &[SingleEncoding], "`%20` on the wire is expected as `%20`, not as `%2520`"),
    (
        "get-space-unnormalized",
        &[NoNormalization, EscapedUrl, SingleEncoding],
        "a space cannot be sent: once it is `%20`, it is expected as that",
    ),
    ("get-unreserved", &[], "unreserved characters stay"),
    ("get-utf8", &[EscapedUrl, SingleEncoding], "non-ASCII cannot be sent: once it is escaped, it is expected as that"),
    ("get-vanilla", &[], "nothing special"),
    ("get-vanilla-empty-query-key", &[], "one pair"),
    ("get-vanilla-query", &[], "no query, in spite of its name"),
    ("get-vanilla-query-order-encoded", &[], "pairs are sorted by their encoded keys"),
    ("get-vanilla-query-order-key-case", &[], "pairs are sorted by key"),
    ("get-vanilla-query-unreserved", &[], "unreserved characters stay"),
    ("get-vanilla-utf8-query", &[EscapedUrl], "non-ASCII cannot be sent; queries are decoded and encoded in any case"),
    ("get-vanilla-with-session-token", &[], "the token is signed"),
    ("post-header-key-case", &[], "names of headers are signed in lower case"),
    ("post-header-key-sort", &[], "headers are sorted by name"),
    ("post-header-value-case", &[], "values of headers keep their case"),
    ("post-sts-header-after", &[TokenAfterSigning], "the token is not signed"),
    ("post-sts-header-before", &[], "the token is signed"),
    ("post-vanilla", &[], "nothing special"),
    ("post-vanilla-empty-query-value", &[], "one pair"),
    ("post-vanilla-query", &[], "one pair"),
    ("post-x-www-form-urlencoded", &[PayloadHeader, AllHeaders], "the suite signs `content-length`"),
    ("post-x-www-form-urlencoded-parameters", &[PayloadHeader, AllHeaders], "the suite signs `content-length`"),
];

/// The context of a case that has no `context.json`, and the files that were made in it.
#[derive(Debug)]
pub struct OwnContextOf {
    /// The case.
    pub case: &'static str,
    /// When it was signed.
    pub timestamp: &'static str,
    /// Scope.
    pub region: &'static str,
    /// Scope.
    pub service: &'static str,
    /// Key.
    pub access_key_id: &'static str,
    /// Secret.
    pub secret_access_key: &'static str,
    /// The files made in this context.
    pub files: &'static [&'static str],
}

/// Found by trying: the scopes stand in the files; of the secrets, the first is that of `Credentials::for_tests` in
/// `aws-credential-types`, the second AWS's documented example. With them every file of these cases checks out, so no
/// file of the suite is left unchecked.
pub const OWN_CONTEXTS: [OwnContextOf; 3] = [
    OwnContextOf {
        case: "double-encode-path",
        timestamp: "2021-05-11T15:40:45Z",
        region: "us-east-1",
        service: "service",
        access_key_id: "ANOTREAL",
        secret_access_key: "notrealrnrELgWzOk3IfjzDKtFBhDby",
        files: &["header-canonical-request.txt"],
    },
    OwnContextOf {
        case: "double-encode-path",
        timestamp: "2015-08-30T12:36:00Z",
        region: "us-east-1",
        service: "service",
        access_key_id: "ANOTREAL",
        secret_access_key: "notrealrnrELgWzOk3IfjzDKtFBhDby",
        files: &["header-signed-request.txt"],
    },
    OwnContextOf {
        case: "double-url-encode",
        timestamp: "2021-05-11T15:40:45Z",
        region: "us-east-2",
        service: "lambda",
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: EXAMPLE_SECRET,
        files: &["header-canonical-request.txt", "header-string-to-sign.txt", "header-signed-request.txt"],
    },
];

/// Where the signature goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Into the `Authorization` header.
    Header,
    /// Into the query.
    Query,
}

/// One vector: what to sign, and what must come out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vector {
    /// The case's folder.
    pub name: String,
    /// Where the signature goes.
    pub mode: Mode,
    /// The files whose content is in `expected`.
    pub files: Vec<String>,
    /// The method.
    pub method: String,
    /// Absolute, and in a form that can be sent.
    pub url: String,
    /// Names as in the file, without `Host`, which stands in the URL.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// Who signs.
    pub credentials: VectorCredentials,
    /// Scope.
    pub region: String,
    /// Scope.
    pub service: String,
    /// RFC 3339.
    pub timestamp: String,
    /// Seconds, for the mode `query`.
    pub expires_in: u64,
    /// By name.
    pub settings: VectorSettings,
    /// What must come out.
    pub expected: Expected,
}

/// Who signs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VectorCredentials {
    /// Key.
    pub access_key_id: String,
    /// Secret.
    pub secret_access_key: String,
    /// Token.
    #[serde(alias = "token")]
    pub session_token: Option<String>,
}

/// Settings by name, for faces in any language.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VectorSettings {
    /// `single` or `double`.
    pub percent_encoding: String,
    /// Dot segments and `//` resolved.
    pub normalize_path: bool,
    /// `always` or `when_unsigned`.
    pub payload_header: String,
    /// Else the token is added after signing.
    pub sign_session_token: bool,
    /// Else the headers that proxies change stay out.
    pub sign_all_headers: bool,
}

/// What must come out; what no file says is `None`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Expected {
    /// Stage 1.
    pub canonical_request: Option<String>,
    /// Stage 2.
    pub string_to_sign: Option<String>,
    /// Stage 3.
    pub signature: Option<String>,
    /// Stage 4: the signed request.
    pub signed_request: Option<SignedRequest>,
    /// The headers that signing adds, names in lower case (mode `header`).
    pub added_headers: Option<BTreeMap<String, String>>,
    /// The decoded pairs of the signed URL's query, sorted (mode `query`).
    pub query: Option<Vec<(String, String)>>,
}

/// A signed request, comparable: names of headers in lower case, headers and query pairs sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRequest {
    /// The method.
    pub method: String,
    /// As it is sent.
    pub path: String,
    /// Decoded.
    pub query: Vec<(String, String)>,
    /// With `host`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// The headers that a signature adds or replaces.
pub const SIGNING_HEADERS: [&str; 4] = ["authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];

#[derive(Deserialize)]
struct Context {
    credentials: VectorCredentials,
    expiration_in_seconds: u64,
    normalize: bool,
    region: String,
    service: String,
    sign_body: bool,
    timestamp: String,
    #[serde(default)]
    omit_session_token: bool,
}

/// The folder with one folder per case.
///
/// # Panics
///
/// If cargo does not know where `aws-sigv4` is.
#[must_use]
pub fn folder() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo's JSON");
    let packages = metadata.get("packages").and_then(|packages| packages.as_array()).expect("packages");
    let found: Vec<&str> = packages
        .iter()
        .filter(|package| package.get("name").is_some_and(|name| name == "aws-sigv4"))
        .filter_map(|package| package.get("manifest_path")?.as_str())
        .collect();
    let [manifest] = found.as_slice() else { panic!("one aws-sigv4, not {found:?}") };
    Path::new(manifest).with_file_name("aws-signing-test-suite").join("v4")
}

/// The names of the cases in the folder, sorted.
///
/// # Panics
///
/// If the folder cannot be read.
#[must_use]
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the suite's folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    names
}

/// Every vector of the suite.
///
/// # Panics
///
/// If a file is not of the form that is expected.
#[must_use]
pub fn load() -> Vec<Vector> {
    let folder = folder();
    CASES.iter().flat_map(|(name, needs, _)| load_case(&folder, name, needs)).collect()
}

fn load_case(folder: &Path, name: &str, needs: &[Need]) -> Vec<Vector> {
    let folder = folder.join(name);
    let request = read(&folder, "request.txt").expect("a request");
    if needs.contains(&OwnContext) {
        assert!(read(&folder, "context.json").is_none(), "{name} has a context");
        let own = OWN_CONTEXTS.iter().filter(|own| own.case == name);
        let contexts = own.map(|own| {
            let context = Context {
                credentials: VectorCredentials {
                    access_key_id: own.access_key_id.to_owned(),
                    secret_access_key: own.secret_access_key.to_owned(),
                    session_token: None,
                },
                expiration_in_seconds: 3600,
                normalize: true,
                region: own.region.to_owned(),
                service: own.service.to_owned(),
                sign_body: false,
                timestamp: own.timestamp.to_owned(),
                omit_session_token: false,
            };
            vector(&folder, name, needs, &request, &context, Mode::Header, own.files)
        });
        return contexts.collect();
    }
    let context: Context =
        serde_json::from_str(&read(&folder, "context.json").expect("a context")).expect("a context's JSON");
    let says = |need, context: bool| assert_eq!(needs.contains(&need), context, "{name}: {need:?}");
    says(NoNormalization, !context.normalize);
    says(TokenAfterSigning, context.omit_session_token);
    says(PayloadHeader, context.sign_body);
    let stages = ["canonical-request.txt", "string-to-sign.txt", "signature.txt", "signed-request.txt"];
    [(Mode::Header, "header"), (Mode::Query, "query")]
        .into_iter()
        .map(|(mode, prefix)| {
            let files = stages.map(|stage| format!("{prefix}-{stage}"));
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            vector(&folder, name, needs, &request, &context, mode, &files)
        })
        .collect()
}

fn vector(
    folder: &Path,
    name: &str,
    needs: &[Need],
    request: &str,
    context: &Context,
    mode: Mode,
    files: &[&str],
) -> Vector {
    let has = |need| needs.contains(&need);
    let file = |end: &str| {
        files
            .iter()
            .find(|file| file.ends_with(end))
            .map(|file| read(folder, file).expect("the file that the table names"))
    };
    let parsed = Message::parse(request);
    assert_eq!(has(EscapedUrl), !parsed.target.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: EscapedUrl");
    assert_eq!(has(UnfoldedHeader), parsed.was_folded, "{name}: UnfoldedHeader");
    let signed = file("signed-request.txt").map(|text| Message::parse(&text));
    let added = signed.as_ref().map(|message| {
        let headers = message.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        headers.filter(|(name, _)| SIGNING_HEADERS.contains(&name.as_str())).collect::<BTreeMap<_, _>>()
    });
    let in_authorization = added.as_ref().and_then(|headers| {
        let (_, signature) = headers.get("authorization")?.split_once("Signature=")?;
        Some(signature.to_owned())
    });
    let signed_request = signed.map(SignedRequest::from);
    Vector {
        name: name.to_owned(),
        mode,
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        method: parsed.method,
        url: format!("https://{}{}", parsed.host, sendable(&parsed.target)),
        headers: parsed.headers,
        body: parsed.body,
        credentials: context.credentials.clone(),
        region: context.region.clone(),
        service: context.service.clone(),
        timestamp: context.timestamp.clone(),
        expires_in: context.expiration_in_seconds,
        settings: VectorSettings {
            percent_encoding: if has(SingleEncoding) { "single" } else { "double" }.to_owned(),
            normalize_path: !has(NoNormalization),
            payload_header: if has(PayloadHeader) { "always" } else { "when_unsigned" }.to_owned(),
            sign_session_token: !has(TokenAfterSigning),
            sign_all_headers: has(AllHeaders),
        },
        expected: Expected {
            canonical_request: file("canonical-request.txt"),
            string_to_sign: file("string-to-sign.txt"),
            signature: file("-signature.txt").or(in_authorization),
            query: signed_request.as_ref().filter(|_| mode == Mode::Query).map(|request| request.query.clone()),
            added_headers: added.filter(|_| mode == Mode::Header),
            signed_request,
        },
    }
}

impl VectorSettings {
    /// The core's settings of these names.
    ///
    /// # Panics
    ///
    /// If a name is unknown.
    #[must_use]
    pub fn settings(&self) -> SigningSettings {
        let mut all = SigningSettings::for_service("service");
        all.percent_encoding = match self.percent_encoding.as_str() {
            "single" => PercentEncoding::Single,
            "double" => PercentEncoding::Double,
            other => panic!("percent_encoding = {other}"),
        };
        all.path_normalization =
            if self.normalize_path { PathNormalization::Enabled } else { PathNormalization::Disabled };
        all.payload_header = match self.payload_header.as_str() {
            "always" => xacct_sign::PayloadHeader::Always,
            "when_unsigned" => xacct_sign::PayloadHeader::WhenUnsigned,
            other => panic!("payload_header = {other}"),
        };
        all.unsigned_payload = UnsignedPayload::Allowed;
        all.session_token =
            if self.sign_session_token { SessionToken::Signed } else { SessionToken::AddedAfterSigning };
        all.header_selection = if self.sign_all_headers { HeaderSelection::All } else { HeaderSelection::Standard };
        all
    }
}

/// A request as the suite writes it: a request line, headers, a blank line, the body.
struct Message {
    method: String,
    target: String,
    host: String,
    headers: Vec<(String, String)>,
    body: String,
    was_folded: bool,
}

impl Message {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let line = lines.next().expect("a request line");
        // One signed request of the suite leaves out the version; a target may hold a space.
        let line = line.strip_suffix(" HTTP/1.1").unwrap_or(line);
        let (method, target) = line.split_once(' ').expect("a method and a target");
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut was_folded = false;
        for line in lines {
            if line.starts_with([' ', '\t']) {
                let (_, value) = headers.last_mut().expect("a header to go on with");
                value.push(' ');
                value.push_str(line.trim());
                was_folded = true;
            } else {
                let (name, value) = line.split_once(':').expect("a header");
                headers.push((name.to_owned(), value.trim_start().to_owned()));
            }
        }
        let (host, headers): (Vec<_>, Vec<_>) =
            headers.into_iter().partition(|(name, _)| name.eq_ignore_ascii_case("host"));
        let [(_, host)] = host.as_slice() else { panic!("one host") };
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            host: host.clone(),
            headers,
            body: body.to_owned(),
            was_folded,
        }
    }
}

impl From<Message> for SignedRequest {
    fn from(message: Message) -> Self {
        let url = format!("https://{}{}", message.host, sendable(&message.target));
        Self::new(&message.method, &url, &message.headers, &message.body)
    }
}

impl SignedRequest {
    /// From what a face sends.
    #[must_use]
    pub fn new(method: &str, url: &str, headers: &[(String, String)], body: &str) -> Self {
        let (path, query) = path_and_query(url);
        let host = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next()).unwrap_or_default();
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        headers.push(("host".to_owned(), host.to_owned()));
        headers.sort();
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query_pairs(query),
            headers,
            body: body.to_owned(),
        }
    }
}

/// Percent-encodes what cannot stand in a request line, and nothing else.
fn sendable(target: &str) -> String {
    let bytes = target.bytes();
    bytes
        .map(|byte| if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn read(folder: &Path, file: &str) -> Option<String> {
    let path = folder.join(file);
    path.exists().then(|| std::fs::read_to_string(&path).expect("a text file").trim_end_matches('\n').to_owned())
}
