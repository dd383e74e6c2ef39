//! `xacct-sign diff`.

use std::fs;

use crate::command::{MANIFEST, folder, run};

#[test]
fn diff_says_what_each_side_grants_alone() {
    let folder = folder("diff", MANIFEST);
    let (_, deployed, _) = run(&folder, "policy trust --stage stag");
    fs::write(folder.join("deployed.json"), &deployed).unwrap();
    let unseen = "? the file does not say: path, maximum session duration, inline policies, managed policies, permissions boundary, tags\n";
    let same = run(&folder, "diff --stage stag --deployed deployed.json");
    let expected = format!("ApiAllowByIamRoleStag: no difference in what the file says\n{unseen}");
    assert_eq!(same, (0, expected, String::new()));
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    fs::write(folder.join("template.json"), &template).unwrap();
    let same = run(&folder, "diff --stage stag --deployed template.json");
    assert_eq!(same, (0, "ApiAllowByIamRoleStag: the same\n".to_owned(), String::new()));
    let with_property = template.replace("\"RoleName\"", "\"Unknown\": 1, \"RoleName\"");
    fs::write(folder.join("template.json"), with_property).unwrap();
    let (code, stdout, _) = run(&folder, "diff --stage stag --deployed template.json");
    let expected = "ApiAllowByIamRoleStag\n? cannot be judged: `Unknown` of resource `SharedRole`\n";
    assert_eq!((code, stdout.as_str()), (1, expected));

    fs::write(folder.join("deployed.json"), deployed.replace("LambdaRoleDeve", "Other")).unwrap();
    let (code, stdout, stderr) = run(&folder, "diff --stage stag --deployed deployed.json");
    let expected = "ApiAllowByIamRoleStag\n- `arn:aws:iam::000000000000:role/Other` may sts:AssumeRole\n+ `arn:aws:iam::000000000000:role/LambdaRoleDeve` may sts:AssumeRole\n";
    assert_eq!((code, stdout), (1, format!("{expected}{unseen}")));
    assert!(stderr.contains("1 role differs"), "{stderr}");

    fs::write(folder.join("deployed.json"), "{}").unwrap();
    let (code, _, stderr) = run(&folder, "diff --stage stag --deployed deployed.json");
    assert_eq!(code, 2);
    assert!(stderr.contains("`deployed.json` cannot be used: ") && stderr.contains("hint: "), "{stderr}");
    let (code, _, stderr) = run(&folder, "diff --stage stag --deployed none.json");
    assert_eq!(code, 2);
    assert!(stderr.contains("`none.json`: ") && stderr.contains("hint: give the path of a file"), "{stderr}");
    assert_eq!(run(&folder, "diff --stage x --deployed deployed.json").0, 2);
}

#[test]
fn a_policy_of_direct_access_is_compared_too() {
    let direct = "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"\naccess = \"direct\"";
    let folder = folder("diff-direct", &MANIFEST.replace("api_id = \"f6g7h8i9j0\"", direct));
    let (_, deployed, _) = run(&folder, "policy resource --stage stag");
    fs::write(folder.join("deployed.json"), &deployed).unwrap();
    let arn = "arn:aws:lambda:ap-northeast-1:111111111111:function:orders";
    let same = run(&folder, "diff --stage stag --deployed deployed.json");
    assert_eq!(same, (0, format!("{arn}: the same\n"), String::new()));
    let open = deployed.replace("\"Bool\"", "\"BoolIfExists\"");
    fs::write(folder.join("deployed.json"), open).unwrap();
    let (code, stdout, stderr) = run(&folder, "diff --stage stag --deployed deployed.json");
    let role = "`arn:aws:iam::000000000000:role/LambdaRoleDeve`";
    let grant = format!("{role} may lambda:InvokeFunction on `{arn}` if lambda:InvokedViaFunctionUrl");
    let expected = format!(
        "{arn}\n- {grant} BoolIfExists `true`\n+ {grant} Bool `true`\n! invoke_function_unconditioned: {role} may invoke the function past its URL: the condition on lambda:InvokedViaFunctionUrl is missing\n"
    );
    assert_eq!((code, stdout), (1, expected));
    assert!(stderr.contains("the policy differs"), "{stderr}");
    let (code, _, stderr) = run(&folder, "diff --stage stag --deployed deployed.json --role X");
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error[role_unknown]: "), "{stderr}");
    fs::write(folder.join("deployed.json"), "{}").unwrap();
    let (code, _, stderr) = run(&folder, "diff --stage stag --deployed deployed.json");
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error[no_resource_policy]: "), "{stderr}");
}

