//! When a role's credentials are fetched again, in virtual time: the test moves the clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use xacct_sign::refresh::{Poll, Refresh};
use xacct_sign_tests::example_instant;

const SECOND: Duration = Duration::from_secs(1);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Credentials fetched now, that live so long.
fn fetched(seed: u64, lifetime: Duration) -> Refresh {
    let mut refresh = Refresh::new(seed);
    assert_eq!(refresh.poll(example_instant()), Poll::Refresh);
    refresh.succeeded(Some(example_instant() + lifetime), example_instant());
    refresh
}

/// How long after they were fetched the credentials are refreshed early, to the second.
fn early(seed: u64, lifetime: u64) -> Option<u64> {
    let mut refresh = fetched(seed, seconds(lifetime));
    (0..lifetime).find(|after| refresh.poll(example_instant() + seconds(*after)) == Poll::UseAndRefresh)
}

#[test]
fn one_caller_fetches_first_and_the_others_wait() {
    let mut refresh = Refresh::new(0);
    let now = example_instant();
    assert_eq!(refresh.poll(now), Poll::Refresh);
    for _ in 0..100 {
        assert_eq!(refresh.poll(now), Poll::Wait);
    }
    refresh.succeeded(Some(now + seconds(3600)), now);
    for _ in 0..100 {
        assert_eq!(refresh.poll(now), Poll::Use);
    }
}

#[test]
fn one_caller_refreshes_early_and_the_others_go_on() {
    let mut refresh = fetched(7, seconds(3600));
    let late = example_instant() + seconds(3600 - 61);
    assert_eq!(refresh.poll(late), Poll::UseAndRefresh);
    for _ in 0..100 {
        assert_eq!(refresh.poll(late), Poll::Use);
    }
    refresh.succeeded(Some(late + seconds(3600)), late);
    assert_eq!(refresh.poll(late), Poll::Use);
}

/// A twentieth of the lifetime, a minute at most: from there the old ones are handed out no more.
#[test]
fn the_mandatory_window_is_exact() {
    for (lifetime, window) in [(3600, 60), (43_200, 60), (1200, 60), (900, 45), (100, 5)] {
        let mut refresh = fetched(1, seconds(lifetime));
        let edge = example_instant() + seconds(lifetime - window);
        let before = refresh.poll(edge - SECOND);
        assert_eq!(before, Poll::UseAndRefresh, "{lifetime}");
        assert_eq!(refresh.poll(edge - SECOND), Poll::Use, "{lifetime}");
        assert_eq!(refresh.poll(edge), Poll::Wait, "{lifetime}: someone refreshes already");
        assert!(!refresh.failed(edge));
        assert_eq!(refresh.poll(edge), Poll::Failed, "{lifetime}");
        assert_eq!(refresh.poll(edge + SECOND), Poll::Refresh, "{lifetime}");
        assert_eq!(refresh.poll(edge + SECOND), Poll::Wait, "{lifetime}");
    }
}

/// botocore#3733: a failed early refresh keeps what works, and waits before the next.
#[test]
fn a_failed_early_refresh_keeps_and_backs_off() {
    let mut refresh = fetched(3, seconds(3600));
    let late = example_instant() + seconds(3600 - 61 - 30);
    assert_eq!(refresh.poll(late), Poll::UseAndRefresh);
    assert!(refresh.failed(late), "the old ones serve, and nobody is told");
    for after in 0..10 {
        assert_eq!(refresh.poll(late + seconds(after)), Poll::Use, "{after}");
    }
    assert_eq!(refresh.poll(late + seconds(10)), Poll::UseAndRefresh);
}

/// The wait after a failed early refresh does not hold up the one that must be.
#[test]
fn a_mandatory_refresh_waits_for_no_back_off() {
    let mut refresh = fetched(3, seconds(3600));
    let late = example_instant() + seconds(3600 - 61);
    assert_eq!(refresh.poll(late), Poll::UseAndRefresh);
    assert!(refresh.failed(late));
    assert_eq!(refresh.poll(late + SECOND), Poll::Refresh);
    assert!(!refresh.failed(late + SECOND), "now someone is told");
    assert_eq!(refresh.poll(late + SECOND), Poll::Failed);
    assert_eq!(refresh.poll(late + SECOND * 2), Poll::Refresh);
}

