//! Whose credentials the default chain gives, told without asking for them: what a cache is shared by.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use xacct_sign_client::DefaultChain;
use xacct_sign_tests::folder::Folder;

const CONFIG: &str = "/home/.aws/config";
const CREDENTIALS: &str = "/home/.aws/credentials";

/// A secret that no identity may show.
const MARK: &str = "SECRETMARKER";

fn identity(variables: Value, config: &str, credentials: &str, profile: Option<&str>) -> Option<Vec<String>> {
    let files = [(CONFIG, config), (CREDENTIALS, credentials)];
    let files = files.into_iter().filter(|(_, text)| !text.is_empty());
    let files = files.map(|(path, text)| (path.into(), text.as_bytes().to_owned())).collect();
    let machine = Arc::new(Folder::of(variables, files, Value::Null, Value::Null));
    let identity = DefaultChain::on(machine.clone(), profile.map(str::to_owned)).identity().unwrap();
    assert_eq!(machine.complaints(), Vec::<String>::new(), "nothing is asked");
    assert!(!format!("{identity:?}").contains(MARK), "{identity:?}");
    identity
}

fn keys(profile: &str, key_id: &str) -> String {
    format!("[{profile}]\naws_access_key_id = {key_id}\naws_secret_access_key = {MARK}\n")
}

#[test]
fn each_source_and_what_it_is_set_up_with_is_somebody_else() {
    let environment = |key_id: &str| json!({ "AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": MARK });
    let token = |role: &str, session: &str| json!({ "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": role, "AWS_ROLE_SESSION_NAME": session });
    let none = || json!({});
    let role = |rest: &str| format!("[profile a]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = b\n{rest}");
    let sso = |account: &str| {
        format!(
            "[default]\nsso_start_url = https://corp\nsso_region = eu-north-1\nsso_account_id = {account}\nsso_role_name = R\n"
        )
    };
    let program = |program: &str| format!("[default]\ncredential_process = {program} {MARK}\n");
    let source = "[profile a]\nrole_arn = arn:aws:iam::1:role/R\ncredential_source = Environment\n";
    let of_environment = |key_id: &str| {
        let mut variables = environment(key_id);
        variables["AWS_PROFILE"] = "a".into();
        variables
    };
    let all = [
        identity(environment("AKIAONE"), "", "", None),
        identity(environment("AKIATWO"), "", &keys("default", "AKIATHREE"), None),
        identity(none(), "", &keys("default", "AKIAONE"), None),
        identity(none(), "", &keys("default", "AKIATWO"), None),
        identity(none(), "", &keys("other", "AKIAONE"), Some("other")),
        identity(environment("AKIAFOUR"), "", &keys("other", "AKIATWO"), Some("other")),
        identity(none(), &role(""), &keys("b", "AKIAONE"), Some("a")),
        identity(none(), &role(""), &keys("b", "AKIATWO"), Some("a")),
        identity(none(), &role("external_id = x1\n"), &keys("b", "AKIAONE"), Some("a")),
        identity(none(), &role("role_session_name = s1\n"), &keys("b", "AKIAONE"), Some("a")),
        identity(none(), &sso("111111111111"), "", None),
        identity(none(), &sso("222222222222"), "", None),
        identity(none(), &program("one"), "", None),
        identity(none(), &program("two"), "", None),
        identity(token("arn:aws:iam::1:role/R", "s1"), "", "", None),
        identity(token("arn:aws:iam::1:role/S", "s1"), "", "", None),
        identity(token("arn:aws:iam::1:role/R", "s2"), "", "", None),
        identity(of_environment("AKIAFIVE"), source, "", Some("a")),
        identity(of_environment("AKIASIX"), source, "", Some("a")),
        identity(json!({ "AWS_PROFILE": "other" }), "", &keys("other", "AKIASEVEN"), None),
    ];
    assert!(all.iter().all(Option::is_some), "{all:?}");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:#?}");
    // The same keys by the same way are the same, whatever else stands there.
    let noise = format!("{}[unused]\nregion = x\n", keys("default", "AKIAONE"));
    assert_eq!(identity(none(), "", &noise, None), all[2]);
    assert_eq!(identity(environment("AKIAONE"), &sso("111111111111"), "", None), all[0]);
}

#[test]
fn a_machines_own_credentials_are_told_by_nothing_else() {
    let container = json!({ "AWS_CONTAINER_CREDENTIALS_FULL_URI": format!("http://{MARK}@127.0.0.1/") });
    assert_eq!(identity(container, "", "", None), None);
    assert_eq!(identity(json!({}), "", "", None), None);
    for source in ["EcsContainer", "Ec2InstanceMetadata"] {
        let config = format!("[default]\nrole_arn = arn:aws:iam::1:role/R\ncredential_source = {source}\n");
        assert_eq!(identity(json!({}), &config, "", None), None);
    }
}

#[test]
fn what_is_malformed_is_an_error_here_too() {
    let files = [(CONFIG.into(), b"[default".to_vec())].into();
    let machine = Arc::new(Folder::of(json!({}), files, Value::Null, Value::Null));
    assert_eq!(DefaultChain::on(machine, None).identity().unwrap_err().code(), "invalid_config");
}
