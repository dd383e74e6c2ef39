//! The example against the emulator, and held to the table that every client is held to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::error::Error;
use std::iter;
use std::thread;
use std::time::Duration;

use ureq::Agent;
use xacct_sign::{Credentials, Scope};
use xacct_sign_client::{RoleOptions, RoleProvider};
use xacct_sign_example_ureq::Api;
use xacct_sign_tests::emulator::start;
use xacct_sign_tests::flows::{Case, Key, Outcome, Place, REGION, ROLE_ARN, SECRET, cases, run};

fn scope() -> Scope {
    Scope::new(REGION, "execute-api").unwrap()
}

#[test]
fn threads_share_one_call_of_sts() {
    let emulator = start();
    let addresses = emulator.ready().addresses();
    let mut options = RoleOptions::new(ROLE_ARN, REGION);
    options.sts_endpoint = Some(addresses.sts.clone());
    let base = emulator.ready().caller("shop", "stag").unwrap().credentials.clone();
    let api = Api::new(Agent::new_with_defaults(), RoleProvider::new(options, base).unwrap(), scope());
    let url = format!("{}/hoge?q=a b", addresses.stages.get("stag").unwrap());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut answer = api.send("PUT", &url, &[("content-type", "text/plain")], b"hello".to_vec()).unwrap();
                assert_eq!(answer.status(), 200);
                let seen = answer.body_mut().read_to_string().unwrap();
                assert!(seen.contains(r#""body":"hello""#) && seen.contains("q=a%20b"), "{seen}");
            });
        }
    });
    let assumed = emulator.log().iter().filter(|entry| entry.target == "sts").count();
    assert_eq!(assumed, 1);
}

fn credentials(key: Option<&Key>) -> Credentials {
    Credentials::new("AKIDGIVEN", SECRET, None, key.map(Key::expires_at)).unwrap()
}

fn calls(case: &Case, place: &Place) -> Vec<Outcome> {
    let agent = Agent::new_with_defaults();
    let api = match &case.base {
        Some(base) => {
            let mut options = RoleOptions::new(ROLE_ARN, REGION);
            options.sts_endpoint = Some(place.sts.clone());
            Api::new(agent, RoleProvider::new(options, credentials(Some(base))).unwrap(), scope())
        }
        None => Api::new(agent, credentials(case.given.as_ref()), scope()),
    };
    let headers: Vec<(&str, &str)> = case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = case.body.clone().unwrap_or_default().into_bytes();
    let call = |pause| {
        thread::sleep(Duration::from_secs_f64(pause));
        let answer = api.send(&case.method, &place.url, &headers, body.clone());
        answer.map(|answer| answer.status().as_u16()).map_err(|error| code(&*error))
    };
    iter::once(0.0).chain(case.pauses.iter().copied()).map(call).collect()
}

fn code(error: &(dyn Error + Send + Sync + 'static)) -> String {
    error.downcast_ref::<xacct_sign::Error>().map_or_else(|| error.to_string(), |error| error.code().to_owned())
}

/// But for connections that break, which are ureq's to mend.
#[test]
fn every_call_goes_as_the_table_has_it() {
    let cases: Vec<Case> =
        cases().into_iter().filter(|case| case.answers.iter().all(|answer| answer.fault.is_none())).collect();
    assert!(cases.len() > 20, "{}", cases.len());
    thread::scope(|scope| {
        for case in &cases {
            scope.spawn(|| run(case, calls));
        }
    });
}