#[test]
fn a_rest_api_without_a_policy_lacks_all_of_it() {
    let direct = "target = \"rest_api\"\napi_id = \"f6g7h8i9j0\"\napi_stage = \"v1\"\naccess = \"direct\"";
    let folder = folder("diff-rest-api", &MANIFEST.replace("api_id = \"f6g7h8i9j0\"", direct));
    fs::write(folder.join("deployed.json"), r#"{"id":"f6g7h8i9j0","name":"orders"}"#).unwrap();
    let arn = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/v1";
    let (code, stdout, _) = run(&folder, "diff --stage stag --deployed deployed.json");
    let role = "arn:aws:iam::000000000000:role/LambdaRoleDeve";
    assert_eq!((code, stdout), (1, format!("{arn}\n+ `{role}` may execute-api:Invoke on `{arn}/*`\n")));
    let (code, _, stderr) = run(&folder, "diff --stage stag --deployed /dev/null");
    assert_eq!(code, 2);
    assert!(stderr.contains("get-rest-api") && !stderr.contains("get-role"), "{stderr}");
}

#[test]
fn a_role_that_gets_past_a_functions_url_is_marked() {
    let by_role = "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"";
    let folder = folder("diff-url-role", &MANIFEST.replace("api_id = \"f6g7h8i9j0\"", by_role));
    let (_, template, _) = run(&folder, "render json --stage stag");
    let open = template.replace("\"Bool\"", "\"BoolIfExists\"");
    assert_ne!(open, template);
    fs::write(folder.join("deployed.json"), open).unwrap();
    let (code, stdout, _) = run(&folder, "diff --stage stag --deployed deployed.json");
    assert_eq!(code, 1);
    assert!(stdout.contains("\n! invoke_function_unconditioned: `ApiAllowByIamRoleStag` may invoke"), "{stdout}");
}

#[test]
fn the_policy_of_a_private_api_is_compared_beside_its_roles_and_alone() {
    let private =
        "target = \"rest_api\"\napi_id = \"f6g7h8i9j0\"\napi_stage = \"v1\"\nvpc_endpoints = [\"vpce-01234567\"]";
    let folder = folder("diff-private", &MANIFEST.replace("api_id = \"f6g7h8i9j0\"", private));
    let arn = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/v1";
    let diff = |file: &str| run(&folder, &format!("diff --stage stag --deployed {file}"));
    let (code, _, stderr) = run(&folder, "render cloudformation --stage stag");
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("CloudFormation has no resource for the policy of the REST API `f6g7h8i9j0`"), "{stderr}");
    assert!(stderr.contains("policy resource --stage stag"), "{stderr}");

    let (_, terraform, stderr) = run(&folder, "render terraform --stage stag");
    assert_eq!(stderr, "");
    fs::write(folder.join("all.tf.json"), &terraform).unwrap();
    let same = format!("{arn}: the same\nApiAllowByIamRoleStag: the same\n");
    assert_eq!(diff("all.tf.json"), (0, same, String::new()));
    // With the roles as they should be, the policy counts.
    fs::write(
        folder.join("all.tf.json"),
        terraform.replace("f6g7h8i9j0/v1/*", "f6g7h8i9j0/v1/GET/*").replacen("v1/GET/*", "v1/*", 1),
    )
    .unwrap();
    let (code, stdout, _) = diff("all.tf.json");
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.starts_with(&format!("{arn}\n+ ")), "{stdout}");

    let (_, policy, _) = run(&folder, "policy resource --stage stag");
    fs::write(folder.join("policy.json"), &policy).unwrap();
    assert_eq!(diff("policy.json"), (0, format!("{arn}: the same\n"), String::new()));
    fs::write(folder.join("policy.json"), policy.replace("vpce-01234567", "vpce-76543210")).unwrap();
    let (code, stdout, stderr) = diff("policy.json");
    assert_eq!(code, 1, "{stdout}");
    assert!(stderr.contains("the policy differs"), "{stderr}");
    // A file with the roles alone says nothing of the policy, and a trust policy is none.
    let (_, trust, _) = run(&folder, "policy trust --stage stag");
    fs::write(folder.join("trust.json"), trust).unwrap();
    let (code, stdout, _) = diff("trust.json");
    assert_eq!(code, 0);
    assert!(stdout.starts_with("ApiAllowByIamRoleStag: no difference in what the file says\n"), "{stdout}");
    assert!(!stdout.contains("resource policy"), "{stdout}");
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    fs::write(folder.join("roles.json"), &template).unwrap();
    let unseen = format!("ApiAllowByIamRoleStag: the same\n? the file does not say: resource policy of `{arn}`\n");
    assert_eq!(diff("roles.json"), (0, unseen, String::new()));

    // One that stands there and cannot be read is not passed over, though the roles are as they should be.
    let api =
        "\"Api\": { \"Type\": \"AWS::ApiGateway::RestApi\", \"Properties\": { \"Policy\": { \"Fn::Sub\": \"x\" } } }";
    fs::write(folder.join("api.json"), template.replace("\"Resources\": {", &format!("\"Resources\": {{ {api},")))
        .unwrap();
    let (code, stdout, stderr) = diff("api.json");
    assert_eq!((code, stdout.as_str()), (2, ""));
    let expected =
        "`api.json` cannot be used: `Policy` of resource `Api` is `Fn::Sub`, and cannot be read from the template";
    assert!(stderr.starts_with("error[invalid_policy]: ") && stderr.contains(expected), "{stderr}");
}

