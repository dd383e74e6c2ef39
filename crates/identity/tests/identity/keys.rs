//! Keys of issuers through days of virtual time.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use xacct_sign_identity::{Check, KEYS_LIMIT, Line, Need, Step, Verifier, make_proof};

use crate::world::{
    AUDIENCE, PARTNER, SHOP, bearer, credentials, drive, good, good_token, key_set, later, now, table, token_of, usual,
    verifier,
};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn server() -> Verifier {
    verifier(&table()["world"])
}

fn with_kid(at: SystemTime, kid: &str, key: &str) -> String {
    let (mut header, claims) = good(at);
    header["kid"] = kid.into();
    token_of(&header.to_string(), &claims.to_string(), "ES384", key)
}

/// What a check at an instant comes to, with an issuer that has these keys or is out of reach; and how often it was asked.
fn at(verifier: &Verifier, token: &str, at: SystemTime, keys: Option<&[&str]>) -> (Result<String, String>, usize) {
    let fetches = Cell::new(0);
    let keys = |_: &str| {
        fetches.set(fetches.get() + 1);
        keys.map(key_set)
    };
    let outcome = drive(bearer(verifier, token), at, &keys, &|_| panic!("no proof"));
    (outcome.is, fetches.get())
}

fn shop() -> Result<String, String> {
    Ok("shop".to_owned())
}

fn refused(code: &str) -> Result<String, String> {
    Err(code.to_owned())
}

#[test]
fn keys_are_fetched_once_an_hour() {
    let verifier = server();
    let both: &[&str] = &["shop_rsa", "shop_ec"];
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(both)), (shop(), 1));
    for minutes in (1..60).map(|minute| later(minute * 60)) {
        assert_eq!(at(&verifier, &good_token(minutes), minutes, Some(both)), (shop(), 0));
    }
    assert_eq!(at(&verifier, &good_token(later(HOUR)), later(HOUR), Some(both)), (shop(), 1));
    assert_eq!(at(&verifier, &good_token(later(HOUR + 1)), later(HOUR + 1), Some(both)), (shop(), 0));
}

#[test]
fn an_outage_is_survived_for_a_day_with_the_keys_at_hand() {
    let verifier = server();
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    for hours in 1..24 {
        let when = later(hours * HOUR);
        assert_eq!(at(&verifier, &good_token(when), when, None), (shop(), 1), "{hours}");
        // Whoever comes within ten seconds of a fetch that failed causes no other.
        assert_eq!(
            at(&verifier, &good_token(when + Duration::from_secs(9)), when + Duration::from_secs(9), None),
            (shop(), 0)
        );
    }
    assert_eq!(at(&verifier, &good_token(later(DAY)), later(DAY), None), (refused("keys_unavailable"), 1));
    assert_eq!(
        at(&verifier, &good_token(later(DAY + 9)), later(DAY + 9), Some(&["shop_ec"])),
        (refused("keys_unavailable"), 0)
    );
    assert_eq!(at(&verifier, &good_token(later(DAY + 10)), later(DAY + 10), Some(&["shop_ec"])), (shop(), 1));
}

#[test]
fn a_thousand_unknown_key_ids_are_one_fetch() {
    let verifier = server();
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    let mut fetches = 0;
    for index in 0..1000 {
        let token = with_kid(later(20), &format!("unknown_{index}"), "shop_ec");
        let (is, fetched) = at(&verifier, &token, later(20), Some(&["shop_ec"]));
        assert_eq!(is, refused("key_unknown"));
        fetches += fetched;
    }
    assert_eq!(fetches, 1);
    let token = with_kid(later(30), "unknown", "shop_ec");
    assert_eq!(at(&verifier, &token, later(30), Some(&["shop_ec"])), (refused("key_unknown"), 1));
}

#[test]
fn an_unknown_key_id_during_an_outage_may_be_a_new_one() {
    let verifier = server();
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    let token = with_kid(later(20), "EC384_1", "next_ec");
    assert_eq!(at(&verifier, &token, later(20), None), (refused("keys_unavailable"), 1));
    assert_eq!(at(&verifier, &token, later(25), None), (refused("keys_unavailable"), 0));
    assert_eq!(at(&verifier, &good_token(later(25)), later(25), None), (shop(), 0));
}

