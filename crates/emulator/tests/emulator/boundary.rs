//! Permissions boundaries and tags of the provider's roles.

use std::collections::BTreeMap;

use xacct_sign_emulator::{Emulator, Options, SetupError};
use xacct_sign_provider::Manifest;

use crate::world::{DEMO, STAG, World, request, sign, stag, world_of};

const BOUNDARY: &str = "arn:aws:iam::111111111111:policy/Limits";

fn bounded() -> String {
    DEMO.replacen("[api]", &format!("[api]\npermissions_boundary = \"{BOUNDARY}\"\ntags = {{ team = \"shop\" }}"), 1)
}

fn with(document: &str) -> Options {
    Options {
        policies: BTreeMap::from([(BOUNDARY.to_owned(), document.to_owned())]),
        explain: true,
        ..Options::default()
    }
}

fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)
}

/// The status of a call, and the reason where it is refused.
fn call(world: &mut World, method: &str, path: &str) -> (u16, String) {
    let base = world.shop();
    let credentials = world.assume(&base, STAG);
    let mut request = request(method, path, "");
    sign(&mut request, &credentials, "execute-api", world.now);
    let status = world.send(&stag(), request).status().as_u16();
    (status, world.detail())
}

#[test]
fn a_boundary_whose_document_is_given_limits_the_roles() {
    let only_get = r#"[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:*/GET/*"}]"#;
    let mut world = world_of(&bounded(), with(&policy(only_get)));
    assert_eq!(call(&mut world, "GET", "/hoge").0, 200);
    let (status, why) = call(&mut world, "PUT", "/hoge");
    assert_eq!(status, 403);
    assert!(why.contains("the permissions boundary: statement 1"), "{why}");
    let deny =
        r#"[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"execute-api:*","Resource":"*"}]"#;
    let mut world = world_of(&bounded(), with(&policy(deny)));
    assert_eq!(call(&mut world, "GET", "/hoge").0, 403);
    // By the role's own tag, which its sessions have.
    let tagged = r#"[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"shop"}}}]"#;
    assert_eq!(call(&mut world_of(&bounded(), with(&policy(tagged))), "GET", "/hoge").0, 200);
    let other = tagged.replace("\"shop\"", "\"other\"");
    assert_eq!(call(&mut world_of(&bounded(), with(&policy(&other))), "GET", "/hoge").0, 403);
}

#[test]
fn a_boundary_that_is_not_known_limits_nobody() {
    assert_eq!(call(&mut world_of(&bounded(), Options::default()), "PUT", "/hoge").0, 200);
}

#[test]
fn a_document_for_what_is_no_boundary_is_refused() {
    let manifest = Manifest::parse(DEMO, "xacct.toml").unwrap();
    let error = Emulator::new(&manifest, with(&policy("[]")), [7; 32]).err().unwrap();
    assert!(matches!(&error, SetupError::UnknownPolicy(arn) if arn == BOUNDARY), "{error}");
    let manifest = Manifest::parse(&bounded(), "xacct.toml").unwrap();
    let error = Emulator::new(&manifest, with("no policy"), [7; 32]).err().unwrap();
    assert!(matches!(&error, SetupError::Policy { role, .. } if role == BOUNDARY), "{error}");
}
