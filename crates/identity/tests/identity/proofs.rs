//! Proofs through virtual time: one call of STS each, and none that is remembered for longer than it is right.

use std::cell::Cell;
use std::time::SystemTime;

use serde_json::json;
use xacct_sign::Credentials;
use xacct_sign_identity::{Check, Line, Need, Step, Verifier, make_proof};

use crate::world::{
    AUDIENCE, SECRET, bearer, credentials, drive, error_xml, identity_xml, later, merge, now, sts, table, verifier,
};

fn server() -> Verifier {
    verifier(&table()["world"])
}

fn proof(at: SystemTime) -> String {
    make_proof(&credentials(), "ap-northeast-1", AUDIENCE, at).unwrap()
}

/// What a check comes to, with STS as it is or with this answer of it; and how often it was asked.
fn at(
    verifier: &Verifier,
    proof: &str,
    at: SystemTime,
    answer: Option<(u16, String)>,
) -> (Result<String, String>, usize) {
    let calls = Cell::new(0);
    let sts = |request: &_| {
        calls.set(calls.get() + 1);
        Some(answer.clone().map_or_else(|| sts(request, at), |(status, body)| (status, body.into_bytes())))
    };
    let outcome = drive(bearer(verifier, proof), at, &|_| panic!("no token"), &sts);
    (outcome.is, calls.get())
}

fn shop() -> Result<String, String> {
    Ok("shop".to_owned())
}

fn refused(code: &str) -> Result<String, String> {
    Err(code.to_owned())
}

#[test]
fn sts_is_asked_once_of_a_proof_and_never_again() {
    let verifier = server();
    let proof = proof(now());
    assert_eq!(at(&verifier, &proof, now(), None), (shop(), 1));
    for seconds in 1..300 {
        assert_eq!(at(&verifier, &proof, later(seconds), None), (shop(), 0));
    }
    assert_eq!(at(&server(), &proof, later(300), None), (shop(), 1));
    for seconds in [301, 900, 86_400] {
        assert_eq!(at(&verifier, &proof, later(seconds), None), (refused("proof_expired"), 0));
    }
}

#[test]
fn a_proof_of_a_clock_that_is_ahead_lives_no_longer_than_its_window() {
    let verifier = server();
    let proof = proof(later(300));
    assert_eq!(at(&verifier, &proof, now(), None), (shop(), 1));
    assert_eq!(at(&verifier, &proof, later(599), None), (shop(), 0));
    assert_eq!(at(&verifier, &proof, later(601), None), (refused("proof_expired"), 0));
}

#[test]
fn a_proof_that_grows_too_old_while_sts_is_asked_is_refused() {
    let (verifier, proof) = (server(), proof(now()));
    let mut check = bearer(&verifier, &proof);
    assert!(matches!(check.step(later(299)), Step::Need(Need::Sts(_))));
    let (status, body) =
        (200, identity_xml("arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders", "000000000000"));
    check.sts(Some((status, body.as_bytes())), later(302));
    let Step::Refused(refusal) = check.step(later(302)) else { panic!("it passes") };
    assert_eq!(refusal.code(), "proof_expired");
}

#[test]
fn a_proof_that_grows_too_old_while_another_asks_is_asked_of_no_more() {
    let (verifier, proof) = (server(), proof(now()));
    let (mut first, mut second) = (bearer(&verifier, &proof), bearer(&verifier, &proof));
    assert!(matches!(first.step(later(299)), Step::Need(Need::Sts(_))));
    assert!(matches!(second.step(later(299)), Step::Wait));
    drop(first);
    let Step::Refused(refusal) = second.step(later(302)) else { panic!("STS is asked") };
    assert_eq!(refusal.code(), "proof_expired");
}

#[test]
fn the_same_key_with_another_signature_is_another_proof() {
    let verifier = server();
    assert_eq!(at(&verifier, &proof(now()), now(), None), (shop(), 1));
    let impostor =
        Credentials::new("ASIASHOPPROD00000001", "guessed", Some("IQoJb3JpZ2luX2VjEA+/0123456789==".to_owned()), None);
    let forged = make_proof(&impostor.unwrap(), "ap-northeast-1", AUDIENCE, now()).unwrap();
    assert_eq!(at(&verifier, &forged, now(), None), (refused("proof_refused"), 1));
    assert_eq!(at(&verifier, &proof(now()), now(), None), (shop(), 0));
}

