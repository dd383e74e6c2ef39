//! The Rust client held to `flows.toml`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::iter;
use std::thread;
use std::time::Duration;

use xacct_sign::call::BaseUrl;
use xacct_sign::{Credentials, Scope};
use xacct_sign_client::{Request, RoleOptions, RoleProvider, Session};
use xacct_sign_tests::flows::{Case, Key, Outcome, Place, REGION, ROLE_ARN, SECRET, run_all};

fn credentials(key: Option<&Key>) -> Credentials {
    Credentials::new("AKIDGIVEN", SECRET, None, key.map(Key::expires_at)).unwrap()
}

fn calls(case: &Case, place: &Place) -> Vec<Outcome> {
    let scope = Scope::new(REGION, "execute-api").unwrap();
    let session = match &case.base {
        Some(base) => {
            let mut options = RoleOptions::new(ROLE_ARN, REGION);
            options.sts_endpoint = Some(place.sts.clone());
            Session::new(RoleProvider::new(options, credentials(Some(base))).unwrap(), scope)
        }
        None => Session::new(credentials(case.given.as_ref()), scope),
    };
    let session = match place.base_url.as_deref().map(BaseUrl::parse) {
        Some(Ok(base_url)) => session.with_base_url(base_url),
        Some(Err(error)) => return vec![Err(error.code().to_owned())],
        None => session,
    };
    let call = |pause| {
        thread::sleep(Duration::from_secs_f64(pause));
        let mut request = Request::new(&*case.method, &*place.url);
        request.headers = case.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
        request.body = case.body.clone().unwrap_or_default().into();
        session.send(request).map(|answer| answer.status).map_err(|error| error.code().to_owned())
    };
    iter::once(0.0).chain(case.pauses.iter().copied()).map(call).collect()
}

#[test]
fn every_call_goes_as_the_table_has_it() {
    run_all(calls);
}
