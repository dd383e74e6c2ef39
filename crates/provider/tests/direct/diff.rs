//! Deployed resource policies against the manifest's.

use serde_json::{Value, json};
use xacct_sign_provider::{Format, Lock, Manifest, ResourceDiff};

use crate::MANIFEST;

fn diff(manifest: &str, stage: &str, deployed: &str) -> ResourceDiff {
    let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    plan.diff_resource_policy(&manifest.stages[stage], deployed).unwrap()
}

fn policy(manifest: &str, stage: &str) -> Value {
    let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    serde_json::from_str(&plan.resource_policy(&manifest.stages[stage]).unwrap().document.to_json()).unwrap()
}

fn whole() -> String {
    MANIFEST.replace("url_id = \"abcdefgh\"", "url_id = \"abcdefgh\"\npermissions = \"document\"")
}

/// What `-` and `+` would stand before, and the codes of the faults.
fn said(diff: &ResourceDiff) -> (Vec<String>, Vec<String>, Vec<&'static str>) {
    let texts = |grants: &[_]| grants.iter().map(ToString::to_string).collect();
    let faults = diff.faults.iter().map(|fault| fault.code()).collect();
    assert_eq!(diff.unjudged, Vec::<String>::new());
    (texts(&diff.only_deployed), texts(&diff.only_meant), faults)
}

fn texts(grants: &[&str]) -> Vec<String> {
    grants.iter().map(|grant| (*grant).to_owned()).collect()
}

#[test]
fn every_form_in_which_a_policy_is_shown_is_the_same() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    for (text, stage) in [(MANIFEST, "a"), (MANIFEST, "url"), (&whole(), "url")] {
        let policy = policy(text, stage).to_string();
        let escaped = serde_json::to_string(&policy).unwrap();
        let mut forms = vec![
            policy.clone(),
            json!({ "Policy": policy, "RevisionId": "x" }).to_string(),
            json!({ "id": "r1", "policy": policy }).to_string(),
            // As API Gateway escapes it.
            json!({ "id": "r1", "policy": escaped[1..escaped.len() - 1] }).to_string(),
        ];
        if text == MANIFEST {
            forms.push(plan.render(&manifest.stages[stage], Format::Json).unwrap());
        }
        for form in forms {
            let diff = diff(text, stage, &form);
            assert!(!diff.is_different() && diff.beside.is_empty(), "{form}\n{diff:?}");
        }
    }
}

#[test]
fn what_each_side_grants_alone_is_said_with_its_resource() {
    let mut deployed = policy(MANIFEST, "a");
    deployed["Statement"][0]["Resource"] = json!("arn:aws:execute-api:eu-west-1:111111111111:r1/*");
    let (only_deployed, only_meant, faults) = said(&diff(MANIFEST, "a", &deployed.to_string()));
    let role = "`arn:aws:iam::000000000000:role/Shop` may execute-api:Invoke on `arn:aws:execute-api:eu-west-1:111111111111:r1";
    let by = "if aws:SourceVpce StringEquals `vpce-01234567`";
    assert_eq!(only_deployed, [format!("{role}/*` {by}")]);
    assert_eq!(only_meant, texts(&[]));
    assert!(faults.is_empty());
    // The endpoint's condition gone, the stage is open from everywhere.
    let mut deployed = policy(MANIFEST, "a");
    deployed["Statement"][2].as_object_mut().unwrap().remove("Condition");
    let (only_deployed, _, _) = said(&diff(MANIFEST, "a", &deployed.to_string()));
    assert_eq!(only_deployed, [format!("{role}/v2/*`")]);
    let denies = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" }] });
    let (only_deployed, only_meant, _) = said(&diff(MANIFEST, "a", &denies.to_string()));
    assert_eq!(only_deployed, ["`*` must not * on `*`"]);
    assert_eq!(only_meant.len(), 11);
}

#[test]
fn a_functions_faults_are_named() {
    let function = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";
    // Somebody's own permission, without the condition: plain Invoke is open.
    let mut deployed = policy(MANIFEST, "url");
    let invoke = json!({ "Sid": "x", "Effect": "Allow", "Principal": { "AWS": "555555555555" }, "Action": "lambda:InvokeFunction", "Resource": function });
    deployed["Statement"].as_array_mut().unwrap().push(invoke);
    let (only_deployed, only_meant, faults) = said(&diff(MANIFEST, "url", &deployed.to_string()));
    assert_eq!(only_deployed, [format!("`arn:aws:iam::555555555555:root` may lambda:InvokeFunction on `{function}`")]);
    assert_eq!(only_meant, Vec::<String>::new());
    assert_eq!(faults, ["invoke_function_unconditioned"]);

    for (missing, lacks) in [(4, "lambda:InvokeFunctionUrl"), (5, "lambda:InvokeFunction")] {
        let mut deployed = policy(MANIFEST, "url");
        deployed["Statement"].as_array_mut().unwrap().remove(missing);
        let diff = diff(MANIFEST, "url", &deployed.to_string());
        let (only_deployed, only_meant, faults) = said(&diff);
        assert_eq!((only_deployed, only_meant.len(), faults), (texts(&[]), 1, vec!["url_grant_incomplete"]));
        let expected = format!("`arn:aws:iam::333333333333:root` cannot call the URL: {lacks} is missing");
        assert_eq!(diff.faults[0].to_string(), expected);
    }

    let elsewhere = policy(MANIFEST, "url").to_string().replace(":orders:live", ":orders");
    let diff = diff(MANIFEST, "url", &elsewhere);
    assert_eq!(said(&diff).2, ["alias_mismatch"]);
    let expected = format!("the policy stands on `{}`, the URL hangs on `{function}`", &function[..function.len() - 5]);
    assert_eq!(diff.faults[0].to_string(), expected);
    assert_eq!((diff.only_deployed.len(), diff.only_meant.len()), (6, 6));
}

#[test]
fn services_stand_beside_permissions_and_not_beside_a_document() {
    let function = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";
    let service = json!({
        "Sid": "gateway",
        "Effect": "Allow",
        "Principal": { "Service": "apigateway.amazonaws.com" },
        "Action": "lambda:InvokeFunction",
        "Resource": function,
        "Condition": { "ArnLike": { "AWS:SourceArn": "arn:aws:execute-api:eu-west-1:111111111111:x/*" } },
    });
    for (text, is_beside) in [(MANIFEST, true), (&whole(), false)] {
        let mut deployed = policy(text, "url");
        deployed["Statement"].as_array_mut().unwrap().push(service.clone());
        let diff = diff(text, "url", &deployed.to_string());
        assert_eq!((diff.is_different(), diff.beside.len()), (!is_beside, usize::from(is_beside)), "{diff:?}");
        assert_eq!(diff.only_deployed.len(), usize::from(!is_beside));
        assert_eq!(diff.faults, []);
    }
}

#[test]
fn what_is_no_resource_policy_is_refused() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    for (text, code) in [
        ("{", "not_json"),
        ("{}", "no_resource_policy"),
        (r#"{"Roles":[]}"#, "no_resource_policy"),
        (r#"{"Policy":"{"}"#, "invalid_policy"),
        (r#"{"policy":"{\\\"x"}"#, "invalid_policy"),
    ] {
        let error = plan.diff_resource_policy(&manifest.stages["a"], text).unwrap_err();
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(!error.hint().is_empty());
    }
    // What the evaluator does not know is said.
    let odd = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}"#;
    let diff = plan.diff_resource_policy(&manifest.stages["a"], odd).unwrap();
    assert!(!diff.unjudged.is_empty() && diff.is_different(), "{diff:?}");
}
