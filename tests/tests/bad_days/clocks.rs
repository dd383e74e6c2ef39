//! Who shares what STS said of the time with whom. The same table: js/xacct-sign/test/clocks.test.ts, python/tests/test_clocks.py.

use std::sync::{Arc, Mutex};

use xacct_sign::Skew;
use xacct_sign_client::{
    Clock, CredentialSource, DefaultChain, Environment, Identity as _, IdentityProof, IdentityToken, Kept, Patience,
    Request, TokenOptions,
};
use xacct_sign_identity::make_proof;
use xacct_sign_tests::virtual_host::VirtualHost;
use xacct_sign_tests::{example_credentials, example_instant};

use crate::world::{API, REGION, response, role, session};

type Dates = Arc<Mutex<Vec<String>>>;
type Source = Arc<dyn CredentialSource>;

const AUDIENCE: &str = "https://api.example.com";

/// A machine whose clock is ahead, with keys in its environment, and when what it sends was signed. Nobody answers anything.
fn machine(ahead: i64) -> (Arc<VirtualHost>, Dates) {
    let dates = Dates::default();
    let log = Arc::clone(&dates);
    let host = VirtualHost::new(move |request, _| {
        log.lock().unwrap().push(request.headers()["x-amz-date"].to_str().unwrap().to_owned());
        Ok(response(400, ""))
    });
    let keys = example_credentials(Some("token"));
    let host = host
        .with_variable("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE12")
        .with_variable("AWS_SECRET_ACCESS_KEY", keys.secret_access_key())
        .with_variable("AWS_SESSION_TOKEN", "token");
    (Arc::new(host.ahead(ahead)), dates)
}

fn sources(host: &Arc<VirtualHost>) -> [(&'static str, bool, Source); 7] {
    let chain = || DefaultChain::on(Arc::clone(host) as _, None);
    [
        ("keys", false, Arc::new(Environment::read(&**host).unwrap())),
        ("what is asked anew", false, Arc::new(Asked(chain()))),
        ("chain", true, Arc::new(chain())),
        ("role", true, Arc::new(role(host, example_credentials(None)))),
        ("role of a role", true, Arc::new(role(host, role(host, example_credentials(None))))),
        ("what is kept", true, Arc::new(Kept::on(Arc::clone(host) as _, chain()))),
        ("what is kept of what is asked", true, Arc::new(Kept::on(Arc::clone(host) as _, Asked(chain())))),
    ]
}

/// A program's own, which says no more than it has to.
#[derive(Debug)]
struct Asked(DefaultChain);

impl CredentialSource for Asked {
    fn credentials(&self, patience: &Patience) -> Result<xacct_sign::Credentials, xacct_sign::Error> {
        self.0.credentials(patience)
    }
}

/// Gives the chain's credentials by another source's clock: what is tried is who has that clock, and not what STS answers.
#[derive(Debug)]
struct ByClockOf(Source, DefaultChain);

impl CredentialSource for ByClockOf {
    fn credentials(&self, patience: &Patience) -> Result<xacct_sign::Credentials, xacct_sign::Error> {
        self.1.credentials(patience)
    }

    fn clock(&self) -> Option<Clock> {
        self.0.clock()
    }
}

#[test]
fn what_a_source_was_told_of_the_time_whoever_asks_with_it_knows() {
    for ahead in [600, -600, 7200, -7200] {
        for index in 0..7 {
            let (host, dates) = machine(ahead);
            let (name, has_clock, source) = sources(&host).into_iter().nth(index).unwrap();
            assert_eq!(source.clock().is_some(), has_clock, "{name}");
            if let Some(clock) = source.clock() {
                assert!(clock.learn(Skew::default(), Skew::from_seconds(-ahead)));
            }
            let signs = || ByClockOf(Arc::clone(&source), DefaultChain::on(Arc::clone(&host) as _, None));
            let _ = session(&host, signs()).send(Request::new("GET", API));
            let _ = role(&host, signs()).credentials();
            let options = TokenOptions::new(AUDIENCE, REGION);
            let token = IdentityToken::on(Arc::clone(&host) as _, options, signs()).unwrap();
            let _ = token.bearer(&Patience::default());
            let expected =
                if has_clock { example_instant() } else { Skew::from_seconds(ahead).apply(example_instant()) };
            let date = xacct_sign::aws::format_rfc3339(expected).unwrap().replace(['-', ':'], "");
            assert_eq!(*dates.lock().unwrap(), [date.as_str(); 3], "{ahead}, {name}: session, role, token");
            let proof = IdentityProof::on(Arc::clone(&host) as _, AUDIENCE, REGION, signs()).unwrap();
            let keys = Environment::read(&*host).unwrap();
            let right = make_proof(&keys, REGION, AUDIENCE, expected).unwrap();
            assert_eq!(proof.bearer(&Patience::default()).unwrap().as_str(), right, "{ahead}, {name}: proof");
        }
    }
}
