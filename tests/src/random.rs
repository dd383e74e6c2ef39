//! Random requests, for the oracle and for the round trip.

use std::time::SystemTime;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use xacct_sign::{HeaderSelection, PathNormalization, PayloadHeader, PercentEncoding, SessionToken, SigningSettings};

use crate::at;

/// 2100-01-01T00:00:00Z.
const LAST: u64 = 4_102_444_800;

/// Everything that goes into a signature.
#[derive(Debug, Clone)]
pub struct Random {
    /// A token in upper case.
    pub method: String,
    /// Scheme, host and port.
    pub base: String,
    /// As it is sent.
    pub path: String,
    /// As it is sent.
    pub query: Option<String>,
    /// None of those that signing sets.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Without white space.
    pub secret: String,
    /// Without white space, if any.
    pub token: Option<String>,
    /// Scope.
    pub region: String,
    /// Scope.
    pub service: String,
    /// 1970 to 2100.
    pub now: SystemTime,
    /// 1 to 604800.
    pub expires_in: u64,
    /// Encode the path twice, not once.
    pub double: bool,
    /// Resolve dot segments and `//`.
    pub normalize: bool,
    /// Add `x-amz-content-sha256`.
    pub payload_header: bool,
    /// Sign the token.
    pub sign_token: bool,
    /// Sign every header, not only those that proxies leave alone.
    pub all_headers: bool,
}

/// A body, or what is known of it.
#[derive(Debug, Clone)]
pub enum Body {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Its SHA-256 in hexadecimal.
    Hash(String),
    /// Not signed.
    Unsigned,
}

impl Random {
    /// The settings that it is signed by; whether the payload may stay unsigned is the service's.
    #[must_use]
    pub fn settings(&self) -> SigningSettings {
        let mut all = SigningSettings::for_service(&self.service);
        all.percent_encoding = if self.double { PercentEncoding::Double } else { PercentEncoding::Single };
        all.path_normalization = if self.normalize { PathNormalization::Enabled } else { PathNormalization::Disabled };
        all.payload_header = if self.payload_header { PayloadHeader::Always } else { PayloadHeader::WhenUnsigned };
        all.session_token = if self.sign_token { SessionToken::Signed } else { SessionToken::AddedAfterSigning };
        all.header_selection = if self.all_headers { HeaderSelection::All } else { HeaderSelection::Standard };
        all
    }

    /// The URL as it is sent.
    #[must_use]
    pub fn url(&self) -> String {
        let query = self.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{}{query}", self.base, self.path)
    }
}

/// Names of headers that the core leaves unsigned by default; written down here once more, from the project's contract.
pub const LEFT_UNSIGNED: [&str; 24] = [
    "accept-encoding",
    "authorization",
    "baggage",
    "cache-control",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "proxy-authorization",
    "proxy-connection",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "x-forwarded-for",
    "x-forwarded-proto",
];

/// Random requests. `strict_path`: escapes of the path are those that encoding it once would make.
pub fn random() -> impl Strategy<Value = Random> {
    let request = (method(), base(), any::<bool>(), option::of(query()), headers(), body());
    let signer = (secret(), option::of(secret()), region(), service(), instant(), 1_u64..=604_800);
    let settings = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (request, signer, settings).prop_flat_map(|(request, signer, settings)| {
        let double = settings.0;
        let path = if double { sent_path().boxed() } else { strict_path().boxed() };
        (Just((request, signer, settings)), path).prop_map(|((request, signer, settings), path)| {
            let (method, base, _, query, headers, body) = request;
            let (secret, token, region, service, now, expires_in) = signer;
            let (double, normalize, payload_header, sign_token, all_headers) = settings;
            Random {
                method,
                base,
                path,
                query,
                headers,
                body,
                secret,
                token,
                region,
                service,
                now,
                expires_in,
                double,
                normalize,
                payload_header,
                sign_token,
                all_headers,
            }
        })
    })
}

fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => select(vec!["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"]).prop_map(str::to_owned),
        1 => "[A-Z][A-Z_-]{0,9}",
    ]
}

fn base() -> impl Strategy<Value = String> {
    let scheme = select(vec!["https", "http"]);
    // The oracle signs `host:0443` as it is and compares ports as text: ports come without leading zeros.
    let port =
        prop_oneof![4 => Just(None), 1 => Just(Some(443_u16)), 1 => Just(Some(80)), 1 => (1_u16..).prop_map(Some)];
    let host = prop_oneof![4 => "[a-z][a-z0-9-]{0,8}[a-z0-9](\\.[a-z]{2,6}){1,3}", 1 => Just("127.0.0.1".to_owned())];
    (scheme, host, port).prop_map(|(scheme, host, port)| match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// A path as it may stand on the wire: escapes in either case, what RFC 3986 lets stand, dots, empty segments.
fn sent_path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[A-Za-z0-9._~-]{1,6}",
        3 => "[@:=;+,!*'()$&]{1,3}",
        2 => escape("%[2-7][0-9a-fA-F]"),
        1 => text().prop_map(|text| escaped(&text)),
        1 => text().prop_map(|text| escaped(&text).to_ascii_lowercase()),
    ];
    path_of(vec(piece, 1..4).prop_map(|pieces| pieces.concat()).boxed())
}

