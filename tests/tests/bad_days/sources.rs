//! Sources of a program's own: what they give is kept while it lasts, and nobody waits for himself.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use xacct_sign::{Credentials, Error, ErrorKind};
use xacct_sign_client::host::Host;
use xacct_sign_client::{CredentialSource, Kept, Patience, RoleProvider};
use xacct_sign_tests::virtual_host::VirtualHost;

use crate::world::{broken, role, seconds};

/// Gives others each time, which last so long.
#[derive(Debug)]
struct Counting {
    host: Arc<VirtualHost>,
    lifetime: Option<Duration>,
    asked: Mutex<u32>,
}

impl Counting {
    fn new(host: &Arc<VirtualHost>, lifetime: Option<Duration>) -> Arc<Self> {
        Arc::new(Self { host: Arc::clone(host), lifetime, asked: Mutex::new(0) })
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }
}

impl CredentialSource for Counting {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        let expires_at: Option<SystemTime> = self.lifetime.map(|lifetime| self.host.now() + lifetime);
        Credentials::new(format!("AKID{asked}"), "secret", None, expires_at)
    }
}

fn quiet() -> Arc<VirtualHost> {
    Arc::new(VirtualHost::new(|_, _| Err(broken())))
}

fn key(source: &Kept) -> String {
    source.credentials(&Patience::default()).unwrap().access_key_id().to_owned()
}

#[test]
fn what_a_source_gives_is_kept_until_it_expires() {
    let host = quiet();
    let source = Counting::new(&host, Some(seconds(3600)));
    let kept = Kept::on(Arc::clone(&host) as _, Arc::clone(&source));
    assert_eq!(source.asked(), 0);
    for _ in 0..10 {
        assert_eq!(key(&kept), "AKID1");
    }
    host.pass(seconds(3600));
    assert_eq!(key(&kept), "AKID2");
    assert_eq!(source.asked(), 2);
}

#[test]
fn a_source_that_says_no_expiry_is_asked_each_time() {
    let host = quiet();
    let source = Counting::new(&host, None);
    let kept = Kept::on(Arc::clone(&host) as _, source);
    assert_eq!([key(&kept), key(&kept), key(&kept)], ["AKID1", "AKID2", "AKID3"]);
}

/// A base that asks the role it is the base of.
#[derive(Debug, Default)]
struct Circle(OnceLock<RoleProvider>);

impl CredentialSource for Circle {
    fn credentials(&self, patience: &Patience) -> Result<Credentials, Error> {
        CredentialSource::credentials(self.0.get().unwrap(), patience)
    }
}

#[test]
fn a_base_that_asks_its_own_role_is_told_so() {
    let host = quiet();
    let base = Arc::new(Circle::default());
    let role = role(&host, Arc::clone(&base));
    base.0.set(role.clone()).unwrap();
    let error = role.credentials().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsNotFound);
    assert_eq!(error.to_string(), "the credentials are asked for by what fetches them");
    assert!(error.hint().unwrap().contains("must not use that role"));
    assert_eq!(host.sent(), 0);
}
