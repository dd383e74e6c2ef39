//! A verifier of a manifest, without a `callers.json` between.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test panics to fail")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use xacct_sign_client::Patience;
use xacct_sign_client::server::{CheckError, Development, FromManifestError, Verifier};

const MANIFEST: &str = r#"[api]
account = "111111111111"
region = "eu-west-1"
[stages.prod]
target = "server"
audience = "https://api.example.com"
[stages.http]
api_id = "a1"
[callers.shop]
account = "000000000000"
roles = { prod = "Shop", http = "Shop" }
"#;

fn made(text: impl AsRef<[u8]>, lock: Option<&str>, stage: &str) -> Result<Verifier, FromManifestError> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("from-manifest-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("xacct.toml");
    fs::write(&path, text).unwrap();
    if let Some(lock) = lock {
        fs::write(folder.join("xacct.lock.toml"), lock).unwrap();
    }
    let made = Verifier::from_manifest(&path, stage, Development::No);
    fs::remove_dir_all(&folder).unwrap();
    made
}

fn session(role: &str) -> Vec<u8> {
    let arn = format!("arn:aws:sts::111111111111:assumed-role/{role}/shop");
    let iam = json!({ "accountId": "111111111111", "userArn": arn });
    let context = json!({ "http": { "method": "GET", "path": "/x" }, "authorizer": { "iam": iam } });
    json!({ "version": "2.0", "rawPath": "/x", "requestContext": context }).to_string().into_bytes()
}

#[test]
fn a_verifier_of_a_manifest_knows_its_stage_and_the_lock_file_beside_it() {
    let verifier = made(MANIFEST, None, "prod").unwrap();
    assert_eq!((verifier.callers().stage(), verifier.callers().is_development()), ("prod", false));
    let refused = verifier.check(&[b"Bearer a.b.c"], &["GET"], &["/"], &Patience::default()).unwrap_err();
    assert!(matches!(refused, CheckError::Refused(refusal) if refusal.code() == "token_malformed"));
    for (lock, role) in
        [(None, "ApiAllowByIamRoleHttp"), (Some("version = 1\n[stages.http]\nshop = 2\n"), "ApiAllowByIamRoleHttp-2")]
    {
        let verifier = made(MANIFEST, lock, "http").unwrap();
        let caller = verifier.check_event(&session(role), &Patience::default()).unwrap();
        assert_eq!((caller.name.as_str(), caller.role.as_deref()), ("shop", Some("Shop")));
    }
}

#[test]
fn a_manifest_is_read_as_powershell_writes_it() {
    let utf16: Vec<u8> = format!("\u{feff}{MANIFEST}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [utf16.clone(), format!("\u{feff}{MANIFEST}").into_bytes()] {
        assert_eq!(made(bytes, None, "prod").unwrap().callers().stage(), "prod");
    }
    let error = made(&utf16[2..], None, "prod").unwrap_err();
    assert_eq!((error.code(), error.hint().is_some_and(|hint| hint.contains("Out-File"))), ("file_not_text", true));
}

#[test]
fn what_no_verifier_is_made_of_has_the_code_of_whoever_refuses_it() {
    let dev = "http://127.0.0.1:4566/issuers/000000000000";
    let development = format!("{MANIFEST}issuer = \"{dev}\"\n[identity]\ndev_issuers = [\"{dev}\"]\n");
    let everybody = MANIFEST
        .replace("api_id = \"a1\"", "target = \"rest_api\"\naccess = \"direct\"\napi_id = \"a1\"\napi_stage = \"v1\"");
    let everybody =
        format!("{everybody}[callers.any]\naccount = \"*\"\nroles = {{ http = \"Any\" }}\ntrust = \"account\"\n");
    let mute = format!("{MANIFEST}[identity]\nregions = []\n");
    for (text, lock, stage, code) in [
        ("[api", None, "prod", "syntax"),
        (MANIFEST, Some("version = 9"), "prod", "invalid_lock"),
        (MANIFEST, None, "stag", "unknown_stage"),
        (&development, None, "prod", "development_only"),
        (&everybody, None, "http", "caller_not_expressible"),
        (&mute, None, "prod", "issuer_missing"),
    ] {
        let error = made(text, lock, stage).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.to_string().is_empty() && error.hint().is_some(), "{error}");
    }
    let error = Verifier::from_manifest("/nonexistent/xacct.toml", "prod", Development::No).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("file_unreadable", "cannot read `/nonexistent/xacct.toml`")
    );
    assert!(std::error::Error::source(&error).is_some());
}
