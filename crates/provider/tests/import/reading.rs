//! What is read: every form that holds APIs gives the rights back, and what of it is no whole is refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xacct_sign_provider::iam::{Context, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Imported, Lock, Manifest, Plan};

use crate::{HTTP_ONLY, SHOP, forms, import, list_of, of, role};

/// Every form of trust, terms, routes, settings; several stages, several shared roles.
fn rich() -> String {
    let many = |i| format!("[callers.many{i}]\naccount = \"{:012}\"\nroles = {{ stag = \"Many\" }}\n", 500 + i);
    let text = r#"
[api]
account = "111111111111"
region = "eu-west-1"
role_name = "apis/Allow"
max_session_duration = 7200
permissions_boundary = "arn:aws:iam::111111111111:policy/Limits"
tags = { team = "shop" }
[stages.stag]
api_id = "a1"
[stages.pre-prod]
api_id = "a2"
api_stage = "v1"
[stages.private]
target = "rest_api"
api_id = "a3"
api_stage = "v3"
vpc_endpoints = ["vpce-01234567", "vpce-89abcdef"]
[callers.shop]
account = "000000000000"
roles = { stag = "Shop", pre-prod = "Shop" }
[callers.batch]
account = "000000000000"
roles = { stag = ["Batch", "paths/Batch2"], private = "Batch" }
external_id = "b3c7"
session_names = ["batch-*", "b?"]
tags = ["team", "env"]
source_identity = ["ali*"]
[callers.partner-one]
account = "222222222222"
roles = { stag = "Partner", pre-prod = "Partner" }
routes = ["GET /items/{id}", "ANY /orders/{proxy+}", "PUT /hoge", "GET /a/{b}/c"]
[callers.list]
account = "333333333333"
roles = { stag = ["A", "B"] }
routes = ["GET /"]
external_id = "x9"
[callers.later]
account = "444444444444"
roles = { private = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_*" }
trust = "account"
[callers.whole]
account = "555555555555"
roles = { private = "*" }
trust = "account"
[callers.any]
account = "*"
roles = { private = "Anywhere" }
trust = "account"
[callers.all]
organization = "o-a1b2c3d4e5"
stages = ["pre-prod"]
external_id = "org1"
"#;
    text.to_owned() + &(0..60).map(many).collect::<String>()
}

/// Each role's answer to many requests: who may assume it with what, and what it opens.
fn decisions(plan: &Plan<'_>) -> BTreeMap<String, Vec<bool>> {
    let roles = [
        "000000000000:role/Shop",
        "000000000000:role/Batch",
        "000000000000:role/paths/Batch2",
        "222222222222:role/Partner",
        "333333333333:role/A",
        "333333333333:role/B",
        "333333333333:role/C",
        "555555555555:role/Whatever",
        "444444444444:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123",
        "444444444444:role/AWSReservedSSO_Ops_0123",
        "999999999999:role/Anywhere",
        "999999999999:role/Other",
        "000000000501:role/Many",
        "000000000559:role/Many",
    ];
    let mut terms = Vec::new();
    for external_id in [None, Some("b3c7"), Some("x9"), Some("org1")] {
        for name in ["batch-1", "b2", "other"] {
            for organization in [None, Some("o-a1b2c3d4e5")] {
                terms.push((external_id, name, organization));
            }
        }
    }
    let mut all = BTreeMap::new();
    for role in plan.provider_roles() {
        let trust = PolicyDocument::parse(&role.trust_policy.to_json(), PolicyKind::Trust).unwrap();
        let invoke = PolicyDocument::parse(&role.invoke_policy.to_json(), PolicyKind::Identity).unwrap();
        let mut answers = Vec::new();
        for arn in roles {
            let principal = PrincipalIdentity::assumed_role(&format!("arn:aws:iam::{arn}"), "f").unwrap();
            for (external_id, name, organization) in &terms {
                let mut context = Context::new().with("sts:RoleSessionName", *name).with("sts:SourceIdentity", "alice");
                context.set_all("sts:ExternalId", external_id.iter().copied());
                context.set_all("aws:PrincipalOrgID", organization.iter().copied());
                for (action, tag) in [
                    ("sts:AssumeRole", None),
                    ("sts:TagSession", Some("env")),
                    ("sts:TagSession", Some("x")),
                    ("sts:SetSourceIdentity", None),
                ] {
                    let mut context = context.clone();
                    context.set_all("aws:TagKeys", tag);
                    let request = Request { principal: Some(principal.clone()), action, resource: &role.arn, context };
                    answers.push(evaluate(&[&trust], &request).is_allowed());
                }
            }
        }
        for api in ["a1/$default", "a2/v1", "a3/v3"] {
            for call in [
                "GET/",
                "GET/items/1",
                "GET/items/1/2",
                "POST/orders/7",
                "GET/orders",
                "PUT/hoge",
                "GET/hoge",
                "GET/a/x/c",
                "GET/a/x/d",
            ] {
                for endpoint in [None, Some("vpce-01234567"), Some("vpce-11111111")] {
                    let resource = format!("arn:aws:execute-api:eu-west-1:111111111111:{api}/{call}");
                    let mut context = Context::new();
                    context.set_all("aws:SourceVpce", endpoint);
                    let request =
                        Request { principal: None, action: "execute-api:Invoke", resource: &resource, context };
                    answers.push(evaluate(&[&invoke], &request).is_allowed());
                }
            }
        }
        all.insert(role.arn, answers);
    }
    all
}

#[test]
fn every_form_gives_the_rights_back_and_keeps_every_role() {
    for text in [rich(), HTTP_ONLY.to_owned()] {
        let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
        let plan = manifest.plan(&Lock::default());
        let before = decisions(&plan);
        assert!(before.values().all(|answers| answers.contains(&true) && answers.contains(&false)));
        for (form, files) in forms(&manifest) {
            let imported = import(&files);
            let read = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
            let lock = Lock::parse(&imported.lock, "xacct.lock.toml").unwrap();
            let after = read.plan(&lock);
            assert_eq!(decisions(&after), before, "{form}\n{}", imported.manifest);
            assert!(after.moved().is_empty() && after.role_changes().is_empty(), "{form}");
            assert_eq!(after.lock(), &lock, "{form}");
            // What is not known of the kind of an API, or of roles, is said, and nothing else has to be.
            let said = |part: &str| imported.notes.iter().filter(|note| note.contains(part)).count();
            let (kinds, unseen) = (said("target = \"rest_api\""), said("maximum session duration"));
            assert_eq!(imported.notes.len(), kinds + unseen, "{form}: {:?}", imported.notes);
            assert_eq!(unseen, usize::from(form == "details"), "{form}: {:?}", imported.notes);
            let is_kind_said = ["cloudformation", "json"].contains(&form) || text == HTTP_ONLY;
            assert_eq!(kinds == 0, is_kind_said, "{form}: {:?}", imported.notes);
            let mut api = manifest.api.clone();
            api.line = read.api.line;
            if form == "details" {
                api.max_session_duration = 3600;
            }
            assert_eq!(read.api, api, "{form}");
        }
    }
}

#[test]
fn a_form_without_invoke_policies_is_refused_with_a_hint() {
    let full = role("ApiStag", SHOP, &["*"]);
    let mut bare = full.clone();
    bare.as_object_mut().unwrap().remove("RolePolicyList");
    for text in [full["AssumeRolePolicyDocument"].clone(), json!({"Role": bare}), json!({"Roles": [bare]})] {
        let error = Imported::read(&[&text.to_string()], "xacct.toml").unwrap_err();
        assert_eq!(error.code(), "no_invoke_policies", "{error}");
        assert!(error.hint().contains("get-account-authorization-details"), "{}", error.hint());
    }
}

/// As the CDK synthesizes them, and what Terraform keeps: what is known only where it is deployed is not there.
#[test]
fn what_a_file_cannot_say_is_told_with_what_to_give_instead() {
    let reference =
        json!({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":execute-api:*:*:", {"Ref": "Api"}, "/*"]]});
    let invoke = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": reference}]});
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": SHOP}, "Action": "sts:AssumeRole"}]});
    let role = |policies: Value| {
        json!({"Type": "AWS::IAM::Role", "Properties":
        {"RoleName": "ApiStag", "AssumeRolePolicyDocument": trust, "Policies": policies}})
    };
    let inline = json!({"Resources": {"Role": role(json!([{"PolicyName": "p", "PolicyDocument": invoke}]))}});
    let beside = json!({"Resources": {"Role": role(json!([])), "Default": {"Type": "AWS::IAM::Policy", "Properties":
        {"PolicyName": "p", "PolicyDocument": invoke, "Roles": [{"Ref": "Role"}]}}}});
    let state = json!({"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x", "outputs": {},
        "resources": [{"mode": "managed", "type": "aws_iam_role", "name": "api", "instances": []}]});
    for (text, code, part) in [
        (
            inline.to_string(),
            "no_api_role",
            "role `ApiStag` is left out: its invoke policy names the API by an intrinsic function",
        ),
        (
            beside.to_string(),
            "no_api_role",
            "role `ApiStag` is left out: its invoke policy names the API by an intrinsic function",
        ),
        (state.to_string(), "terraform_state", "a state or a plan of Terraform's"),
        ("Resources:\n  Role:\n".to_owned(), "not_json", "it is not JSON"),
        (String::new(), "not_json", "it is not JSON"),
        ("[]".to_owned(), "no_role", "neither a role"),
    ] {
        let error = Imported::read(&[&text], "xacct.toml").unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.hint().contains("aws iam get-account-authorization-details --filter Role"), "{}", error.hint());
        // None that it would refuse next.
        assert!(!error.hint().contains("get-role"), "{}", error.hint());
    }
}

