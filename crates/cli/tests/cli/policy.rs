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