#[test]
fn a_rotated_key_is_found_at_once_and_the_old_one_is_gone() {
    let verifier = server();
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    // The set is replaced whole: what the id stands for now counts, and the token that was let in a moment ago does no more.
    let old = good_token(now());
    assert_eq!(at(&verifier, &old, later(15), Some(&["next_ec"])), (shop(), 0));
    let unknown = with_kid(later(20), "EC384_1", "next_ec");
    assert_eq!(at(&verifier, &unknown, later(20), Some(&["next_ec"])), (refused("key_unknown"), 1));
    assert_eq!(at(&verifier, &old, later(21), Some(&["next_ec"])), (refused("signature_wrong"), 0));
    let new = with_kid(later(21), "EC384_0", "next_ec");
    assert_eq!(at(&verifier, &new, later(21), None), (shop(), 0));
}

#[test]
fn the_same_keys_again_ask_for_no_signature_again() {
    let verifier = server();
    let (mut header, mut claims) = good(now());
    header["kid"] = "EC384_0".into();
    claims["iat"] = crate::world::seconds(now()).into();
    claims["exp"] = crate::world::seconds(later(HOUR)).into();
    let token = token_of(&header.to_string(), &claims.to_string(), "ES384", "shop_ec");
    let late = later(HOUR - 1);
    assert_eq!(usual(bearer(&verifier, &good_token(now())), now()).needs, ["keys", "signature"]);
    assert_eq!(usual(bearer(&verifier, &token), later(60)).needs, ["signature"]);
    let unknown = with_kid(later(100), "EC384_9", "shop_ec");
    assert_eq!(usual(bearer(&verifier, &unknown), later(100)).needs, ["keys"]);
    assert_eq!(usual(bearer(&verifier, &token), late).needs, Vec::<&str>::new());
    // And never longer than it lives.
    assert_eq!(usual(bearer(&verifier, &token), later(HOUR)).is, refused("token_expired"));
}

#[test]
fn keys_of_one_issuer_are_not_those_of_another() {
    let verifier = server();
    let (header, mut claims) = good(now());
    claims["iss"] = PARTNER.into();
    claims["sub"] = "arn:aws:iam::222222222222:role/Any".into();
    claims["https://sts.amazonaws.com/"]["aws_account"] = "222222222222".into();
    let partner = |key: &str| token_of(&header.to_string(), &claims.to_string(), "ES384", key);
    assert_eq!(usual(bearer(&verifier, &good_token(now())), now()).is, shop());
    let outcome = usual(bearer(&verifier, &partner("shop_ec")), now());
    assert_eq!((outcome.is, outcome.needs), (refused("signature_wrong"), vec!["keys", "signature"]));
    assert_eq!(usual(bearer(&verifier, &partner("partner_ec")), now()).is, Ok("partner".to_owned()));
}

