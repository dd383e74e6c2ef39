//! The evaluator against `iam-rs`, on generated documents of the kinds where that crate is right. Where it differs from
//! AWS, the page of AWS's documentation that decides is named.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use iam_rs::{
    Arn, Context as TheirContext, ContextValue, Decision as Theirs, EvaluationOptions, IAMPolicy, IAMRequest,
    PolicyEvaluator, Principal, PrincipalId,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use xacct_sign_provider::iam::{Context, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};

const ROLES: [&str; 3] = [
    "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag",
    "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag-2",
    "arn:aws:iam::111111111111:role/apis/ApiAllowByIamRoleProd",
];
const CALLERS: [&str; 3] = [
    "arn:aws:iam::000000000000:role/LambdaRoleDeve",
    "arn:aws:iam::000000000000:role/service-role/LambdaRoleProd",
    "arn:aws:iam::222222222222:role/Batch",
];

/// A request in terms of both.
#[derive(Debug, Clone)]
struct Asked {
    caller: &'static str,
    action: &'static str,
    resource: &'static str,
    single: Vec<(&'static str, String)>,
    tag_keys: Vec<&'static str>,
}

fn ours(policy: &Value, kind: PolicyKind, asked: &Asked) -> Effect {
    let document = PolicyDocument::parse(&policy.to_string(), kind).unwrap();
    assert_eq!(document.unsupported(), Vec::<String>::new(), "{policy}");
    let mut context = Context::new();
    for (key, value) in &asked.single {
        context.set(key, value);
    }
    context.set_all("aws:TagKeys", asked.tag_keys.iter().copied());
    let principal = Some(PrincipalIdentity::assumed_role(asked.caller, "session").unwrap());
    evaluate(&[&document], &Request { principal, action: asked.action, resource: asked.resource, context }).effect()
}

/// `iam-rs` knows no sessions: it is asked about the role.
fn theirs(policy: &Value, kind: PolicyKind, asked: &Asked) -> Effect {
    let policy: IAMPolicy = serde_json::from_value(policy.clone()).unwrap();
    let mut context = TheirContext::new();
    for (key, value) in &asked.single {
        context.insert((*key).to_owned(), ContextValue::String(value.clone()));
    }
    context.insert("aws:PrincipalArn".to_owned(), ContextValue::String(asked.caller.to_owned()));
    if !asked.tag_keys.is_empty() {
        let keys = asked.tag_keys.iter().map(|key| (*key).to_owned()).collect();
        context.insert("aws:TagKeys".to_owned(), ContextValue::StringList(keys));
    }
    let principal = Principal::Aws(PrincipalId::String(asked.caller.to_owned()));
    let resource = Arn::parse(asked.resource).unwrap();
    let request = IAMRequest::new_with_context(principal, asked.action, resource, context);
    let options =
        EvaluationOptions { ignore_resource_constraints: kind == PolicyKind::Trust, ..EvaluationOptions::default() };
    let evaluator = PolicyEvaluator::with_policies(vec![policy]).with_options(options);
    match evaluator.evaluate(&request).unwrap().decision {
        Theirs::Allow => Effect::Allow,
        Theirs::Deny => Effect::ExplicitDeny,
        Theirs::NotApplicable => Effect::ImplicitDeny,
    }
}

fn some_of(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        proptest::sample::select(values).prop_map(Value::from),
        proptest::sample::subsequence(values, 1..=values.len()).prop_map(Value::from),
    ]
}

/// Conditions of the kinds that are rendered, and their opposites.
fn condition() -> impl Strategy<Value = Option<Value>> {
    let ids = || some_of(&["b3c7", "b3c8", "B3C7"]);
    let names = || some_of(&["shop-*", "shop-1", "?hop-*", "*"]);
    let organizations = || some_of(&["o-a1b2c3d4e5", "o-ffffffffff"]);
    let tags = || some_of(&["team", "env", "Team"]);
    let one = prop_oneof![
        ids().prop_map(|v| json!({"StringEquals": {"sts:ExternalId": v}})),
        ids().prop_map(|v| json!({"StringNotEquals": {"sts:ExternalId": v}})),
        ids().prop_map(|v| json!({"StringEqualsIgnoreCase": {"sts:ExternalId": v}})),
        ids().prop_map(|v| json!({"StringEqualsIfExists": {"sts:ExternalId": v}})),
        names().prop_map(|v| json!({"StringLike": {"sts:RoleSessionName": v}})),
        names().prop_map(|v| json!({"StringNotLike": {"sts:RoleSessionName": v}})),
        organizations().prop_map(|v| json!({"StringEquals": {"aws:PrincipalOrgID": v}})),
        some_of(&["arn:aws:iam::000000000000:role/LambdaRoleDeve", "arn:aws:iam::222222222222:role/Batch"])
            .prop_map(|v| json!({"ArnEquals": {"aws:PrincipalArn": v}})),
        some_of(&["arn:aws:iam::*:role/Batch", "arn:aws:iam::000000000000:role/*"])
            .prop_map(|v| json!({"ArnLike": {"aws:PrincipalArn": v}})),
        tags().prop_map(|v| json!({"ForAllValues:StringEquals": {"aws:TagKeys": v}, "Null": {"aws:TagKeys": "false"}})),
        tags().prop_map(|v| json!({"ForAnyValue:StringEquals": {"aws:TagKeys": v}})),
        any::<bool>().prop_map(|absent| json!({"Null": {"sts:ExternalId": absent.to_string()}})),
    ];
    proptest::option::of(proptest::collection::vec(one, 1..3).prop_map(|blocks| {
        let mut merged = serde_json::Map::new();
        for block in blocks {
            merged.extend(block.as_object().unwrap().clone());
        }
        Value::Object(merged)
    }))
}

