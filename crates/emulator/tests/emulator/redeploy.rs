//! Another deployment while the emulator runs, and where callers' credentials come from.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use xacct_sign::Credentials;
use xacct_sign_emulator::{CallerCredentials, Emulator, Options, SetupError, Target};
use xacct_sign_provider::{Deployment, Lock, Manifest};

use crate::world::*;

fn deployment(manifest: &str) -> Deployment {
    Manifest::parse(manifest, "xacct.toml").unwrap().plan(&Lock::default()).deployment()
}

fn redeploy(world: &mut World, manifest: &str) -> Result<(), SetupError> {
    world.emulator.redeploy(&deployment(manifest), Options { explain: true, ..Options::default() })
}

/// The demo with routes for its caller, whose role then is another.
fn with_routes(routes: &str) -> String {
    format!("{DEMO}routes = [{routes}]\n")
}

fn put(world: &mut World, credentials: &Credentials) -> u16 {
    world.api(&stag(), credentials, "PUT", "/hoge", "").status().as_u16()
}

#[test]
fn e9_callers_keep_their_credentials_when_the_manifest_changes() {
    let mut world = world();
    let before: Vec<_> = world.emulator.callers().iter().map(|access| access.credentials.clone()).collect();
    let (outsider, shop) = (world.emulator.outsider().credentials.clone(), world.shop());
    redeploy(
        &mut world,
        &format!("{DEMO}[callers.other]\naccount = \"333333333333\"\nroles = {{ stag = \"Other\" }}\n"),
    )
    .unwrap();
    for credentials in before {
        assert!(world.emulator.callers().iter().any(|access| access.credentials == credentials));
    }
    assert_eq!(world.emulator.callers().len(), 3);
    assert_eq!(world.emulator.outsider().credentials, outsider);
    // They are more than shown: they work, and so do those of the new one.
    world.assume(&shop, STAG);
    let other = world.base("/Other");
    world.assume(&other, STAG);
}

