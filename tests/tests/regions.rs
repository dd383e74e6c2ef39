//! Decided: STS's endpoint may be of another region than the API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics to fail")]

use xacct_sign::Scope;
use xacct_sign_client::{Request, RoleOptions, RoleProvider, Session};
use xacct_sign_tests::emulator::{Running, start};

/// The demo's role, assumed at the emulator, which is in `ap-northeast-1`.
fn role(emulator: &Running, region: &str) -> RoleProvider {
    let mut options = RoleOptions::new("arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag", region);
    // A name in `localhost` is this machine; a region in it says nothing.
    let endpoint = emulator.ready().addresses().sts.replace("127.0.0.1", "sts.us-east-1.localhost");
    assert!(endpoint.contains("us-east-1"), "{endpoint}");
    options.sts_endpoint = Some(endpoint);
    RoleProvider::new(options, emulator.ready().caller("shop", "stag").unwrap().credentials.clone()).unwrap()
}

fn status_and_reason(emulator: &Running, region_of_role: &str, region: &str) -> (u16, String) {
    let session = Session::new(role(emulator, region_of_role), Scope::new(region, "execute-api").unwrap());
    let url = format!("{}/hoge", emulator.ready().addresses().stages["stag"]);
    let answer = session.send(Request::new("GET", url)).unwrap();
    let reason = answer.headers.get("x-xacct-reason").map(|reason| reason.to_str().unwrap().to_owned());
    (answer.status, reason.unwrap_or_default())
}

#[test]
fn decided_sts_is_signed_for_the_roles_region_whatever_its_endpoint_is_called() {
    let emulator = start();
    assert_eq!(status_and_reason(&emulator, "ap-northeast-1", "ap-northeast-1").0, 200);
    let error = role(&emulator, "us-east-1").credentials().unwrap_err();
    let aws = error.aws().unwrap();
    assert_eq!((error.code(), aws.code.as_str()), ("sts_credentials", "SignatureDoesNotMatch"));
}

#[test]
fn decided_a_role_with_a_region_of_its_own_serves_a_session_of_another() {
    let emulator = start();
    // STS takes what is signed for its region, and the API says for which one the request to it was signed.
    let (status, reason) = status_and_reason(&emulator, "ap-northeast-1", "eu-west-1");
    assert_eq!(status, 403);
    assert!(reason.starts_with("scope_mismatch:") && reason.contains("/eu-west-1/execute-api/"), "{reason}");
}
