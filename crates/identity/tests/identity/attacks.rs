//! The table that every face runs, tests/attacks.toml.

use std::time::{Duration, SystemTime};

use crate::world::{
    AUDIENCE, Outcome, bearer, credentials, decode, drive, encode, good, good_token, key, key_set, later, merge, now,
    published, seconds, sign, sts, table, token_of, usual, verifier,
};
use serde_json::{Map, Value, json};
use xacct_sign::Signer;
use xacct_sign_identity::{Callers, CallersErrorKind, Check, Development, RefusalKind, Verifier, make_proof};

fn rows(kind: &str) -> Vec<Value> {
    let rows = table()[kind].as_array().unwrap().clone();
    assert!(rows.len() > 20, "{kind}: {}", rows.len());
    rows
}

fn text<'r>(row: &'r Value, member: &str) -> Option<&'r str> {
    row.get(member).map(|value| value.as_str().unwrap())
}

/// Instants and long texts in place of the words for them.
fn filled(text: &str) -> String {
    let long = [("@long", "A", 20_000), ("@megabyte", "A", 1_000_000), ("@blanks", " ", 1_000_000)];
    let mut filled =
        long.iter().fold(text.to_owned(), |text, (word, part, many)| text.replace(word, &part.repeat(*many)));
    for (word, quoted) in [("\"@now", true), ("@now", false), ("@text", false), ("@date", false)] {
        while let Some((before, rest)) = filled.split_once(word) {
            let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || b"+-".contains(byte)).count();
            let (offset, after) = rest.split_at(length);
            let at = shifted(offset.parse().unwrap());
            let shown = if word == "@date" {
                let date = xacct_sign::aws::format_rfc3339(at).unwrap();
                date.replace(['-', ':'], "")
            } else {
                seconds(at).to_string()
            };
            filled = format!("{before}{shown}{}", if quoted { after.trim_start_matches('"') } else { after });
        }
    }
    filled
}

fn shifted(offset: i64) -> SystemTime {
    let by = Duration::from_secs(offset.unsigned_abs());
    if offset < 0 { now() - by } else { now() + by }
}

/// The members of keys, where a text names them: `{shop_ec.x}`.
fn with_keys(text: &str) -> String {
    ["shop_ec", "shop_rsa"].into_iter().fold(text.to_owned(), |text, name| {
        let key = key(name);
        let members = key.as_object().unwrap().iter().filter_map(|(member, value)| Some((member, value.as_str()?)));
        members.fold(text, |text, (member, value)| text.replace(&format!("{{{name}.{member}}}"), value))
    })
}

fn token(row: &Value) -> String {
    if let Some(whole) = text(row, "whole") {
        return whole.to_owned();
    }
    let (mut header, mut claims) = good(now());
    let is_rs256 = text(row, "algorithm") == Some("RS256");
    if is_rs256 {
        merge(&mut header, &json!({ "alg": "RS256", "kid": "RSA_0" }));
    }
    if let Some(sts) = row.get("sts") {
        merge(&mut claims["https://sts.amazonaws.com/"], sts);
    }
    merge(&mut header, row.get("header").unwrap_or(&Value::Null));
    merge(&mut claims, row.get("claims").unwrap_or(&Value::Null));
    let header = text(row, "raw_header").map_or_else(|| header.to_string(), str::to_owned);
    let claims = filled(&text(row, "raw_claims").map_or_else(|| claims.to_string(), str::to_owned));
    let (algorithm, key) = (
        text(row, "sign").unwrap_or(if is_rs256 { "RS256" } else { "ES384" }),
        text(row, "key").unwrap_or(if is_rs256 { "shop_rsa" } else { "shop_ec" }),
    );
    let whole = token_of(&header, &claims, algorithm, key);
    let mut parts: Vec<String> = whole.split('.').map(str::to_owned).collect();
    if let Some(what) = text(row, "signature") {
        parts[2] = encode(changed(what, &sign(algorithm, key, format!("{}.{}", parts[0], parts[1]).as_bytes())));
    }
    if let Some(edit) = row.get("edit") {
        parts[edit[0].as_u64().unwrap() as usize].push_str(edit[1].as_str().unwrap());
    }
    parts.join(".")
}

