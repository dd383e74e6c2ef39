//! Prints AWS's test vectors as one JSON array, for the faces in other languages.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "it prints, for a test")]

fn main() {
    let vectors = xacct_sign_tests::vectors::load();
    println!("{}", serde_json::to_string_pretty(&vectors).expect("vectors are JSON"));
}
