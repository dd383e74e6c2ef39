//! A clock that is off.

use std::sync::{Arc, Mutex};

use xacct_sign::{Credentials, Error, Skew};
use xacct_sign_client::host::Host as _;
use xacct_sign_client::{Clock, CredentialSource, Identity as _, IdentityProof, Patience, Request};
use xacct_sign_emulator::Options;
use xacct_sign_identity::make_proof;
use xacct_sign_tests::virtual_host::VirtualHost;
use xacct_sign_tests::{at, example_credentials, example_instant};

use crate::world::{API, answered, caller, emulator, http_date, is_sts, response, role, seconds, session, sts_error};

/// Two hours ahead, two hours behind: STS says so once, and every later signature is right, the API's too.
#[test]
fn c4_skew_is_learned_from_sts_and_applied_to_every_later_signature() {
    for ahead in [7200, -7200] {
        let mut emulator = emulator(Options::default());
        let base = caller(&emulator);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let host = VirtualHost::new(move |request, now| {
            let answer = answered(&mut emulator, request, now);
            log.lock().unwrap().push((is_sts(request), answer.status().as_u16()));
            Ok(answer)
        });
        let host = Arc::new(host.ahead(ahead));
        let session = session(&host, role(&host, base));
        for hour in 0..4 {
            assert_eq!(session.send(Request::new("GET", API)).unwrap().status, 200, "{ahead}, hour {hour}");
            host.pass(seconds(3600));
        }
        let seen = seen.lock().unwrap();
        let refused: Vec<_> = seen.iter().filter(|(_, status)| *status != 200).collect();
        assert_eq!(refused, [&(true, 403)], "{ahead}: {seen:?}");
        // One more call for the first hour, one a refresh, and one for each answer.
        assert_eq!(seen.len(), 1 + 4 + 4);
    }
}

/// Ten minutes: STS takes that, the API does not. The `Date` of STS's answer says so; else the API's first answer would be a refusal, and
/// the role would hand out credentials that have expired.
#[test]
fn c4_what_sts_takes_and_the_api_does_not_is_learned_from_stss_date() {
    for ahead in [600, -600] {
        let mut emulator = emulator(Options::default());
        let base = caller(&emulator);
        let host = VirtualHost::new(move |request, now| {
            let answer = answered(&mut emulator, request, now);
            assert_eq!(answer.status(), 200, "nothing is refused");
            Ok(answer)
        });
        let host = Arc::new(host.ahead(ahead));
        let session = session(&host, role(&host, base));
        for minute in 0..120 {
            let status = session.send(Request::new("GET", API)).map(|answer| answer.status);
            assert_eq!(status.map_err(|error| error.to_string()), Ok(200), "{ahead}, minute {minute}");
            host.pass(seconds(60));
        }
    }
}

/// What gives credentials that last half an hour, and never has others.
#[derive(Debug)]
struct HalfHour(Credentials);

impl HalfHour {
    fn of(given: &Credentials, host: &VirtualHost) -> Self {
        let (key, secret) = (given.access_key_id(), given.secret_access_key());
        let ends = Some(host.now() + seconds(1800));
        Self(Credentials::new(key, secret, given.session_token().map(str::to_owned), ends).unwrap())
    }
}

impl CredentialSource for HalfHour {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        Ok(self.0.clone())
    }
}

/// One refusal whose `Date` is a day ahead, as something on the way may send it, must not end a program: credentials that are good by
/// the machine's own clock go out, and the next answer says what time it is.
#[test]
fn c4_one_wrong_date_is_no_end_of_good_credentials() {
    for ahead in [86_400, -86_400] {
        for is_role in [true, false] {
            let mut emulator = emulator(Options::default());
            let base = caller(&emulator);
            let mut has_lied = false;
            let host = Arc::new(VirtualHost::new(move |request, now| {
                if is_role && is_sts(request) {
                    return Ok(answered(&mut emulator, request, now));
                }
                let mut answer =
                    if has_lied { answered(&mut emulator, request, now) } else { response(403, "Forbidden") };
                let date = if has_lied { now } else { Skew::from_seconds(ahead).apply(now) };
                has_lied = true;
                answer.headers_mut().insert("date", http_date(date).parse().unwrap());
                Ok(answer)
            }));
            let base = HalfHour::of(&base, &host);
            let session = if is_role { session(&host, role(&host, base)) } else { session(&host, base) };
            // Without the role the emulator refuses everybody, with the right date.
            let right = if is_role { 200 } else { 403 };
            for call in 0..3 {
                let status = session.send(Request::new("GET", API)).map(|answer| answer.status);
                let status = status.map_err(|error| error.to_string());
                assert!(
                    status == Ok(right) || (call == 0 && status == Ok(403)),
                    "{ahead}, {is_role}, {call}: {status:?}"
                );
            }
        }
    }
}

