//! The world of tests/attacks.toml: its keys, tokens made with them, and a driver on ring.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{self, EcdsaKeyPair, RsaKeyPair, UnparsedPublicKey};
use ring::{hmac, rsa};
use serde_json::{Value, json};
use xacct_sign::verify::{Presented, Rules};
use xacct_sign::{Credentials, Scope};
use xacct_sign_identity::{Callers, Check, Development, Need, PublicKey, Step, StsRequest, Verifier};

pub(crate) const AUDIENCE: &str = "https://api.example.com";
pub(crate) const SHOP: &str = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws";
pub(crate) const PARTNER: &str = "https://b203b2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// 2026-11-26T12:00:00Z.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_694_400)
}

pub(crate) fn later(seconds: u64) -> SystemTime {
    now() + Duration::from_secs(seconds)
}

pub(crate) fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn table() -> Value {
    toml::from_str(include_str!("../../../../tests/attacks.toml")).unwrap()
}

pub(crate) fn verifier(callers: &Value) -> Verifier {
    Verifier::new(Callers::parse(callers.to_string().as_bytes(), Development::No).unwrap(), [7; 16])
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("ASIASHOPPROD00000001", SECRET, Some("IQoJb3JpZ2luX2VjEA+/0123456789==".to_owned()), None).unwrap()
}

/// A key of tests/identity/keys.json, as a JWK with its private part.
pub(crate) fn key(name: &str) -> Value {
    let keys: Value = serde_json::from_str(include_str!("../../../../tests/identity/keys.json")).unwrap();
    keys[name].clone()
}

/// A key's public part, as an issuer publishes it.
pub(crate) fn public(name: &str) -> Value {
    let Value::Object(mut key) = key(name) else { panic!("no key {name}") };
    key.retain(|member, _| !matches!(member.as_str(), "d" | "p" | "q" | "dp" | "dq" | "qi"));
    Value::Object(key)
}

pub(crate) fn key_set(names: &[&str]) -> Vec<u8> {
    json!({ "keys": names.iter().map(|name| public(name)).collect::<Vec<_>>() }).to_string().into_bytes()
}

/// What an issuer publishes, unless a test says otherwise.
pub(crate) fn published(url: &str) -> Vec<u8> {
    key_set(if url.starts_with(SHOP) { &["shop_rsa", "shop_ec"] } else { &["partner_ec"] })
}

fn number(key: &Value, member: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(key[member].as_str().unwrap()).unwrap()
}

/// A signature in the form of JWTs.
pub(crate) fn sign(algorithm: &str, key_name: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let key = key(key_name);
    match algorithm {
        "none" => Vec::new(),
        "HS256" => {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, public(key_name).to_string().as_bytes());
            hmac::sign(&secret, message).as_ref().to_vec()
        }
        "RS256" => {
            let public_key = PublicKeyComponents { n: number(&key, "n"), e: number(&key, "e") };
            let pair = RsaKeyPair::from_components(&KeyPairComponents {
                public_key,
                d: number(&key, "d"),
                p: number(&key, "p"),
                q: number(&key, "q"),
                dP: number(&key, "dp"),
                dQ: number(&key, "dq"),
                qInv: number(&key, "qi"),
            })
            .unwrap();
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
            signature
        }
        _ => {
            let form = if key["crv"] == "P-384" {
                &signature::ECDSA_P384_SHA384_FIXED_SIGNING
            } else {
                &signature::ECDSA_P256_SHA256_FIXED_SIGNING
            };
            let public_key = [vec![4], number(&key, "x"), number(&key, "y")].concat();
            let pair =
                EcdsaKeyPair::from_private_key_and_public_key(form, &number(&key, "d"), &public_key, &random).unwrap();
            pair.sign(&random, message).unwrap().as_ref().to_vec()
        }
    }
}

