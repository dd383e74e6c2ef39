//! Times the check of web identity tokens: with the keys at hand, against the bare signature check by the same library; and of tokens
//! and proofs that are known already.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{self, EcdsaKeyPair, KeyPair, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Map, Value, json};
use xacct_sign::Credentials;
use xacct_sign_identity::{Callers, Check, Development, Need, PublicKey, Step, Verifier, make_proof};

const ISSUER: &str = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws";
const AUDIENCE: &str = "https://api.example.com";
/// Each is checked once in a round, since it is known from then on.
const TOKENS: u64 = 200;
const ROUNDS: usize = 20;
const BATCH: u32 = 5_000;

pub(crate) fn run() -> Map<String, Value> {
    let mut results = Map::new();
    for (algorithm, name) in [("ES384", "es384"), ("RS256", "rs256")] {
        let [check, bare, cached] = tokens(algorithm);
        results.insert(format!("identity_{name}"), check.into());
        results.insert(format!("bare_{name}"), bare.into());
        results.insert(format!("identity_{name}_cached"), cached.into());
    }
    results.insert("identity_proof_cached".to_owned(), proof().into());
    results
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_000_000)
}

fn verifier(algorithm: &str) -> Verifier {
    let callers = json!({
        "version": 1, "stage": "prod", "target": "server", "partition": "aws", "audience": AUDIENCE, "algorithm": algorithm,
        "max_duration_seconds": 3600, "regions": ["ap-northeast-1"],
        "callers": [{
            "name": "shop", "account": "000000000000", "role": "LambdaRoleProd", "issuer": ISSUER, "routes": ["PUT /items/{id}"],
        }],
    });
    Verifier::new(Callers::parse(callers.to_string().as_bytes(), Development::No).expect("a list of callers"), [7; 16])
}

/// Seconds of a check with keys at hand, of the bare check, and of a check of a token that is known.
fn tokens(algorithm: &str) -> [f64; 3] {
    let (sign, keys): Signing = if algorithm == "ES384" { es384() } else { rs256() };
    let keys = json!({ "keys": [keys] }).to_string();
    let tokens: Vec<String> = (0..=TOKENS).map(|number| token(algorithm, number, &sign)).collect();
    let headers: Vec<String> = tokens.iter().map(|token| format!("Bearer {token}")).collect();
    let (first, others) = headers.split_first().expect("tokens");
    let mut verifier = verifier(algorithm);
    let mut bare: Vec<(Arc<PublicKey>, String, Vec<u8>)> = Vec::new();
    let mut best = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        verifier = verifier.anew([7; 16]);
        drive(check(&verifier, first), Some(keys.as_bytes()), |_| {});
        let start = Instant::now();
        for header in others {
            drive(check(&verifier, black_box(header)), None, |_| {});
        }
        best[0] = best[0].min(start.elapsed().as_secs_f64() / others.len() as f64);
        if bare.is_empty() {
            let other = verifier.anew([7; 16]);
            for header in &headers {
                drive(check(&other, header), Some(keys.as_bytes()), |signed| bare.push(signed));
            }
        }
        let start = Instant::now();
        for (key, message, signature) in &bare {
            assert!(is_right(black_box(key), message.as_bytes(), signature));
        }
        best[1] = best[1].min(start.elapsed().as_secs_f64() / bare.len() as f64);
        let start = Instant::now();
        for _ in 0..BATCH {
            drive(check(&verifier, black_box(first)), None, |_| panic!("it is known"));
        }
        best[2] = best[2].min(start.elapsed().as_secs_f64() / f64::from(BATCH));
    }
    best
}

