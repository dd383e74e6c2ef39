//! The example against the emulator, and held to the table that every client is held to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::error::Error;
use std::iter;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use xacct_sign::call::Call;
use xacct_sign::{CanonicalUrl, Credentials, ErrorKind, Scope};
use xacct_sign_client::{CredentialSource, Patience, RoleOptions, RoleProvider};
use xacct_sign_example_reqwest::Api;
use xacct_sign_tests::emulator::{Running, start};
use xacct_sign_tests::flows::{Case, Key, Outcome, Place, REGION, ROLE_ARN, SECRET, cases, run};
use xacct_sign_tests::random::random;

fn runtime() -> Runtime {
    drop(rustls::crypto::ring::default_provider().install_default());
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn scope() -> Scope {
    Scope::new(REGION, "execute-api").unwrap()
}

fn role(emulator: &Running, base: impl CredentialSource + 'static) -> RoleProvider {
    let mut options = RoleOptions::new(ROLE_ARN, REGION);
    options.sts_endpoint = Some(emulator.ready().addresses().sts.clone());
    RoleProvider::new(options, base).unwrap()
}

fn caller(emulator: &Running) -> Credentials {
    emulator.ready().caller("shop", "stag").unwrap().credentials.clone()
}

fn hoge(emulator: &Running) -> String {
    format!("{}/hoge", emulator.ready().addresses().stages.get("stag").unwrap())
}

/// Gives credentials only after a task of the runtime has said so.
#[derive(Debug)]
struct Held {
    credentials: Credentials,
    asked: UnboundedSender<()>,
    go: Mutex<Receiver<()>>,
}

impl CredentialSource for Held {
    fn credentials(&self, _: &Patience) -> Result<Credentials, xacct_sign::Error> {
        self.asked.send(()).unwrap();
        let is_there = self.go.lock().unwrap().recv_timeout(Duration::from_secs(30));
        is_there.map_err(|_| xacct_sign::Error::new(ErrorKind::Timeout, "no task of the runtime ran meanwhile"))?;
        Ok(self.credentials.clone())
    }
}

#[test]
fn a_runtime_of_one_thread_goes_on_while_a_role_is_assumed() {
    let emulator = start();
    let (asked, mut is_asked) = unbounded_channel();
    let (let_go, go) = channel();
    let held = Held { credentials: caller(&emulator), asked, go: Mutex::new(go) };
    let answer = runtime().block_on(async {
        let api = Api::new(role(&emulator, held), scope()).unwrap();
        let url = hoge(&emulator);
        let other = async {
            is_asked.recv().await.unwrap();
            let_go.send(()).unwrap();
        };
        tokio::join!(api.send("PUT", &url, &[], b"{}".to_vec()), other).0
    });
    assert_eq!(answer.unwrap().status(), 200);
}

#[test]
fn tasks_share_one_call_of_sts() {
    let emulator = start();
    let statuses: Vec<u16> = runtime().block_on(async {
        let api = Api::new(role(&emulator, caller(&emulator)), scope()).unwrap();
        let url = hoge(&emulator);
        let calls = (0..20).map(|_| {
            let (api, url) = (api.clone(), url.clone());
            tokio::spawn(async move { api.send("PUT", &url, &[], b"{}".to_vec()).await.unwrap().status().as_u16() })
        });
        let calls: Vec<_> = calls.collect();
        let mut statuses = Vec::new();
        for call in calls {
            statuses.push(call.await.unwrap());
        }
        statuses
    });
    assert_eq!(statuses, [200; 20]);
    let assumed = emulator.log().iter().filter(|entry| entry.target == "sts").count();
    assert_eq!(assumed, 1);
}

fn credentials(key: Option<&Key>) -> Credentials {
    Credentials::new("AKIDGIVEN", SECRET, None, key.map(Key::expires_at)).unwrap()
}

fn calls(case: &Case, place: &Place) -> Vec<Outcome> {
    runtime().block_on(async {
        let api = match &case.base {
            Some(base) => {
                let mut options = RoleOptions::new(ROLE_ARN, REGION);
                options.sts_endpoint = Some(place.sts.clone());
                Api::new(RoleProvider::new(options, credentials(Some(base))).unwrap(), scope()).unwrap()
            }
            None => Api::new(credentials(case.given.as_ref()), scope()).unwrap(),
        };
        let headers: Vec<(&str, &str)> =
            case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = case.body.clone().unwrap_or_default().into_bytes();
        let mut outcomes = Vec::new();
        for pause in iter::once(0.0).chain(case.pauses.iter().copied()) {
            thread::sleep(Duration::from_secs_f64(pause));
            let answer = api.send(&case.method, &place.url, &headers, body.clone()).await;
            outcomes.push(answer.map(|answer| answer.status().as_u16()).map_err(|error| code(&*error)));
        }
        outcomes
    })
}

fn code(error: &(dyn Error + Send + Sync + 'static)) -> String {
    error.downcast_ref::<xacct_sign::Error>().map_or_else(|| error.to_string(), |error| error.code().to_owned())
}

/// But for connections that break, which are reqwest's to mend.
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

proptest! {
    #[test]
    fn reqwest_sends_the_url_that_was_signed(random in random()) {
        let Ok(url) = CanonicalUrl::parse(&random.url().replace("http:", "https:")) else { return Ok(()) };
        let call = Call::new("GET", url.clone(), &[] as &[(&str, &str)], Vec::new()).unwrap();
        let signer = xacct_sign::Signer::new(credentials(None), scope());
        let Ok(signed) = call.sign(&signer, random.now) else { return Ok(()) };
        let (parts, _) = signed.into_parts();
        let request = reqwest::Request::try_from(http::Request::from_parts(parts, Vec::new())).unwrap();
        prop_assert_eq!(request.url().as_str(), url.as_str());
    }
}
