//! `API_ROLE_ARN=... API_REGION=... API_URL=https://... xacct-sign-example-reqwest`: ten calls at once, one call of STS.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::env;
use std::error::Error;

use xacct_sign::Scope;
use xacct_sign_client::{DefaultChain, RoleOptions, RoleProvider};
use xacct_sign_example_reqwest::Api;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    // With reqwest's default features this line is not needed.
    drop(rustls::crypto::ring::default_provider().install_default());

    let (role_arn, region) = (env::var("API_ROLE_ARN")?, env::var("API_REGION")?);
    let url = format!("{}/hoge", env::var("API_URL")?);
    let role = RoleProvider::new(RoleOptions::new(role_arn, &region), DefaultChain::new())?;
    let api = Api::new(role, Scope::new(region, "execute-api")?)?;

    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10 {
        let (api, url) = (api.clone(), url.clone());
        tasks.spawn(async move {
            let body = format!(r#"{{"number":{number}}}"#).into_bytes();
            let answer = api.send("PUT", &url, &[("content-type", "application/json")], body).await?;
            Ok::<_, Box<dyn Error + Send + Sync>>(answer.status())
        });
    }
    while let Some(status) = tasks.join_next().await {
        println!("{}", status??.as_u16());
    }
    Ok(())
}
