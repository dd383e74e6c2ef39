//! Managed policies that deny: they never make a role more open than it is, and hinder no other.

use serde_json::{Value, json};
use xacct_sign_provider::{Imported, Lock, Manifest, read_roles};

use crate::{OTHER, SHOP, list_of, of, on_another_api, role};

const GUARD: &str = "arn:aws:iam::111111111111:policy/Guard";
const STAGE: &str = "arn:aws:execute-api:eu-west-1:111111111111:a1/$default";

fn with_guard(mut role: Value) -> Value {
    role["AttachedManagedPolicies"] = json!([{"PolicyName": "Guard", "PolicyArn": GUARD}]);
    role
}

fn document(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The list of these roles, which holds the guard.
fn list(roles: &[Value], guard: &Value) -> String {
    let version = json!({"VersionId": "v1", "IsDefaultVersion": true, "Document": guard});
    list_of(roles, &json!({"Policies": [{"PolicyName": "Guard", "Arn": GUARD, "PolicyVersionList": [version]}]}))
}

fn import(roles: &[Value], guard: &Value) -> Imported {
    Imported::read(&[&list(roles, guard)], "xacct.toml").unwrap()
}

fn on(effect: &str, action: &str, resource: &str) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": resource})
}

/// It opens nothing, and stays what no manifest has.
#[test]
fn a_managed_policy_that_only_denies_or_that_nobody_can_read_is_named() {
    let alone = of(&[role("ApiStag", SHOP, &["GET/items"])]).unwrap();
    for (guard, said) in [
        (document(&on("Deny", "s3:*", "*")), ", which denies"),
        (document(&json!([on("Deny", "s3:*", "*"), on("Deny", "iam:*", "*")])), ", which denies"),
        // On what the role does not open.
        (document(&on("Deny", "*", &format!("{STAGE}/POST/*"))), ", which denies"),
        (document(&on("Deny", "execute-api:ManageConnections", "*")), ", which denies"),
        (document(&json!({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:execute-api:*"})), ", which denies"),
        (document(&json!({"Effect": "Deny", "NotAction": "execute-api:*", "Resource": "*"})), ", which denies"),
        (json!("no policy"), ""),
    ] {
        let guarded = with_guard(role("ApiStag", SHOP, &["GET/items"]));
        // One that opens nothing by what is read: where nobody can read it, it may.
        let mut other = with_guard(role("Other", OTHER, &[]));
        other["RolePolicyList"] = json!([]);
        let imported = import(&[guarded, other], &guard);
        assert_eq!(imported.manifest, alone.manifest, "{guard}");
        let more: Vec<_> = imported.notes.iter().filter(|note| !alone.notes.contains(note)).cloned().collect();
        let of_role = format!("the manifest does not say of role `ApiStag`: managed policy `{GUARD}`{said}");
        let of_other = format!(
            "role `Other` is left out: no policy of it that the file holds invokes an API, and what else it may do is not read: managed policy `{GUARD}`"
        );
        let expected = if said.is_empty() { vec![of_other, of_role] } else { vec![of_role] };
        assert_eq!(more, expected, "{guard}");
    }
}

#[test]
fn a_role_that_a_managed_policy_shuts_is_left_out_and_named() {
    let good = on_another_api(role("ApiProd", SHOP, &["*"]));
    let alone = of(std::slice::from_ref(&good)).unwrap();
    let shut = with_guard(role("ApiStag", SHOP, &["GET/items"]));
    let with = |statement: Value, key: &str, value: Value| {
        let mut statement = statement;
        statement[key] = value;
        statement
    };
    let everything = on("Deny", "*", "*");
    let condition = json!({"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}});
    for guard in [
        everything.clone(),
        json!([on("Deny", "s3:*", "*"), everything.clone()]),
        with(everything.clone(), "Condition", condition),
        on("Deny", "EXECUTE-API:inv*", &format!("{STAGE}/*/items")),
        json!({"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}),
        json!({"Effect": "Deny", "Action": "*", "NotResource": [format!("{STAGE}/POST/*"), "arn:aws:s3:::*".to_owned()]}),
    ] {
        let imported = import(&[shut.clone(), good.clone()], &document(&guard));
        assert_eq!(imported.manifest, alone.manifest, "{guard}");
        let said =
            format!("role `ApiStag` is left out: managed policy `{GUARD}` denies some of what its other policies open");
        assert!(imported.notes.contains(&said), "{:?}", imported.notes);
    }
}

/// One that allows and denies counts as the role's own, in `diff` and here: what it allows is no less open.
#[test]
fn a_managed_policy_that_allows_and_denies_counts() {
    let both = document(&json!([on("Allow", "execute-api:Invoke", &format!("{STAGE}/*")), on("Deny", "s3:*", "*")]));
    let good = role("ApiStag", SHOP, &["*"]);
    let mut backdoor = with_guard(role("Backdoor", OTHER, &[]));
    backdoor["RolePolicyList"] = json!([]);
    let alone = of(std::slice::from_ref(&good)).unwrap();
    let roles = [good, backdoor];
    let imported = import(&roles, &both);
    assert_eq!(imported.manifest, alone.manifest);
    let more: Vec<_> = imported.notes.iter().filter(|note| !alone.notes.contains(note)).collect();
    assert_eq!(more, ["role `Backdoor` is left out: a policy of it denies, which no manifest says"]);
    let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::parse(&imported.lock, "xacct.lock.toml").unwrap());
    let there = read_roles(&list(&roles, &both)).unwrap();
    let diffs = plan.diff(manifest.stages.values().next().unwrap(), None, &there).unwrap();
    let found: Vec<_> = diffs.iter().map(|diff| (diff.role.as_str(), diff.is_meant)).collect();
    assert_eq!(found, [("ApiStag", true), ("Backdoor", false)]);
    let opened = diffs[1].only_deployed.iter().any(|fact| fact.to_string().contains(&format!("{STAGE}/*")));
    assert!(opened, "{:?}", diffs[1]);
}

/// What of it cannot be judged says which policy it is.
#[test]
fn a_managed_policy_that_cannot_be_judged_is_named() {
    let mut strange = on("Deny", "s3:*", "*");
    strange["Condition"] = json!({"StringStrange": {"aws:SourceVpce": "vpce-1"}});
    let text = list(&[with_guard(role("ApiStag", SHOP, &["*"]))], &document(&strange));
    let imported = of(&[role("ApiStag", SHOP, &["*"])]).unwrap();
    let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::parse(&imported.lock, "xacct.lock.toml").unwrap());
    let there = read_roles(&text).unwrap();
    let diffs = plan.diff(manifest.stages.values().next().unwrap(), None, &there).unwrap();
    let named = format!("managed policy `{GUARD}`: ");
    assert!(matches!(diffs[0].unjudged.as_slice(), [one] if one.starts_with(&named)), "{:?}", diffs[0].unjudged);
}
