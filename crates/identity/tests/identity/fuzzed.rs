//! What is fuzzed: each function takes any bytes and panics if they do what none may. libFuzzer calls them (fuzz/), and `fuzzing.rs`
//! with mutations of its own. What is right to the byte is known; whoever else is let in is a bug.

use std::sync::OnceLock;

use serde_json::{Value, json};
use xacct_sign_identity::{Callers, Development, Verifier, make_proof};

use crate::world::{
    AUDIENCE, SHOP, bearer, credentials, drive, encode, error_xml, good, good_token, identity_xml, key_set, merge, now,
    public, seconds, sign, table, token_of, usual, verifier,
};

/// A function, and what is right or nearly so to begin with.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]),
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

pub(crate) const TARGETS: [Target; 9] = [
    Target { name: "authorization", run: authorization, seeds: headers },
    Target { name: "token", run: token, seeds: tokens },
    Target { name: "claims", run: claims, seeds: all_claims },
    Target { name: "proof", run: proof, seeds: proofs },
    Target { name: "keys", run: keys, seeds: key_sets },
    Target { name: "sts", run: sts, seeds: answers },
    Target { name: "event", run: event, seeds: events },
    Target { name: "callers", run: callers, seeds: lists },
    Target { name: "path", run: path, seeds: paths },
];

/// A verifier of the table's world that remembers nothing.
fn world() -> Verifier {
    static WORLD: OnceLock<Verifier> = OnceLock::new();
    WORLD.get_or_init(|| verifier(&table()["world"])).anew([7; 16])
}

/// One header's value: nothing but what is right lets anybody in.
pub(crate) fn authorization(data: &[u8]) {
    if usual(world().check(&[data], &["GET"], &["/items"]), now()).is.is_err() {
        return;
    }
    let text = std::str::from_utf8(data).unwrap();
    let (scheme, bearer) = text.split_at(7);
    assert!(scheme.eq_ignore_ascii_case("bearer "), "{text}");
    let is_right = headers().iter().any(|right| right.get(7..) == Some(bearer.as_bytes()));
    assert!(is_right || is_right_token(bearer), "{text}");
}

/// Whether it is the good token, by whatever signature: those of ECDSA are never the same.
fn is_right_token(text: &str) -> bool {
    let right = good_token(now());
    let (message, signature) = text.rsplit_once('.').unwrap();
    let [x, y] = ["x", "y"].map(|name| public("shop_ec")[name].as_str().map(crate::world::decode).unwrap());
    let point = [&[4], x.as_slice(), &y].concat();
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P384_SHA384_FIXED, point);
    Some(message) == right.rsplit_once('.').map(|(message, _)| message)
        && key.verify(message.as_bytes(), &crate::world::decode(signature)).is_ok()
}

fn headers() -> Vec<Vec<u8>> {
    static HEADERS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let made = || {
        let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
        [good_token(now()), proof].map(|bearer| format!("Bearer {bearer}").into_bytes()).to_vec()
    };
    HEADERS.get_or_init(made).clone()
}

/// The three parts of a token, decoded and on a line each: so that changes get behind base 64.
pub(crate) fn token(data: &[u8]) {
    let parts: Vec<&[u8]> = data.splitn(3, |byte| *byte == b'\n').collect();
    let text = parts.iter().map(encode).collect::<Vec<_>>().join(".");
    let outcome = usual(bearer(&world(), &text), now());
    assert!(outcome.is.is_err() || is_right_token(&text), "{:?} by {text}", outcome.is);
}

fn tokens() -> Vec<Vec<u8>> {
    vec![good_token(now()).split('.').map(crate::world::decode).collect::<Vec<_>>().join(&b'\n')]
}

/// Claims, signed by the shop's own key: whoever is let in is what another reader of JSON finds in them.
pub(crate) fn claims(data: &[u8]) {
    let (header, _) = good(now());
    let message = format!("{}.{}", encode(header.to_string()), encode(data));
    let text = format!("{message}.{}", encode(sign("ES384", "shop_ec", message.as_bytes())));
    let Ok(name) = usual(bearer(&world(), &text), now()).is else { return };
    let read: Value = serde_json::from_slice(data).unwrap();
    assert_eq!(read["iss"], SHOP);
    assert_eq!(read["https://sts.amazonaws.com/"]["aws_account"], "000000000000");
    assert!(read["aud"] == AUDIENCE || read["aud"] == json!([AUDIENCE]));
    let (issued, expires) = (read["iat"].as_u64().unwrap(), read["exp"].as_u64().unwrap());
    assert!(expires > seconds(now()) && issued <= seconds(now()) + 60 && expires - issued <= 3600, "{read}");
    assert!(read.get("cnf").is_none() && read.get("subject_mode").is_none());
    let role = match name.as_str() {
        "shop" => "LambdaRoleProd",
        "pathed" => "service-role/Nightly",
        other => panic!("{other} by {read}"),
    };
    assert_eq!(read["sub"], format!("arn:aws:iam::000000000000:role/{role}"));
}