/// The CDK hangs a role's rights on it beside it, with what only the deployment knows in them, and names few roles.
#[test]
fn r5_a_templates_role_with_its_rights_beside_it_is_read_or_named() {
    let manifest = Manifest::parse(HTTP_ONLY, "xacct.toml").unwrap();
    let (_, files) = forms(&manifest).remove(0);
    let template: Value = serde_json::from_str(&files[0]).unwrap();
    let apart = |change: &dyn Fn(&mut Value)| {
        let mut template = template.clone();
        let resources = template["Resources"].as_object_mut().unwrap();
        let (id, mut role) = resources
            .iter()
            .find(|(_, one)| one["Type"] == "AWS::IAM::Role")
            .map(|(id, one)| (id.clone(), one.clone()))
            .unwrap();
        let policy = role["Properties"]["Policies"][0]["PolicyDocument"].clone();
        role["Properties"].as_object_mut().unwrap().remove("Policies");
        let mut beside = json!({"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": policy, "Roles": [{"Ref": id}]}});
        let mut both = json!({"role": role, "beside": beside.take()});
        change(&mut both);
        resources.insert(id, both["role"].take());
        resources.insert("Beside".to_owned(), both["beside"].take());
        Imported::read(&[&template.to_string()], "xacct.toml")
    };
    let whole = Imported::read(&[&files[0]], "xacct.toml").unwrap();
    let same = apart(&|_| {}).unwrap();
    assert_eq!((same.manifest, same.notes), (whole.manifest, whole.notes));
    let by_reference = json!({"Fn::Join": ["", ["arn:aws:execute-api:", {"Ref": "Api"}, "/*"]]});
    for resource in [by_reference.clone(), json!([by_reference])] {
        let unknown = apart(&|both| {
            both["beside"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"] = resource.clone()
        });
        let notes = unknown.map_or_else(|error| error.to_string(), |imported| imported.notes.join("; "));
        assert!(notes.contains(" is left out: its invoke policy names the API by an intrinsic function"), "{notes}");
    }
    let nameless = apart(&|both| drop(both["role"]["Properties"].as_object_mut().unwrap().remove("RoleName")));
    let notes = nameless.map_or_else(|error| error.to_string(), |imported| imported.notes.join("; "));
    assert!(
        notes.contains("the role of resource `") && notes.contains("` is left out: it has no literal name"),
        "{notes}"
    );
}

