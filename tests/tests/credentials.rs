//! The default chain in every folder of `tests/credentials/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use serde::Deserialize;
use serde_json::Value;
use xacct_sign::aws::format_rfc3339;
use xacct_sign::{Credentials, Error};
use xacct_sign_client::{CredentialSource as _, DefaultChain, Patience};
use xacct_sign_tests::folder::Folder;

/// What comes of a folder: credentials or an error, and files that have been written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// What the case is about.
    #[serde(rename = "docs")]
    _docs: Option<String>,
    /// The profile that is given by name.
    profile: Option<String>,
    credentials: Option<Keys>,
    error: Option<Refusal>,
    /// Path → fields of the JSON document that it holds then.
    #[serde(default)]
    files: BTreeMap<String, BTreeMap<String, Value>>,
    /// `"same"`, or how botocore differs, what comes of it, and what is sent and run there: `{"differs", "expected", "http",
    /// "processes"}`. `python/tests/test_chain_peers.py` reads it.
    #[serde(rename = "botocore")]
    _botocore: Value,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expires_at: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    code: String,
    /// Of the message, or of the hint.
    contains: Vec<String>,
}

impl From<&Credentials> for Keys {
    fn from(from: &Credentials) -> Self {
        Self {
            access_key_id: from.access_key_id().to_owned(),
            secret_access_key: from.secret_access_key().to_owned(),
            session_token: from.session_token().map(str::to_owned),
            expires_at: from.expires_at().map(|at| format_rfc3339(at).unwrap()),
        }
    }
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("credentials");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// Everything that an error says, its causes included.
fn said(error: &Error) -> String {
    let mut said = format!("{error}\n{}\n{error:?}", error.hint().unwrap_or_default());
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(&format!("\n{error}"));
        cause = error.source();
    }
    said
}

/// What is wrong with a case.
fn check(folder: &Path) -> Vec<String> {
    let text = fs::read(folder.join("expected.json")).expect("expected.json");
    let expected: Expected = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let host = Arc::new(Folder::read(folder));
    let chain = DefaultChain::on(host.clone(), expected.profile.clone());
    let mut wrong = Vec::new();
    match (chain.credentials(&Patience::default()), &expected.credentials, &expected.error) {
        (Ok(found), Some(wanted), None) => {
            let found = Keys::from(&found);
            if found != *wanted {
                wrong.push(format!("{found:?}, and not {wanted:?}"));
            }
        }
        (Err(error), None, Some(wanted)) => {
            let said = said(&error);
            if error.code() != wanted.code {
                wrong.push(format!("{}, and not {}: {said}", error.code(), wanted.code));
            }
            let missing = wanted.contains.iter().filter(|part| !said.contains(part.as_str()));
            wrong.extend(missing.map(|part| format!("no {part:?} in: {said}")));
            if said.contains("MARKER") {
                wrong.push(format!("a secret: {said}"));
            }
        }
        (Ok(found), None, Some(_)) => wrong.push(format!("{:?}, and no error", Keys::from(&found))),
        (Err(error), Some(_), None) => wrong.push(format!("{error:?}, and no credentials")),
        _ => panic!("{folder:?}: expected.json wants either credentials or an error"),
    }
    for (path, fields) in &expected.files {
        let written: Option<BTreeMap<String, Value>> =
            host.file(path).map(|content| serde_json::from_slice(&content).unwrap());
        for (name, value) in fields {
            let found = written.as_ref().and_then(|fields| fields.get(name)).unwrap_or(&Value::Null);
            if found != value {
                wrong.push(format!("{path}: `{name}` is {found}, and not {value}"));
            }
        }
    }
    wrong.extend(host.complaints());
    wrong
}

/// All of them, or those with XACCT_SIGN_CASE in their name. What is secret in a case has MARKER in it.
#[test]
fn every_folder_gives_what_it_should() {
    let only = env::var("XACCT_SIGN_CASE").unwrap_or_default();
    let mut failed = String::new();
    let mut count = 0;
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if name.contains(&only) {
            count += 1;
            let wrong = check(&folder);
            failed.extend(wrong.iter().map(|wrong| format!("{name}: {wrong}\n")));
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
    assert!(count > 0, "no case is called so");
}