fn all_claims() -> Vec<Vec<u8>> {
    let change = |with: Value| {
        let mut claims = good(now()).1;
        merge(&mut claims, &with);
        claims.to_string().into_bytes()
    };
    vec![
        change(json!({})),
        change(json!({ "sub": "arn:aws:iam::000000000000:role/service-role/Nightly", "aud": [AUDIENCE], "nbf": 1 })),
        change(json!({ "sub": "arn:aws:iam::222222222222:role/Any", "cnf": {} })),
    ]
}

/// A proof's JSON.
pub(crate) fn proof(data: &[u8]) {
    let outcome = usual(bearer(&world(), &format!("xacct1.{}", encode(data))), now());
    assert!(outcome.is.is_err() || proofs().iter().any(|right| right == data), "{:?}", outcome.is);
}

fn proofs() -> Vec<Vec<u8>> {
    static PROOFS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let made = |region| {
        let proof = make_proof(&credentials(), region, AUDIENCE, now()).unwrap();
        crate::world::decode(proof.strip_prefix("xacct1.").unwrap())
    };
    PROOFS.get_or_init(|| ["us-east-1", "ap-northeast-1"].map(made).to_vec()).clone()
}

/// An issuer's set of keys: a good token passes by the very key that signed it, and no other.
pub(crate) fn keys(data: &[u8]) {
    static TOKEN: OnceLock<String> = OnceLock::new();
    let check = bearer(&world(), TOKEN.get_or_init(|| good_token(now())));
    if drive(check, now(), &|_| Some(data.to_vec()), &|_| panic!("no proof")).is.is_ok() {
        let read: Value = serde_json::from_slice(data).unwrap();
        let key = public("shop_ec");
        let is_right = |found: &Value| ["kty", "crv", "kid", "x", "y"].iter().all(|name| found[name] == key[name]);
        assert_eq!(read["keys"].as_array().unwrap().iter().filter(|found| is_right(found)).count(), 1, "{read}");
    }
}

fn key_sets() -> Vec<Vec<u8>> {
    vec![key_set(&["shop_rsa", "shop_ec"]), key_set(&["shop_ec"]), key_set(&["partner_ec", "rsa_1024"])]
}

/// An answer of STS, its status before it on a line of its own.
pub(crate) fn sts(data: &[u8]) {
    static PROOF: OnceLock<String> = OnceLock::new();
    let (status, body) = data.iter().position(|byte| *byte == b'\n').map_or((data, &[][..]), |at| data.split_at(at));
    let status = std::str::from_utf8(status).ok().and_then(|status| status.parse().ok()).unwrap_or(200);
    let proof = PROOF.get_or_init(|| make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap());
    let check = bearer(&world(), proof);
    if let Ok(name) = drive(check, now(), &|_| panic!("no token"), &|_| Some((status, body.to_vec()))).is {
        let text = std::str::from_utf8(body).unwrap();
        let (account, role) = match name.as_str() {
            "shop" => ("000000000000", "LambdaRoleProd"),
            "pathed" => ("000000000000", "Nightly"),
            "reader" => ("000000000000", "Reader"),
            "ops" => ("444444444444", "Deployer"),
            "partner" => ("222222222222", ""),
            other => panic!("{other} by {text}"),
        };
        assert_eq!(status, 200);
        let begin = format!("<Arn>arn:aws:sts::{account}:assumed-role/{role}");
        assert!(text.matches("<Arn").count() == 1 && text.contains(&begin), "{name} by {text}");
        assert!(text.contains(&format!("<Account>{account}</Account>")), "{name} by {text}");
    }
}

