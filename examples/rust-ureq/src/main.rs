//! `API_ROLE_ARN=... API_REGION=... API_URL=https://... xacct-sign-example-ureq`: one call, and what was answered.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::env;
use std::error::Error;
use std::time::Duration;

use ureq::Agent;
use xacct_sign::Scope;
use xacct_sign_client::{DefaultChain, RoleOptions, RoleProvider};
use xacct_sign_example_ureq::Api;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (role_arn, region) = (env::var("API_ROLE_ARN")?, env::var("API_REGION")?);
    let url = format!("{}/hoge", env::var("API_URL")?);
    let role = RoleProvider::new(RoleOptions::new(role_arn, &region), DefaultChain::new())?;
    // API Gateway answers within 30 seconds.
    let agent = Agent::new_with_config(Agent::config_builder().timeout_global(Some(Duration::from_secs(35))).build());
    let api = Api::new(agent, role, Scope::new(region, "execute-api")?);

    let mut answer = api.send("PUT", &url, &[("content-type", "application/json")], br#"{"foo":"bar"}"#.to_vec())?;
    println!("{} {}", answer.status().as_u16(), answer.body_mut().read_to_string()?);
    Ok(())
}