/// The order of P-384's group: its second half.
const ORDER: [u8; 24] = [
    0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19,
    0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

fn changed(what: &str, signature: &[u8]) -> Vec<u8> {
    let order = [[0xff; 24], ORDER].concat();
    let (r, s) = signature.split_at(48);
    match what {
        "zero" => vec![0; 96],
        "r_zero" => [&[0; 48], s].concat(),
        "s_zero" => [r, &[0; 48]].concat(),
        "r_order" => [order.as_slice(), s].concat(),
        "s_order" => [r, order.as_slice()].concat(),
        "short" => signature[..95].to_vec(),
        "long" => [signature, &[0]].concat(),
        "of_another" => sign("ES384", "shop_ec", b"another"),
        "der" => {
            // Two positive integers, with a zero before what would be negative.
            let integer = |half: &[u8]| [&[2, 49, 0], half].concat();
            let both = [integer(r), integer(s)].concat();
            [vec![0x30, both.len() as u8], both].concat()
        }
        _ => panic!("{what} is no change of a signature"),
    }
}

fn proof(row: &Value) -> String {
    if let Some(whole) = text(row, "whole") {
        return whole.to_owned();
    }
    let made = make_proof(&credentials(), "ap-northeast-1", text(row, "made_for").unwrap_or(AUDIENCE), now()).unwrap();
    let json = decode(made.strip_prefix("xacct1.").unwrap());
    let mut values: Value = serde_json::from_slice(&json).unwrap();
    if let Some(raw) = text(row, "raw") {
        let fill = |raw: String, (name, value): (&String, &Value)| {
            raw.replace(&format!("{{{name}}}"), value.as_str().unwrap())
        };
        return format!("xacct1.{}", encode(values.as_object().unwrap().iter().fold(raw.to_owned(), fill)));
    }
    let Some(with) = row.get("values") else { return made };
    merge(&mut values, with);
    // The members stand in their order, and what the row adds behind them.
    let order = ["region", "key", "date", "token", "signature"];
    let Value::Object(mut values) = values else { panic!("a proof is an object") };
    let known = order
        .into_iter()
        .filter_map(|name| values.remove(name).map(|value| (name.to_owned(), value)))
        .collect::<Vec<_>>();
    let members: Vec<String> =
        known.into_iter().chain(values).map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    format!("xacct1.{}", encode(filled(&format!("{{{}}}", members.join(",")))))
}

/// The check of the request that a row is.
fn check(verifier: &Verifier, row: &Value, word: &str, bearer: &str) -> Check {
    let filled = |text: &str| text.replace(word, bearer);
    let headers: Vec<String> = match row.get("authorization") {
        Some(headers) => headers.as_array().unwrap().iter().map(|header| filled(header.as_str().unwrap())).collect(),
        None => vec![format!("Bearer {bearer}")],
    };
    let headers: Vec<&[u8]> = headers.iter().map(String::as_bytes).collect();
    let path = filled(text(row, "path").unwrap_or("/items"));
    let overrides = row.get("overrides").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let methods: Vec<&str> = std::iter::once(text(row, "method").unwrap_or("GET")).chain(overrides).collect();
    verifier.check(&headers, &methods, &[&path])
}

/// What a row says it is.
fn expected(row: &Value) -> Result<String, String> {
    match (text(row, "caller"), text(row, "code")) {
        (Some(caller), None) => Ok(caller.to_owned()),
        (None, Some(code)) => Err(code.to_owned()),
        _ => panic!("a row has either a caller or a code: {row}"),
    }
}

/// Runs every row of a kind, and names all that came out otherwise.
fn run(kind: &str, outcome: impl Fn(&Value) -> Outcome) {
    let mut wrong = Vec::new();
    for row in rows(kind) {
        let name = text(&row, "name").unwrap().to_owned();
        let Outcome { is, needs } = outcome(&row);
        let went_out = needs.iter().any(|need| *need != "signature");
        if is != expected(&row) {
            wrong.push(format!("{name}: {is:?}, and not {:?}", expected(&row)));
        } else if row.get("before_network").is_some_and(|before| before == true) && went_out {
            wrong.push(format!("{name}: it needed {needs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks the row that a row comes after, if it does.
fn first(kind: &str, row: &Value, checked: impl Fn(&Value) -> Outcome) {
    let Some(before) = text(row, "after") else { return };
    let before = rows(kind).into_iter().find(|row| text(row, "name") == Some(before)).unwrap();
    assert_eq!(checked(&before).is, expected(&before));
}

#[test]
fn every_attack_by_a_token_gets_its_code() {
    let world = table()["world"].clone();
    let checked = |verifier: &Verifier, row: &Value| {
        let keys = |url: &str| {
            if let Some(text) = text(row, "publishes_text") {
                return (text != "@nothing").then(|| filled(&with_keys(text)).into_bytes());
            }
            match row.get("publishes") {
                Some(names) => {
                    let names: Vec<&str> =
                        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
                    Some(key_set(&names))
                }
                None => Some(published(url)),
            }
        };
        let check = check(verifier, row, "{token}", &token(row));
        drive(check, now(), &keys, &|_| panic!("a token needs no STS"))
    };
    run("token", |row| {
        let mut world = world.clone();
        merge(&mut world, &json!({ "algorithm": text(row, "algorithm").unwrap_or("ES384") }));
        let verifier = verifier(&world);
        first("token", row, |before| checked(&verifier, before));
        checked(&verifier, row)
    });
}

#[test]
fn every_attack_by_a_proof_gets_its_code() {
    let world = table()["world"].clone();
    let checked = |verifier: &Verifier, row: &Value, at: SystemTime| {
        let answers = |request: &_| match row.get("answer") {
            None => Some(sts(request, at)),
            Some(Value::String(_)) => None,
            Some(answer) => {
                let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
                Some((status, filled(answer["body"].as_str().unwrap()).into_bytes()))
            }
        };
        let check = check(verifier, row, "{proof}", &proof(row));
        drive(check, at, &|_| panic!("a proof needs no keys"), &answers)
    };
    run("proof", |row| {
        let verifier = verifier(&world);
        first("proof", row, |before| checked(&verifier, before, now()));
        checked(&verifier, row, later(row.get("later").map_or(0, |seconds| seconds.as_u64().unwrap())))
    });
}

#[test]
fn every_attack_by_an_event_gets_its_code() {
    let table = table();
    let (header, mut claims) = good(now());
    merge(&mut claims, &json!({ "sub": "arn:aws:iam::000000000000:role/Reader" }));
    let reader = token_of(&header.to_string(), &claims.to_string(), "ES384", "shop_ec");
    run("event", |row| {
        let front = match text(row, "front").unwrap() {
            "world" => &table["world"],
            front => &table["fronts"][front],
        };
        let event = text(row, "event").unwrap().replace("{token}", &good_token(now())).replace("{reader}", &reader);
        let once = |event: &str| usual(verifier(front).check_event(event.as_bytes()), now());
        let Some(paths) = row.get("paths") else { return once(&event) };
        let mut last = None;
        for path in paths.as_array().unwrap() {
            let outcome = once(&event.replace("{path}", path.as_str().unwrap()));
            assert_eq!(outcome.is, expected(row), "{row}: {path}");
            last = Some(outcome);
        }
        last.unwrap()
    });
}

#[test]
fn of_a_wrong_configuration_no_verifier_is_made() {
    let table = table();
    for row in rows("callers") {
        let mut callers = text(&row, "front").map_or(&table["world"], |front| &table["fronts"][front]).clone();
        assert!(Callers::parse(callers.to_string().as_bytes(), Development::No).is_ok());
        merge(&mut callers, &row["set"]);
        let error = Callers::parse(callers.to_string().as_bytes(), Development::No).unwrap_err();
        assert_eq!(error.code(), text(&row, "code").unwrap(), "{}: {error}", row["name"]);
    }
}

#[test]
fn the_table_has_every_code() {
    let table = table();
    let codes = |kinds: &[&str]| -> Vec<String> {
        let rows = kinds.iter().flat_map(|kind| table[*kind].as_array().unwrap());
        rows.filter_map(|row| text(row, "code").map(str::to_owned)).collect()
    };
    let of_refusals = codes(&["token", "proof", "event"]);
    // Where they are held: `not_taken_here`, `proofs_not_taken` in callers.rs; the others are a driver's to say.
    let elsewhere = ["not_taken_here", "proofs_not_taken", "too_busy", "mounted_elsewhere", "scope_unknown"];
    for kind in RefusalKind::ALL {
        let code = kind.code();
        assert!(elsewhere.contains(&code) != of_refusals.iter().any(|of| of == code), "{code}");
    }
    let of_callers = codes(&["callers"]);
    for kind in CallersErrorKind::ALL {
        assert!(of_callers.iter().any(|of| of == kind.code()), "{}", kind.code());
    }
}

#[test]
fn names_of_rows_are_told_apart() {
    for kind in ["token", "proof", "event", "callers"] {
        let mut names = Map::new();
        for row in rows(kind) {
            assert!(
                names.insert(row["name"].as_str().unwrap().to_owned(), Value::Null).is_none(),
                "{kind}: {}",
                row["name"]
            );
        }
    }
}

/// Proofs are what botocore or any other signer signs, too: nothing in them is ours but the audience.
#[test]
fn a_proof_is_the_signature_of_the_request_that_is_rebuilt() {
    let made = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    let mut check = bearer(&verifier(&table()["world"]), &made);
    let xacct_sign_identity::Step::Need(xacct_sign_identity::Need::Sts(request)) = check.step(now()) else {
        panic!("a proof needs STS");
    };
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["accept", "content-type", "host", "x-amz-date", "x-amz-security-token", "x-xacct-audience", "authorization"]
    );
    let signer = Signer::new(credentials(), xacct_sign::Scope::new("us-east-1", "sts").unwrap());
    let given: Vec<(&str, &[u8])> = request.headers[..2]
        .iter()
        .chain(&request.headers[5..6])
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let signed = signer
        .sign_parts(
            &xacct_sign::Request {
                method: "POST",
                url: xacct_sign::Url::parse(&request.url).unwrap(),
                headers: &given,
                payload: xacct_sign::Payload::Bytes(request.body.as_bytes()),
            },
            now(),
        )
        .unwrap();
    let authorization = signed.headers().find(|(name, _)| *name == "authorization").unwrap().1;
    assert_eq!(request.headers[6].1, authorization);
}
