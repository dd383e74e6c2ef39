//! Ten thousand processes with one role: what STS sees of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use xacct_sign::refresh::{Poll, Refresh};
use xacct_sign::retry::Retry;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_tests::{data, example_instant};

const PROCESSES: usize = 10_000;
const SECOND: u64 = 1_000_000;
/// What STS takes of an account in a region, in a second
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const QUOTA: u64 = 600;
/// What credentials live, and how long it is watched.
const LIFETIME: u64 = 3600;
const WATCHED: u64 = 3 * LIFETIME;
/// Between two calls of a process.
const EVERY: u64 = 5 * SECOND;

struct Process {
    refresh: Refresh,
    tries: Option<Retry>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Calls of STS in the busiest second of the first minute, and of all that follow.
    peak_at_start: u64,
    peak_later: u64,
    /// Until every process has had credentials.
    seconds_to_start: u64,
}

/// All make their first call at once, and another every five seconds, each at a time of its own. `jitter` is whether their seeds
/// differ. `quota` is what STS takes in a second.
fn herd(jitter: bool, quota: u64) -> Seen {
    let throttled = Error::new(ErrorKind::StsThrottled, "Rate exceeded");
    let seed = |process: usize| if jitter { process as u64 } else { 0 };
    let mut processes: Vec<Process> =
        (0..PROCESSES).map(|process| Process { refresh: Refresh::new(seed(process)), tries: None }).collect();
    let mut due: BinaryHeap<Reverse<(u64, usize)>> = (0..PROCESSES).map(|process| Reverse((0, process))).collect();
    let mut asked: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut without, mut seconds_to_start) = (vec![true; PROCESSES], 0);
    while let Some(Reverse((at, process))) = due.pop() {
        if at >= WATCHED * SECOND {
            break;
        }
        let now = example_instant() + Duration::from_micros(at);
        let Process { refresh, tries } = &mut processes[process];
        let is_call = match tries {
            Some(_) => true,
            None => matches!(refresh.poll(now), Poll::Refresh | Poll::UseAndRefresh),
        };
        let phase = process as u64 * EVERY / PROCESSES as u64;
        let mut next = (at / EVERY + 1) * EVERY + phase;
        if is_call {
            let rate = asked.entry(at / SECOND).or_default();
            *rate += 1;
            if *rate <= quota {
                *tries = None;
                refresh.succeeded(Some(now + Duration::from_secs(LIFETIME)), now);
                if std::mem::take(&mut without[process]) {
                    seconds_to_start = at / SECOND;
                }
            } else {
                let retry = tries.get_or_insert_with(|| Retry::new(seed(process)));
                match retry.failed(&throttled) {
                    Some(pause) => next = at + u64::try_from(pause.as_micros()).unwrap(),
                    None => {
                        *tries = None;
                        refresh.failed(now);
                    }
                }
            }
        }
        due.push(Reverse((next, process)));
    }
    assert!(without.iter().all(|without| !without), "every process gets credentials");
    let peak = |from: u64| asked.range(from..).map(|(_, rate)| *rate).max().unwrap();
    let peak_at_start = asked.range(..60).map(|(_, rate)| *rate).max().unwrap();
    Seen { peak_at_start, peak_later: peak(60), seconds_to_start }
}

/// The figures that the documentation gives.
#[test]
fn what_sts_sees_of_ten_thousand_processes() {
    let page = data("../docs/credentials.md");
    let (mut later, mut rows) = (Vec::new(), String::new());
    for (name, jitter, quota) in [
        ("as it is", true, u64::MAX),
        ("without jitter", false, u64::MAX),
        ("as it is, STS takes 600 a second", true, QUOTA),
        ("without jitter, STS takes 600 a second", false, QUOTA),
    ] {
        let seen = herd(jitter, quota);
        let Seen { peak_at_start, seconds_to_start, peak_later } = seen;
        rows += &format!("| {name} | {peak_at_start} | {seconds_to_start} | {peak_later} |\n");
        later.push(peak_later);
    }
    println!("{rows}");
    assert!(page.contains(&rows), "docs/credentials.md has other rows than\n{rows}");
    assert!(later[0] * 50 < later[1], "{later:?}");
}