#[test]
fn what_sts_refused_stays_refused_and_pushes_nobody_out() {
    let verifier = server();
    assert_eq!(at(&verifier, &proof(now()), now(), None), (shop(), 1));
    let forged = make_proof(&credentials(), "ap-northeast-1", "https://other.example.com", now()).unwrap();
    assert_eq!(at(&verifier, &forged, now(), None), (refused("proof_refused"), 1));
    assert_eq!(at(&verifier, &forged, later(299), None), (refused("proof_refused"), 0));
    for index in 0..25_000 {
        let key = format!("ASIA{index:016}");
        let garbage = Credentials::new(key, SECRET, Some("x".to_owned()), None).unwrap();
        let garbage = make_proof(&garbage, "ap-northeast-1", AUDIENCE, now()).unwrap();
        let mut check = bearer(&verifier, &garbage);
        assert!(matches!(check.step(now()), Step::Need(Need::Sts(_))));
        check.sts(Some((403, error_xml("InvalidClientTokenId").as_bytes())), now());
    }
    assert_eq!(at(&verifier, &proof(now()), now(), None), (shop(), 0));
}

#[test]
fn the_proofs_of_one_caller_push_out_none_of_another() {
    let verifier = server();
    let known = proof(now());
    assert_eq!(at(&verifier, &known, now(), None), (shop(), 1));
    let partner = identity_xml("arn:aws:sts::222222222222:assumed-role/Any/orders", "222222222222");
    for index in 0..30_000 {
        let another = Credentials::new(format!("ASIA{index:016}"), SECRET, Some("x".to_owned()), None).unwrap();
        let proof = make_proof(&another, "ap-northeast-1", AUDIENCE, later(1)).unwrap();
        let (is, _) = at(&verifier, &proof, later(1), Some((200, partner.clone())));
        assert_eq!(is, Ok("partner".to_owned()));
    }
    // STS goes away: who is known needs it no more.
    assert_eq!(at(&verifier, &known, later(2), Some((500, String::new()))), (shop(), 0));
    let next = proof(later(2));
    assert_eq!(verifier.waits(&[format!("Bearer {next}").as_bytes()], later(2)).0, Line::KnownProof);
}

#[test]
fn an_outage_of_sts_lets_nobody_in_and_is_over_when_it_is_over() {
    let verifier = server();
    let proof = proof(now());
    let throttled = Some((400, error_xml("Throttling")));
    assert_eq!(at(&verifier, &proof, now(), throttled.clone()), (refused("sts_throttled"), 1));
    // Whoever waited for the answer is told the same, and does not ask at once.
    assert_eq!(at(&verifier, &proof, now(), None), (refused("sts_throttled"), 0));
    assert_eq!(at(&verifier, &proof, later(1), throttled), (refused("sts_throttled"), 1));
    assert_eq!(at(&verifier, &proof, later(2), Some((500, String::new()))), (refused("sts_unavailable"), 1));
    assert_eq!(at(&verifier, &proof, later(3), None), (shop(), 1));
    assert_eq!(at(&verifier, &proof, later(4), Some((500, String::new()))), (shop(), 0));
}

#[test]
fn a_role_of_the_same_name_in_another_account_is_not_remembered_as_the_callers() {
    let verifier = server();
    assert_eq!(at(&verifier, &proof(now()), now(), None), (shop(), 1));
    let elsewhere = identity_xml("arn:aws:sts::333333333333:assumed-role/LambdaRoleProd/orders", "333333333333");
    let other = proof(later(1));
    assert_eq!(at(&verifier, &other, later(1), Some((200, elsewhere))), (refused("caller_unknown"), 1));
    assert_eq!(at(&verifier, &proof(now()), later(2), None), (shop(), 0));
}