/// The texts of AWS, from public issues.
#[test]
fn c4_stss_texts_are_read() {
    for (text, expected) in [
        (
            "Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z (20160610T014508Z - 15 min.)",
            Some(6 * 3600 + 59 * 60 + 56),
        ),
        (
            "Signature not yet current: 20161014T222412Z is still later than 20161014T222207Z (20161014T221707Z + 5 min.)",
            Some(-(7 * 60 + 5)),
        ),
        ("Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z", None),
        ("Signature expired: yesterday is now earlier than today (tomorrow - 15 min.)", None),
        ("The request signature we calculated does not match: (é is not 20160610T014508Z)", None),
        ("", None),
    ] {
        let text = text.to_owned();
        let host = Arc::new(VirtualHost::new(move |_, _| Ok(sts_error(403, "SignatureDoesNotMatch", &text))));
        let error = role(&host, example_credentials(None)).credentials().unwrap_err();
        assert_eq!(error.skew().map(Skew::as_seconds), expected, "{error}");
        // What was learned is tried once, and the same refusal stands then.
        assert_eq!(host.sent(), if expected.is_some() { 2 } else { 1 }, "{error}");
    }
}

/// An API in somebody else's account says that it is yesterday, or tomorrow. Signatures to it are of that day then; those to
/// another, what proves who calls, what STS is asked and when anything expires are as they were.
#[test]
fn c4_what_one_api_says_of_the_time_counts_for_signatures_to_that_one_alone() {
    for ahead in [86_400, -86_400] {
        let dates = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&dates);
        let mut emulator = emulator(Options::default());
        let base = caller(&emulator);
        let host = Arc::new(VirtualHost::new(move |request, now| {
            let date = request.headers()["x-amz-date"].to_str().unwrap().to_owned();
            let host = request.uri().host().unwrap().to_owned();
            log.lock().unwrap().push((host.clone(), date));
            if host == "liar.example.com" {
                let mut answer = response(403, "{}");
                let date = Skew::from_seconds(ahead).apply(now);
                answer.headers_mut().insert("date", http_date(date).parse().unwrap());
                return Ok(answer);
            }
            Ok(answered(&mut emulator, request, now))
        }));
        let role = role(&host, base);
        let clock = role.clock().unwrap();
        let api = session(&host, role.clone());
        let proof = IdentityProof::on(Arc::clone(&host) as _, "https://b.example.com", "ap-northeast-1", role.clone());
        let proof = proof.unwrap();
        assert_eq!(api.send(Request::new("GET", "https://liar.example.com/")).unwrap().status, 403);
        assert_eq!(api.send(Request::new("GET", API)).unwrap().status, 200);
        assert_eq!((clock.skew(), clock.now()), (Skew::default(), example_instant()), "{ahead}");
        let lie = Skew::from_seconds(ahead).apply(example_instant());
        let (today, other) =
            ("20150830T123600Z", xacct_sign::aws::format_rfc3339(lie).unwrap().replace(['-', ':'], ""));
        let seen: Vec<_> = dates.lock().unwrap().iter().map(|(_, date)| date.clone()).collect();
        assert_eq!(seen, [today, today, &other, today], "{ahead}: STS, the liar twice, the API");
        let bearer = proof.bearer(&Patience::default()).unwrap();
        let credentials = role.credentials().unwrap();
        let right = make_proof(&credentials, "ap-northeast-1", "https://b.example.com", example_instant()).unwrap();
        assert_eq!(bearer.as_str(), right, "{ahead}: the proof is of today");
        // The role's credentials last their quarter of an hour, and no less.
        host.pass(seconds(5 * 60));
        assert_eq!(api.send(Request::new("GET", API)).unwrap().status, 200);
        assert_eq!(host.sent(), 5, "{ahead}: STS is not asked anew");
    }
}

/// A program may call any number of APIs: what they say is kept of so many, and of those that spoke last.
#[test]
fn c4_what_origins_say_of_the_time_is_bounded() {
    let host = Arc::new(VirtualHost::new(|_, _| Ok(response(200, ""))));
    let clock = Clock::new(host);
    let (none, hour) = (Skew::default(), Skew::from_seconds(3600));
    let urls: Vec<_> = (0..65).map(|number| format!("https://{number}.example.com/")).collect();
    let origin = |number: usize| xacct_sign::Url::parse(&urls[number]).unwrap().origin();
    for number in 0..64 {
        assert!(clock.learn_at(origin(number), none, hour));
        assert!(!clock.learn_at(origin(number), none, hour), "it is news once");
    }
    // It speaks again, and is the last then.
    assert!(clock.learn_at(origin(0), hour, hour));
    assert!(clock.learn_at(origin(64), none, hour));
    let known = [0, 1, 2, 64].map(|number| clock.skew_at(origin(number)).as_seconds());
    assert_eq!(known, [7200, 0, 3600, 3600]);
    // What STS says counts for all that said nothing.
    assert!(clock.learn(none, Skew::from_seconds(-600)));
    assert_eq!([1, 2].map(|number| clock.skew_at(origin(number)).as_seconds()), [-600, 3600]);
}