fn answers() -> Vec<Vec<u8>> {
    let identity = |account: &str, role: &str| {
        identity_xml(&format!("arn:aws:sts::{account}:assumed-role/{role}/orders"), account)
    };
    [
        format!("200\n{}", identity("000000000000", "LambdaRoleProd")),
        format!("200\n{}", identity("222222222222", "Any")),
        format!("200\n{}", identity("999999999999", "LambdaRoleProd")),
        format!("403\n{}", error_xml("SignatureDoesNotMatch")),
        format!("400\n{}", error_xml("Throttling")),
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// A function's event, on each front: whoever is let in is what another reader of JSON finds in the place of that front.
pub(crate) fn event(data: &[u8]) {
    static FRONTS: OnceLock<Vec<(&str, Verifier)>> = OnceLock::new();
    let made = || {
        let table = table();
        let of = |front| (front, verifier(&table["fronts"][front]));
        ["function_url", "http_api", "rest_api"].map(of).to_vec()
    };
    for (front, verifier) in FRONTS.get_or_init(made) {
        let Ok(name) = usual(verifier.check_event(data), now()).is else { continue };
        let read: Value = serde_json::from_slice(data).unwrap();
        let context = &read["requestContext"];
        let identity = if *front == "rest_api" { &context["identity"] } else { &context["authorizer"]["iam"] };
        let arn = identity["userArn"].as_str().unwrap();
        let account = identity["accountId"].as_str().unwrap();
        assert!(arn.starts_with(&format!("arn:aws:sts::{account}:assumed-role/")), "{front}: {name} by {read}");
        let role = arn.split('/').nth(1).unwrap();
        let is_so = match (*front, name.as_str()) {
            ("http_api", "reader") => (account, role) == ("111111111111", "ApiAllowByIamRoleProdReader"),
            ("http_api", "free") => (account, role) == ("111111111111", "ApiAllowByIamRoleProd-2"),
            ("http_api", _) => (account, role) == ("111111111111", "ApiAllowByIamRoleProd"),
            (_, "shop") => (account, role) == ("000000000000", "LambdaRoleProd"),
            (_, "reader") => (account, role) == ("000000000000", "Reader"),
            (_, "left") => account == "555555555555" && role.starts_with("Left"),
            (_, "right") => account == "555555555555" && role.ends_with("Right"),
            (_, "family") => identity["principalOrgId"] == "o-abcdefghij",
            _ => false,
        };
        assert!(is_so, "{front}: {name} by {read}");
    }
}

fn events() -> Vec<Vec<u8>> {
    let table = table();
    let rows = table["event"].as_array().unwrap().iter();
    let text = |row: &Value| row["event"].as_str().unwrap().replace("{path}", "/items/1").into_bytes();
    rows.filter(|row| row["front"] != "world").map(text).collect()
}

/// A list of callers.
pub(crate) fn callers(data: &[u8]) {
    for development in [Development::No, Development::Yes] {
        match Callers::parse(data, development) {
            Ok(callers) => assert!(!callers.is_development() || development == Development::Yes),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn lists() -> Vec<Vec<u8>> {
    let table = table();
    let fronts = table["fronts"].as_object().unwrap().values();
    fronts.chain([&table["world"]]).map(|list| list.to_string().into_bytes()).collect()
}

/// A path: who may read items and nothing else reads an item, however often the path is decoded.
pub(crate) fn path(data: &[u8]) {
    static TOKEN: OnceLock<String> = OnceLock::new();
    let made = || {
        let (header, mut claims) = good(now());
        merge(&mut claims, &json!({ "sub": "arn:aws:iam::000000000000:role/Reader" }));
        token_of(&header.to_string(), &claims.to_string(), "ES384", "shop_ec")
    };
    static VERIFIER: OnceLock<Verifier> = OnceLock::new();
    let Ok(path) = std::str::from_utf8(data) else { return };
    let header = format!("Bearer {}", TOKEN.get_or_init(made));
    let check = VERIFIER.get_or_init(world).check(&[header.as_bytes()], &["GET"], &[path]);
    if usual(check, now()).is.is_err() {
        return;
    }
    let mut reading = data.to_vec();
    for decoded_so_often in 0..3 {
        let item = reading.strip_prefix(b"/items/").unwrap_or_else(|| panic!("{path:?}"));
        assert!(!item.is_empty() && !item.contains(&b'/') && !item.contains(&b'\\'), "{path:?}");
        // Control characters may be there for who decodes twice: they lead nowhere.
        assert!(decoded_so_often == 2 || !item.iter().any(|byte| *byte < b' '), "{path:?}");
        let before = item.split(|byte| *byte == b';').next().unwrap();
        assert!(before != b"." && before != b"..", "{path:?}");
        reading = decoded(&reading);
    }
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

fn paths() -> Vec<Vec<u8>> {
    let paths =
        ["/items/1", "/items/a%20b;x=1", "/items/..%2fadmin", "/items/%252e%252e/x", "//items/1", "/items\\..\\x"];
    paths.map(|path| path.as_bytes().to_vec()).to_vec()
}
