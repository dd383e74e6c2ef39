//! Tokens over time, which is virtual.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use http::Request;
use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use xacct_sign::{Credentials, Error, ErrorKind};
use xacct_sign_client::{Event, Identity as _, IdentityToken, Listener, Patience, TokenOptions};
use xacct_sign_identity::{Callers, Development, Need, PublicKey, Step, Verifier};
use xacct_sign_tests::example_instant;
use xacct_sign_tests::virtual_host::VirtualHost;

use crate::world::{AUDIENCE, REGION, emulator, machine, seconds, sts, token};

fn bearer(identity: &IdentityToken) -> Result<String, Error> {
    identity.bearer(&Patience::default()).map(|bearer| bearer.as_str().to_owned())
}

#[test]
fn one_token_serves_until_shortly_before_it_expires() {
    let (emulator, base) = emulator();
    let host = Arc::new(machine(emulator).0);
    let identity = token(&host, base).unwrap();
    assert_eq!(host.sent(), 0, "nothing is asked before it is needed");
    let first = bearer(&identity).unwrap();
    for _ in 0..100 {
        assert_eq!(bearer(&identity).unwrap(), first);
    }
    assert_eq!(host.sent(), 1);
    assert_eq!(identity.at_hand().unwrap().as_str(), first);
    host.pass(seconds(284));
    // The last twentieth of its life is not used any more.
    host.pass(seconds(2));
    assert_eq!(identity.at_hand(), None);
    assert_ne!(bearer(&identity).unwrap(), first);
    // A day, a request a minute: some three hundred seconds each.
    let before = host.sent();
    for _ in 0..1440 {
        host.pass(seconds(60));
        assert!(bearer(&identity).is_ok());
    }
    let calls = host.sent() - before;
    assert!((288..=480).contains(&calls), "{calls}");
}

#[test]
fn a_token_is_asked_for_no_longer_than_the_credentials_live() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let (mut emulator, shop) = emulator();
    let host = Arc::new(VirtualHost::new(move |request, now| {
        let form = String::from_utf8(request.body().to_vec()).unwrap();
        let seconds = form.split("DurationSeconds=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        log.lock().unwrap().push(seconds.parse::<u64>().unwrap());
        Ok(sts(&mut emulator, request, now))
    }));
    for left in [1000, 301, 300, 200, 60, 30] {
        let until = example_instant() + seconds(left);
        let token_of_session = shop.session_token().map(str::to_owned);
        let base =
            Credentials::new(shop.access_key_id(), shop.secret_access_key(), token_of_session, Some(until)).unwrap();
        bearer(&token(&host, base).unwrap()).unwrap();
    }
    assert_eq!(*seen.lock().unwrap(), [300, 300, 300, 200, 60, 60]);
}

#[test]
fn an_early_refresh_that_fails_costs_nobody_anything() {
    let (mut emulator, base) = emulator();
    let fails = Arc::new(AtomicBool::new(false));
    let is_broken = Arc::clone(&fails);
    let host = Arc::new(VirtualHost::new(move |request, now| {
        if is_broken.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::StsDenied, "no"));
        }
        Ok(sts(&mut emulator, request, now))
    }));
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let mut options = TokenOptions::new(AUDIENCE, REGION);
    options.listener = Some(Listener::new(move |event| {
        let line = match event {
            Event::TokenMade { audience, .. } => format!("made for {audience}"),
            Event::TokenFailed { audience, is_early, error, .. } => format!("{audience} {is_early} {}", error.code()),
            other => panic!("{other:?}"),
        };
        tell.lock().unwrap().send(line).unwrap();
    }));
    let identity = IdentityToken::on(Arc::clone(&host) as _, options, base).unwrap();
    let first = bearer(&identity).unwrap();
    assert_eq!(told.recv().unwrap(), format!("made for {AUDIENCE}"));
    fails.store(true, Ordering::Relaxed);
    host.pass(seconds(275));
    assert_eq!(bearer(&identity).unwrap(), first);
    // It is told of by the thread that fetched, which nobody waits for.
    assert_eq!(told.recv().unwrap(), format!("{AUDIENCE} true sts_denied"));
    host.pass(seconds(20));
    assert_eq!(bearer(&identity).unwrap_err().code(), "sts_denied");
    assert_eq!(told.recv().unwrap(), format!("{AUDIENCE} false sts_denied"));
}