/// What is not there of a list would look as if it were not deployed, or as if nobody called.
#[test]
fn r5_a_list_that_goes_on_is_an_error() {
    let roles = [role("ApiStag", SHOP, &["*"])];
    for beside in [json!({"IsTruncated": true, "Marker": "m"}), json!({"NextToken": "t"})] {
        let error = Imported::read(&[&list_of(&roles, &beside)], "xacct.toml").unwrap_err();
        assert_eq!(error.code(), "truncated", "{error}");
        assert!(error.hint().contains("--no-paginate"), "{}", error.hint());
        let list = list_of(&roles, &beside).replace("RoleDetailList", "Roles");
        assert_eq!(xacct_sign_provider::read_roles(&list).unwrap_err().code(), "truncated");
    }
    let whole = list_of(&roles, &json!({"IsTruncated": false, "NextToken": null}));
    assert!(Imported::read(&[&whole], "xacct.toml").is_ok());
}

/// `get-account-authorization-details` prints managed policies in full: the version that is in force counts as a role's own.
#[test]
fn a_managed_policy_that_the_file_holds_counts_as_the_roles_own() {
    let own = role("ApiStag", SHOP, &["GET/items"]);
    let mut managed = own.clone();
    let document = managed["RolePolicyList"][0]["PolicyDocument"].take();
    managed["RolePolicyList"] = json!([]);
    let arn = "arn:aws:iam::111111111111:policy/Invoke";
    managed["AttachedManagedPolicies"] = json!([{"PolicyName": "Invoke", "PolicyArn": arn}]);
    let version = |id: &str, is_default: bool, document: &Value| json!({"VersionId": id, "IsDefaultVersion": is_default, "Document": document});
    let wide = role("x", SHOP, &["*"])["RolePolicyList"][0]["PolicyDocument"].clone();
    let policies = |now: &Value, before: &Value| {
        json!({"Policies": [{"PolicyName": "Invoke", "Arn": arn, "DefaultVersionId": "v2",
            "PolicyVersionList": [version("v2", true, now), version("v1", false, before)]}]})
    };
    let whole = of(&[own]).unwrap();
    let narrow = list_of(&[managed.clone()], &policies(&document, &wide));
    let imported = Imported::read(&[&narrow], "xacct.toml").unwrap();
    assert_eq!((&imported.manifest, &imported.notes), (&whole.manifest, &whole.notes));
    let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
    let plan = manifest.plan(&Lock::parse(&imported.lock, "l").unwrap());
    let diff = |text: &str| {
        let roles = xacct_sign_provider::read_roles(text).unwrap();
        plan.diff(manifest.stages.values().next().unwrap(), None, &roles).unwrap().remove(0)
    };
    assert!(!diff(&narrow).is_different(), "{:?}", diff(&narrow));
    // What is in force now opens more than the manifest says.
    let opened = diff(&list_of(&[managed.clone()], &policies(&wide, &document)));
    assert!(opened.only_deployed.iter().any(|fact| fact.to_string().contains("a1/$default/*")), "{opened:?}");
    // One that is not there is named.
    let unread = diff(&list_of(&[managed], &json!({"Policies": []})));
    let named = format!("managed policy `{arn}`");
    assert!(unread.only_deployed.iter().any(|fact| fact.to_string() == named), "{unread:?}");
}

