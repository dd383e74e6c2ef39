//! `xacct-sign policy`.

use std::fs;

use crate::command::{MANIFEST, demo, folder, run};

fn document(arguments: &str) -> serde_json::Value {
    let (code, stdout, stderr) = run(demo(), &format!("policy {arguments}"));
    assert_eq!(code, 0, "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn trust_names_the_callers_role() {
    let trust = document("trust --stage prod");
    assert_eq!(trust["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::000000000000:role/LambdaRoleProd");
    assert_eq!(trust["Statement"][0]["Action"], "sts:AssumeRole");
}

#[test]
fn invoke_opens_the_api_of_the_stage() {
    let invoke = document("invoke --stage stag");
    let resource = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/*";
    assert_eq!(invoke["Statement"][0]["Resource"], resource);
}

#[test]
fn invoke_opens_a_function_url_by_both_actions() {
    let url = "target = \"function_url\"\nfunction = \"orders\"\nalias = \"live\"\nurl_id = \"abcdefgh\"";
    let folder = folder("invoke-url", &MANIFEST.replace("api_id = \"f6g7h8i9j0\"", url));
    let (code, stdout, stderr) = run(&folder, "policy invoke --stage stag");
    assert_eq!((code, stderr.as_str()), (0, ""));
    let invoke: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let statements = invoke["Statement"].as_array().unwrap();
    let actions: Vec<_> = statements.iter().map(|statement| statement["Action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]);
    let resource = "arn:aws:lambda:ap-northeast-1:111111111111:function:orders:live";
    assert!(statements.iter().all(|statement| statement["Resource"] == resource), "{stdout}");
    let (_, stdout, _) = run(&folder, "render terraform --stage stag");
    assert!(stdout.contains(resource), "{stdout}");
}

#[test]
fn several_roles_are_an_object_by_arn() {
    let caller = document("caller --caller shop");
    let prod = &caller["arn:aws:iam::000000000000:role/LambdaRoleProd"];
    assert_eq!(prod["Statement"][0]["Resource"], "arn:aws:iam::111111111111:role/ApiAllowByIamRoleProd");
    assert_eq!(caller.as_object().unwrap().len(), 2);
}

#[test]
fn an_unknown_name_is_refused_and_the_known_ones_are_named() {
    for (arguments, kind) in [("trust --stage x", "stage"), ("caller --caller x", "caller")] {
        let (code, stdout, text) = run(demo(), &format!("policy {arguments}"));
        assert_eq!((code, stdout.as_str()), (2, ""));
        assert!(text.contains("has no") && text.contains("`x`"), "{text}");
        assert!(text.contains("stag") || text.contains("shop"), "{text}");
        assert!(text.starts_with(&format!("error[unknown_{kind}]: ")), "{text}");
        assert!(text.contains(&format!("\nhint: give the name of a table `[{kind}s.NAME]`")), "{text}");
    }
}

#[test]
fn a_note_says_all_that_a_caller_needs() {
    let folder = folder(
        "note",
        &format!(
            "{MANIFEST}external_id = \"b3c7\"\nsession_names = [\"shop-*\"]\nroutes = [\"GET /items/{{proxy+}}\"]\n"
        ),
    );
    let (code, stdout, stderr) = run(&folder, "policy note --caller shop");
    assert_eq!((code, stderr.as_str()), (0, ""));
    for part in [
        "# Calling the API as `shop`\n",
        "- Role: `arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagShop`\n",
        "- Region: `ap-northeast-1`\n",
        "- URL: `https://f6g7h8i9j0.execute-api.ap-northeast-1.amazonaws.com`\n",
        "- External id: `b3c7`",
        "- Routes: `GET /items/{proxy+}`\n",
        "- Session name, one of: `shop-*`\n",
        "    external_id=\"b3c7\",\n",
        "  externalId: \"b3c7\",\n",
        "\"ExternalId\":\"b3c7\"",
        "\"Resource\": \"arn:aws:iam::111111111111:role/ApiAllowByIamRoleStagShop\"",
    ] {
        assert!(stdout.contains(part), "{part} is not in:\n{stdout}");
    }
    assert_eq!(run(&folder, "policy note --caller x").0, 2);

    // What it shows is a call that is allowed.
    fs::write(folder.join("xacct.toml"), format!("{MANIFEST}routes = [\"PUT /hoge\", \"GET /a\"]\n")).unwrap();
    let (_, stdout, _) = run(&folder, "policy note --caller shop");
    let url = "https://f6g7h8i9j0.execute-api.ap-northeast-1.amazonaws.com/hoge";
    for part in [
        "api.put(\"/hoge\", json={\"foo\": \"bar\"})".to_owned(),
        format!("api(\"{url}\", {{\n  method: \"PUT\",\n"),
        " --request PUT ".to_owned(),
        format!(" {url} <<EOF\n"),
    ] {
        assert!(stdout.contains(&part), "{part} is not in:\n{stdout}");
    }
}

/// The manifest with its stage called directly, and whatever else is in its table.
fn directly(name: &str, keys: &str) -> std::path::PathBuf {
    folder(name, &MANIFEST.replace("api_id = \"f6g7h8i9j0\"", &format!("access = \"direct\"\n{keys}")))
}

const REST: &str = "target = \"rest_api\"\napi_id = \"r1\"\napi_stage = \"v1\"";
const URL: &str = "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"";

#[test]
fn resource_names_who_calls_directly() {
    let folder = directly("resource", REST);
    let (code, stdout, stderr) = run(&folder, "policy resource --stage stag");
    assert_eq!(code, 0);
    let deployment = "takes effect with a new deployment of each stage: `aws apigateway create-deployment --rest-api-id r1 --stage-name v1`\n";
    assert!(
        stderr.contains("aws apigateway update-rest-api --rest-api-id r1 ") && stderr.ends_with(deployment),
        "{stderr}"
    );
    let policy: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(policy["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::000000000000:role/LambdaRoleDeve");
    let caller: serde_json::Value = serde_json::from_str(&run(&folder, "policy caller --caller shop").1).unwrap();
    assert_eq!(caller["Statement"][0]["Resource"], policy["Statement"][0]["Resource"]);
    for kind in ["trust", "invoke"] {
        assert_eq!(run(&folder, &format!("policy {kind} --stage stag")).1, "{}\n");
    }
    // There is no trust policy to be measured.
    let checked = run(&folder, "check").1;
    assert!(checked.ends_with("1 stage, 1 caller, 0 roles\n"), "{checked}");
    // By role there is none.
    let (code, stdout, stderr) = run(demo(), "policy resource --stage stag");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap(), serde_json::json!({}));
}

#[test]
fn a_resource_policy_of_several_stages_is_said_to_be() {
    let both = format!("{REST}\n[stages.next]\naccess = \"direct\"\n{}", REST.replace("v1", "v2"));
    let folder = directly("shared", &both);
    let manifest = fs::read_to_string(folder.join("xacct.toml")).unwrap();
    let manifest = manifest.replace("{ stag = ", "{ next = \"LambdaRoleDeve\", stag = ");
    fs::write(folder.join("xacct.toml"), manifest).unwrap();
    for command in ["policy resource", "render terraform", "render json"] {
        let (code, stdout, stderr) = run(&folder, &format!("{command} --stage stag"));
        assert_eq!(code, 0, "{stderr}");
        assert!(
            stderr.contains("the resource policy is that of the whole API: it is of the stages `next`, `stag`"),
            "{stderr}"
        );
        assert!(stdout.contains("r1/v1/*") && stdout.contains("r1/v2/*"), "{stdout}");
        let each = "--stage-name v2` and `aws apigateway create-deployment --rest-api-id r1 --stage-name v1`";
        assert_eq!(stderr.contains(each), command == "policy resource", "{stderr}");
    }
}

#[test]
fn a_functions_policy_of_several_stages_is_said_to_be_one() {
    let both = format!("{URL}\n[stages.next]\naccess = \"direct\"\n{URL}\n[stages.by-role]\n{URL}");
    let folder = directly("shared-function", &both);
    let manifest = fs::read_to_string(folder.join("xacct.toml")).unwrap();
    let manifest = manifest.replace("{ stag = ", "{ next = \"LambdaRoleDeve\", by-role = \"LambdaRoleDeve\", stag = ");
    fs::write(folder.join("xacct.toml"), manifest).unwrap();
    let said = "the policy is that of the function, and to be deployed once: it is of the stages `next`, `stag`";
    for command in ["policy resource", "render cloudformation", "render terraform", "render json"] {
        let (code, stdout, stderr) = run(&folder, &format!("{command} --stage stag"));
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
        // Once, though the caller is on both; as JSON in the document and in the permissions.
        let times = if command == "render json" { 2 } else { 1 };
        assert_eq!(stdout.matches("lambda:InvokeFunctionUrl").count(), times, "{stdout}");
        // Beside them, one by role is as ever.
        let (code, _, stderr) = run(&folder, &format!("{command} --stage by-role"));
        assert_eq!((code, stderr.contains(said)), (0, false), "{stderr}");
    }
    assert_eq!(run(&folder, "policy resource --stage by-role").1, "{}\n");
    let said = "the API is that of `by-role`, `next`, too, whose callers reach it and are not in this list";
    let (code, _, stderr) = run(&folder, "render callers --stage stag");
    assert_eq!((code, stderr.contains(said)), (0, true), "{stderr}");
    let (code, checked, _) = run(&folder, "check");
    assert_eq!(code, 1);
    assert!(
        checked.contains("warning[stages_are_one_api] [stages.stag]: it is function orders, as is `next`"),
        "{checked}"
    );
}

#[test]
fn what_a_form_has_no_resource_for_is_an_error_that_says_what_to_do() {
    let folder = directly("no-resource", REST);
    let (code, stdout, stderr) = run(&folder, "render cloudformation --stage stag");
    assert_eq!((code, stdout.as_str()), (1, ""));
    let expected = "error[no_resource]: CloudFormation has no resource for the policy of the REST API `r1` by itself\nhint: `xacct-sign policy resource --stage stag > policy.json` prints the document";
    assert!(stderr.starts_with(expected), "{stderr}");
    assert!(!folder.join("xacct.lock.toml").exists(), "nothing is written");
}

#[test]
fn a_policy_that_replaces_others_is_warned_of_until_it_is_accepted() {
    let document = format!("{URL}\npermissions = \"document\"");
    let folder = directly("whole", &document);
    let (code, stdout, stderr) = run(&folder, "render cloudformation --stage stag");
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("AWS::Lambda::ResourcePolicy"), "{stdout}");
    assert!(
        stderr.contains("warning[replaces_whole_policy] [stages.stag]: every other permission of function orders goes")
    );
    let accepted = format!("{document}\naccept = {{ replaces_whole_policy = \"nobody else invokes it\" }}");
    let folder = directly("whole-accepted", &accepted);
    assert!(!run(&folder, "render cloudformation --stage stag").2.contains("replaces_whole_policy"));
}

/// A REST API's stage by role, and the same one with direct access.
const BESIDE: &str = r#"[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.roled]
target = "rest_api"
api_id = "f6g7h8i9j0"
api_stage = "v1"
[stages.direct]
target = "rest_api"
api_id = "f6g7h8i9j0"
api_stage = "v1"
access = "direct"
[callers.shop]
account = "000000000000"
roles = { roled = "LambdaRole" }
[callers.batch]
account = "222222222222"
roles = { direct = "Batch" }
"#;

#[test]
fn a_stage_by_role_says_whose_policy_its_api_has() {
    let folder = folder("policy-beside", BESIDE);
    let (code, stdout, stderr) = run(&folder, "policy resource --stage roled");
    assert_eq!((code, stdout.as_str()), (0, "{}\n"));
    assert!(
        stderr.contains("`roled` is called by role") && stderr.contains("policy resource --stage direct"),
        "{stderr}"
    );
    let (code, stdout, stderr) = run(&folder, "policy resource --stage direct");
    assert!(code == 0 && stdout.contains("222222222222") && !stderr.contains("by role"), "{stderr}");
    // Where nobody has one there is nothing to say.
    let alone = crate::command::folder("policy-alone", MANIFEST);
    assert_eq!(run(&alone, "policy resource --stage stag"), (0, "{}\n".to_owned(), String::new()));
}

#[test]
fn the_policy_of_an_api_is_compared_with_no_role() {
    let folder = folder("policy-no-trust", BESIDE);
    // By role, too, the API has it.
    fs::write(folder.join("deployed.json"), run(&folder, "policy resource --stage direct").1).unwrap();
    let (code, stdout, _) = run(&folder, "diff --stage roled --deployed deployed.json");
    assert!(code == 0 && stdout.ends_with("/v1: the same\n") && stdout.lines().count() == 1, "{stdout}");
    let http = crate::command::folder("policy-no-trust-http", MANIFEST);
    let of_an_api = run(&folder, "policy resource --stage direct").1;
    for (folder, stage, policy) in [
        (&http, "stag", of_an_api),
        (&http, "stag", run(&http, "policy invoke --stage stag").1),
        (&folder, "roled", run(&folder, "policy invoke --stage roled").1),
    ] {
        fs::write(folder.join("deployed.json"), policy).unwrap();
        let (code, stdout, stderr) = run(folder, &format!("diff --stage {stage} --deployed deployed.json"));
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains("error[no_role]: ") && stderr.contains("no trust policy"), "{stderr}");
        assert!(stderr.contains("hint: give the trust policy of the stage's role; the policy of an API"), "{stderr}");
    }
    fs::write(folder.join("deployed.json"), run(&folder, "policy trust --stage roled").1).unwrap();
    assert_eq!(run(&folder, "diff --stage roled --deployed deployed.json").0, 0);
    fs::write(folder.join("deployed.json"), run(&folder, "policy resource --stage direct").1).unwrap();
    assert_eq!(run(&folder, "diff --stage direct --deployed deployed.json").0, 0);
}

#[test]
fn stages_of_one_api_have_a_short_hint_each() {
    let twice = BESIDE.replace("access = \"direct\"\n", "");
    let private =
        BESIDE.replace("access = \"direct\"", "access = \"direct\"\nvpc_endpoints = [\"vpce-0123456789abcdef0\"]");
    for (name, manifest, code) in [("twice", twice, "duplicate_api"), ("private", private, "contradictory_api")] {
        let folder = folder(&format!("policy-hint-{name}"), &manifest);
        let (_, _, stderr) = run(&folder, "check");
        assert!(stderr.contains(code), "{stderr}");
        let hint = stderr.lines().find(|line| line.contains("hint: ")).unwrap();
        assert!(hint.len() < 240, "{hint}");
    }
}