/// A path whose escapes are what encoding it once makes: the oracle takes a path that is encoded once as it is, where the
/// core decodes and encodes.
fn strict_path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[A-Za-z0-9._~-]{1,6}",
        2 => "[@:=;+,!*'()$& %\"<>|/]{1,3}".prop_map(|text| escaped(&text)),
        1 => text().prop_map(|text| escaped(&text)),
    ];
    path_of(vec(piece, 1..4).prop_map(|pieces| pieces.concat()).boxed())
}

fn path_of(segment: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        8 => segment,
        1 => Just(String::new()),
        1 => select(vec![".", "..", "...", ".a", "a."]).prop_map(str::to_owned),
    ];
    vec(segment, 0..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// A query as it may stand on the wire. Escapes are of UTF-8: the oracle turns other bytes into replacement characters,
/// where the core keeps them.
fn query() -> impl Strategy<Value = String> {
    let piece = || {
        prop_oneof![
            6 => "[A-Za-z0-9._~-]{0,5}",
            3 => "[:,*!()'@/?;+$]{1,2}",
            2 => escape("%[2-7][0-9a-fA-F]"),
            1 => text().prop_map(|text| escaped(&text)),
            1 => text().prop_map(|text| escaped(&text).to_ascii_lowercase()),
        ]
    };
    let part = || vec(piece(), 0..3).prop_map(|pieces| pieces.concat());
    let pair = prop_oneof![
        6 => (part(), part()).prop_map(|(key, value)| format!("{key}={value}")),
        1 => part(),
        1 => Just(String::new()),
        1 => (part(), part(), part()).prop_map(|(key, a, b)| format!("{key}={a}={b}")),
        // Keys that are likely to come twice, and to be a prefix of one another.
        3 => (select(vec!["a", "a-b", "a.b", "A", "%61"]), part()).prop_map(|(key, value)| format!("{key}={value}")),
    ];
    // What an earlier presigning left behind is dropped by the core and kept by the oracle; no key here is one of those.
    vec(pair, 0..7).prop_map(|pairs| pairs.join("&"))
}

/// Names as given, any case; no name that signing sets itself.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        6 => "[A-Za-z][A-Za-z0-9_-]{0,8}".prop_map(|name| format!("X-{name}")),
        // Two `host` headers make no request, so the host comes from the URL.
        3 => select(vec!["Content-Type", "content-type", "X-Same", "x-same", "X-SAME", "Accept", "Cookie", "x-amz-meta-a"])
            .prop_map(str::to_owned),
        2 => select(LEFT_UNSIGNED.to_vec()).prop_map(str::to_owned),
    ]
    .prop_filter("what signing sets itself; and in a query the oracle leaves the last two out", |name| {
        let name = name.to_ascii_lowercase();
        !matches!(
            name.as_str(),
            "x-amz-date" | "x-amz-security-token" | "x-amz-content-sha256" | "x-amz-user-agent" | "x-amz-checksum-mode"
        )
    });
    // A tab at the ends is trimmed by the core (RFC 9110, section 5.5) and kept by the oracle: tabs stand inside only.
    let value = prop_oneof![
        5 => "[!-~]{0,8}",
        3 => " {0,3}[!-~]{1,4} {1,4}[!-~]{1,4} {0,3}",
        1 => "\"[a-z]{1,3} {2,4}[a-z]{1,3}\"",
        1 => "[a-z]{1,3}\t{1,2}[a-z]{1,3}",
        1 => " {0,3}",
        1 => "[äöü€ሴ🦀a-c]{1,4} {0,2}[äöü€ሴ🦀]{1,2}",
    ];
    vec((name, value), 0..7)
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        2 => Just(Body::Bytes(Vec::new())),
        5 => vec(any::<u8>(), 0..80).prop_map(Body::Bytes),
        1 => "[0-9a-f]{64}".prop_map(Body::Hash),
        1 => Just(Body::Unsigned),
    ]
}

/// A secret or a token, without quotes around it.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[!#-&(-~][!-~]{0,89}", "[A-Za-z0-9/+=]{16,200}"]
}

fn region() -> impl Strategy<Value = String> {
    let is_endpoint = |text: &str| {
        text.starts_with("fips-") || text.ends_with("-fips") || text.starts_with("aws") && text.ends_with("-global")
    };
    "[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?"
        .prop_filter("an endpoint's name, which is no region", move |text| !is_endpoint(text))
}

fn service() -> impl Strategy<Value = String> {
    prop_oneof![select(vec!["execute-api", "sts", "lambda", "service"]).prop_map(str::to_owned), "[A-Za-z0-9._-]{1,20}"]
}

fn instant() -> impl Strategy<Value = SystemTime> {
    prop_oneof![
        6 => (0..LAST).prop_map(at),
        // Around midnight.
        1 => (1..LAST / 86_400, 0_u64..2).prop_map(|(day, second)| at(day * 86_400 - second)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    "[äöüßéñ€ሴ日本🦀]{1,3}"
}

fn escape(pattern: &'static str) -> impl Strategy<Value = String> {
    pattern
}

/// Every byte but the unreserved ones escaped, in upper case.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