fn statement(kind: PolicyKind) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let action = some_of(&["sts:AssumeRole", "sts:*", "STS:assumerole", "sts:TagSession", "sts:Assume?ole", "*"]);
    let principal = || {
        prop_oneof![
            some_of(&CALLERS).prop_map(|v| ("Principal", json!({"AWS": v}))),
            Just(("Principal", json!({"AWS": "*"})))
        ]
    };
    let resource = || {
        some_of(&[
            "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag",
            "arn:aws:iam::111111111111:role/ApiAllowByIamRole*",
            "arn:aws:iam::111111111111:role/*/ApiAllowByIamRoleProd",
            "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag-?",
            "*",
        ])
        .prop_map(|v| ("Resource", v))
    };
    let elements = match kind {
        PolicyKind::Trust => principal().prop_map(|one| vec![one]).boxed(),
        PolicyKind::Identity => resource().prop_map(|one| vec![one]).boxed(),
        PolicyKind::Resource => (principal(), resource()).prop_map(|(who, on)| vec![who, on]).boxed(),
    };
    (effect, action, elements, condition()).prop_map(|(effect, action, elements, condition)| {
        let mut statement = json!({"Effect": effect, "Action": action});
        for (name, value) in elements {
            statement[name] = value;
        }
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    })
}

fn policy(kind: PolicyKind) -> impl Strategy<Value = Value> {
    proptest::collection::vec(statement(kind), 1..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

fn asked() -> impl Strategy<Value = Asked> {
    let value = |values: &'static [&'static str]| proptest::option::of(proptest::sample::select(values));
    (
        proptest::sample::select(&CALLERS[..]),
        proptest::sample::select(&["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"][..]),
        proptest::sample::select(&ROLES[..]),
        value(&["b3c7", "b3c8", "b3c9"]),
        proptest::sample::select(&["shop-1", "hop-1", "other"][..]),
        value(&["o-a1b2c3d4e5", "o-0000000000"]),
        proptest::sample::subsequence(&["team", "env", "cost"][..], 0..3),
    )
        .prop_map(|(caller, action, resource, external_id, name, organization, tag_keys)| {
            let mut single = vec![("sts:RoleSessionName", name.to_owned())];
            single.extend(external_id.map(|id| ("sts:ExternalId", id.to_owned())));
            single.extend(organization.map(|id| ("aws:PrincipalOrgID", id.to_owned())));
            Asked { caller, action, resource, single, tag_keys }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trust_policies_agree(policy in policy(PolicyKind::Trust), asked in asked()) {
        let kind = PolicyKind::Trust;
        prop_assert_eq!(ours(&policy, kind, &asked), theirs(&policy, kind, &asked), "{} {:?}", policy, asked);
    }

    #[test]
    fn identity_policies_agree(policy in policy(PolicyKind::Identity), asked in asked()) {
        let kind = PolicyKind::Identity;
        prop_assert_eq!(ours(&policy, kind, &asked), theirs(&policy, kind, &asked), "{} {:?}", policy, asked);
    }

    #[test]
    fn resource_policies_agree(policy in policy(PolicyKind::Resource), asked in asked()) {
        let kind = PolicyKind::Resource;
        prop_assert_eq!(ours(&policy, kind, &asked), theirs(&policy, kind, &asked), "{} {:?}", policy, asked);
    }
}

fn plain() -> Asked {
    let (caller, resource) = (CALLERS[0], ROLES[0]);
    Asked { caller, action: "sts:AssumeRole", resource, single: Vec::new(), tag_keys: Vec::new() }
}

/// A trust policy of one statement: ours, theirs.
fn both(principal: Value, condition: Value) -> (Effect, Effect) {
    let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}});
    if condition != Value::Null {
        statement["Condition"] = condition;
    }
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
    let asked = plain();
    (ours(&policy, PolicyKind::Trust, &asked), theirs(&policy, PolicyKind::Trust, &asked))
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>, "AWS account
/// principals": an account stands for every principal in it, by the ARN of its root and by its id.
#[test]
fn an_account_contains_its_roles() {
    for principal in ["arn:aws:iam::000000000000:root", "000000000000"] {
        assert_eq!(both(json!(principal), Value::Null), (Effect::Allow, Effect::ImplicitDeny), "{principal}");
    }
}

/// The same page, "IAM role principals" and "IAM user principals": no wildcard stands for a part of a name or an ARN. IAM
/// refuses the policy; here it is reported and lets nobody in.
#[test]
fn a_principal_has_no_wildcards() {
    let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::000000000000:role/*"}}]});
    let document = PolicyDocument::parse(&text.to_string(), PolicyKind::Trust).unwrap();
    assert_eq!(document.unsupported().len(), 1);
    assert_eq!(theirs(&text, PolicyKind::Trust, &plain()), Effect::Allow);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>, "Amazon Resource
/// Name (ARN) condition operators": `ArnEquals` and `ArnLike` behave identically, and each of the six parts is compared by
/// itself.
#[test]
fn arn_operators_take_wildcards_part_by_part() {
    let equals = json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/LambdaRole*"}});
    assert_eq!(both(json!("*"), equals), (Effect::Allow, Effect::ImplicitDeny));
    let over = json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:*:role/LambdaRoleDeve:*:*:*"}});
    assert_eq!(both(json!("*"), over), (Effect::ImplicitDeny, Effect::ImplicitDeny));
    let over = json!({"ArnLike": {"aws:PrincipalArn": "arn:*:*:*:*:*Deve"}});
    assert_eq!(both(json!("*"), over), (Effect::Allow, Effect::Allow));
}