/// C4, C8: a loop of calls that fail asks STS about ten times in a minute, and is told the same error in between.
#[test]
fn c4_a_loop_of_failing_calls_does_not_hammer_sts() {
    for seed in 0..100 {
        let mut refresh = Refresh::new(seed);
        let milliseconds = |after| example_instant() + Duration::from_millis(after);
        let asked: Vec<u64> = (0..60_000)
            .filter(|after| match refresh.poll(milliseconds(*after)) {
                Poll::Refresh => !refresh.failed(milliseconds(*after)),
                poll => {
                    assert_eq!(poll, Poll::Failed);
                    false
                }
            })
            .collect();
        assert!((9..=11).contains(&asked.len()), "{asked:?}");
        let pauses: Vec<u64> = asked.iter().zip(asked.iter().skip(1)).map(|(from, to)| to - from).collect();
        for (pause, most) in pauses.iter().zip([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]) {
            assert!((most * 3 / 4..=most).contains(pause), "{pauses:?}");
        }
        // What succeeds ends it: the next failure stands for a second again.
        let mut now = milliseconds(70_000);
        assert_eq!(refresh.poll(now), Poll::Refresh);
        refresh.succeeded(Some(now + seconds(900)), now);
        now += seconds(900);
        assert_eq!(refresh.poll(now), Poll::Refresh);
        assert!(!refresh.failed(now));
        assert_eq!(refresh.poll(now + SECOND), Poll::Refresh);
    }
}

/// An error does not stand until a clock that was set back has caught up.
#[test]
fn a_clock_that_is_set_back_ends_every_pause() {
    let mut refresh = Refresh::new(0);
    assert_eq!(refresh.poll(example_instant()), Poll::Refresh);
    assert!(!refresh.failed(example_instant()));
    assert_eq!(refresh.poll(example_instant()), Poll::Failed);
    assert_eq!(refresh.poll(example_instant() - SECOND), Poll::Refresh);

    let mut refresh = fetched(3, seconds(3600));
    let late = example_instant() + seconds(3600 - 61);
    assert_eq!(refresh.poll(late), Poll::UseAndRefresh);
    assert!(refresh.failed(late));
    assert_eq!(refresh.poll(late - SECOND), Poll::UseAndRefresh);
}

/// An early refresh that fails only after the mandatory window began is told.
#[test]
fn a_refresh_that_fails_too_late_is_told() {
    let mut refresh = fetched(3, seconds(3600));
    let late = example_instant() + seconds(3600 - 61);
    assert_eq!(refresh.poll(late), Poll::UseAndRefresh);
    assert!(!refresh.failed(late + seconds(30)));
}

/// A quarter of the lifetime, five minutes at most; of what lies before the mandatory window, between half and all.
#[test]
fn jitter_spreads_within_its_bounds() {
    for (lifetime, advisory, mandatory) in [(3600, 300, 60), (900, 225, 45), (43_200, 300, 60)] {
        let mut seen = BTreeSet::new();
        for seed in 0..300 {
            let after = early(seed, lifetime).expect("an early refresh");
            let window = lifetime - after;
            let least = mandatory + (advisory - mandatory) / 2;
            assert!((least..=advisory).contains(&window), "{lifetime}, seed {seed}: {window}");
            seen.insert(window);
        }
        // Of about a hundred different seconds: far more than a few are hit.
        assert!(seen.len() > 40, "{lifetime}: {}", seen.len());
    }
    for seed in [u64::MAX, u64::MAX - 1, 1 << 63] {
        assert!(early(seed, 3600).is_some());
        assert_eq!(early(seed, 3600), early(seed, 3600), "the seed decides");
    }
}

/// Restored from one snapshot, many processes have one seed; that they fetch some milliseconds apart is enough.
#[test]
fn clones_of_a_snapshot_do_not_refresh_together() {
    let mut seen = BTreeSet::new();
    for clone in 0..300 {
        let mut refresh = Refresh::new(42);
        let now = example_instant() + Duration::from_millis(clone);
        assert_eq!(refresh.poll(now), Poll::Refresh);
        refresh.succeeded(Some(now + seconds(3600)), now);
        seen.extend((0..3600).find(|after| refresh.poll(now + seconds(*after)) == Poll::UseAndRefresh));
    }
    assert!(seen.len() > 40, "{}", seen.len());
}

