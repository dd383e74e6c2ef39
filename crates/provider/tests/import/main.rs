//! A manifest from deployed roles gives their rights back, in every form that holds APIs, and keeps every role and its callers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

mod left_out;
mod managed;
mod names;
mod reading;
#[path = "../common/rendered.rs"]
mod rendered;
mod sessions;

use serde_json::{Value, json};
use xacct_sign_provider::Imported;

use crate::rendered::forms;

const SHOP: &str = "arn:aws:iam::000000000000:role/Shop";
const OTHER: &str = "arn:aws:iam::222222222222:role/Other";

const HTTP_ONLY: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.stag]
api_id = "a1"
[callers.partner]
account = "222222222222"
roles = { stag = "Partner" }
routes = ["GET /items/{id}"]
"#;

/// `RoleDetailList` with these at its side.
fn list_of(roles: &[Value], beside: &Value) -> String {
    let mut list = json!({"RoleDetailList": roles});
    list.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
    list.to_string()
}

fn import(files: &[String]) -> Imported {
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    Imported::read(&files, "xacct.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn role(name: &str, principal: &str, routes: &[&str]) -> Value {
    let resources: Vec<String> =
        routes.iter().map(|route| format!("arn:aws:execute-api:eu-west-1:111111111111:a1/$default/{route}")).collect();
    json!({
        "RoleName": name, "Path": "/", "MaxSessionDuration": 3600, "AttachedManagedPolicies": [], "Tags": [],
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}]},
        "RolePolicyList": [{"PolicyName": "x", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resources}]}}],
    })
}

fn on_another_account(role: Value) -> Value {
    serde_json::from_str(&role.to_string().replace("eu-west-1:111111111111:", "eu-west-1:999999999999:")).unwrap()
}

fn on_another_api(role: Value) -> Value {
    serde_json::from_str(&role.to_string().replace(":a1/", ":a2/")).unwrap()
}

fn of(roles: &[Value]) -> Result<Imported, xacct_sign_provider::DeployedError> {
    Imported::read(&[&json!({"RoleDetailList": roles}).to_string()], "xacct.toml")
}