fn needs_keys(check: &mut Check, at: SystemTime) -> bool {
    match check.step(at) {
        Step::Need(Need::Keys { issuer, is_early, .. }) => {
            assert_eq!((issuer.as_str(), is_early), (SHOP, false));
            true
        }
        Step::Wait => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_fetches_and_all_others_wait() {
    let verifier = server();
    let token = good_token(now());
    let mut checks: Vec<Check> = (0..100).map(|_| bearer(&verifier, &token)).collect();
    let fetching: Vec<bool> = checks.iter_mut().map(|check| needs_keys(check, now())).collect();
    assert_eq!(fetching.iter().filter(|fetches| **fetches).count(), 1);
    assert!(fetching[0]);
    checks[0].keys(Some(&key_set(&["shop_ec"])), later(1));
    for mut check in checks {
        assert!(matches!(check.step(later(1)), Step::Need(Need::Signature { .. })));
    }
}

#[test]
fn a_fetch_that_never_comes_back_is_made_anew() {
    let verifier = server();
    let (mut lost, mut next) = (bearer(&verifier, &good_token(now())), bearer(&verifier, &good_token(now())));
    assert!(needs_keys(&mut lost, now()));
    assert!(!needs_keys(&mut next, later(9)));
    assert!(needs_keys(&mut next, later(10)));
    // It comes after all: its keys are as good.
    lost.keys(Some(&key_set(&["shop_ec"])), later(11));
    assert!(matches!(next.step(later(11)), Step::Need(Need::Signature { .. })));
}

/// Some issuers keep an id and change what is under it: nobody waits an hour for that.
#[test]
fn another_key_under_the_same_id_is_found_at_once() {
    let verifier = server();
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    let new = with_kid(later(9), "EC384_0", "next_ec");
    assert_eq!(at(&verifier, &new, later(9), Some(&["next_ec"])), (refused("signature_wrong"), 0));
    assert_eq!(at(&verifier, &new, later(10), Some(&["next_ec"])), (shop(), 1));
    assert_eq!(at(&verifier, &good_token(later(11)), later(11), Some(&["next_ec"])), (refused("signature_wrong"), 0));
    // While the issuer is out of reach it may be a new one, too, as with an id that nobody knows.
    let newer = with_kid(later(30), "EC384_0", "shop_ec");
    assert_eq!(at(&verifier, &newer, later(30), None), (refused("keys_unavailable"), 1));
    assert_eq!(at(&verifier, &with_kid(later(31), "EC384_0", "next_ec"), later(31), None), (shop(), 0));
}

#[test]
fn a_thousand_wrong_signatures_are_one_fetch_and_hold_up_nobody() {
    let verifier = server();
    let good = good_token(later(20));
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    let mut checks: Vec<Check> =
        (0..1000).map(|_| bearer(&verifier, &with_kid(later(20), "EC384_0", "next_ec"))).collect();
    let mut fetching = Vec::new();
    for (index, check) in checks.iter_mut().enumerate() {
        assert!(matches!(check.step(later(20)), Step::Need(Need::Signature { .. })));
        check.signature(false, later(20));
        if needs_keys(check, later(20)) {
            fetching.push(index);
        }
        // Who has a right one goes on with the keys at hand.
        assert!(matches!(bearer(&verifier, &good).step(later(20)), Step::Need(Need::Signature { .. })));
    }
    assert_eq!(fetching, [0]);
    checks[0].keys(Some(&key_set(&["shop_ec"])), later(21));
    for check in &mut checks {
        let Step::Refused(refusal) = check.step(later(21)) else { panic!("its signature is wrong") };
        assert_eq!(refusal.code(), "signature_wrong");
    }
}

/// A key that was revoked does not come back with an answer that hung meanwhile.
#[test]
fn a_set_that_was_asked_earlier_and_comes_later_replaces_none() {
    let verifier = server();
    let old = good_token(now());
    let mut late = bearer(&verifier, &old);
    assert!(needs_keys(&mut late, now()));
    let new = with_kid(later(10), "EC384_0", "next_ec");
    assert_eq!(at(&verifier, &new, later(10), Some(&["next_ec"])), (shop(), 1));
    late.keys(Some(&key_set(&["shop_ec"])), later(11));
    assert_eq!(usual(late, later(11)).is, refused("signature_wrong"));
    assert_eq!(at(&verifier, &new, later(11), None), (shop(), 0));
    // Nor does one that fails late say that the next, which is under way, has failed.
    let verifier = server();
    let (mut late, mut next) = (bearer(&verifier, &old), bearer(&verifier, &old));
    assert!(needs_keys(&mut late, now()));
    assert!(needs_keys(&mut next, later(10)));
    late.keys(None, later(11));
    assert!(!needs_keys(&mut late, later(11)));
    next.keys(Some(&key_set(&["shop_ec"])), later(12));
    assert!(matches!(late.step(later(12)), Step::Need(Need::Signature { .. })));
}

/// What an issuer answers it may have made when it was asked: an hour, and a day in an outage, are counted from there.
#[test]
fn keys_are_as_old_as_the_request_for_them() {
    let verifier = server();
    let mut check = bearer(&verifier, &good_token(now()));
    assert!(needs_keys(&mut check, now()));
    check.keys(Some(&key_set(&["shop_ec"])), later(9));
    assert!(matches!(check.step(later(9)), Step::Need(Need::Signature { .. })));
    let hour = good_token(later(HOUR));
    assert_eq!(at(&verifier, &hour, later(HOUR - 1), Some(&["shop_ec"])), (shop(), 0));
    let mut check = bearer(&verifier, &good_token(later(HOUR)));
    assert!(matches!(check.step(later(HOUR)), Step::Need(Need::Keys { is_early: true, .. })));
    check.keys(None, later(HOUR + 9));
    assert_eq!(at(&verifier, &good_token(later(DAY)), later(DAY), None), (refused("keys_unavailable"), 1));
}

#[test]
fn who_gives_up_makes_room_for_the_next_at_once() {
    let verifier = server();
    let (mut given_up, mut next) = (bearer(&verifier, &good_token(now())), bearer(&verifier, &good_token(now())));
    assert!(needs_keys(&mut given_up, now()));
    assert!(!needs_keys(&mut next, later(1)));
    drop(given_up);
    assert!(needs_keys(&mut next, later(1)));
    // Who is given up on after its time is past takes nothing from whoever came next.
    let mut lost = bearer(&verifier, &good_token(now()));
    assert!(needs_keys(&mut lost, later(11)));
    drop(next);
    assert!(!needs_keys(&mut bearer(&verifier, &good_token(now())), later(12)));
}

#[test]
fn while_stale_keys_are_fetched_anew_nobody_else_waits() {
    let verifier = server();
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    let token = good_token(later(HOUR));
    let (mut first, mut second) = (bearer(&verifier, &token), bearer(&verifier, &token));
    assert!(matches!(first.step(later(HOUR)), Step::Need(Need::Keys { is_early: true, .. })));
    assert!(matches!(second.step(later(HOUR)), Step::Need(Need::Signature { .. })));
}

#[test]
fn a_token_that_expires_while_keys_are_fetched_is_refused() {
    let verifier = server();
    let mut check = bearer(&verifier, &good_token(now()));
    assert!(needs_keys(&mut check, later(289)));
    check.keys(Some(&key_set(&["shop_ec"])), later(290));
    let Step::Refused(refusal) = check.step(later(290)) else { panic!("it has expired") };
    assert_eq!(refusal.code(), "token_expired");
}

#[test]
fn a_clock_that_is_set_back_fetches_anew() {
    let verifier = server();
    assert_eq!(at(&verifier, &good_token(later(60)), later(60), Some(&["shop_ec"])), (shop(), 1));
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    // Who read the clock a moment before another reported is no such clock.
    let before = now() - Duration::from_millis(5);
    assert_eq!(at(&verifier, &good_token(now()), before, Some(&["shop_ec"])), (shop(), 0));
}

#[test]
fn a_process_that_was_forked_starts_anew() {
    let verifier = server();
    assert_eq!(at(&verifier, &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    assert_eq!(at(&verifier.anew([8; 16]), &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 1));
    assert_eq!(at(&verifier.clone(), &good_token(now()), now(), Some(&["shop_ec"])), (shop(), 0));
}

#[test]
fn a_set_of_keys_may_be_as_long_as_its_limit() {
    let is = |length| {
        let mut set = key_set(&["shop_ec"]);
        set.resize(length, b' ');
        drive(bearer(&server(), &good_token(now())), now(), &|_| Some(set.clone()), &|_| panic!("no proof")).is
    };
    assert_eq!((is(KEYS_LIMIT), is(KEYS_LIMIT + 1)), (shop(), refused("keys_unavailable")));
}

#[test]
fn an_outage_names_the_issuer_and_why_it_could_not_be_had() {
    let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    let of_sts = "STS could not be asked, or failed".to_owned();
    for (text, code, said) in [
        (good_token(now()), "keys_unavailable", format!("the issuer's keys could not be had: `{SHOP}`")),
        (proof, "sts_unavailable", of_sts),
    ] {
        let refusal = |why| {
            let mut check = bearer(&server(), &text);
            assert!(matches!(check.step(now()), Step::Need(_)));
            check.not_had(why, now());
            let Step::Refused(refusal) = check.step(now()) else { panic!("it is let in") };
            assert_eq!(refusal.code(), code);
            refusal.to_string()
        };
        assert_eq!(refusal(""), said);
        assert_eq!(refusal("no route\nto host"), format!("{said}: no route\\nto host"));
    }
}

#[test]
fn who_waits_waits_for_the_same_as_who_gets_it_and_for_nothing_else() {
    let verifier = server();
    let (header, mut claims) = good(now());
    claims["iss"] = PARTNER.into();
    claims["sub"] = "arn:aws:iam::222222222222:role/Any".into();
    claims["https://sts.amazonaws.com/"]["aws_account"] = "222222222222".into();
    let partner = token_of(&header.to_string(), &claims.to_string(), "ES384", "partner_ec");
    let proof = |region| make_proof(&credentials(), region, AUDIENCE, now()).unwrap();
    let of_region = ["ap-northeast-1", "us-east-1"].map(proof);
    let mut all = Vec::new();
    for (bearers, line) in [
        ([good_token(now()), with_kid(now(), "EC384_9", "shop_ec")], Line::Token),
        ([partner.clone(), partner], Line::Token),
        ([of_region[0].clone(), of_region[0].clone()], Line::Proof),
        ([of_region[1].clone(), of_region[1].clone()], Line::Proof),
    ] {
        let [mut gets, mut waits] = bearers.map(|text| bearer(&verifier, &text));
        assert!(matches!(gets.step(now()), Step::Need(_)));
        assert!(matches!(waits.step(now()), Step::Wait));
        let (in_line, on) = waits.waits().unwrap();
        assert_eq!((in_line, Some((line, on))), (line, gets.waits()));
        assert!(all.iter().all(|(other, _)| *other != on));
        all.push((on, gets));
    }
    // Who has all that it needs waits for nothing.
    let mut refused = bearer(&verifier, "a.b.c");
    assert!(matches!(refused.step(now()), Step::Refused(_)));
    assert_eq!(refused.waits(), None);
}
