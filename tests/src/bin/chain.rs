//! The credentials that the default chain finds in this process's environment, as JSON: `chain`, or `chain PROFILE`.
#![allow(clippy::print_stdout, reason = "a helper of tests prints what it found")]

use std::env;

use serde_json::json;
use xacct_sign::aws::format_rfc3339;
use xacct_sign_client::{CredentialSource as _, DefaultChain, Patience};
use xacct_sign_tests::told;

fn main() {
    let chain = match env::args().nth(1) {
        Some(profile) => DefaultChain::with_profile(profile),
        None => DefaultChain::new(),
    };
    let outcome = match chain.credentials(&Patience::default()) {
        Ok(found) => json!({
            "access_key_id": found.access_key_id(),
            "secret_access_key": found.secret_access_key(),
            "session_token": found.session_token(),
            "expires_at": found.expires_at().and_then(format_rfc3339),
        }),
        Err(error) => told(&error),
    };
    println!("{outcome}");
}
