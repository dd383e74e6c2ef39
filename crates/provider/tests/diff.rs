//! What is deployed against what is meant, in every form in which roles can be read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use serde_json::{Value, json};
use xacct_sign_provider::{DeployedRole, Format, Lock, Manifest, RoleDiff, RoleFact, RolePart, read_roles};

const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.stag]
api_id = "f6g7h8i9j0"
[stages.staging]
api_id = "k1l2m3n4o5"

[callers.shop]
account = "000000000000"
roles = { stag = "LambdaRoleDeve", staging = "LambdaRoleDeve" }

[callers.partner]
account = "222222222222"
roles = { stag = "Batch" }
external_id = "b3c7"

[callers.later]
account = "333333333333"
roles = { stag = "NotThereYet" }
trust = "account"

[callers.narrow]
account = "444444444444"
roles = { stag = "Reader" }
routes = ["GET /items/{proxy+}"]
"#;

fn diff_of(only: Option<&str>, deployed: &[DeployedRole]) -> Vec<RoleDiff> {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    manifest.plan(&Lock::default()).diff(&manifest.stages["stag"], only, deployed).unwrap()
}

fn rendered(format: Format) -> Vec<DeployedRole> {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    read_roles(&manifest.plan(&Lock::default()).render(&manifest.stages["stag"], format).unwrap()).unwrap()
}

fn trust_policy() -> Value {
    let roles = rendered(Format::Json);
    roles.iter().find(|role| role.name.as_deref() == Some("ApiAllowByIamRoleStag")).unwrap().trust_policy.clone()
}

/// The one difference of the shared role: what only the deployed grants, what only the manifest does.
fn shared(policy: &Value) -> (Vec<String>, Vec<String>) {
    let roles = read_roles(&policy.to_string()).unwrap();
    let diffs = diff_of(Some("ApiAllowByIamRoleStag"), &roles);
    assert_eq!(diffs.len(), 1);
    let texts = |facts: &[RoleFact]| facts.iter().map(RoleFact::to_string).collect();
    (texts(&diffs[0].only_deployed), texts(&diffs[0].only_meant))
}

fn nothing() -> (Vec<String>, Vec<String>) {
    (Vec::new(), Vec::new())
}

#[test]
fn every_form_that_is_rendered_grants_the_same() {
    let as_read = |format| {
        let mut roles = rendered(format);
        roles.sort_by(|a, b| a.name.cmp(&b.name));
        // One form alone says it.
        roles.iter_mut().for_each(|role| role.arn = None);
        roles
    };
    let json = as_read(Format::Json);
    assert_eq!(json.len(), 2);
    for format in [Format::CloudFormation, Format::Terraform] {
        assert_eq!(as_read(format), json, "{format:?}");
    }
    for format in [Format::CloudFormation, Format::Terraform, Format::Json] {
        let diffs = diff_of(None, &rendered(format));
        assert_eq!(
            diffs.iter().map(|diff| diff.role.as_str()).collect::<Vec<_>>(),
            ["ApiAllowByIamRoleStag", "ApiAllowByIamRoleStagNarrow"]
        );
        assert!(diffs.iter().all(RoleDiff::is_same), "{diffs:?}");
    }
}

