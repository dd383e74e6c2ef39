//! Deployed policies that deviate: wider than the manifest means, open past a URL, of another API, written for short, or none.

use serde_json::{Value, json};
use xacct_sign_provider::{Lock, Manifest, Plan, ResourceDiff, Stage, read_roles};

use crate::{MANIFEST, REST, ROLE, with_plan};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111111111111:function:orders";

/// One caller of the API and of the function, of its own role and by the stage's.
fn small() -> String {
    let (head, _) = MANIFEST.split_once("[callers.shop]").unwrap();
    let url = "[stages.url-by-role]\ntarget = \"function_url\"\nfunction = \"by-role\"\nurl_id = \"ijklmnop\"\n";
    let roles = "roles = { a = \"Shop\", url = \"Shop\", url-by-role = \"Shop\" }";
    format!("{head}{url}[callers.shop]\naccount = \"000000000000\"\n{roles}\n")
}

fn of_stage<T>(stage: &str, test: impl Fn(&Plan<'_>, &Stage) -> T) -> T {
    let manifest = Manifest::parse(&small(), "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    test(&plan, &manifest.stages[stage])
}

/// The stage's policy after a change, compared.
fn changed(stage: &str, change: impl Fn(&mut Vec<Value>)) -> ResourceDiff {
    of_stage(stage, |plan, stage| {
        let mut policy: Value = serde_json::from_str(&plan.resource_policy(stage).unwrap().document.to_json()).unwrap();
        change(policy["Statement"].as_array_mut().unwrap());
        plan.diff_resource_policy(stage, &policy.to_string()).unwrap()
    })
}

fn on(resource: &str) -> impl Fn(&mut Vec<Value>) {
    move |statements| statements.iter_mut().for_each(|statement| statement["Resource"] = json!(resource))
}

fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn what_a_wider_resource_covers_is_not_missing() {
    for wide in [format!("{REST}/*"), "arn:aws:execute-api:*".to_owned(), "*".to_owned()] {
        let diff = changed("a", on(&wide));
        let said =
            format!("`{ROLE}` may execute-api:Invoke on `{wide}` if aws:SourceVpce StringEquals `vpce-01234567`");
        assert_eq!(texts(&diff.only_deployed), [said]);
        assert_eq!(texts(&diff.only_meant), Vec::<String>::new());
    }
    for wide in [format!("{FUNCTION}:*"), format!("{FUNCTION}*"), "*".to_owned()] {
        let diff = changed("url", on(&wide));
        assert_eq!((diff.only_deployed.len(), texts(&diff.only_meant)), (2, Vec::new()), "{diff:?}");
    }
    // What is narrower, or elsewhere, covers nothing.
    for other in [format!("{REST}/v1/GET/*"), format!("{REST}/v10*"), format!("{REST}/v1")] {
        let diff = changed("a", on(&other));
        assert_eq!((diff.only_deployed.len() <= 1, diff.only_meant.len()), (true, 1), "{diff:?}");
    }
    // Wider in one way and narrower in another is missing.
    let only_by_org = changed("a", |statements| {
        statements[0]["Resource"] = json!("*");
        statements[0]["Condition"] = json!({ "StringEquals": { "aws:PrincipalOrgID": "o-a1b2c3d4e5" } });
    });
    assert_eq!((only_by_org.only_deployed.len(), only_by_org.only_meant.len()), (1, 1), "{only_by_org:?}");
    // A denial covers no grant.
    let denied = changed("a", |statements| {
        statements[0]["Resource"] = json!("*");
        statements[0]["Effect"] = json!("Deny");
    });
    assert_eq!(denied.only_meant.len(), 1, "{denied:?}");
}

#[test]
fn a_narrower_grant_beside_the_one_that_is_meant_is_no_difference() {
    let diff = changed("a", |statements| {
        let mut narrow = statements[0].clone();
        narrow["Resource"] = json!(format!("{REST}/v1/GET/*"));
        statements.push(narrow);
    });
    assert!(!diff.is_different(), "{diff:?}");
}

/// Everything but the stage is not the stage.
#[test]
fn a_grant_by_exclusion_covers_nothing() {
    let diff = changed("a", |statements| {
        let statement = statements[0].as_object_mut().unwrap();
        statement.remove("Resource");
        statement.insert("NotResource".to_owned(), json!(format!("{REST}/v1/*")));
    });
    assert_eq!((diff.only_deployed.len(), diff.only_meant.len()), (1, 1), "{diff:?}");
}

#[test]
fn what_covers_the_alias_is_no_other_alias() {
    let codes = |diff: &ResourceDiff| diff.faults.iter().map(|fault| fault.code()).collect::<Vec<_>>();
    for wide in ["*".to_owned(), format!("{FUNCTION}*"), format!("{FUNCTION}:*"), format!("{FUNCTION}:live")] {
        assert_eq!(codes(&changed("url", on(&wide))), Vec::<&str>::new(), "{wide}");
    }
    for other in [FUNCTION.to_owned(), format!("{FUNCTION}:old"), format!("{FUNCTION}-two*")] {
        assert_eq!(codes(&changed("url", on(&other))), ["alias_mismatch"], "{other}");
    }
    let denied = changed("url", |statements| {
        statements.push(json!({ "Effect": "Deny", "Principal": "*", "Action": "lambda:*", "Resource": "*" }));
    });
    assert_eq!((codes(&denied), denied.only_deployed.len()), (Vec::new(), 1));
}

#[test]
fn a_role_that_may_invoke_a_function_past_its_url_is_named() {
    let of_role = |change: &dyn Fn(&mut Value)| {
        of_stage("url-by-role", |plan, stage| {
            let role = plan.stage_roles(stage).remove(0);
            let mut policy: Value = serde_json::from_str(&role.invoke_policy.to_json()).unwrap();
            policy["Statement"].as_array_mut().unwrap().iter_mut().for_each(change);
            let trust: Value = serde_json::from_str(&role.trust_policy.to_json()).unwrap();
            let inline = json!([{ "PolicyName": "x", "PolicyDocument": policy }]);
            let role = json!({ "RoleName": role.name, "AssumeRolePolicyDocument": trust, "RolePolicyList": inline });
            let roles = read_roles(&json!({ "RoleDetailList": [role] }).to_string()).unwrap();
            plan.diff(stage, None, &roles).unwrap().remove(0)
        })
    };
    let unconditioned = |statement: &mut Value| drop(statement.as_object_mut().unwrap().remove("Condition"));
    let diff = of_role(&unconditioned);
    let past = "may invoke the function past its URL: the condition on lambda:InvokedViaFunctionUrl is missing";
    assert_eq!(texts(&diff.faults), [format!("`{}` {past}", diff.role)]);
    assert_eq!(diff.faults[0].code(), "invoke_function_unconditioned");
    assert!(diff.is_different());
    // On another function, or denied, it is no way past this one's URL.
    for (key, value) in [("Resource", json!(format!("{FUNCTION}-two"))), ("Effect", json!("Deny"))] {
        let diff = of_role(&|statement| {
            unconditioned(statement);
            statement[key] = value.clone();
        });
        assert_eq!(texts(&diff.faults), Vec::<String>::new(), "{key}");
    }
    let wide = of_role(&|statement| {
        unconditioned(statement);
        statement["Action"] = json!("lambda:Invoke*");
        statement["Resource"] = json!("*");
    });
    assert_eq!(wide.faults.len(), 1);
    assert_eq!(texts(&of_role(&|_| {}).faults), Vec::<String>::new());
}

/// What is shown of an API by its id is of that one alone.
#[test]
fn the_policy_of_another_api_is_said_to_be() {
    with_plan(MANIFEST, |manifest, plan| {
        let stage = &manifest.stages["a"];
        let policy = plan.resource_policy(stage).unwrap().document.to_json();
        let shown = |id: &str| json!({ "id": id, "name": "orders", "policy": policy }).to_string();
        let other = plan.diff_resource_policy(stage, &shown("r2")).unwrap();
        assert!(other.is_different());
        assert_eq!(texts(&other.faults), ["the policy is that of another API, `r2`: the stage is of `r1`"]);
        assert_eq!(other.faults[0].code(), "api_mismatch");
        assert!(!plan.diff_resource_policy(stage, &shown("r1")).unwrap().is_different());
    });
}

#[test]
fn an_api_that_is_shown_without_a_policy_grants_nothing() {
    for shown in [json!({ "id": "r1", "name": "orders" }), json!({ "id": "r1", "name": "orders", "policy": null })] {
        let diff = of_stage("a", |plan, stage| plan.diff_resource_policy(stage, &shown.to_string()).unwrap());
        assert_eq!((diff.only_deployed.len(), diff.unjudged.len(), diff.faults.len()), (0, 0, 0));
        let meant =
            format!("`{ROLE}` may execute-api:Invoke on `{REST}/v1/*` if aws:SourceVpce StringEquals `vpce-01234567`");
        assert_eq!(texts(&diff.only_meant), [meant]);
        // It says nothing of a function.
        let error = of_stage("url", |plan, stage| plan.diff_resource_policy(stage, &shown.to_string()).unwrap_err());
        assert_eq!(error.code(), "no_resource_policy");
    }
}

#[test]
fn every_form_of_a_policy_may_leave_out_which_api_it_is_of() {
    of_stage("a", |plan, stage| {
        let whole = plan.resource_policy(stage).unwrap().document.to_json();
        let short = whole.replace(&format!("{REST}/"), "execute-api:/");
        assert_ne!(whole, short);
        let terraform = json!({ "aws_api_gateway_rest_api_policy": { "x": { "rest_api_id": "r1", "policy": short } } });
        for written in [
            short.clone(),
            json!({ "id": "r1", "name": "orders", "policy": short }).to_string(),
            json!({ "resource": terraform }).to_string(),
        ] {
            let diff = plan.diff_resource_policy(stage, &written).unwrap();
            assert!(!diff.is_different(), "{written}\n{diff:?}");
        }
        let deployment = plan.deployment();
        let expanded = |stage: &str, policy: &str| deployment.stages[stage].expanded(policy);
        assert_eq!(expanded("a", &short), serde_json::from_str::<Value>(&whole).unwrap().to_string());
        // A function's policy has no such form, and what is no JSON is left to whoever reads it.
        assert_eq!(expanded("url", &short), short);
        assert_eq!(expanded("a", "{\"a\":1,\"a\":2}"), "{\"a\":1,\"a\":2}");
    });
}

#[test]
fn what_is_no_json_is_refused_with_a_hint_about_policies_of_apis() {
    let error = of_stage("a", |plan, stage| plan.diff_resource_policy(stage, "").unwrap_err());
    assert_eq!(error.code(), "not_json");
    assert!(error.hint().contains("get-rest-api") && !error.hint().contains("get-role"), "{}", error.hint());
    let of_roles = read_roles("").unwrap_err();
    assert!(of_roles.hint().contains("get-role"), "{}", of_roles.hint());
}