/// A function's policy, and a REST API's, let others in beside the roles.
#[test]
fn r3_the_apis_own_policy_counts_where_callers_come_by_role() {
    let function = "arn:aws:lambda:ap-northeast-1:111111111111:function:orders";
    let by_role = "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"";
    let folder = folder("diff-own-policy", &MANIFEST.replace("api_id = \"f6g7h8i9j0\"", by_role));
    let diff = |text: &str| {
        fs::write(folder.join("deployed.json"), text).unwrap();
        run(&folder, "diff --stage stag --deployed deployed.json")
    };
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    let unsaid = format!("? the file does not say: resource policy of `{function}`\n");
    let same = "ApiAllowByIamRoleStag: the same\n";
    assert_eq!(diff(&template), (0, format!("{same}{unsaid}"), String::new()));

    let with =
        |permission: &str| template.replacen("\"Resources\": {", &format!("\"Resources\": {{ \"P\": {permission},"), 1);
    let permission = |principal: &str, action: &str| {
        format!(
            "{{ \"Type\": \"AWS::Lambda::Permission\", \"Properties\": {{ \"FunctionName\": \"orders\", \"Action\": \"{action}\", \"Principal\": \"{principal}\" }} }}"
        )
    };
    let (code, stdout, stderr) = diff(&with(&permission("999999999999", "lambda:InvokeFunction")));
    let stranger = "`arn:aws:iam::999999999999:root`";
    let expected = format!(
        "{function}\n- {stranger} may lambda:InvokeFunction on `{function}`\n! invoke_function_unconditioned: {stranger} "
    );
    assert!(code == 1 && stdout.starts_with(&expected) && stdout.ends_with(same), "{stdout}");
    assert!(stderr.contains("the policy differs"), "{stderr}");
    // What a service needs is its own business.
    let (code, stdout, _) = diff(&with(&permission("events.amazonaws.com", "lambda:InvokeFunction")));
    assert!(code == 0 && stdout.contains("  beside it: `Service:events.amazonaws.com`"), "{stdout}");

    // Alone, as `aws lambda get-policy` prints it.
    let statement = format!(
        "{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"999999999999\"}},\"Action\":\"lambda:InvokeFunctionUrl\",\"Resource\":\"{function}\"}}"
    );
    let policy = format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{statement}]}}");
    let shown = format!("{{\"Policy\":\"{}\"}}", policy.replace('"', "\\\""));
    for text in [&policy, &shown] {
        let (code, stdout, stderr) = diff(text);
        let expected = format!("{function}\n- {stranger} may lambda:InvokeFunctionUrl on `{function}`\n");
        assert!(code == 1 && stdout.starts_with(&expected), "{text}\n{stdout}{stderr}");
    }

    let by_role = "target = \"rest_api\"\napi_id = \"f6g7h8i9j0\"\napi_stage = \"v1\"";
    fs::write(folder.join("xacct.toml"), MANIFEST.replace("api_id = \"f6g7h8i9j0\"", by_role)).unwrap();
    let arn = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/v1";
    let api = "{\"id\":\"f6g7h8i9j0\",\"name\":\"orders\"";
    assert_eq!(diff(&format!("{api}}}")), (0, format!("{arn}: the same\n"), String::new()));
    let open = policy.replace("lambda:InvokeFunctionUrl", "execute-api:Invoke").replace(function, &format!("{arn}/*"));
    let (code, stdout, _) = diff(&format!("{api},\"policy\":\"{}\"}}", open.replace('"', "\\\"")));
    assert_eq!((code, stdout), (1, format!("{arn}\n- {stranger} may execute-api:Invoke on `{arn}/*`\n")));
    // One of many APIs that cannot be read keeps nobody from comparing the roles.
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    let api =
        "\"Api\": { \"Type\": \"AWS::ApiGateway::RestApi\", \"Properties\": { \"Policy\": { \"Fn::Sub\": \"x\" } } }";
    let (code, stdout, _) = diff(&template.replacen("\"Resources\": {", &format!("\"Resources\": {{ {api},"), 1));
    let expected = "? cannot be judged: `Policy` of resource `Api` is `Fn::Sub`, and cannot be read from the template";
    assert_eq!((code, stdout), (1, format!("{arn}\n{expected}\n{same}")));
}

