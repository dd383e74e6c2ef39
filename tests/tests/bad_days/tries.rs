//! How often STS is asked.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use xacct_sign::retry::Retry;
use xacct_sign::{Error, ErrorKind};
use xacct_sign_client::{CredentialSource, Patience};
use xacct_sign_emulator::Options;
use xacct_sign_tests::virtual_host::VirtualHost;

use crate::world::{answered, broken, caller, emulator, late, response, role, sts_error};

/// An STS that fails in this way so often, and then is well.
fn failing(times: usize, fails: impl Fn() -> Result<Response<Vec<u8>>, Error> + Send + 'static) -> Asked {
    let mut emulator = emulator(Options::default());
    let base = caller(&emulator);
    let mut failures = 0;
    let host = Arc::new(VirtualHost::new(move |request, now| {
        if failures < times {
            failures += 1;
            return fails();
        }
        Ok(answered(&mut emulator, request, now))
    }));
    let outcome = role(&host, base).credentials();
    Asked { code: outcome.map_err(|error| error.code()).err(), sent: host.sent(), slept: host.slept() }
}

struct Asked {
    code: Option<&'static str>,
    sent: usize,
    slept: Vec<Duration>,
}

type Failure = fn() -> Result<Response<Vec<u8>>, Error>;

#[test]
fn c4_sts_on_a_bad_day_is_asked_up_to_three_times() {
    let failures: [(&str, Failure); 7] = [
        ("sts_failed", || Ok(response(500, "Internal Server Error"))),
        ("sts_failed", || Ok(response(503, ""))),
        ("sts_failed", || Ok(sts_error(500, "InternalFailure", "try later"))),
        ("sts_throttled", || Ok(sts_error(400, "Throttling", "Rate exceeded"))),
        ("sts_throttled", || Ok(response(429, ""))),
        ("transport", || Err(broken())),
        ("timeout", || Err(late())),
    ];
    for (code, fails) in failures {
        let most = Duration::from_secs(if code == "sts_throttled" { 1 } else { 0 }).max(Duration::from_millis(200));
        for times in 0..=2 {
            let asked = failing(times, fails);
            assert_eq!((asked.code, asked.sent), (None, times + 1), "{code}, {times} times");
            for (pause, most) in asked.slept.iter().zip([most, most * 2]) {
                assert!(*pause <= most, "{code}: {:?}", asked.slept);
            }
            assert_eq!(asked.slept.len(), times, "{code}");
        }
        let asked = failing(3, fails);
        assert_eq!((asked.code, asked.sent, asked.slept.len()), (Some(code), 3, 2), "{code}");
    }
}

#[test]
fn c4_a_refusal_stands() {
    let refusals: [(&str, Failure); 6] = [
        ("sts_denied", || Ok(sts_error(403, "AccessDenied", "no"))),
        ("sts_invalid", || Ok(sts_error(400, "ValidationError", "no"))),
        ("sts_expired", || Ok(sts_error(403, "ExpiredToken", "The security token included in the request is expired"))),
        ("sts_credentials", || Ok(sts_error(403, "InvalidClientTokenId", "no"))),
        ("sts_credentials", || Ok(sts_error(403, "SignatureDoesNotMatch", "The request signature we calculated ..."))),
        ("invalid_response", || Ok(response(200, "<html>"))),
    ];
    for (code, refuses) in refusals {
        let asked = failing(1, refuses);
        assert_eq!((asked.code, asked.sent, asked.slept.len()), (Some(code), 1, 0), "{code}");
    }
}

/// From nothing to all of the longest pause, as likely here as there.
#[test]
fn c4_the_pause_is_full_jitter() {
    for (kind, most) in [(ErrorKind::Transport, 200), (ErrorKind::StsThrottled, 1000)] {
        for failures in 1..=2_u64 {
            let most = most * failures;
            let mut quarters = [0_u32; 4];
            for seed in 0..4000 {
                let error = Error::new(kind, "it failed");
                let mut retry = Retry::new(seed);
                let pause = (0..failures).filter_map(|_| retry.failed(&error)).last().unwrap();
                let part = pause.as_micros() * 4 / (u128::from(most) * 1000 + 1);
                quarters[usize::try_from(part).unwrap()] += 1;
            }
            // Each is a quarter of 4,000; the deviation of one is 27.
            assert!(quarters.iter().all(|quarter| (850..1150).contains(quarter)), "{kind:?}: {quarters:?}");
        }
    }
}

/// The error says who did not answer, and what a VPC without a way there needs.
#[test]
fn c3_the_error_says_that_it_was_sts() {
    for fails in [|| Err(late()), || Err(broken())] as [Failure; 2] {
        let base = caller(&emulator(Options::default()));
        let host = Arc::new(VirtualHost::new(move |_, _| fails()));
        let error = role(&host, base).credentials().unwrap_err();
        assert_eq!(error.action(), Some("AssumeRole"));
        assert!(error.to_string().contains("STS"), "{error}");
        assert!(error.hint().unwrap().contains("interface endpoint for `com.amazonaws.ap-northeast-1.sts`"));
        assert!(error.is_retryable());
    }
}

/// A caller who may wait no longer gets the error that there is, and no more tries.
#[test]
fn c3_a_pause_that_does_not_fit_is_not_begun() {
    let most = Duration::from_millis(100);
    let mut given_up = 0;
    for _ in 0..50 {
        let base = caller(&emulator(Options::default()));
        let host = Arc::new(VirtualHost::new(|_, _| Ok(sts_error(400, "Throttling", "Rate exceeded"))));
        let role = role(&host, base);
        let error = CredentialSource::credentials(&role, &Patience::of(Some(most))).unwrap_err();
        assert_eq!(error.code(), "sts_throttled");
        assert!(host.slept().iter().all(|pause| *pause < most), "{:?}", host.slept());
        given_up += usize::from(host.sent() < 3);
    }
    // Of pauses up to a second, most are longer.
    assert!(given_up > 25, "{given_up}");
}

/// For a minute a loop calls while STS refuses: it is asked about ten times.
#[test]
fn c4_the_same_error_is_served_without_a_call() {
    let base = caller(&emulator(Options::default()));
    let host = Arc::new(VirtualHost::new(|_, _| Ok(sts_error(403, "AccessDenied", "no"))));
    let role = role(&host, base);
    for _ in 0..6000 {
        assert_eq!(role.credentials().unwrap_err().code(), "sts_denied");
        host.pass(Duration::from_millis(10));
    }
    assert!((9..=11).contains(&host.sent()), "{}", host.sent());
}
