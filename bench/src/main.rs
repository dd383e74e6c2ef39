//! Times one PUT: signed by us, signed and applied by `aws-sigv4`, and its hashing alone. Prints JSON: name → seconds.
//!
//! The contenders take turns in short batches, and each one's best batch counts: what else the machine does adds time and
//! never takes any away.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and may panic"
)]

mod identity;

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use xacct_sign::{Credentials, Payload, Request, Scope, Signer, Url};

const URL: &str = "https://server.stag.foo.example.com/hoge";
const BODY: &[u8] = br#"{"foo": "bar"}"#;
const REGION: &str = "ap-northeast-1";
const ROUNDS: usize = 200;
const BATCH: u32 = 2_000;

fn main() {
    let token = "IQoJb3JpZ2luX2VjE".chars().cycle().take(320).collect::<String>();
    let now = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
    let credentials =
        Credentials::new("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Some(token), None);
    let credentials = credentials.expect("valid credentials");
    let signer = Signer::new(credentials.clone(), Scope::new(REGION, "execute-api").expect("valid scope"));
    let identity: Identity = aws_credential_types::Credentials::from(&credentials).into();
    let (canonical_request, string_to_sign) = stages(&signer, now);
    let key = Hmac::<Sha256>::new_from_slice(&[7; 32]).expect("any length");

    let mut contenders: [(&str, &mut dyn FnMut()); 4] = [
        ("sign_parts", &mut || {
            let headers: [(&str, &[u8]); 1] = [("content-type", b"application/json")];
            let request = Request {
                method: "PUT",
                url: Url::parse(URL).expect("a URL"),
                headers: &headers,
                payload: Payload::Bytes(BODY),
            };
            black_box(signer.sign_parts(black_box(&request), black_box(now)).expect("signed").headers().count());
        }),
        ("sign_http", &mut || {
            let mut request = request();
            signer.sign(&mut request, black_box(now)).expect("signed");
            black_box(request);
        }),
        ("aws_sigv4", &mut || {
            let mut request = request();
            aws_sign(&mut request, &identity, black_box(now));
            black_box(request);
        }),
        ("hashing", &mut || {
            black_box(Sha256::digest(black_box(BODY)));
            black_box(Sha256::digest(black_box(&canonical_request)));
            let mut mac = key.clone();
            mac.update(black_box(&string_to_sign));
            black_box(mac.finalize());
        }),
    ];
    let mut best = [f64::INFINITY; 4];
    for _ in 0..ROUNDS {
        for (best, (_, contender)) in best.iter_mut().zip(contenders.iter_mut()) {
            let start = Instant::now();
            for _ in 0..BATCH {
                contender();
            }
            *best = best.min(start.elapsed().as_secs_f64() / f64::from(BATCH));
        }
    }
    let mut results: serde_json::Map<_, _> =
        contenders.iter().zip(best).map(|((name, _), seconds)| ((*name).to_owned(), seconds.into())).collect();
    results.extend(identity::run());
    println!("{}", serde_json::Value::Object(results));
}

fn request() -> http::Request<&'static [u8]> {
    http::Request::put(black_box(URL)).header("content-type", "application/json").body(BODY).expect("a request")
}

fn stages(signer: &Signer, now: SystemTime) -> (Vec<u8>, Vec<u8>) {
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/json")];
    let request = Request {
        method: "PUT",
        url: Url::parse(URL).expect("a URL"),
        headers: &headers,
        payload: Payload::Bytes(BODY),
    };
    let (_, trace) = signer.trace(&request, now).expect("signed");
    (trace.canonical_request.into_bytes(), trace.string_to_sign.into_bytes())
}

fn aws_sign(request: &mut http::Request<&'static [u8]>, identity: &Identity, now: SystemTime) {
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(REGION)
        .name("execute-api")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .expect("complete")
        .into();
    let uri = request.uri().to_string();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")));
    let signable = SignableRequest::new(request.method().as_str(), uri, headers, SignableBody::Bytes(request.body()));
    let (instructions, _) = sign(signable.expect("a request"), &params).expect("signed").into_parts();
    instructions.apply_to_request_http1x(request);
}
