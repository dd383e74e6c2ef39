//! What `diff` takes, and what it says, grows with its input and no faster.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "what is measured is how long it takes")]

mod common;

#[path = "common/cpu.rs"]
mod cpu;

use std::time::Duration;

use serde_json::{Value, json};
use xacct_sign_provider::{Lock, Manifest, read_roles};

use common::MANIFEST;

fn list(count: usize, of: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(of).collect()
}

fn account(number: usize) -> String {
    format!("{number:012}")
}

fn role(trust: Value, invoke: Value) -> Value {
    let policy = |statements: Value| json!({"Version": "2012-10-17", "Statement": statements});
    json!({"RoleName": "ApiAllowByIamRoleStag", "AssumeRolePolicyDocument": policy(trust), "AttachedManagedPolicies": [],
        "RolePolicyList": [{"PolicyName": "x", "PolicyDocument": policy(invoke)}]})
}

fn trust(principals: Value, actions: Value, condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": principals}, "Action": actions, "Condition": condition})
}

type Input = (&'static str, fn(usize) -> Value);

/// Inputs by what grows in them: as many of it as is asked for.
const INPUTS: [Input; 8] = [
    ("principals, actions and values of one statement", |n| {
        let names = json!({"StringLike": {"sts:RoleSessionName": list(n, |i| format!("n{i}*"))},
            "StringEquals": {"sts:ExternalId": list(n, |i| format!("id{i}"))}});
        role(json!([trust(json!(list(n, account)), json!(list(n, |i| format!("sts:A{i}"))), names)]), json!([]))
    }),
    ("accounts, and roles of them in a condition", |n| {
        let arns = list(n, |i| format!("arn:aws:iam::{}:role/R", account(i)));
        let by_arn = json!({"ArnLike": {"aws:PrincipalArn": arns}});
        role(json!([trust(json!(list(n, account)), json!("sts:AssumeRole"), by_arn)]), json!([]))
    }),
    ("accounts, and patterns in a condition", |n| {
        let arns = list(n, |i| format!("arn:aws:iam::*:role/R{i}*"));
        let by_arn = json!({"ArnLike": {"aws:PrincipalArn": arns}});
        role(json!([trust(json!(list(n, account)), json!("sts:AssumeRole"), by_arn)]), json!([]))
    }),
    ("statements about one principal", |n| {
        let one = |i| json!({"StringEquals": {"sts:ExternalId": format!("id{i}")}});
        let statements = (0..n).map(|i| trust(json!("000000000000"), json!("sts:AssumeRole"), one(i)));
        role(statements.collect(), json!([]))
    }),
    ("statements with conditions", |n| {
        let one = |i: usize| {
            json!({"StringEquals": {"sts:ExternalId": format!("id{i}"), "aws:userid": "x",
            "aws:username": "y", "aws:PrincipalType": "z"}})
        };
        let statements = (0..n).map(|i| trust(json!(account(i)), json!("sts:Assume*"), one(i)));
        role(statements.collect(), json!([]))
    }),
    ("statements that IAM refuses", |n| {
        role((0..n).map(|i| trust(json!(format!("x{i}")), json!("sts"), json!({}))).collect(), json!([]))
    }),
    ("resources", |n| {
        let resources = list(n, |i| format!("arn:aws:execute-api:eu-west-1:111111111111:a{i}/*"));
        role(json!([]), json!([{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resources}]))
    }),
    ("resources and actions", |n| {
        let resources = list(n, |i| format!("arn:aws:execute-api:eu-west-1:111111111111:a{i}/*"));
        let actions = list(n, |i| format!("execute-api:A{i}"));
        role(json!([]), json!([{"Effect": "Allow", "Action": actions, "Resource": resources}]))
    }),
];

/// How long it takes to read and compare, at best, and how much is said.
fn cost(document: &Value) -> (Duration, usize) {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let (plan, text) = (manifest.plan(&Lock::default()), json!({"RoleDetailList": [document]}).to_string());
    let run = || {
        let start = cpu::time();
        let roles = read_roles(&text).unwrap();
        let diffs = plan.diff(&manifest.stages["stag"], None, &roles).unwrap();
        let said = diffs[0].only_deployed.iter().map(|fact| fact.to_string().len()).sum();
        (cpu::time().saturating_sub(start), said)
    };
    (0..3).map(|_| run()).min().unwrap()
}

#[test]
fn t2_what_diff_takes_grows_no_faster_than_its_input() {
    for (what, input) in INPUTS {
        let (some, more) = (input(60), input(1_920));
        let costs = || (cost(&some), cost(&more));
        let mut tries = std::iter::repeat_with(costs).take(3);
        // Thirty-two times the input: linear is 32, quadratic 1,024. Between them is room for what else the machine does.
        let is_linear = tries.any(|(some, more)| more.0 < some.0 * 180 && more.1 <= some.1 * 40);
        assert!(is_linear, "{what}: {:?}", costs());
    }
}