#[test]
fn what_aws_prints_is_read() {
    let policy = trust_policy();
    let encoded: String = policy.to_string().bytes().map(|b| format!("%{b:02X}")).collect();
    let role = |document: Value| json!({"RoleName": "ApiAllowByIamRoleStag", "Path": "/", "AssumeRolePolicyDocument": document});
    for text in [
        policy.clone(),
        json!({"Role": role(policy.clone())}),
        json!({"Role": role(Value::String(encoded))}),
        json!({"Role": role(Value::String(policy.to_string()))}),
    ] {
        let only = text.get("Statement").map(|_| "ApiAllowByIamRoleStag");
        let diffs = diff_of(only, &read_roles(&text.to_string()).unwrap());
        assert_eq!(diffs.len(), 1, "{text}");
        assert!(!diffs[0].is_different() && !diffs[0].is_same(), "{diffs:?}");
        assert!(diffs[0].unseen.contains(&RolePart::InlinePolicies), "{diffs:?}");
    }
    // A list or a template would have the stage's other role too.
    for text in
        [json!({"Roles": [role(policy.clone())]}), json!({"RoleDetailList": [role(policy.clone())], "Policies": []})]
    {
        let diffs = diff_of(None, &read_roles(&text.to_string()).unwrap());
        let summary: Vec<_> =
            diffs.iter().map(|diff| (diff.role.as_str(), diff.is_deployed, diff.is_different())).collect();
        let expected = [("ApiAllowByIamRoleStag", true, false), ("ApiAllowByIamRoleStagNarrow", false, true)];
        assert_eq!(summary, expected, "{text}");
    }
    for (text, code) in [
        ("x", "not_json"),
        (r#"{"Statement":[],"Statement":[]}"#, "not_json"),
        (r#"{"Role":{"AssumeRolePolicyDocument":"{\"Statement\":[],\"Statement\":[]}"}}"#, "invalid_policy"),
        ("[]", "no_role"),
        (r#"{"Role":{}}"#, "invalid_policy"),
        (r#"{"Role":{"AssumeRolePolicyDocument":"%7Bx"}}"#, "invalid_policy"),
        (r#"{"Role":{"AssumeRolePolicyDocument":["x"]}}"#, "invalid_policy"),
    ] {
        assert_eq!(read_roles(text).unwrap_err().code(), code, "{text}");
    }
}

/// Callers may come later.
#[test]
fn a_stage_without_callers_is_the_same_as_its_own_document() {
    let empty = format!("{}[callers]\n", MANIFEST.split("[callers").next().unwrap());
    let manifest = Manifest::parse(&empty, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let stage = &manifest.stages["stag"];
    for format in [Format::CloudFormation, Format::Terraform, Format::Json] {
        let diff = plan.diff_stage(stage, None, &plan.render(stage, format).unwrap()).unwrap();
        assert!(diff.roles.is_empty() && !diff.is_different(), "{diff:?}");
    }
    // Where somebody is meant, nobody is there.
    for list in [r#"{"Roles":[]}"#, r#"{"RoleDetailList":[]}"#, r#"{"Resources":{}}"#, r#"{"resource":{}}"#] {
        let diffs = diff_of(None, &read_roles(list).unwrap());
        assert!(diffs.len() == 2 && diffs.iter().all(|diff| !diff.is_deployed && diff.is_different()), "{diffs:?}");
    }
}

#[test]
fn how_it_is_written_does_not_count() {
    // Another order, a list for a text, an account's id for its root, a role for its account with a condition and the
    // other way round, `StringLike` without wildcards, keys in another case.
    let other = json!({"Version": "2012-10-17", "Id": "x", "Statement": [
        {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"AWS": ["arn:aws:iam::222222222222:role/Batch"]},
         "Condition": {"StringLike": {"STS:externalid": ["b3c7"]}}},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::333333333333:role/NotThereYet"}},
        {"Effect": "Allow", "Action": "sts:assumerole", "Principal": {"AWS": ["000000000000", "333333333333"]},
         "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::000000000000:role/LambdaRoleDeve"}}},
    ]});
    assert_eq!(shared(&other), nothing());
}

#[test]
fn what_differs_is_said() {
    let policy = trust_policy();
    assert_eq!(shared(&policy), nothing());
    let changed = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut policy = policy.clone();
        change(policy["Statement"].as_array_mut().unwrap());
        shared(&policy)
    };
    let one = |text: &str| vec![text.to_owned()];

    let added = changed(&|statements| {
        statements.push(json!({"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::555555555555:role/Stranger"}}));
    });
    assert_eq!(added, (one("`arn:aws:iam::555555555555:role/Stranger` may sts:AssumeRole"), Vec::new()));

    let removed = changed(&|statements| statements.retain(|statement| !statement.to_string().contains("222222222222")));
    let partner = "`arn:aws:iam::222222222222:role/Batch` may sts:AssumeRole";
    assert_eq!(removed, (Vec::new(), one(&format!("{partner} if sts:ExternalId StringEquals `b3c7`"))));

    // Without its condition the deployed grant is wider: nothing is missing.
    let wider = changed(&|statements| {
        for statement in statements {
            if statement.to_string().contains("222222222222") {
                statement.as_object_mut().unwrap().remove("Condition");
            }
        }
    });
    assert_eq!(wider, (one(partner), Vec::new()));
    let whole_account = changed(&|statements| {
        statements.push(json!({"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "000000000000"}}));
        statements.retain(|statement| !statement.to_string().contains("LambdaRoleDeve"));
    });
    assert_eq!(whole_account, (one("`arn:aws:iam::000000000000:root` may sts:*"), Vec::new()));

    // The caller's role was deleted: IAM shows its id.
    let dead = changed(&|statements| {
        for statement in statements {
            if statement.to_string().contains("LambdaRoleDeve") {
                statement["Principal"] = json!({"AWS": "AROAEXAMPLEID"});
            }
        }
    });
    assert_eq!(dead.0.len(), 1);
    assert!(dead.0[0].contains("deleted"), "{dead:?}");
    assert_eq!(dead.1, one("`arn:aws:iam::000000000000:role/LambdaRoleDeve` may sts:AssumeRole"));

    let denied = changed(&|statements| {
        statements.push(json!({"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"},
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": ["o-a", "o-b"]}}}));
    });
    assert_eq!(denied.0, one("`*` must not sts:AssumeRole if aws:PrincipalOrgID StringNotEquals `o-a`, `o-b`"));
    let by_exclusion = changed(&|statements| {
        statements
            .push(json!({"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "000000000000"}}));
    });
    assert!(by_exclusion.0[0].contains("NotPrincipal"), "{by_exclusion:?}");
    let service = changed(&|statements| {
        statements.push(
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}),
        );
    });
    assert_eq!(service.0, one("`Service:lambda.amazonaws.com` may sts:AssumeRole"));
}

#[test]
fn roles_are_matched_by_name() {
    let mut roles = rendered(Format::Json);
    let mut stranger = roles[0].clone();
    stranger.name = Some("SomethingElse".to_owned());
    let mut left_over = roles[0].clone();
    left_over.name = Some("ApiAllowByIamRoleStagGone".to_owned());
    let mut other_stage = roles[0].clone();
    other_stage.name = Some("ApiAllowByIamRoleStaging".to_owned());
    roles.extend([stranger, left_over, other_stage]);
    roles.retain(|role| role.name.as_deref() != Some("ApiAllowByIamRoleStagNarrow"));
    let diffs = diff_of(None, &roles);
    let summary: Vec<_> = diffs.iter().map(|d| (d.role.as_str(), d.is_meant, d.is_deployed, d.is_same())).collect();
    assert_eq!(
        summary,
        [
            ("ApiAllowByIamRoleStag", true, true, true),
            ("ApiAllowByIamRoleStagGone", false, true, false),
            ("ApiAllowByIamRoleStagNarrow", true, false, false),
            // Named as those of another stage, and as none: they open this one.
            ("ApiAllowByIamRoleStaging", false, true, false),
            ("SomethingElse", false, true, false),
        ]
    );
    // Three callers and the routes; one of each.
    assert_eq!(diffs[1].only_deployed.len(), 4);
    assert_eq!(diffs[2].only_meant.len(), 2);

    // A bare policy of a stage with two roles: whose is it?
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let bare = read_roles(&trust_policy().to_string()).unwrap();
    assert_eq!(plan.diff(&manifest.stages["stag"], None, &bare).unwrap_err().code(), "role_unknown");
    assert!(!plan.diff(&manifest.stages["staging"], None, &bare).unwrap()[0].is_same());
    let none = plan.diff(&manifest.stages["stag"], Some("Nobody"), &rendered(Format::Json)).unwrap_err();
    assert_eq!(none.code(), "role_unknown");
}

/// A dump that was taken with the credentials of another account has roles of the same names.
#[test]
fn roles_of_another_account_are_no_deployment_of_the_stage() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let role = |of: &str| {
        json!({"RoleName": "ApiAllowByIamRoleStag", "Path": "/", "AssumeRolePolicyDocument": trust_policy(),
            "Arn": format!("arn:{of}:role/ApiAllowByIamRoleStag")})
    };
    let rendered = plan.render(&manifest.stages["stag"], Format::Json).unwrap();
    for of in ["aws:iam::999999999999", "aws-cn:iam::111111111111"] {
        for text in [
            json!({"Role": role(of)}).to_string(),
            json!({"Roles": [role(of)]}).to_string(),
            json!({"RoleDetailList": [role(of)]}).to_string(),
            rendered.replace("arn:aws:iam::111111111111", &format!("arn:{of}")),
        ] {
            let error = plan.diff_stage(&manifest.stages["stag"], None, &text).unwrap_err();
            assert_eq!(error.code(), "another_account", "{text}");
            assert!(error.to_string().contains(&format!("`arn:{of}:role/ApiAllowByIamRoleStag")), "{error}");
        }
    }
    for text in [json!({"Role": role("aws:iam::111111111111")}).to_string(), rendered] {
        plan.diff_stage(&manifest.stages["stag"], None, &text).unwrap();
    }
}

/// A real request always has a method and a path, so these are the same requests.
#[test]
fn every_method_and_every_path_is_every_route() {
    let role = |routes: &str| {
        let mut role = json!({"RoleName": "ApiAllowByIamRoleStag", "Path": "/", "AssumeRolePolicyDocument": trust_policy(),
            "MaxSessionDuration": 3600, "AttachedManagedPolicies": [], "Tags": []});
        role["RolePolicyList"] = json!([{"PolicyName": "x", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "execute-api:Invoke",
             "Resource": format!("arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/{routes}")}]}}]);
        let roles = read_roles(&json!({"RoleDetailList": [role]}).to_string()).unwrap();
        diff_of(Some("ApiAllowByIamRoleStag"), &roles)[0].is_same()
    };
    assert!(role("$default/*") && role("$default/*/*"));
    assert!(!role("$default/*/a/*") && !role("other/*/*") && !role("$default/GET/*"));
}

#[test]
fn users_and_groups_of_a_dump_are_not_compared_and_said_so() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::default());
    let said = |users: Value| {
        let text = json!({"RoleDetailList": [{"RoleName": "X", "AssumeRolePolicyDocument": trust_policy()}],
            "UserDetailList": users, "GroupDetailList": [], "Policies": []});
        let diff = plan.diff_stage(&manifest.stages["stag"], None, &text.to_string()).unwrap();
        (diff.unread, diff.unsaid)
    };
    let (unread, unsaid) = said(json!([{"UserName": "alice"}, {"UserName": "bob"}]));
    assert_eq!(unread, ["2 users and groups, who may call by policies of their own"]);
    assert_eq!(said(json!([{"UserName": "alice"}])).0, ["one user or group, who may call by policies of its own"]);
    assert_eq!(said(json!([])), (Vec::new(), unsaid));
}

/// Whose each of them is, says its key alone: none is taken for another's.
#[test]
fn policies_by_role_arn_are_told_by_name() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let roles = manifest.plan(&Lock::default()).stage_roles(&manifest.stages["stag"]);
    assert!(roles.len() > 1);
    let policy = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let trust: Value = roles.iter().map(|role| (role.arn.clone(), policy(&role.trust_policy.to_json()))).collect();
    let invoke: Value = roles.iter().map(|role| (role.arn.clone(), policy(&role.invoke_policy.to_json()))).collect();
    for document in [trust, invoke] {
        let error = read_roles(&document.to_string()).unwrap_err();
        assert_eq!(error.code(), "no_role");
        assert!(error.to_string().starts_with("it is an object of policies by role ARN"), "{error}");
        assert!(
            error.hint().starts_with("give one trust policy by itself, of which `diff` takes by `--role`"),
            "{}",
            error.hint()
        );
    }
    // What has no role's ARN is neither.
    for other in [json!({}), json!({"arn:aws:iam::111111111111:user/x": {}}), json!({"x": 1})] {
        let error = read_roles(&other.to_string()).unwrap_err();
        assert_eq!(error.to_string(), "it holds neither a role nor a trust policy");
    }
}
