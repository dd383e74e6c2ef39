//! The targets of `fuzzed.rs`, by mutations that a seed decides: for seconds here, and for as long as `XACCT_SIGN_FUZZ_SECONDS` says in
//! `cargo xtask fuzz`. It follows no branches; fuzz/ is for who has libFuzzer.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the long form has a time, and says how much it has done"
)]

use std::env;
use std::time::{Duration, Instant};

use crate::fuzzed::{TARGETS, Target};

/// xorshift64*, which is enough to choose by.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % end.max(1)
    }

    fn one_of<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}

/// What readers have been led astray by.
const WORDS: [&str; 40] = [
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "1e9",
    "-1",
    "0",
    "18446744073709551616",
    "\r\n",
    "\n",
    "\t",
    "\0",
    " ",
    "\u{feff}",
    "é",
    "%2e",
    "%2F",
    "%25",
    "..",
    "//",
    ";",
    "*",
    "<!--",
    "<![CDATA[",
    "&lt;",
    "&#65;",
    "<Arn>",
    "</Account>",
    "\"alg\":\"none\"",
    "\"userArn\":\"arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/x\"",
    "Bearer ",
    "xacct1.",
];

/// One of the seeds, or two of them joined, with some changes.
fn mutated(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.one_of(seeds).clone();
    if random.below(8) == 0 {
        let other = random.one_of(seeds);
        bytes.truncate(random.below(bytes.len() + 1));
        bytes.extend_from_slice(&other[random.below(other.len() + 1)..]);
    }
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(9) {
            _ if bytes.is_empty() => bytes.push(random.next() as u8),
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, random.next() as u8),
            4 => drop(bytes.splice(at..at, random.one_of(&WORDS).bytes())),
            5 => {
                let end = at + random.below((bytes.len() - at).min(64)) + 1;
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, piece));
            }
            6 => drop(bytes.drain(at..at + random.below((bytes.len() - at).min(64)) + 1)),
            7 => bytes.truncate(at),
            _ => {
                let to = random.below(bytes.len());
                bytes.swap(at, to);
            }
        }
    }
    bytes
}

/// Runs a target on its seeds and on mutations, and says on how many.
fn fuzz(target: &Target, seed: u64, goes_on: impl Fn(u64) -> bool) -> u64 {
    let seeds = (target.seeds)();
    seeds.iter().for_each(|seed| (target.run)(seed));
    let mut random = Random(seed | 1);
    let mut done = 0;
    while goes_on(done) {
        (target.run)(&mutated(&mut random, &seeds));
        done += 1;
    }
    done
}

#[test]
fn mutations_let_nobody_in_and_nothing_panics() {
    let seconds: Option<u64> = env::var("XACCT_SIGN_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let seed = env::var("XACCT_SIGN_FUZZ_SEED").map_or(1, |text| text.parse().unwrap());
    let wanted = env::var("XACCT_SIGN_FUZZ_TARGET").ok();
    for target in TARGETS.iter().filter(|target| wanted.as_deref().is_none_or(|wanted| wanted == target.name)) {
        let done = match seconds {
            None => fuzz(target, seed, |done| done < 800),
            Some(seconds) => {
                let end = Instant::now() + Duration::from_secs(seconds);
                fuzz(target, seed, |done| done % 64 != 0 || Instant::now() < end)
            }
        };
        println!("{}: {done} mutations of seed {seed}", target.name);
    }
}

#[test]
fn each_target_has_something_to_begin_with() {
    for target in &TARGETS {
        assert!(!(target.seeds)().is_empty(), "{}", target.name);
    }
}
