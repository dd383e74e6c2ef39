//! Proofs: made without a call, used again for a while, and what STS says of them.

use std::sync::{Arc, Mutex};

use http::Request;
use xacct_sign::{Credentials, Error};
use xacct_sign_client::{CredentialSource, Identity as _, IdentityProof, Patience};
use xacct_sign_identity::{Callers, Development, Need, Step, Verifier};
use xacct_sign_tests::example_instant;
use xacct_sign_tests::virtual_host::VirtualHost;

use crate::world::{AUDIENCE, REGION, emulator, seconds, sts};

fn proof(host: &Arc<VirtualHost>, base: impl CredentialSource + 'static) -> IdentityProof {
    IdentityProof::on(Arc::clone(host) as _, AUDIENCE, REGION, base).unwrap()
}

fn bearer(identity: &IdentityProof) -> Result<String, Error> {
    identity.bearer(&Patience::default()).map(|bearer| bearer.as_str().to_owned())
}

fn silent() -> Arc<VirtualHost> {
    Arc::new(VirtualHost::new(|_, _| panic!("nobody is asked")))
}

#[test]
fn a_proof_serves_for_half_of_what_a_server_takes() {
    let (host, base) = (silent(), emulator().1);
    let identity = proof(&host, base);
    let first = bearer(&identity).unwrap();
    assert!(first.starts_with("xacct1."), "{first}");
    host.pass(seconds(149));
    assert_eq!(bearer(&identity).unwrap(), first);
    assert_eq!(identity.at_hand().unwrap().as_str(), first);
    host.pass(seconds(1));
    let second = bearer(&identity).unwrap();
    assert_ne!(second, first);
    assert_eq!(host.sent(), 0);
    assert!(!format!("{identity:?} {:?}", identity.at_hand()).contains(first.get(8..40).unwrap()));
}

/// What gives others each time.
#[derive(Debug)]
struct Turns(Mutex<Vec<Credentials>>);

impl CredentialSource for Turns {
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        Ok(self.0.lock().unwrap().remove(0))
    }
}

#[test]
fn other_credentials_make_another_proof() {
    let of = |key: &str| Credentials::new(key, "secret", Some("token".to_owned()), None).unwrap();
    let (one, other) = (of("ASIAONEONEONEONEONE1"), of("ASIAOTHEROTHEROTHER2"));
    let identity = proof(&silent(), Turns(Mutex::new(vec![one.clone(), other, one])));
    let made: Vec<_> = (0..3).map(|_| bearer(&identity).unwrap()).collect();
    assert_ne!(made[0], made[1]);
    assert_eq!(made[0], made[2]);
}

#[test]
fn what_cannot_be_proved_is_refused() {
    let host = silent();
    let expired =
        Credentials::new("ASIAEXAMPLEEXAMPLE12", "secret", Some("t".to_owned()), Some(example_instant())).unwrap();
    assert_eq!(bearer(&proof(&host, expired)).unwrap_err().code(), "credentials_expired");
    let lasting = Credentials::new("AKIAEXAMPLEEXAMPLE12", "secret", None, None).unwrap();
    assert_eq!(bearer(&proof(&host, lasting.clone())).unwrap_err().code(), "invalid_credentials");
    let fails = |region| IdentityProof::on(host.clone(), AUDIENCE, region, lasting.clone()).unwrap_err().code();
    assert_eq!(fails("eu-west-1@x"), "invalid_region");
    assert_eq!(fails("us-iso-east-9"), "unknown_partition");
}

/// The verifier builds the request, and the emulator's STS answers it.
#[test]
fn a_verifier_learns_from_sts_who_it_was() {
    let (mut emulator, base) = emulator();
    let host = silent();
    let callers = |audience: &str| {
        let text = format!(
            r#"{{"version": 1, "stage": "stag", "target": "server", "partition": "aws", "audience": "{audience}",
            "algorithm": "ES384", "max_duration_seconds": 3600, "regions": ["{REGION}"],
            "callers": [{{"name": "shop", "account": "000000000000", "role": "LambdaRoleDeve"}}]}}"#
        );
        Callers::parse(text.as_bytes(), Development::No).unwrap()
    };
    let header = format!("Bearer {}", bearer(&proof(&host, base)).unwrap());
    for (audience, expected) in [(AUDIENCE, "shop"), ("https://other.example.com", "refused")] {
        let verifier = Verifier::new(callers(audience), [7; 16]);
        let mut check = verifier.check(&[header.as_bytes()], &["GET"], &["/orders"]);
        let Step::Need(Need::Sts(wanted)) = check.step(host.time()) else { panic!("{check:?}") };
        let mut request = Request::post(&wanted.url);
        for (name, value) in &wanted.headers {
            request = request.header(*name, value);
        }
        let answer = sts(&mut emulator, &request.body(wanted.body.as_bytes()).unwrap(), host.time());
        check.sts(Some((answer.status().as_u16(), answer.body())), host.time());
        match check.step(host.time()) {
            Step::Passed(caller) => assert_eq!(caller.name, expected),
            Step::Refused(refusal) => assert_eq!((refusal.status(), "refused"), (401, expected), "{refusal}"),
            other => panic!("{other:?}"),
        }
    }
}