#[test]
fn e9_a_session_goes_on_with_the_policies_of_now() {
    const OWN: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagShop";
    let mut world = world_of(&with_routes(r#""PUT /hoge""#), Options::default());
    let shop = world.shop();
    let session = world.assume(&shop, OWN);
    assert_eq!(put(&mut world, &session), 200);
    redeploy(&mut world, &with_routes(r#""GET /hoge""#)).unwrap();
    assert_eq!((put(&mut world, &session), world.reason()), (403, Some("not_allowed")));
    redeploy(&mut world, &with_routes(r#""PUT /hoge""#)).unwrap();
    assert_eq!(put(&mut world, &session), 200);
    // Without routes the caller has a role that it shares: what is left of the other is worth nothing.
    redeploy(&mut world, DEMO).unwrap();
    assert_eq!((put(&mut world, &session), world.reason()), (403, Some("unknown_key")));
    // Nothing is drawn twice: a session after a change is not one from before it.
    let anew = world.assume(&shop, STAG);
    assert_ne!(anew.access_key_id(), session.access_key_id());
    assert_eq!(put(&mut world, &anew), 200);
}

#[test]
fn e9_a_session_expires_as_it_would_have_without_a_change() {
    let mut world = world();
    let shop = world.shop();
    let session = world.assume(&shop, STAG);
    redeploy(&mut world, DEMO).unwrap();
    world.now += seconds(3_599);
    assert_eq!(put(&mut world, &session), 200);
    world.now += seconds(1);
    assert_eq!((put(&mut world, &session), world.reason()), (403, Some("expired")));
}

#[test]
fn e9_a_change_that_makes_no_sense_changes_nothing() {
    let mut world = world();
    let shop = world.shop();
    let session = world.assume(&shop, STAG);
    let mut broken = deployment(DEMO);
    broken.roles.get_mut(STAG).unwrap().trust_policy = "{}".to_owned();
    assert!(matches!(world.emulator.redeploy(&broken, Options::default()), Err(SetupError::Policy { .. })));
    let nobodys = Options { caller_policies: [("nobody".to_owned(), "{}".to_owned())].into(), ..Options::default() };
    assert!(matches!(world.emulator.redeploy(&deployment(DEMO), nobodys), Err(SetupError::UnknownCaller(_))));
    let instant = Options { credential_lifetime: Some(seconds(0)), ..Options::default() };
    assert!(matches!(world.emulator.redeploy(&deployment(DEMO), instant), Err(SetupError::Lifetime)));
    assert_eq!(put(&mut world, &session), 200);
    world.assume(&shop, STAG);
}

#[test]
fn e9_stages_come_and_go() {
    let mut world = explaining();
    let beta = Target::Stage("beta".to_owned());
    let unsigned = || Request::get("/").body(Bytes::new()).unwrap();
    assert_eq!(world.send(&beta, unsigned()).status(), 404);
    let with_beta = DEMO.replace("[stages.prod]", "[stages.beta]\napi_id = \"b1b2b3b4b5\"\n[stages.prod]");
    redeploy(&mut world, &with_beta).unwrap();
    assert_eq!(world.send(&beta, unsigned()).status(), 403);
    redeploy(&mut world, DEMO).unwrap();
    assert_eq!((world.send(&beta, unsigned()).status().as_u16(), world.reason()), (404, Some("unknown_stage")));
}

#[test]
fn e9_derived_credentials_are_the_same_at_every_start() {
    let start = |manifest: &str, seed: u8| {
        let options = Options { caller_credentials: CallerCredentials::Derived, ..Options::default() };
        let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
        let emulator = Emulator::new(&manifest, options, [seed; 32]).unwrap();
        World { emulator, now: world().now, log: Vec::new() }
    };
    let (mut one, mut other) = (start(DEMO, 1), start(DEMO, 2));
    let shop = one.shop();
    assert_eq!(shop, other.shop());
    assert_eq!(one.emulator.outsider().credentials, other.emulator.outsider().credentials);
    // What else stands in the manifest has nothing to do with it.
    assert_eq!(start(&with_routes(r#""PUT /hoge""#), 3).shop(), shop);
    // Each role has its own, and another account's role of the same name has others.
    let credentials: Vec<_> = one.emulator.callers().iter().map(|access| &access.credentials).collect();
    assert_ne!(credentials[0], credentials[1]);
    assert_ne!(start(&DEMO.replace("000000000000", "222222222222"), 1).shop(), shop);
    assert_ne!(world().shop(), shop, "those that are drawn are none that anybody knows");
    // What STS issues is drawn all the same.
    let session = |world: &mut World| world.assume(&shop, STAG);
    assert_ne!(session(&mut one).secret_access_key(), session(&mut other).secret_access_key());
}

#[test]
fn e9_credentials_can_be_given() {
    let key = |id: &str| Credentials::new(id, "a'secret", None, Some(world().now)).unwrap();
    let given = |names: &[(&str, &str)]| {
        let given: BTreeMap<_, _> = names.iter().map(|(name, id)| ((*name).to_owned(), key(id))).collect();
        let options = Options { caller_credentials: CallerCredentials::Given(given), ..Options::default() };
        Emulator::new(&Manifest::parse(DEMO, "xacct.toml").unwrap(), options, [7; 32])
    };
    // One role serves two stages; the name with a stage goes before the caller's alone.
    let emulator = given(&[("shop", "ASIAPROD"), ("shop-deve", "ASIADEVE"), ("unused", "ASIAUNUSED")]).unwrap();
    let mut world = World { emulator, now: world().now, log: Vec::new() };
    let ids: Vec<&str> = world.emulator.callers().iter().map(|access| access.credentials.access_key_id()).collect();
    assert_eq!(ids, ["ASIADEVE", "ASIAPROD"]);
    assert_ne!(world.emulator.outsider().credentials.access_key_id(), "ASIAUNUSED");
    let session = world.assume(&key("ASIADEVE"), STAG);
    assert_eq!(put(&mut world, &session), 200);

    let missing = given(&[("shop-deve", "ASIADEVE")]).err().unwrap();
    let text =
        "no credentials are given for the caller `shop`, by the name of `shop-LambdaRoleProd` or `shop-prod` or `shop`";
    assert_eq!(missing.to_string(), text);
    let shared = given(&[("shop", "ASIASHOP")]).err().unwrap();
    assert!(matches!(shared, SetupError::SharedCredentials { .. }), "{shared}");
}

/// The port stays, and what answers there is another: with its own service, and the policy of now.
#[test]
fn a_stage_that_becomes_another_kind_is_one_from_then_on() {
    let mut world = world_of(FRONTS, Options { explain: true, ..Options::default() });
    let shop = world.base("/Shop");
    let status = |world: &mut World, service: &str| {
        world.api_as(&at("urld"), &shop, service, ("GET", "/hoge", "")).status().as_u16()
    };
    assert_eq!((status(&mut world, "lambda"), status(&mut world, "execute-api")), (200, 403));
    let function = "target = \"function_url\"\naccess = \"direct\"\nfunction = \"orders\"\nalias = \"live\"\nurl_id = \"u2u2u2u2\"";
    let as_http = FRONTS.replace(function, "api_id = \"h2h2h2h2h2\"");
    assert_ne!(as_http, FRONTS);
    redeploy(&mut world, &as_http).unwrap();
    assert_eq!((status(&mut world, "lambda"), world.reason()), (403, Some("scope_mismatch")));
    assert_eq!((status(&mut world, "execute-api"), world.reason()), (403, Some("not_allowed")));
    // A role opens it now.
    let session = world.assume(&shop, "arn:aws:iam::111111111111:role/ApiUrld");
    assert_eq!(world.api(&at("urld"), &session, "GET", "/hoge", "").status(), 200, "{}", world.detail());
}
