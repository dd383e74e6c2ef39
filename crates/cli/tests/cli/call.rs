//! `xacct-sign call`: what goes out, what comes back.

use crate::world::{ROLE, World};

#[test]
fn a_role_is_assumed_and_the_request_signed() {
    let world = World::new("call-role");
    let ran = world.call("/hoge?b=2&a=1", &["-X", "PUT", "--json", r#"{"foo":"bar"}"#]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let seen = ran.json();
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["query"], "a=1&b=2");
    assert_eq!(seen["body"], r#"{"foo":"bar"}"#);
    assert_eq!(seen["headers"]["content-type"], "application/json");
    assert_eq!(seen["headers"]["accept"], "application/json");
    let arn = &seen["requestContext"]["authorizer"]["iam"]["userArn"];
    assert_eq!(arn, "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/xacct-sign");
}

#[test]
fn without_a_role_it_signs_as_oneself() {
    let world = World::new("call-oneself");
    let ran = world.run(&["call", &world.url]);
    // The caller's own role may not call the API: an answer all the same.
    assert_eq!((ran.code, ran.text(), ran.stderr.as_str()), (Some(0), r#"{"message":"Forbidden"}"#, ""));
    let log = world.emulator.log();
    assert_eq!(log[0].reason.as_ref().map(|reason| reason.code()), Some("not_allowed"));

    let ran = world.run(&["call", "--fail", &world.url]);
    assert_eq!((ran.code, ran.text()), (Some(22), ""));
    assert_eq!(ran.stderr, "error[http_status]: the answer is 403 Forbidden\n");
}

#[test]
fn c2_an_empty_role_is_an_error() {
    let world = World::new("call-empty-role");
    for command in ["call", "whoami", "credentials"] {
        for role in ["", " "] {
            let mut arguments = vec![command, "--role", role];
            arguments.extend((command == "call").then_some(world.url.as_str()));
            let ran = world.run(&arguments);
            assert_eq!((ran.code, ran.text()), (Some(2), ""), "{command}");
            assert!(ran.stderr.starts_with("error[role_not_given]: "), "{}", ran.stderr);
        }
    }
    assert_eq!(world.emulator.log().len(), 0);
}

#[test]
fn the_caller_is_who_sts_says() {
    let world = World::new("whoami");
    let ran = world.run(&["whoami", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let own = ran.json();
    assert_eq!(own["account"], "000000000000");
    assert_eq!(own["arn"], "arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/shop");
    assert!(own["user_id"].as_str().unwrap().ends_with(":shop"));

    let ran = world.run(&["whoami", "--role", ROLE, "--session-name", "me"]);
    assert!(ran.text().starts_with("account: 111111111111\narn:     arn:aws:sts::111111111111:assumed-role/"));
    assert!(ran.text().contains("/ApiAllowByIamRoleStag/me\nuser id: "));
}

#[test]
fn credentials_are_those_of_a_credential_process() {
    let world = World::new("credentials");
    let ran = world.run(&["credentials", "--role", ROLE]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.json()["Version"], 1);

    // Those who read such a process are ourselves, too.
    let program = env!("CARGO_BIN_EXE_xacct-sign");
    let config = format!("[profile role]\ncredential_process = {program} credentials --role {ROLE} --profile base\n");
    let keys = &world.emulator.ready().caller("shop", "stag").unwrap().credentials;
    let base = format!(
        "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        keys.access_key_id(),
        keys.secret_access_key(),
        keys.session_token().unwrap()
    );
    let aws = world.folder.join("home/.aws");
    std::fs::create_dir_all(&aws).unwrap();
    std::fs::write(aws.join("config"), config).unwrap();
    std::fs::write(aws.join("credentials"), base).unwrap();
    let ran = world.run(&["whoami", "--profile", "role"]);
    assert!(ran.text().contains(":assumed-role/ApiAllowByIamRoleStag/xacct-sign\n"), "{ran:?}");
}