/// A dump of the account names the roles that it does not say enough of.
#[test]
fn r2_a_whole_accounts_other_roles_are_compared_or_named() {
    let folder = folder("diff-account", MANIFEST);
    let api = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/*";
    let (_, trust, _) = run(&folder, "policy trust --stage stag");
    let role = |name: &str, trust: &str, allowed: &str, managed: &str| {
        let policy = format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{allowed}\",\"Resource\":\"{api}\"}}]}}"
        );
        format!(
            "{{\"RoleName\":\"{name}\",\"Path\":\"/\",\"AssumeRolePolicyDocument\":{trust},\"AttachedManagedPolicies\":[{managed}],\"RolePolicyList\":[{{\"PolicyName\":\"p\",\"PolicyDocument\":{policy}}}]}}"
        )
    };
    let stranger = trust.replace("000000000000:role/LambdaRoleDeve", "999999999999:root");
    let arn = "{\"PolicyName\":\"A\",\"PolicyArn\":\"arn:aws:iam::aws:policy/A\"}";
    let ours = role("ApiAllowByIamRoleStag", &trust, "execute-api:Invoke", "");
    let diff = |others: &[String]| {
        let list = [std::slice::from_ref(&ours), others].concat().join(",");
        fs::write(folder.join("deployed.json"), format!("{{\"RoleDetailList\":[{list}]}}")).unwrap();
        run(&folder, "diff --stage stag --deployed deployed.json")
    };
    let same = "ApiAllowByIamRoleStag: no difference in what the file says\n? the file does not say: maximum session duration\n";
    assert_eq!(diff(&[]), (0, same.to_owned(), String::new()));
    let (code, stdout, _) = diff(&[role("Backdoor", &stranger, "execute-api:Invoke", "")]);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("\nBackdoor: is no role of the stage's in the manifest\n- `arn:aws:iam::999999999999:root` may sts:AssumeRole\n"), "{stdout}");
    let service = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    let (code, stdout, _) = diff(&[role("Admin", &stranger, "s3:Get*", arn), role("Lambda", service, "s3:Get*", arn)]);
    let unsaid = "? the file does not say: whether other roles open it by their managed policies, or by what is not read: `Admin`\n";
    assert_eq!((code, stdout), (0, format!("{same}{unsaid}")));
}
