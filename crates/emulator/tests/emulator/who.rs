//! Who called, by the manifest's names, and how a program becomes a caller.

use std::collections::BTreeMap;

use xacct_sign::Credentials;
use xacct_sign_emulator::{Addresses, NoAccess, Ready, past_the_proxy};

use crate::world::{STAG, at, explaining, fronts, seconds, stag, world, world_with_partner};

#[test]
fn the_log_names_the_caller_behind_a_role_and_behind_none() {
    let mut world = fronts();
    let shop = world.emulator.callers()[0].clone();
    let outsider = world.emulator.outsider().credentials.clone();
    let assumed = world.assume(&shop.credentials, &shop.may_assume["http"]);
    assert_eq!(world.log[0].caller.as_deref(), Some("shop"), "STS");
    for (stage, path, credentials, status, caller) in [
        ("http", "/hoge", &assumed, 200, Some("shop")),
        ("http", "/hoge", &shop.credentials, 403, Some("shop")),
        ("restd", "/v1/hoge", &shop.credentials, 200, Some("shop")),
        ("http", "/hoge", &outsider, 403, None),
    ] {
        assert_eq!(world.api(&at(stage), credentials, "GET", path, "").status(), status, "{stage}");
        assert_eq!(world.log.last().unwrap().caller.as_deref(), caller, "{stage}");
    }
}

#[test]
fn the_log_names_a_caller_only_behind_a_right_signature() {
    let mut world = explaining();
    let credentials = world.assume(&world.shop(), STAG);
    let token = credentials.session_token().map(str::to_owned);
    let wrong = Credentials::new(credentials.access_key_id(), "wrong", token, None).unwrap();
    world.api(&stag(), &wrong, "GET", "/hoge", "");
    assert_eq!((world.reason(), world.log.last().unwrap().caller.clone()), (Some("signature_mismatch"), None));
    world.now += seconds(3_600);
    world.api(&stag(), &credentials, "GET", "/hoge", "");
    assert_eq!((world.reason(), world.log.last().unwrap().caller.as_deref()), (Some("expired"), Some("shop")));
}

#[test]
fn who_is_not_there_is_told_who_is() {
    let world = world_with_partner();
    let emulator = &world.emulator;
    assert_eq!(emulator.access("partner", "stag").unwrap().account, "222222222222");
    let no = |caller, stage| emulator.access(caller, stage).map(drop).unwrap_err();
    for (error, code, text) in [
        (no("shop", "test"), "unknown_stage", "the manifest has no stage `test`; it has deve, prod, stag"),
        (no("shp", "stag"), "unknown_caller", "the manifest has no caller `shp`; it has partner, shop"),
        (
            no("partner", "prod"),
            "caller_not_on_stage",
            "the caller `partner` is not on the stage `prod`; it is on stag",
        ),
    ] {
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }
    let unknown =
        NoAccess::UnknownStage { name: "x".to_owned(), known: ["deve", "prod", "stag"].map(str::to_owned).into() };
    assert_eq!(emulator.check_stage("x"), Err(unknown));
}

#[test]
fn a_program_becomes_a_caller_whatever_else_it_could_be() {
    let world = world();
    let addresses = Addresses::new("http://127.0.0.1:1", [("stag".to_owned(), "http://127.0.0.1:2".to_owned())].into());
    let proxied = |name: &str| (name == "http_proxy").then(|| "http://proxy.example.com".to_owned());
    let ready = Ready::new(&world.emulator, addresses).with_variables(past_the_proxy(proxied));
    let changes: BTreeMap<&str, Option<String>> = ready.environment("shop", "stag").unwrap().into_iter().collect();
    let set = |name: &str| changes[name].as_deref();
    let own = ready.caller("shop", "stag").unwrap();
    assert_eq!(set("AWS_ACCESS_KEY_ID"), Some(own.credentials.access_key_id()));
    assert_eq!(set("AWS_ENDPOINT_URL_STS"), Some("http://127.0.0.1:1"));
    assert_eq!((set("XACCT_URL"), set("XACCT_ROLE_ARN")), (Some("http://127.0.0.1:2"), Some(STAG)));
    assert_eq!(set("NO_PROXY"), Some("127.0.0.1,localhost"));
    for name in ["AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CREDENTIAL_EXPIRATION"] {
        assert_eq!(set(name), None);
    }
    assert_eq!(ready.environment("shop", "test"), None);
}