#[test]
fn one_asks_and_all_others_wait() {
    let verifier = server();
    let proof = proof(now());
    let mut checks: Vec<Check> = (0..100).map(|_| bearer(&verifier, &proof)).collect();
    let mut asking = Vec::new();
    for check in &mut checks {
        match check.step(now()) {
            Step::Need(Need::Sts(request)) => asking.push(request),
            Step::Wait => {}
            other => panic!("{other:?}"),
        }
    }
    let [request] = asking.as_slice() else { panic!("{} ask", asking.len()) };
    let (status, body) = sts(request, now());
    checks[0].sts(Some((status, &body)), now());
    for mut check in checks {
        assert!(matches!(check.step(now()), Step::Passed(_)));
    }
}

#[test]
fn who_gives_up_makes_room_for_the_next_at_once() {
    let verifier = server();
    let proof = proof(now());
    let (mut given_up, mut next) = (bearer(&verifier, &proof), bearer(&verifier, &proof));
    assert!(matches!(given_up.step(now()), Step::Need(Need::Sts(_))));
    assert!(matches!(next.step(now()), Step::Wait));
    drop(given_up);
    assert!(matches!(next.step(now()), Step::Need(Need::Sts(_))));
}

#[test]
fn sts_is_not_asked_of_more_than_some_proofs_at_once() {
    let verifier = server();
    let mut asking = Vec::new();
    let mut turned_away = 0;
    for index in 0..1000 {
        let garbage = Credentials::new(format!("ASIA{index:016}"), SECRET, Some("x".to_owned()), None).unwrap();
        let mut check = bearer(&verifier, &make_proof(&garbage, "us-east-1", AUDIENCE, now()).unwrap());
        match check.step(now()) {
            Step::Need(Need::Sts(_)) => asking.push(check),
            Step::Refused(refusal) => {
                assert_eq!((refusal.code(), refusal.status()), ("sts_unavailable", 503));
                turned_away += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((asking.len(), turned_away), (256, 744));
    // When they have their answers there is room again; and when they never come, after ten seconds.
    asking.pop().unwrap().sts(None, later(1));
    assert_eq!(at(&verifier, &proof(now()), later(1), None), (shop(), 1));
    assert_eq!(at(&verifier, &proof(later(11)), later(11), None), (shop(), 1));
}

#[test]
fn garbage_holds_up_no_caller_that_sts_has_stood_by() {
    let verifier = server();
    let line = |proof: &str, at| verifier.waits(&[format!("Bearer {proof}").as_bytes()], at).0;
    assert_eq!(line(&proof(now()), now()), Line::Proof);
    assert_eq!(at(&verifier, &proof(now()), now(), None), (shop(), 1));
    let mut asking = Vec::new();
    for index in 0..300 {
        let garbage = Credentials::new(format!("ASIA{index:016}"), SECRET, Some("x".to_owned()), None).unwrap();
        let garbage = make_proof(&garbage, "us-east-1", AUDIENCE, later(1)).unwrap();
        assert_eq!(line(&garbage, later(1)), Line::Proof);
        let mut check = bearer(&verifier, &garbage);
        let _ = check.step(later(1));
        asking.push(check);
    }
    let next = proof(later(1));
    assert_eq!((line(&next, later(301)), line(&next, later(302))), (Line::KnownProof, Line::Proof));
    assert_eq!(at(&verifier, &next, later(1), None), (shop(), 1));
    // One that STS has refused makes nobody known; nor does what is none.
    let refused = make_proof(&credentials(), "us-east-1", "https://other.example.com", now()).unwrap();
    let verifier = server();
    assert_eq!(at(&verifier, &refused, now(), None).1, 1);
    let line = |proof: &str, at| verifier.waits(&[format!("Bearer {proof}").as_bytes()], at).0;
    assert_eq!(line(&refused, now()), Line::Proof);
    assert_eq!(line("xacct1.x", now()), Line::Proof);
    assert_eq!(line("a.b.c", now()), Line::Token);
}

/// A key's id stands in logs, in the clear: who has seen one has no part in the line of whoever has the key.
#[test]
fn a_key_id_without_its_session_token_is_not_known() {
    let verifier = server();
    assert_eq!(at(&verifier, &proof(now()), now(), None), (shop(), 1));
    let mut asking = Vec::new();
    for index in 0..300 {
        let made_up = Credentials::new(credentials().access_key_id(), SECRET, Some(format!("x{index:04}===")), None);
        let made_up = make_proof(&made_up.unwrap(), "us-east-1", AUDIENCE, later(1)).unwrap();
        assert_eq!(verifier.waits(&[format!("Bearer {made_up}").as_bytes()], later(1)).0, Line::Proof);
        let mut check = bearer(&verifier, &made_up);
        let _ = check.step(later(1));
        assert!(check.waits().is_none_or(|(line, _)| line == Line::Proof));
        asking.push(check);
    }
    assert_eq!(at(&verifier, &proof(later(1)), later(1), None), (shop(), 1));
}

#[test]
fn every_form_of_a_path_has_to_be_the_callers_and_one_has_to_be_there() {
    let verifier = server();
    let good = proof(now());
    let reader = |_: &_| {
        let arn = "arn:aws:sts::000000000000:assumed-role/Reader/s1";
        Some((200, identity_xml(arn, "000000000000").into_bytes()))
    };
    let is = |paths: &[&str]| {
        let check = verifier.check(&[format!("Bearer {good}").as_bytes()], &["GET"], paths);
        drive(check, now(), &|_| panic!("no token"), &reader).is
    };
    assert_eq!(is(&["/items/1"]), Ok("reader".to_owned()));
    assert_eq!(is(&["/items/1", "/items/2"]), Ok("reader".to_owned()));
    assert_eq!(is(&["/items/1", "/admin"]), refused("route_refused"));
    assert_eq!(is(&["/admin", "/items/1"]), refused("route_refused"));
    assert_eq!(is(&[]), refused("path_unreadable"));
}

#[test]
fn what_cannot_make_a_proof_is_refused_before_it_is_sent() {
    let role = |key: &str, token: Option<&str>| Credentials::new(key, SECRET, token.map(str::to_owned), None).unwrap();
    let good = credentials();
    let code = |credentials: &Credentials, region: &str, audience: &str| {
        make_proof(credentials, region, audience, now()).unwrap_err().code()
    };
    assert_eq!(code(&role("ASIASHOPPROD00000001", None), "us-east-1", AUDIENCE), "invalid_credentials");
    assert_eq!(code(&role("asiashopprod00000001", Some("x")), "us-east-1", AUDIENCE), "invalid_credentials");
    assert_eq!(code(&role("ASIASHOPPROD00000001", Some("\"")), "us-east-1", AUDIENCE), "invalid_credentials");
    let long = "x".repeat(7000);
    assert_eq!(code(&role("ASIASHOPPROD00000001", Some(&long)), "us-east-1", AUDIENCE), "invalid_credentials");
    assert_eq!(code(&good, "us-east-1/", AUDIENCE), "invalid_region");
    assert_eq!(code(&good, "us-east-1", ""), "invalid_option");
    assert_eq!(code(&good, "us-east-1", "a b"), "invalid_option");
    let expired = Credentials::new("ASIASHOPPROD00000001", SECRET, Some("x".to_owned()), Some(now())).unwrap();
    assert_eq!(code(&expired, "us-east-1", AUDIENCE), "credentials_expired");
}

#[test]
fn regions_of_other_partitions_have_their_own_sts() {
    let mut world = table()["world"].clone();
    merge(&mut world, &json!({ "partition": "aws-cn", "regions": ["cn-north-1"] }));
    let made = make_proof(&credentials(), "cn-north-1", AUDIENCE, now()).unwrap();
    let Step::Need(Need::Sts(request)) = bearer(&verifier(&world), &made).step(now()) else { panic!("sts") };
    assert_eq!(request.url, "https://sts.cn-north-1.amazonaws.com.cn/");
}

#[test]
fn an_answer_of_sts_may_be_of_64_kb() {
    let is = |length| {
        let mut answer = identity_xml("arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders", "000000000000");
        answer += &" ".repeat(length - answer.len());
        at(&server(), &proof(now()), now(), Some((200, answer))).0
    };
    assert_eq!((is(65_536), is(65_537)), (shop(), refused("sts_answer_refused")));
}
