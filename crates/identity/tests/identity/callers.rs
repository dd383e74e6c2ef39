//! Lists of callers: what they let in, beside tests/attacks.toml.

use serde_json::{Value, json};
use xacct_sign_identity::{CALLERS_SCHEMA, Caller, Callers, Development, Need, Step, Verifier, Via, make_proof};

use crate::world::{
    AUDIENCE, bearer, credentials, drive, good_token, merge, now, published, sts, table, token_of, usual, verifier,
};

fn world(with: &Value) -> Value {
    let mut world = table()["world"].clone();
    merge(&mut world, with);
    world
}

#[test]
fn tokens_and_proofs_are_taken_by_servers_alone() {
    let verifier = verifier(&table()["fronts"]["function_url"]);
    assert_eq!(usual(bearer(&verifier, &good_token(now())), now()).is, Err("not_taken_here".to_owned()));
    let none = crate::world::verifier(&world(&json!({ "regions": [] })));
    let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    assert_eq!(usual(bearer(&none, &proof), now()).is, Err("proofs_not_taken".to_owned()));
    assert_eq!(usual(bearer(&none, &good_token(now())), now()).is, Ok("shop".to_owned()));
}

#[test]
fn rs256_is_taken_where_the_manifest_says_so_and_es384_is_not() {
    let verifier = verifier(&world(&json!({ "algorithm": "RS256" })));
    let (_, claims) = crate::world::good(now());
    let rs256 = |header: Value| token_of(&header.to_string(), &claims.to_string(), "RS256", "shop_rsa");
    let good = rs256(json!({ "alg": "RS256", "kid": "RSA_0" }));
    let outcome = usual(bearer(&verifier, &good), now());
    assert_eq!((outcome.is, outcome.needs), (Ok("shop".to_owned()), vec!["keys", "signature"]));
    assert_eq!(usual(bearer(&verifier, &good_token(now())), now()).is, Err("algorithm_refused".to_owned()));
    let on_ec = rs256(json!({ "alg": "RS256", "kid": "EC384_0" }));
    assert_eq!(usual(bearer(&verifier, &on_ec), now()).is, Err("key_refused".to_owned()));
    let longer = format!("{good}AAAA");
    assert_eq!(usual(bearer(&verifier, &longer), now()).is, Err("signature_malformed".to_owned()));
}

