//! The Rust client behind proxies that fail: `faults.toml`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics to fail"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use xacct_sign::Scope;
use xacct_sign_client::{Request, RoleOptions, RoleProvider, Session};
use xacct_sign_emulator::Options;
use xacct_sign_tests::emulator::{Running, start, start_with};
use xacct_sign_tests::faults::{Fault, Pair, Row, Table, was_refused};

const FACE: &str = "rust";
const LARGE: usize = 16_000_000;
/// Where the deadline is what is tried.
const SHORT: Duration = Duration::from_millis(1500);
/// Where it is not: a machine may have much else to do.
const LONG: Duration = Duration::from_secs(20);
const CALLS: usize = 400;
const BESIDE: usize = 24;
const METHODS: [&str; 6] = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"];

fn session(emulator: &Running, pair: &Pair) -> Session {
    let mut options = RoleOptions::new("arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag", "ap-northeast-1");
    options.sts_endpoint = Some(pair.sts.url.clone());
    let base = emulator.ready().caller("shop", "stag").unwrap().credentials.clone();
    Session::new(RoleProvider::new(options, base).unwrap(), Scope::new("ap-northeast-1", "execute-api").unwrap())
}

fn addresses(emulator: &Running) -> (&str, &str) {
    let addresses = emulator.ready().addresses();
    (&addresses.sts, &addresses.stages["stag"])
}

/// What a call came to: a status or a code. A 200 that belongs to another call is none.
fn called(
    session: &Session,
    pair: &Pair,
    (method, id): (&str, &str),
    timeout: Duration,
    body: Option<Vec<u8>>,
) -> String {
    let mut request = Request::new(method, format!("{}/hoge", pair.api.url));
    request.timeout = Some(timeout);
    request.headers.push(("x-call-id".into(), id.into()));
    if let Some(body) = body {
        request.body = body.into();
    } else if ["PUT", "POST", "PATCH"].contains(&method) {
        request.body = id.as_bytes().to_vec().into();
    }
    match session.send(request) {
        Ok(answer) if answer.status == 200 && method != "HEAD" => {
            let seen: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!((seen["method"].as_str(), seen["headers"]["x-call-id"].as_str()), (Some(method), Some(id)));
            "200".to_owned()
        }
        Ok(answer) => answer.status.to_string(),
        Err(error) => error.code().to_owned(),
    }
}

/// Runs a row for a method.
fn run(emulator: &Running, row: &Row, method: &str) {
    let (sts, api) = addresses(emulator);
    let pair = Pair::of(row, sts, api);
    let session = session(emulator, &pair);
    for number in 0..row.before() {
        assert_eq!(called(&session, &pair, ("GET", &format!("before-{number}")), LONG, None), "200", "before");
    }
    while row.fault == Fault::CloseAfterAnswer && !pair.api.came().iter().any(|came| came.is_closed) {
        thread::yield_now();
    }
    let timeout = if row.expect[method] == "timeout" { SHORT } else { LONG };
    let outcome = called(&session, &pair, (method, "call"), timeout, row.large.then(|| vec![b'x'; LARGE]));
    let came = pair.api.came();
    let sends = came.iter().filter(|came| came.id.as_deref() == Some("call")).count();
    if row.is_over_one_connection() {
        assert_eq!(came[row.after].connection, came[0].connection, "the connection was not used again");
    }
    let asked = row.asked.map(|_| pair.sts.came().len());
    let found = (outcome, sends, asked);
    let (expect, sends, asked) = row.expected(FACE, method);
    assert_eq!(found, (expect, sends, asked), "outcome, times sent, times STS was asked");
    pair.calm();
    // An error of STS stands for a moment.
    while called(&session, &pair, ("GET", "afterwards"), LONG, None) != "200" {
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn every_fault_ends_right_or_with_the_typed_error_and_sends_nothing_twice_that_must_not_be() {
    let (emulator, table) = (start(), Table::read());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for row in &table.fault {
            for method in row.expect.keys() {
                let (emulator, failed) = (&emulator, &failed);
                scope.spawn(move || {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(emulator, row, method))) {
                        let said = panic.downcast_ref::<String>().map_or("?", String::as_str);
                        failed.lock().unwrap().push(format!("{method}, {}: {said}", row.name));
                    }
                });
            }
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "rows of faults.toml that fail:\n{}", failed.join("\n"));
}

/// What a call of the storm came to.
struct Outcome {
    id: String,
    method: &'static str,
    outcome: String,
}

fn storm(table: &Table, seed: u64) -> BTreeMap<String, usize> {
    let lifetime = Some(Duration::from_secs(2));
    let emulator = start_with(Options { credential_lifetime: lifetime, ..Options::default() });
    let (sts, api) = addresses(&emulator);
    let pair = Pair::of_storm(&table.storm, seed, sts, api);
    let session = session(&emulator, &pair);
    let (next, outcomes) = (Mutex::new(0..CALLS), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..BESIDE {
            scope.spawn(|| {
                loop {
                    let Some(number) = next.lock().unwrap().next() else { return };
                    let (id, method) = (number.to_string(), METHODS[number % METHODS.len()]);
                    let outcome = called(&session, &pair, (method, &id), SHORT, None);
                    outcomes.lock().unwrap().push(Outcome { id, method, outcome });
                }
            });
        }
    });
    let came = pair.api.came();
    let mut counts = BTreeMap::new();
    for Outcome { id, method, outcome } in outcomes.into_inner().unwrap() {
        let of_call: Vec<_> = came.iter().filter(|came| came.id.as_deref() == Some(&id)).collect();
        let refused = of_call.iter().rev().skip(1).filter(|came| was_refused(came)).count();
        let others = of_call.len() - refused;
        assert!(refused <= 1, "{method}: {of_call:?}");
        if ["POST", "PATCH"].contains(&method) {
            assert!(others <= 1, "{method} came to {outcome}: {of_call:?}");
        }
        assert!(outcome != "200" || others >= 1);
        *counts.entry(outcome).or_insert(0) += 1;
    }
    pair.calm();
    while called(&session, &pair, ("GET", "afterwards"), LONG, None) != "200" {
        thread::sleep(Duration::from_millis(50));
    }
    counts
}

#[test]
fn in_a_storm_each_call_ends_right_or_with_the_typed_error() {
    let table = Table::read();
    let mut all = BTreeMap::new();
    for seed in 1..=2 {
        for (outcome, count) in storm(&table, seed) {
            *all.entry(outcome).or_insert(0) += count;
        }
    }
    for outcome in ["200", "403", "500", "transport", "timeout", "response_too_large"] {
        assert!(all.contains_key(outcome), "{outcome} did not happen: {all:?}");
    }
}
