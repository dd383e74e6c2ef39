//! What a manifest costs grows as it does: each kind of input, doubled four times, may take four times its share, and not
//! sixteen. The ratio is of two measurements on the same machine, the least of three each, or of as many
//! as it takes, up to twenty.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and looks at the clock")]

#[path = "common/cpu.rs"]
mod cpu;

use std::time::Duration;

use xacct_sign_provider::{Format, Lock, Manifest};

const HEAD: &str = "[api]\naccount = \"111111111111\"\nregion = \"ap-northeast-1\"\n";
const STAG: &str = "[stages.stag]\napi_id = \"a\"\n";
const DIRECT: &str = "[stages.stag]\ntarget = \"rest_api\"\napi_id = \"a\"\napi_stage = \"v\"\naccess = \"direct\"\n";
const CALLER: &str = "[callers.shop]\naccount = \"000000000000\"\nroles = { stag = \"Batch\" }\n";

fn list(count: usize, entry: impl Fn(usize) -> String) -> String {
    (0..count).map(|i| format!("{:?}, ", entry(i))).collect()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// A caller in an account of its own.
fn caller(i: usize, stage: &str, rest: &str) -> String {
    format!("[callers.c{i}]\naccount = \"{i:012}\"\nroles = {{ {stag} = \"Batch\" }}\n{rest}\n", stag = stage)
}

/// A name, how many of it there are at first, and the manifest with so many.
type Input = (&'static str, usize, fn(usize) -> String);

const INPUTS: [Input; 19] = [
    ("routes", 200, |n| format!("{HEAD}{STAG}{CALLER}routes = [{}]\n", list(n, |i| format!("GET /items/{i}/{{id}}")))),
    ("routes of any method", 100, |n| {
        format!("{HEAD}{STAG}{CALLER}routes = [{}]\n", list(n, |i| format!("ANY /items/{i}")))
    }),
    ("the same route", 200, |n| format!("{HEAD}{STAG}{CALLER}routes = [{}]\n", list(n, |_| "GET /:id".to_owned()))),
    ("session names", 200, |n| format!("{HEAD}{STAG}{CALLER}session_names = [{}]\n", list(n, |i| format!("shop-{i}")))),
    ("callers", 100, |n| format!("{HEAD}{STAG}{}", lines(n, |i| caller(i, "stag", "")))),
    ("callers with an id each", 100, |n| {
        format!("{HEAD}{STAG}{}", lines(n, |i| caller(i, "stag", &format!("external_id = \"id-{i}\""))))
    }),
    ("callers with routes", 60, |n| {
        format!("{HEAD}{STAG}{}", lines(n, |i| caller(i, "stag", "routes = [\"GET /a\"]")))
    }),
    ("stages", 60, |n| {
        let stage = |i: usize| format!("[stages.s{i}]\napi_id = \"a{i}\"\n");
        format!("{HEAD}{}{}", lines(n, stage), lines(n, |i| caller(i, &format!("s{i}"), "")))
    }),
    ("stages with routes", 60, |n| {
        let stage = |i: usize| format!("[stages.s{i}]\napi_id = \"a{i}\"\n");
        format!("{HEAD}{}{}", lines(n, stage), lines(n, |i| caller(i, &format!("s{i}"), "routes = [\"GET /a\"]")))
    }),
    ("organizations beside callers with terms", 60, |n| {
        let wide = |i: usize| format!("[callers.w{i}]\norganization = \"o-{i:010}\"\nstages = [\"stag\"]\n");
        format!("{HEAD}{STAG}{}{}", lines(n, wide), lines(n, |i| caller(i, "stag", "external_id = \"b3c7\"")))
    }),
    ("a role of any account beside callers with terms", 60, |n| {
        let wide =
            |i: usize| format!("[callers.w{i}]\naccount = \"*\"\ntrust = \"account\"\nroles = {{ stag = \"W{i}\" }}\n");
        format!("{HEAD}{STAG}{}{}", lines(n, wide), lines(n, |i| caller(i, "stag", "external_id = \"b3c7\"")))
    }),
    ("callers of an API that is called directly", 100, |n| {
        format!("{HEAD}{DIRECT}{}", lines(n, |i| caller(i, "stag", "")))
    }),
    ("callers of a function that is called directly", 60, |n| {
        let url = "[stages.stag]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"\naccess = \"direct\"\n";
        format!("{HEAD}{url}{}", lines(n, |i| caller(i, "stag", "")))
    }),
    ("routes of a caller that calls directly", 60, |n| {
        format!("{HEAD}{DIRECT}{CALLER}routes = [{}]\n", list(n, |i| format!("ANY /items/{i}")))
    }),
    ("stages that one caller calls directly", 60, |n| {
        let stage = |i: usize| {
            let stage = DIRECT.replace("stag]", &format!("s{i}]")).replace("\"a\"", &format!("\"a{i}\""));
            format!("{stage}vpc_endpoints = [\"vpce-{i:08}\"]\n")
        };
        let roles: Vec<String> = (0..n).map(|i| format!("s{i} = \"Batch\"")).collect();
        let caller = format!("[callers.shop]\naccount = \"000000000000\"\nroles = {{ {} }}\n", roles.join(", "));
        format!("{HEAD}{}{caller}", lines(n, stage))
    }),
    ("stages of one API that is called directly", 60, |n| {
        let stage = |i: usize| DIRECT.replace("stag]", &format!("s{i}]")).replace("\"v\"", &format!("\"v{i}\""));
        format!("{HEAD}{}{}", lines(n, stage), lines(n, |i| caller(i, &format!("s{i}"), "")))
    }),
    ("mistakes on one line", 200, |n| {
        format!("{HEAD}{STAG}{CALLER}routes = [{}]\n", list(n, |i| format!("GET items/<{i}>")))
    }),
    ("unknown stages and keys", 100, |n| {
        let stage = |i: usize| format!("[stages.s{i}]\napi_id = \"a{i}\"\nkey{i} = 1\n");
        format!("{HEAD}{}{}", lines(n, stage), lines(n, |i| caller(i, &format!("t{i}"), "")))
    }),
    ("errors of syntax", 200, |n| format!("{HEAD}{}", lines(n, |i| format!("a{i} = \n")))),
];

/// From the text to everything that is made of it, without and with the lock file.
fn time_of(text: &str) -> Duration {
    let start = cpu::time();
    match Manifest::parse(text, "xacct.toml") {
        Err(error) => assert!(error.to_string().len() > 1),
        Ok(manifest) => {
            let plan = manifest.plan(&Lock::default());
            let lock = Lock::parse(&plan.lock().to_toml(), "xacct.lock.toml").unwrap();
            assert_eq!(manifest.plan(&lock).role_changes(), []);
            assert!(plan.findings().len() < text.len());
            for stage in manifest.stages.values().take(1) {
                assert!(!plan.render(stage, Format::Json).unwrap().is_empty());
            }
        }
    }
    cpu::time().saturating_sub(start)
}

#[test]
fn t2_no_kind_of_input_grows_quadratically() {
    for (name, count, text) in INPUTS {
        let (small, large) = (text(count), text(count * 16));
        // Names and numbers get longer with their count.
        let grown = large.len().div_ceil(small.len());
        let (mut before, mut after, mut ratio) = (Duration::MAX, Duration::MAX, f64::MAX);
        // Other programs take their part of the caches: what grows linearly is seen to in one of the rounds, what does not in none.
        for round in 1..=20 {
            before = before.min(time_of(&small));
            after = after.min(time_of(&large));
            ratio = after.as_secs_f64() / before.as_secs_f64();
            if round >= 3 && ratio < 4.0 * grown as f64 {
                break;
            }
        }
        assert!(
            ratio < 4.0 * grown as f64,
            "{name}: {grown} times the text took {ratio:.0} times as long ({before:?}, {after:?})"
        );
    }
}