/// As AWS's own pages and its console write it.
#[test]
fn every_method_and_every_path_is_every_route() {
    let imported = of(&[role("ApiStag", SHOP, &["*/*"])]).unwrap();
    assert_eq!(imported.manifest, of(&[role("ApiStag", SHOP, &["*"])]).unwrap().manifest);
    assert_eq!(imported.notes, Vec::<String>::new());
}

/// Callers may come later: the document that is rendered of such a stage is read as what it is.
#[test]
fn a_document_without_roles_hinders_no_other() {
    let empty = HTTP_ONLY.split("[callers").next().unwrap().replace("stages.stag", "stages.next");
    let of_empty = forms(&Manifest::parse(&empty, "xacct.toml").unwrap());
    for ((form, files), (_, others)) in forms(&Manifest::parse(HTTP_ONLY, "xacct.toml").unwrap()).iter().zip(of_empty) {
        let [file, other] = [&files[0], &others[0]].map(String::as_str);
        let alone = Imported::read(&[file], "xacct.toml").unwrap();
        assert_eq!(Imported::read(&[other, file], "xacct.toml").unwrap(), alone, "{form}");
        assert_eq!(Imported::read(&[other], "xacct.toml").unwrap_err().code(), "no_api_role", "{form}");
    }
}

#[test]
fn an_error_says_which_of_several_documents_it_is_about() {
    let (_, files) = forms(&Manifest::parse(HTTP_ONLY, "xacct.toml").unwrap()).remove(2);
    let good = files[0].as_str();
    let trust = json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": SHOP}, "Action": "sts:AssumeRole"}]});
    let elsewhere = good.replace("eu-west-1", "us-east-1");
    for (text, code) in [
        ("{}", "no_role"),
        ("x", "not_json"),
        (r#"{"roles": [{}]}"#, "invalid_policy"),
        (&trust.to_string(), "no_invoke_policies"),
        (&elsewhere, "not_an_api"),
    ] {
        let error = Imported::read(&[good, text], "xacct.toml").unwrap_err();
        assert_eq!((error.code(), error.document()), (code, Some(1)), "{error}");
    }
    let error = Imported::read(&[good, good], "xacct.toml").unwrap_err();
    assert_eq!((error.code(), error.document()), ("duplicate", None), "{error}");
}