/// Seconds of a check of a proof that is known.
fn proof() -> f64 {
    let token = "IQoJb3JpZ2luX2VjE".chars().cycle().take(320).collect::<String>();
    let credentials =
        Credentials::new("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Some(token), None);
    let proof = make_proof(&credentials.expect("credentials"), "ap-northeast-1", AUDIENCE, now()).expect("a proof");
    let (verifier, header) = (verifier("ES384"), format!("Bearer {proof}"));
    let mut first = check(&verifier, &header);
    assert!(matches!(first.step(now()), Step::Need(Need::Sts(_))));
    let answer = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
        <Arn>arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders</Arn><UserId>AROA:orders</UserId>\
        <Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    first.sts(Some((200, answer.as_bytes())), now());
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..BATCH {
            drive(check(&verifier, black_box(&header)), None, |_| panic!("it is known"));
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(BATCH));
    }
    best
}

fn check(verifier: &Verifier, header: &str) -> Check {
    verifier.check(&[header.as_bytes()], &["PUT"], &["/items/1"])
}

fn drive(mut check: Check, keys: Option<&[u8]>, mut signed: impl FnMut((Arc<PublicKey>, String, Vec<u8>))) {
    loop {
        match check.step(now()) {
            Step::Passed(caller) => {
                black_box(caller);
                return;
            }
            Step::Need(Need::Keys { .. }) => assert!(check.keys(Some(keys.expect("the keys are at hand")), now())),
            Step::Need(Need::Signature { key, message, signature, .. }) => {
                check.signature(is_right(&key, message.as_bytes(), &signature), now());
                signed((key, message, signature));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn is_right(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    match key {
        PublicKey::P384 { x, y } => {
            let point = [&[4], x.as_slice(), y].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).verify(message, signature).is_ok()
        }
        PublicKey::Rsa { n, e } => {
            let key = PublicKeyComponents { n, e };
            key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        }
        _ => false,
    }
}

/// A token like one of STS's, with some tags.
fn token(algorithm: &str, number: u64, sign: &dyn Fn(&[u8]) -> Vec<u8>) -> String {
    let header = json!({ "alg": algorithm, "kid": "key_0", "typ": "JWT" });
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "arn:aws:iam::000000000000:role/LambdaRoleProd",
        "iat": 1_794_999_990, "exp": 1_795_000_290, "jti": format!("9b1f0000-0000-4000-8000-{number:012}"),
        "https://sts.amazonaws.com/": {
            "aws_account": "000000000000", "source_region": "ap-northeast-1", "org_id": "o-abcdefghij",
            "principal_tags": { "team": "shop", "cost-center": "1234" },
            "lambda_source_function_arn": "arn:aws:lambda:ap-northeast-1:000000000000:function:orders",
        },
    });
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())))
}

type Signing = (Box<dyn Fn(&[u8]) -> Vec<u8>>, Value);

fn es384() -> Signing {
    let (random, form) = (SystemRandom::new(), &signature::ECDSA_P384_SHA384_FIXED_SIGNING);
    let pair = EcdsaKeyPair::generate_pkcs8(form, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(form, pair.as_ref(), &random).expect("a key");
    let public = pair.public_key().as_ref().to_vec();
    let (x, y) = public.split_at(1).1.split_at(48);
    let key = json!({
        "kty": "EC", "crv": "P-384", "kid": "key_0", "alg": "ES384", "use": "sig",
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    });
    (Box::new(move |message| pair.sign(&random, message).expect("signed").as_ref().to_vec()), key)
}

/// ring makes no RSA keys: that of the tests.
fn rs256() -> Signing {
    let keys: Value = serde_json::from_str(include_str!("../../tests/identity/keys.json")).expect("the tests' keys");
    let key = keys["shop_rsa"].clone();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().expect("a member")).expect("base64url");
    let pair = RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n: number("n"), e: number("e") },
        d: number("d"),
        p: number("p"),
        q: number("q"),
        dP: number("dp"),
        dQ: number("dq"),
        qInv: number("qi"),
    });
    let (pair, random) = (pair.expect("a key"), SystemRandom::new());
    let public = json!({ "kty": "RSA", "kid": "key_0", "use": "sig", "n": key["n"], "e": key["e"] });
    let sign = move |message: &[u8]| {
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signed");
        signature
    };
    (Box::new(sign), public)
}