#[test]
fn a_clock_that_is_off_is_set_right() {
    for ahead in [7200, 600, -600, -7200] {
        let (emulator, base) = emulator();
        let host = Arc::new(machine(emulator).0.ahead(ahead));
        let identity = token(&host, base).unwrap();
        let first = bearer(&identity);
        assert!(first.is_ok(), "{ahead}: {first:?}");
        // Where it is more than a quarter of an hour, STS refuses the first one for its time; else its answer's `Date` says so.
        let sent = if ahead.abs() > 900 { 2 } else { 1 };
        assert_eq!(host.sent(), sent);
        // The token of five minutes serves, by STS's clock.
        assert_eq!(bearer(&identity).unwrap(), first.unwrap());
        assert_eq!(host.sent(), sent);
        host.pass(seconds(3600));
        assert!(bearer(&identity).is_ok());
        assert_eq!(host.sent(), sent + 1);
    }
}

#[test]
fn the_endpoint_is_the_regions_or_the_environments() {
    let (emulator, base) = emulator();
    let (host, _) = machine(emulator);
    let host = Arc::new(host.with_variable("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:4566"));
    let identity = token(&host, base.clone()).unwrap();
    assert!(format!("{identity:?}").contains("http://127.0.0.1:4566/"), "{identity:?}");
    assert_eq!((identity.audience(), identity.region()), (AUDIENCE, REGION));
    let host = Arc::new(VirtualHost::new(|_, _| panic!("nothing is sent")));
    let fails = |audience: &str, region: &str, seconds| {
        let mut options = TokenOptions::new(audience, region);
        options.call.duration_seconds = seconds;
        IdentityToken::on(Arc::clone(&host) as _, options, base.clone()).unwrap_err().code()
    };
    assert_eq!(fails("", REGION, 300), "invalid_option");
    assert_eq!(fails(AUDIENCE, "eu-west-1/x", 300), "invalid_region");
    assert_eq!(fails(AUDIENCE, "", 300), "invalid_region");
    assert_eq!(fails(AUDIENCE, REGION, 30), "invalid_duration");
    assert_eq!(fails(AUDIENCE, "us-iso-east-9", 300), "unknown_partition");
}

/// The verifier of a server, the emulator's keys, and ring for the bare signature.
#[test]
fn a_verifier_takes_what_the_emulator_issues() {
    let (mut emulator, base) = emulator();
    let machine = Arc::new(machine(self::emulator().0).0);
    let header = format!("Bearer {}", bearer(&token(&machine, base).unwrap()).unwrap());
    let callers = |name: &str| {
        let issuer = "http://127.0.0.1/issuers/000000000000";
        let text = format!(
            r#"{{"version": 1, "stage": "stag", "target": "server", "partition": "aws", "audience": "{AUDIENCE}",
            "algorithm": "ES384", "max_duration_seconds": 300, "regions": ["{REGION}"], "dev_issuers": ["{issuer}"],
            "callers": [{{"name": "shop", "account": "000000000000", "role": "{name}", "issuer": "{issuer}"}}]}}"#
        );
        Callers::parse(text.as_bytes(), Development::Yes).unwrap()
    };
    for (role, expected) in [("LambdaRoleDeve", Ok("shop".to_owned())), ("LambdaRoleProd", Err(401))] {
        let mut check = Verifier::new(callers(role), [7; 16]).check(&[header.as_bytes()], &["GET"], &["/orders"]);
        let found = loop {
            match check.step(machine.time()) {
                Step::Passed(caller) => break Ok(caller.name.clone()),
                Step::Refused(refusal) => break Err(refusal.status()),
                Step::Need(Need::Keys { url, .. }) => {
                    let request = Request::get(url).body(&b""[..]).unwrap();
                    check.keys(Some(sts(&mut emulator, &request, machine.time()).body()), machine.time());
                }
                Step::Need(Need::Signature { key, message, signature }) => {
                    let PublicKey::P384 { x, y } = &*key else { panic!("{key:?}") };
                    let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, [&[4], &x[..], &y[..]].concat());
                    check.signature(key.verify(message.as_bytes(), &signature).is_ok(), machine.time());
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(found, expected, "{role}");
    }
}