#[test]
fn the_issuer_of_an_account_may_stand_at_any_of_its_callers() {
    let issuer = table()["world"]["callers"][0]["issuer"].clone();
    let with = json!({ "name": "with", "account": "000000000000", "role": "A", "issuer": issuer });
    let without = json!({ "name": "without", "account": "000000000000", "role": "B" });
    let other = json!({ "name": "other", "account": "111111111111", "role": "C" });
    let parse = |callers: Value| {
        let list = world(&json!({ "regions": [], "callers": callers })).to_string();
        Callers::parse(list.as_bytes(), Development::No).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(parse(json!([with, without])), Ok(()));
    assert_eq!(parse(json!([without, with])), Ok(()));
    assert_eq!(parse(json!([other, with])), Err("issuer_missing"));
}

fn refused(text: impl AsRef<[u8]>) -> (&'static str, String, String) {
    let error = Callers::parse(text.as_ref(), Development::No).unwrap_err();
    (error.code(), error.to_string(), error.hint().unwrap_or_default().to_owned())
}

#[test]
fn a_file_is_read_as_editors_and_powershell_write_it() {
    let text = world(&json!({ "stage": "prød" })).to_string();
    let utf16 =
        |unit: fn(u16) -> [u8; 2]| format!("\u{feff}{text}\r\n").encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    for bytes in [format!("\u{feff}{text}").into_bytes(), utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
        assert_eq!(Callers::parse(&bytes, Development::No).unwrap().stage(), "prød");
    }
    // Nothing says what it is; or it has been read as something else.
    let without_mark: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lossy = String::from_utf8_lossy(&utf16(u16::to_le_bytes)).into_owned().into_bytes();
    let mut odd = utf16(u16::to_le_bytes);
    odd.pop();
    for bytes in [without_mark, lossy, odd, b"\xff\xff{}".to_vec()] {
        let (code, message, hint) = refused(bytes);
        assert_eq!((code, message.as_str()), ("callers_malformed", "callers.json is not text in UTF-8"));
        assert!(hint.contains("Out-File -Encoding utf8"), "{hint}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_whose_it_is() {
    let text = serde_json::to_string_pretty(&world(&json!({}))).unwrap();
    let (_, message, _) = refused(text.get(..text.len() / 2).unwrap());
    assert!(message.starts_with("callers.json is not strict JSON: it ends too early, at line "), "{message}");
    let (_, message, _) = refused(r#"{"version": 1, "version": 1}"#);
    let why = "a member stands twice, or there are too many, or it is nested too deep";
    assert_eq!(message, format!("callers.json is not strict JSON: {why}, at line 1 column 24"));
    assert_eq!(refused("[]").1, "callers.json is no JSON object");
    let (_, message, hint) = refused(world(&json!({ "version": "1" })).to_string());
    assert_eq!(message, "`version` of callers.json is not a whole number");
    assert_eq!(hint, r#"write it without quotes: `"version": 1`"#);
    let of = |caller: Value| refused(world(&json!({ "callers": [caller] })).to_string());
    let (_, message, hint) = of(json!({ "name": "shop", "account": 0, "role": "R" }));
    assert_eq!(message, "`account` of caller `shop` is not a text");
    assert!(hint.starts_with("write it in quotes"), "{hint}");
    assert_eq!(of(json!({ "name": "shop", "role": "R" })).1, "caller `shop` has no `account`");
    assert_eq!(of(json!({ "name": "", "role": "R" })).1, "`name` of a caller is empty");
    let (code, message, hint) = of(json!({ "name": "shop", "account": "000000000000", "role": ["R", "path/R*"] }));
    assert_eq!(code, "issuer_missing");
    assert_eq!(message, "caller `shop` has no `issuer`, and a proof names nobody by the pattern `path/R*`");
    assert_eq!(hint, "write the caller's `issuer`, or the whole name of its role");
}

#[test]
fn an_audience_that_is_not_there_is_told_from_one_that_is_empty() {
    let mut callers = world(&json!({}));
    callers.as_object_mut().unwrap().remove("audience");
    let told = |callers: &Value| refused(callers.to_string());
    let (code, message, _) = told(&callers);
    assert_eq!((code, message.as_str()), ("audience_missing", "callers.json has no `audience`"));
    assert_eq!(told(&world(&json!({ "audience": "" }))).1, "the `audience` of callers.json is empty");
}

#[test]
fn an_audience_shows_no_password() {
    let (code, message, _) = refused(world(&json!({ "audience": "https://user:hunter2@api.example.com" })).to_string());
    assert_eq!(code, "audience_missing");
    assert_eq!(message, "the `audience` of callers.json has a user, which tokens and proofs would show");
}

#[test]
fn a_shorter_life_than_an_hour_can_be_asked_for() {
    let verifier = verifier(&world(&json!({ "max_duration_seconds": 299 })));
    assert_eq!(usual(bearer(&verifier, &good_token(now())), now()).is, Err("lifetime_refused".to_owned()));
}

#[test]
fn issuers_on_this_machine_are_for_development() {
    let issuer = "http://127.0.0.1:4100/issuers/000000000000";
    let callers = world(&json!({
        "dev_issuers": [issuer],
        "callers": [{ "name": "shop", "account": "000000000000", "role": "LambdaRoleProd", "issuer": issuer }],
    }));
    assert!(Callers::parse(callers.to_string().as_bytes(), Development::No).is_err());
    let callers = Callers::parse(callers.to_string().as_bytes(), Development::Yes).unwrap();
    assert!(callers.is_development());
    assert!(!Callers::parse(world(&json!({})).to_string().as_bytes(), Development::Yes).unwrap().is_development());
    let (header, mut claims) = crate::world::good(now());
    claims["iss"] = issuer.into();
    let token = token_of(&header.to_string(), &claims.to_string(), "ES384", "shop_ec");
    let verifier = Verifier::new(callers, [7; 16]);
    let Step::Need(Need::Keys { url, is_development, .. }) = bearer(&verifier, &token).step(now()) else {
        panic!("keys")
    };
    assert_eq!(
        (url.as_str(), is_development),
        ("http://127.0.0.1:4100/issuers/000000000000/.well-known/jwks.json", true)
    );
}

fn of_event(front: &Value, arn: &str, account: &str) -> Result<Caller, String> {
    let event = json!({
        "version": "2.0", "rawPath": "/x",
        "requestContext": {
            "authorizer": { "iam": { "accountId": account, "userArn": arn, "principalOrgId": "o-abcdefghij" } },
            "http": { "method": "GET", "path": "/x" },
        },
    });
    match verifier(front).check_event(event.to_string().as_bytes()).step(now()) {
        Step::Passed(caller) => Ok((*caller).clone()),
        Step::Refused(refusal) => Err(refusal.code().to_owned()),
        other => panic!("an event needs nothing: {other:?}"),
    }
}

#[test]
fn a_caller_is_told_as_its_front_knows_it() {
    let fronts = table()["fronts"].clone();
    let arn = "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleProd/shop-1";
    let caller = of_event(&fronts["http_api"], arn, "111111111111").unwrap();
    assert_eq!(
        (caller.name.as_str(), caller.account.as_deref(), caller.arn.as_str()),
        ("shop", Some("000000000000"), arn)
    );
    assert_eq!((caller.role.as_deref(), caller.session.as_deref()), (Some("LambdaRoleProd"), Some("shop-1")));
    // The organization that the front names is the provider's own.
    assert_eq!((caller.organization, caller.via), (None, Via::HttpApi));

    let arn = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders";
    let caller = of_event(&fronts["function_url"], arn, "000000000000").unwrap();
    assert_eq!(
        (caller.name.as_str(), caller.account.as_deref(), caller.arn.as_str()),
        ("shop", Some("000000000000"), arn)
    );
    assert_eq!(caller.organization.as_deref(), Some("o-abcdefghij"));
    assert_eq!((caller.session.as_deref(), caller.via.name()), (Some("orders"), "function_url"));

    // A role that is named comes before its organization.
    let arn = "arn:aws:sts::444444444444:assumed-role/LambdaRoleProd/orders";
    assert_eq!(of_event(&fronts["function_url"], arn, "444444444444").unwrap().name, "family");
}

#[test]
fn whom_a_role_of_its_own_admits_needs_no_session_name() {
    let mut front = table()["fronts"]["http_api"].clone();
    front["callers"] = json!([
        { "name": "any", "account": "*", "role": "Worker", "provider_role": "ApiAny" },
        { "name": "family", "organization": "o-abcdefghij", "provider_role": "ApiFamily" },
        { "name": "a", "account": "000000000000", "role": "A", "provider_role": "ApiTwo" },
        { "name": "b", "account": "000000000000", "role": "B", "provider_role": "ApiTwo", "session_names": ["bb"] },
    ]);
    let of = |role: &str, session: &str| {
        let arn = format!("arn:aws:sts::111111111111:assumed-role/{role}/{session}");
        of_event(&front, &arn, "111111111111").map(|caller| (caller.name, caller.account))
    };
    assert_eq!(of("ApiAny", "s1"), Ok(("any".to_owned(), None)));
    assert_eq!(of("ApiFamily", "s1"), Ok(("family".to_owned(), None)));
    assert_eq!(of("ApiTwo", "c1"), Ok(("a".to_owned(), Some("000000000000".to_owned()))));
    assert_eq!(of("ApiTwo", "bbb"), Ok(("a".to_owned(), Some("000000000000".to_owned()))));
    // Which of both it is nobody can tell: `a` may take the name of `b`.
    assert_eq!(of("ApiTwo", "bb"), Err("callers_not_told_apart".to_owned()));
    let front = {
        let mut both = front.clone();
        both["callers"][3].as_object_mut().unwrap().remove("session_names");
        both
    };
    let arn = "arn:aws:sts::111111111111:assumed-role/ApiTwo/s1";
    assert_eq!(of_event(&front, arn, "111111111111"), Err("callers_not_told_apart".to_owned()));
}

#[test]
fn by_token_and_by_proof_a_caller_is_the_same() {
    let verifier = verifier(&world(&json!({})));
    let mut by_token = bearer(&verifier, &good_token(now()));
    let mut by_proof = bearer(&verifier, &make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap());
    let mut told = Vec::new();
    for check in [&mut by_token, &mut by_proof] {
        let caller = loop {
            match check.step(now()) {
                Step::Passed(caller) => break caller,
                Step::Need(Need::Keys { url, .. }) => assert!(check.keys(Some(&published(&url)), now())),
                Step::Need(Need::Signature { .. }) => check.signature(true, now()),
                Step::Need(Need::Sts(request)) => {
                    let (status, body) = sts(&request, now());
                    check.sts(Some((status, &body)), now());
                }
                other => panic!("{other:?}"),
            }
        };
        told.push(caller);
    }
    let [token, proof] = told.as_slice() else { panic!("two") };
    assert_eq!((&token.name, &token.account, &token.role), (&proof.name, &proof.account, &proof.role));
    assert_eq!(token.arn, "arn:aws:iam::000000000000:role/LambdaRoleProd");
    assert_eq!(proof.arn, "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders");
    assert_eq!((token.session.as_deref(), proof.session.as_deref()), (None, Some("orders")));
    assert_eq!((token.organization.as_deref(), token.via, proof.via), (Some("o-klmnopqrst"), Via::Token, Via::Proof));
}

#[test]
fn a_step_without_an_answer_lets_nobody_in() {
    let verifier = verifier(&world(&json!({})));
    let mut check = bearer(&verifier, &good_token(now()));
    let Step::Need(Need::Keys { .. }) = check.step(now()) else { panic!("keys") };
    assert!(matches!(check.step(now()), Step::Wait));
    check.signature(true, now());
    assert!(matches!(check.step(now()), Step::Wait));
    check.keys(Some(&published(crate::world::SHOP)), now());
    let Step::Need(Need::Signature { .. }) = check.step(now()) else { panic!("signature") };
    let Step::Refused(refusal) = check.step(now()) else { panic!("no caller") };
    assert_eq!(refusal.code(), "signature_wrong");
    check.signature(true, now());
    assert!(matches!(check.step(now()), Step::Refused(_)));

    let mut check = bearer(&verifier, &make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap());
    check.signature(true, now());
    check.keys(None, now());
    let Step::Need(Need::Sts(_)) = check.step(now()) else { panic!("sts") };
    assert!(matches!(check.step(now()), Step::Wait));
}

#[test]
fn the_schema_knows_the_members_that_are_read() {
    let schema: Value = serde_json::from_str(CALLERS_SCHEMA).unwrap();
    let (top, caller) = (&schema["properties"], &schema["$defs"]["caller"]["properties"]);
    let table = table();
    let fronts = table["fronts"].as_object().unwrap().values();
    let mut read: Vec<&str> = Vec::new();
    for front in fronts.chain([&table["world"]]) {
        for member in front.as_object().unwrap().keys() {
            assert!(top.get(member).is_some(), "{member}");
            read.push(member);
        }
        for listed in front["callers"].as_array().unwrap() {
            for member in listed.as_object().unwrap().keys() {
                assert!(caller.get(member).is_some(), "{member}");
                read.push(member);
            }
        }
    }
    for member in top.as_object().unwrap().keys().chain(caller.as_object().unwrap().keys()) {
        assert!(read.contains(&member.as_str()) || member == "dev_issuers", "{member}");
    }
}

#[test]
fn a_list_of_ten_thousand_callers_is_one_list() {
    let callers: Vec<Value> = (0..10_000)
        .map(|index| json!({ "name": format!("c{index}"), "account": format!("{index:012}"), "role": "Worker" }))
        .collect();
    let verifier = verifier(&world(&json!({ "callers": callers })));
    let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    let answer = crate::world::identity_xml("arn:aws:sts::000000009999:assumed-role/Worker/orders", "000000009999");
    let outcome = drive(bearer(&verifier, &proof), now(), &|_| None, &|_| Some((200, answer.clone().into_bytes())));
    assert_eq!(outcome.is, Ok("c9999".to_owned()));
}