/// Header and claims of a good token of `shop`, as of an instant.
pub(crate) fn good(at: SystemTime) -> (Value, Value) {
    let header = json!({ "alg": "ES384", "kid": "EC384_0", "typ": "JWT" });
    let claims = json!({
        "iss": SHOP,
        "aud": AUDIENCE,
        "sub": "arn:aws:iam::000000000000:role/LambdaRoleProd",
        "iat": seconds(at) - 10,
        "exp": seconds(at) + 290,
        "jti": "9b1f0000-0000-4000-8000-000000000000",
        "https://sts.amazonaws.com/": {
            "aws_account": "000000000000",
            "source_region": "ap-northeast-1",
            "org_id": "o-klmnopqrst",
            "principal_tags": { "team": "shop" },
        },
    });
    (header, claims)
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn token_of(header: &str, claims: &str, algorithm: &str, key: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = sign(algorithm, key, message.as_bytes());
    format!("{message}.{}", encode(signature))
}

pub(crate) fn good_token(at: SystemTime) -> String {
    let (header, claims) = good(at);
    token_of(&header.to_string(), &claims.to_string(), "ES384", "shop_ec")
}

/// Replaces members; `"@absent"` takes one out.
pub(crate) fn merge(value: &mut Value, with: &Value) {
    let (Value::Object(members), Value::Object(with)) = (value, with) else { return };
    for (name, value) in with {
        if value == "@absent" {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
}

/// Whether a bare signature is right, by ring.
pub(crate) fn is_right(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    match key {
        PublicKey::P384 { x, y } => {
            let point = [&[4], x.as_slice(), y].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).verify(message, signature).is_ok()
        }
        PublicKey::Rsa { n, e } => {
            let key = rsa::PublicKeyComponents { n, e };
            key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        }
        _ => panic!("another kind of key"),
    }
}

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(crate) fn identity_xml(arn: &str, account: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\">\n  <GetCallerIdentityResult>\n    <Arn>{arn}</Arn>\n    \
         <UserId>AROAIOSFODNN7EXAMPLE:orders</UserId>\n    <Account>{account}</Account>\n  </GetCallerIdentityResult>\n  \
         <ResponseMetadata>\n    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>\n  </ResponseMetadata>\n\
         </GetCallerIdentityResponse>\n"
    )
}

pub(crate) fn error_xml(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>{code}</Code>\n    \
         <Message>no</Message>\n  </Error>\n  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>\n</ErrorResponse>\n"
    )
}

/// STS: it knows the credentials of [`credentials`], and judges the signature as AWS does.
pub(crate) fn sts(request: &StsRequest, at: SystemTime) -> (u16, Vec<u8>) {
    let region = request.url.split('.').nth(1).unwrap();
    assert_eq!(request.url, format!("https://sts.{region}.amazonaws.com/"));
    let rules = Rules::new(Scope::new(region, "sts").unwrap(), Duration::from_secs(900));
    let headers: http::HeaderMap =
        request.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let presented = Presented::read("POST", "/", None, &headers).unwrap();
    let known = credentials();
    let is_known =
        presented.access_key_id() == known.access_key_id() && presented.session_token() == known.session_token();
    if is_known && presented.check(&known, &rules, request.body.as_bytes(), at).is_ok() {
        let arn = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders";
        (200, identity_xml(arn, "000000000000").into_bytes())
    } else {
        (403, error_xml("SignatureDoesNotMatch").into_bytes())
    }
}

/// What a check came to, and what it needed on the way.
pub(crate) struct Outcome {
    /// The caller's name, or the code of the refusal.
    pub(crate) is: Result<String, String>,
    pub(crate) needs: Vec<&'static str>,
}

type Keys<'k> = &'k dyn Fn(&str) -> Option<Vec<u8>>;
type Sts<'s> = &'s dyn Fn(&StsRequest) -> Option<(u16, Vec<u8>)>;

/// Drives a check to its end.
pub(crate) fn drive(mut check: Check, at: SystemTime, keys: Keys<'_>, sts: Sts<'_>) -> Outcome {
    let mut needs = Vec::new();
    for _ in 0..10 {
        match check.step(at) {
            Step::Passed(caller) => return Outcome { is: Ok(caller.name.clone()), needs },
            Step::Refused(refusal) => {
                assert!(matches!(refusal.status(), 401 | 403 | 503));
                return Outcome { is: Err(refusal.code().to_owned()), needs };
            }
            Step::Wait => panic!("nobody else is there to wait for"),
            Step::Need(Need::Keys { url, issuer, is_development, .. }) => {
                assert_eq!(url, format!("{issuer}/.well-known/jwks.json"));
                assert!(!is_development);
                needs.push("keys");
                check.keys(keys(&url).as_deref(), at);
            }
            Step::Need(Need::Signature { key, message, signature }) => {
                needs.push("signature");
                check.signature(is_right(&key, message.as_bytes(), &signature), at);
            }
            Step::Need(Need::Sts(request)) => {
                needs.push("sts");
                let answer = sts(&request);
                check.sts(answer.as_ref().map(|(status, body)| (*status, body.as_slice())), at);
            }
            Step::Need(_) => panic!("another need"),
        }
    }
    panic!("a check has no end")
}

/// Drives a check with what is usual.
pub(crate) fn usual(check: Check, at: SystemTime) -> Outcome {
    drive(check, at, &|url| Some(published(url)), &|request| Some(sts(request, at)))
}

pub(crate) fn bearer(verifier: &Verifier, text: &str) -> Check {
    verifier.check(&[format!("Bearer {text}").as_bytes()], &["GET"], &["/items"])
}
