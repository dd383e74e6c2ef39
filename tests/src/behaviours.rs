//! The table of behaviours (`tests/behaviours.toml`), and what it expects of a face.
//!
//! What a case expects is computed here from its canonical request, by hashing alone: nothing of the code under test is used.
#![allow(missing_docs, reason = "the keys of the table are explained at its head")]

use std::time::SystemTime;

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{data, example_instant};

/// The whole table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub signer: TableSigner,
    pub case: Vec<Case>,
}

/// Who signs every case, and when.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSigner {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub region: String,
    pub service: String,
    pub timestamp: String,
}

/// One case; the head of the file says what each key means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub issue: String,
    pub method: Option<String>,
    pub url: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: String,
    pub session_token: Option<String>,
    pub canonical_url: Option<String>,
    pub canonical_uri: Option<String>,
    pub canonical_query: Option<String>,
    pub canonical_headers: Option<Vec<String>>,
    pub error: Option<String>,
}

impl Table {
    /// Reads the table.
    #[must_use]
    pub fn load() -> Self {
        let table: Self = toml::from_str(&data("behaviours.toml")).unwrap();
        assert_eq!(table.signer.timestamp, "2015-08-30T12:36:00Z", "the instant of AWS's examples");
        table
    }
}

impl TableSigner {
    /// When every case is signed.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        example_instant()
    }
}

impl Case {
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("GET")
    }

    #[must_use]
    pub fn url_to_sign(&self) -> &str {
        self.canonical_url.as_deref().unwrap_or(&self.url)
    }

    #[must_use]
    pub fn has_token(&self) -> bool {
        self.session_token.as_ref().is_some_and(|token| !token.is_empty())
    }

    fn header_lines(&self) -> Vec<String> {
        let default = ["host:api.example.com", "x-amz-date:20150830T123600Z"];
        self.canonical_headers.clone().unwrap_or_else(|| default.map(str::to_owned).to_vec())
    }

    fn signed_headers(&self) -> String {
        let lines = self.header_lines();
        let names: Vec<&str> = lines.iter().map(|line| line.split_once(':').unwrap().0).collect();
        names.join(";")
    }

    /// What must be hashed.
    #[must_use]
    pub fn canonical_request(&self) -> String {
        format!(
            "{}\n{}\n{}\n{}\n\n{}\n{}",
            self.method(),
            self.canonical_uri.as_deref().unwrap_or("/"),
            self.canonical_query.as_deref().unwrap_or(""),
            self.header_lines().join("\n"),
            self.signed_headers(),
            sha256(self.body.as_bytes()),
        )
    }

    /// The header that must come out.
    #[must_use]
    pub fn authorization(&self, from: &TableSigner) -> String {
        let scope = format!("20150830/{}/{}/aws4_request", from.region, from.service);
        let hash = sha256(self.canonical_request().as_bytes());
        let string_to_sign = format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{hash}");
        let key = generate_signing_key(&from.secret_access_key, from.now(), &from.region, &from.service);
        let signature = calculate_signature(key, string_to_sign.as_bytes());
        let names = self.signed_headers();
        let key_id = &from.access_key_id;
        format!("AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
