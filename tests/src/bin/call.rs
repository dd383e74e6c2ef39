//! One call with the Rust client, in an environment of its own: `call URL` sends a GET, `call STS ROLE_ARN` assumes a role, at the
//! endpoint that the environment says where `STS` is `-`. It prints what came of it as JSON. With a third argument it stays there
//! with what it has in memory until its standard input ends.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a helper of tests may panic: that fails the test")]

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use xacct_sign::{Error, Scope};
use xacct_sign_client::{Request, RoleOptions, RoleProvider, Session, broken_link};
use xacct_sign_tests::{example_credentials, told};

fn main() {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().expect("a URL");
    let outcome = match arguments.next() {
        Some(role_arn) => assume(&url, &role_arn),
        None => get(url),
    };
    println!("{}", outcome.unwrap_or_else(|error| with_link(told(&error), &error)));
    if arguments.next().is_some() {
        io::copy(&mut io::stdin(), &mut io::sink()).expect("an end");
    }
}

/// With the part of the way that broke.
fn with_link(mut told: Value, error: &Error) -> Value {
    if let Some(told) = told.as_object_mut() {
        told.insert("link".to_owned(), json!(broken_link(error).map(|link| format!("{link:?}"))));
    }
    told
}

fn get(url: String) -> Result<Value, Error> {
    let session = Session::new(example_credentials(None), Scope::new("us-east-1", "execute-api")?);
    let mut request = Request::new("GET", url);
    // Long enough for whatever answers at all.
    let timeout = Some(Duration::from_secs(if env::var_os("IMPATIENT").is_some() { 1 } else { 30 }));
    (request.connect_timeout, request.timeout) = (timeout, timeout);
    let answer = session.send(request)?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers: BTreeMap<&str, String> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), text(value.as_bytes()))).collect();
    Ok(json!({ "status": answer.status, "headers": headers, "body": text(&answer.body) }))
}

fn assume(url: &str, role_arn: &str) -> Result<Value, Error> {
    let mut options = RoleOptions::new(role_arn, "us-east-1");
    if url != "-" {
        options.sts_endpoint = Some(url.to_owned());
    }
    let role = RoleProvider::new(options, example_credentials(None))?;
    Ok(json!({ "key": role.credentials()?.access_key_id() }))
}