/// An API that refuses so often with this `Date`, relative to the true time.
fn refusing(times: usize, date: Option<i64>, ahead: i64) -> (Arc<VirtualHost>, Arc<Mutex<Vec<String>>>) {
    let dates = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&dates);
    let mut refused = 0;
    let host = VirtualHost::new(move |request, now| {
        log.lock().unwrap().push(request.headers()["x-amz-date"].to_str().unwrap().to_owned());
        if refused == times {
            return Ok(response(200, "ok"));
        }
        refused += 1;
        let mut answer = response(403, r#"{"message":"Forbidden"}"#);
        answer.headers_mut().insert("apigw-requestid", "Z3".parse().unwrap());
        answer.headers_mut().insert("content-length", "23".parse().unwrap());
        if let Some(date) = date {
            let apart = seconds(date.unsigned_abs());
            let date = http_date(if date < 0 { now - apart } else { now + apart });
            answer.headers_mut().insert("date", date.parse().unwrap());
        }
        Ok(answer)
    });
    (Arc::new(host.ahead(ahead)), dates)
}

/// A 403 of the front leads to one more attempt where its `Date` is more than four minutes away, whatever the method: nothing was done.
#[test]
fn c4_a_403_is_tried_again_only_where_its_date_is_off() {
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        for (ahead, date, attempts) in [
            (0, Some(0), 1),
            (239, Some(0), 1),
            (-239, Some(0), 1),
            (242, Some(0), 2),
            (-242, Some(0), 2),
            (86_400 * 400, Some(0), 2),
            (7200, None, 1),
        ] {
            let (host, dates) = refusing(1, date, ahead);
            let session = session(&host, example_credentials(None));
            let answer = session.send(Request::new(method, API)).unwrap();
            assert_eq!(answer.status, if attempts == 2 { 200 } else { 403 }, "{method} {ahead} {date:?}");
            assert_eq!(host.sent(), attempts, "{method} {ahead} {date:?}");
            if attempts == 2 {
                // By the API's clock, to the second.
                assert_eq!(dates.lock().unwrap().last().unwrap(), "20150830T123600Z", "{ahead}");
                // And kept: no later call is refused.
                let before = host.sent();
                assert_eq!(session.send(Request::new(method, API)).unwrap().status, 200);
                assert_eq!(host.sent(), before + 1);
                assert_eq!(dates.lock().unwrap().last().unwrap(), "20150830T123600Z");
            }
        }
    }
}

/// Once: a server whose own clock is off, or lies, is not asked forever.
#[test]
fn c4_a_second_403_is_the_answer() {
    let (host, _) = refusing(10, Some(7200), 0);
    let session = session(&host, example_credentials(None));
    assert_eq!(session.send(Request::new("GET", API)).unwrap().status, 403);
    assert_eq!(host.sent(), 2);
}

/// Frozen between signing and sending, a function wakes when its credentials have expired.
#[test]
fn c4_a_403_for_credentials_that_expired_meanwhile_is_tried_again() {
    #[derive(Debug)]
    struct Fresh(Arc<VirtualHost>);
    impl xacct_sign_client::CredentialSource for Fresh {
        fn credentials(&self, _: &xacct_sign_client::Patience) -> Result<Credentials, xacct_sign::Error> {
            let expires_at = Some(self.0.time() + seconds(60));
            Credentials::new("AKIDEXAMPLE", "secret", Some("token".into()), expires_at)
        }
    }
    for (frozen, attempts) in [(0, 1), (59, 1), (60, 2), (7200, 2)] {
        let time = Arc::new(Mutex::new(None::<Arc<VirtualHost>>));
        let frozen_in = Arc::clone(&time);
        let mut asked = 0;
        let host = Arc::new(VirtualHost::new(move |_, _| {
            asked += 1;
            if asked == 1 {
                frozen_in.lock().unwrap().as_ref().unwrap().pass(seconds(frozen));
                let mut refused = response(403, "");
                refused.headers_mut().insert("x-amzn-errortype", "ExpiredTokenException".parse().unwrap());
                return Ok(refused);
            }
            Ok(response(200, ""))
        }));
        *time.lock().unwrap() = Some(Arc::clone(&host));
        let session = session(&host, Fresh(Arc::clone(&host)));
        let answer = session.send(Request::new("POST", API)).unwrap();
        assert_eq!((host.sent(), answer.status), (attempts, if attempts == 2 { 200 } else { 403 }), "{frozen}");
        *time.lock().unwrap() = None;
    }
}

#[test]
fn a_skew_is_what_lies_between_two_clocks() {
    let between = |theirs, ours| Skew::between(at(theirs), at(ours)).map(Skew::as_seconds);
    assert_eq!(between(1000, 1000), None);
    assert_eq!(between(1240, 1000), None);
    assert_eq!(between(1241, 1000), Some(241));
    assert_eq!(between(1000, 1241), Some(-241));
    let date = |text| Skew::of_date(text, example_instant()).map(Skew::as_seconds);
    assert_eq!(date("Sun, 30 Aug 2015 14:36:00 GMT"), Some(7200));
    assert_eq!(date("Sun, 30 Aug 2015 12:36:59 GMT"), None);
    assert_eq!(date("Sun, 30 Aug 2015 14:36:00"), None);
    assert_eq!(date("yesterday"), None);
}
