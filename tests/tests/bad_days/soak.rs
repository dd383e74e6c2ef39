//! Days of calls: no call may fail, whatever STS does meanwhile.

use std::env;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use xacct_sign::{Credentials, Error};
use xacct_sign_client::{CredentialSource, Patience, Request};
use xacct_sign_emulator::Options;
use xacct_sign_tests::virtual_host::VirtualHost;

use crate::world::{API, answered, broken, caller, emulator, is_sts, response, role, seconds, session, sts_error};

/// Base credentials of an hour, which their own source renews shortly before they end.
#[derive(Debug)]
struct Hourly {
    host: Arc<VirtualHost>,
    base: Credentials,
    issued: Mutex<Vec<SystemTime>>,
}

impl CredentialSource for Hourly {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        let now = self.host.time();
        let mut issued = self.issued.lock().unwrap();
        let current = issued.last().copied().filter(|at| now < *at + seconds(3600 - 60));
        let at = current.unwrap_or_else(|| {
            issued.push(now);
            now
        });
        let token = self.base.session_token().map(str::to_owned);
        Credentials::new(self.base.access_key_id(), self.base.secret_access_key(), token, Some(at + seconds(3600)))
    }
}

/// Credentials of 15 minutes, base credentials of 60, a call every so many seconds, all judged by the emulator at the true time.
/// Of STS's answers every seventh is a failure, each day it is away for a minute, and once a day the machine is frozen for
/// hours.
fn soak(days: u64, every: u64) {
    let mut emulator = emulator(Options::default());
    let base = caller(&emulator);
    let asked = Arc::new(Mutex::new(0_u64));
    let count = Arc::clone(&asked);
    let start = xacct_sign_tests::example_instant();
    let host = Arc::new(VirtualHost::new(move |request, now| {
        if !is_sts(request) {
            return Ok(answered(&mut emulator, request, now));
        }
        let mut asked = count.lock().unwrap();
        *asked += 1;
        let of_day = now.duration_since(start).unwrap().as_secs() % 86_400;
        match *asked % 7 {
            _ if (40_000..40_060).contains(&of_day) => Err(broken()),
            1 => Ok(sts_error(400, "Throttling", "Rate exceeded")),
            4 => Ok(response(503, "")),
            _ => Ok(answered(&mut emulator, request, now)),
        }
    }));
    let hourly = Arc::new(Hourly { host: Arc::clone(&host), base, issued: Mutex::default() });
    let session = session(&host, role(&host, Arc::clone(&hourly)));
    let (mut calls, mut frozen) = (0_u64, 0);
    while host.time() < start + seconds(days * 86_400) {
        let answer = session.send(Request::new("GET", API));
        let since = host.time().duration_since(start).unwrap().as_secs();
        assert_eq!(answer.map(|answer| answer.status).map_err(|error| error.to_string()), Ok(200), "after {since} s");
        calls += 1;
        host.pass(seconds(every));
        if since / 86_400 == frozen && since % 86_400 > 70_000 {
            host.pass(seconds(5 * 3600));
            frozen += 1;
        }
    }
    let asked = *asked.lock().unwrap();
    let issued = hourly.issued.lock().unwrap().len() as u64;
    println!("{days} days: {calls} calls, STS asked {asked} times, {issued} base credentials");
    // Awake for 19 hours a day, with a refresh after eleven to fourteen minutes, and two tries in seven that fail.
    let refreshes = days * 19 * 60;
    assert!(asked > refreshes / 15 && asked < refreshes / 11 * 7 / 4, "{asked}");
    assert!(issued >= days * 17 && issued <= days * 21, "{issued}");
    assert_eq!(frozen, days);
}

/// `make soak` has the long form.
#[test]
fn a_day_of_calls_without_a_failure() {
    match env::var("XACCT_SIGN_SOAK_DAYS") {
        Ok(days) => soak(days.parse().unwrap(), 1),
        Err(_) => soak(1, 20),
    }
}