#[test]
fn credentials_without_expiry_are_never_refreshed() {
    let mut refresh = Refresh::new(0);
    assert_eq!(refresh.poll(example_instant()), Poll::Refresh);
    refresh.succeeded(None, example_instant());
    for years in 0..50 {
        assert_eq!(refresh.poll(example_instant() + seconds(years * 365 * 86_400)), Poll::Use);
    }
}

/// Credentials that have expired already, or expire now, are not handed out.
#[test]
fn dead_on_arrival_is_not_used() {
    for expires_at in [example_instant() - SECOND, example_instant()] {
        let mut refresh = Refresh::new(0);
        assert_eq!(refresh.poll(example_instant()), Poll::Refresh);
        refresh.succeeded(Some(expires_at), example_instant());
        assert_eq!(refresh.poll(example_instant()), Poll::Refresh);
    }
}

/// A frozen process wakes hours later: nothing old is handed out.
#[test]
fn a_jump_of_the_clock_refreshes_first() {
    let mut refresh = fetched(0, seconds(3600));
    assert_eq!(refresh.poll(example_instant() + seconds(86_400)), Poll::Refresh);
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    /// The clock is set back.
    Back(u64),
    Poll,
    Succeed(u64),
    Fail,
}

/// Any sequence: one refresh at a time, nothing dead handed out, nobody left without someone who fetches.
#[test]
fn any_sequence_keeps_the_promises() {
    let step = prop_oneof![
        3 => (0_u64..400).prop_map(Step::Wait),
        1 => (0_u64..5000).prop_map(Step::Wait),
        1 => prop_oneof![0_u64..20, 0_u64..5000].prop_map(Step::Back),
        6 => Just(Step::Poll),
        3 => prop_oneof![900_u64..4000, 0_u64..120].prop_map(Step::Succeed),
        3 => Just(Step::Fail),
    ];
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(any::<u64>(), vec(step, 1..60)), |(seed, steps)| {
        let mut refresh = Refresh::new(seed);
        let mut now = example_instant();
        let mut out = false;
        // Expiry and lifetime of what was fetched last, and until when an early refresh may not be asked for.
        let mut current: Option<(SystemTime, Duration)> = None;
        let mut quiet: Option<(SystemTime, SystemTime)> = None;
        // The same for errors that stand.
        let mut failed: Option<(SystemTime, SystemTime)> = None;
        let mut failures = 0_u32;
        for step in steps {
            let mandatory_at = current
                .map(|(expires_at, lifetime): (SystemTime, Duration)| expires_at - (lifetime / 20).min(seconds(60)));
            let serves = mandatory_at.is_some_and(|at| now < at);
            match step {
                Step::Wait(time) => now += seconds(time),
                Step::Back(time) => now -= seconds(time),
                Step::Poll => match refresh.poll(now) {
                    Poll::Use => prop_assert!(serves),
                    Poll::UseAndRefresh => {
                        prop_assert!(serves && !out);
                        prop_assert!(quiet.is_none_or(|(from, until)| now < from || now >= until));
                        out = true;
                    }
                    Poll::Refresh => {
                        prop_assert!(!serves && !out);
                        out = true;
                    }
                    Poll::Wait => prop_assert!(!serves && out),
                    Poll::Failed => {
                        prop_assert!(!serves && !out);
                        prop_assert!(failed.is_some_and(|(from, until)| (from..=until).contains(&now)));
                    }
                },
                // Only who was asked reports.
                Step::Succeed(lifetime) if out => {
                    refresh.succeeded(Some(now + seconds(lifetime)), now);
                    current = Some((now + seconds(lifetime), seconds(lifetime)));
                    (quiet, failed, failures) = (None, None, 0);
                    out = false;
                }
                Step::Fail if out => {
                    prop_assert_eq!(refresh.failed(now), serves);
                    if serves {
                        quiet = Some((now, now + seconds(10)));
                    } else {
                        let stands = seconds((1 << failures.min(4)).min(10));
                        // It takes the place of the pause, which a clock that is set back does not bring again.
                        (quiet, failed, failures) = (None, Some((now, now + stands)), failures + 1);
                    }
                    out = false;
                }
                Step::Succeed(_) | Step::Fail => {}
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
