//! What of it no manifest says is named, and what it would say wrong is refused.

use serde_json::{Value, json};
use xacct_sign_provider::Manifest;

use crate::{HTTP_ONLY, OTHER, SHOP, forms, import, of, on_another_account, on_another_api, role};

#[test]
fn what_a_manifest_cannot_say_is_named() {
    let mut more = role("ApiStag", SHOP, &["*"]);
    more["AttachedManagedPolicies"] = json!([{"PolicyName": "A", "PolicyArn": "arn:aws:iam::aws:policy/A"}]);
    more["Tags"] = json!([{"Key": "a,b", "Value": "x"}]);
    let trust = &mut more["AssumeRolePolicyDocument"]["Statement"];
    trust.as_array_mut().unwrap().extend([
        json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        json!({"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}),
        json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:user/alice"}, "Action": "sts:AssumeRole"}),
    ]);
    let policies = more["RolePolicyList"][0]["PolicyDocument"]["Statement"].as_array_mut().unwrap();
    policies.push(json!({"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}));
    // A tag that IAM would not take is no part of a manifest.
    more["Tags"] = json!([{"Key": "team", "Value": "x"}]);
    let imported = of(&[more, on_another_api(role("ApiProd", SHOP, &["*"]))]).unwrap();
    let notes = imported.notes.join("\n");
    for part in [
        "lambda.amazonaws.com",
        "aws:SourceIp",
        "user/alice",
        "logs:PutLogEvents",
        "managed policy `arn:aws:iam::aws:policy/A`",
        "tag `team`",
    ] {
        assert!(notes.contains(part), "{part}\n{notes}");
    }
    let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
    assert_eq!(manifest.callers.len(), 1, "{}", imported.manifest);
}

#[test]
fn what_would_open_more_or_move_a_caller_is_refused() {
    let denies = |place: &str| {
        let mut role = role("ApiStag", SHOP, &["*"]);
        let deny = json!({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"});
        match place {
            "trust" => role["AssumeRolePolicyDocument"]["Statement"].as_array_mut().unwrap().push(deny),
            _ => role["RolePolicyList"].as_array_mut().unwrap().push(json!({"PolicyName": "d", "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}})),
        }
        role
    };
    let mut two = role("ApiStagPartner", SHOP, &["GET/x"]);
    two["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] = json!([SHOP, OTHER]);
    let mut bounded = role("ApiProd", OTHER, &["*"]);
    bounded["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": "arn:aws:iam::111111111111:policy/B"});
    let mut elsewhere = role("OtherPath", OTHER, &["*"]);
    elsewhere["Path"] = json!("/x/");
    for (roles, code) in [
        (vec![denies("trust")], "no_api_role"),
        (vec![denies("inline")], "no_api_role"),
        (vec![two], "not_expressible"),
        (vec![role("ApiStag", SHOP, &["*"]), bounded], "not_expressible"),
        (vec![role("ApiStag", SHOP, &["*"]), elsewhere], "not_expressible"),
        (vec![role("Stag", SHOP, &["*"]), role("Other", OTHER, &["GET/"])], "not_expressible"),
        (vec![role("ApiStag", SHOP, &["*"]), role("ApiStag", SHOP, &["*"])], "duplicate"),
        (vec![role("ApiStag", "*", &["*"])], "no_api_role"),
        (
            vec![
                json!({"RoleName": "X", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}, "RolePolicyList": []}),
            ],
            "no_api_role",
        ),
    ] {
        let error = of(&roles).err().unwrap_or_else(|| panic!("{code}: {roles:?}"));
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn a_role_that_invokes_in_a_way_that_is_not_said_is_named() {
    let changed = |from: &str, to: &str| -> Value {
        serde_json::from_str(&role("ApiOther", OTHER, &["*"]).to_string().replace(from, to)).unwrap()
    };
    for (role_, part) in [
        (changed("\"arn:aws:execute-api:eu-west-1:111111111111:a1/$default/*\"", "\"*\""), "not one stage of one API"),
        (changed("a1/$default", "*/$default"), "not one stage of one API"),
        (changed("\"Action\":\"execute-api:Invoke\"", "\"NotAction\":\"s3:*\""), "allows by exclusion"),
        (changed("a1/$default/*", "a9/$default/G*/x"), "none of the routes"),
    ] {
        let imported = of(&[role("ApiStag", SHOP, &["*"]), role_]).unwrap();
        let notes = imported.notes.join("\n");
        assert!(notes.contains("role `ApiOther` is left out: ") && notes.contains(part), "{part}: {notes}");
    }
    // A wider action is what is deployed; the manifest says what of it an API is.
    let wide = changed("execute-api:Invoke", "execute-api:*");
    let imported = of(&[on_another_api(wide)]).unwrap();
    assert!(imported.notes.iter().any(|note| note.contains("execute-api:*")), "{:?}", imported.notes);
}

#[test]
fn the_function_urls_role_is_named_and_left_out() {
    let manifest = HTTP_ONLY.replace("[callers", "[stages.url]\ntarget = \"function_url\"\nfunction = \"orders\"\nurl_id = \"u1\"\n[callers.f]\naccount = \"000000000000\"\nroles = { url = \"F\" }\n[callers");
    let manifest = Manifest::parse(&manifest, "xacct.toml").unwrap();
    let (_, files) = forms(&manifest).pop().unwrap();
    let imported = import(&files);
    assert!(
        imported.notes.iter().any(|note| note.contains("`ApiAllowByIamRoleUrl` is left out")),
        "{:?}",
        imported.notes
    );
    assert_eq!(Manifest::parse(&imported.manifest, "f").unwrap().stages.len(), 1);
}

/// What an account has besides: functions that call an API themselves, roles of other accounts' APIs, administrators.
#[test]
fn roles_that_are_no_way_in_are_no_matter_of_the_manifest() {
    let lambda = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let calling = |name: &str, trust: Option<&Value>| {
        let mut role = on_another_account(role(name, OTHER, &["*"]));
        role["Arn"] = json!(format!("arn:aws:iam::111111111111:role/{name}"));
        if let Some(trust) = trust {
            role["AssumeRolePolicyDocument"] = trust.clone();
        }
        role
    };
    let mut denying = role("OwnFunction", OTHER, &["*"]);
    denying["AssumeRolePolicyDocument"] = lambda.clone();
    denying["RolePolicyList"].as_array_mut().unwrap().push(json!({"PolicyName": "d", "PolicyDocument":
        {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}}));
    let mut admin = role("Admin", OTHER, &["*"]);
    admin["RolePolicyList"] = json!([]);
    admin["AttachedManagedPolicies"] = json!([{"PolicyName": "A", "PolicyArn": "arn:aws:iam::aws:policy/A"}]);
    let mut plain = denying.clone();
    plain["RoleName"] = json!("Plain");
    plain["RolePolicyList"] = json!([]);
    plain["AttachedManagedPolicies"] = admin["AttachedManagedPolicies"].clone();
    let mut everything = role("Everything", OTHER, &["*"]);
    everything["RolePolicyList"][0]["PolicyDocument"]["Statement"] =
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let alice = role("Alice", "arn:aws:iam::222222222222:user/alice", &["*"]);
    let others =
        [calling("Calling", Some(&lambda)), calling("Assumed", None), denying, everything, alice, admin, plain];
    let alone = of(&[role("ApiStag", SHOP, &["*"])]).unwrap();
    let imported = of(&[&others[..], &[role("ApiStag", SHOP, &["*"])]].concat()).unwrap();
    assert_eq!(imported.manifest, alone.manifest);
    let notes: Vec<&str> =
        imported.notes.iter().filter(|note| note.contains("is left out")).map(String::as_str).collect();
    assert_eq!(
        notes,
        [
            "role `Assumed` is left out: it invokes an API of another account, `999999999999`, as a caller does",
            "role `Everything` is left out: it may invoke `*`, which is not one stage of one API",
            "role `Alice` is left out: it lets nobody in whom a manifest could name: principal `arn:aws:iam::222222222222:user/alice`",
            "role `Admin` is left out: no policy of it that the file holds invokes an API, and what else it may do is not read: managed policy `arn:aws:iam::aws:policy/A`",
        ]
    );
    // Where nothing is left the same is said, of the first of them.
    let error = of(&others).unwrap_err();
    assert_eq!(error.code(), "no_api_role");
    let text = error.to_string();
    assert!(text.contains("role `Alice` is left out") && text.ends_with("; and 1 more"), "{text}");
    // Of two places nobody can say which is meant.
    let mut second = calling("Second", None);
    second.as_object_mut().unwrap().remove("Arn");
    let error = of(&[role("ApiStag", SHOP, &["*"]), second]).unwrap_err();
    assert_eq!(error.code(), "not_an_api");
    assert!(error.hint().starts_with("make a manifest for each account and region"), "{}", error.hint());
}

/// What of it opens an API stands elsewhere, and nobody would notice that its callers are not in the manifest.
#[test]
fn r5_a_role_whose_rights_do_not_stand_in_the_file_is_named() {
    let arn = "arn:aws:iam::aws:policy/AmazonAPIGatewayInvokeFullAccess";
    let mut managed = role("ApiProd", OTHER, &[]);
    managed["RolePolicyList"] = json!([]);
    managed["AttachedManagedPolicies"] = json!([{"PolicyName": "x", "PolicyArn": arn}]);
    let mut of_a_service = managed.clone();
    of_a_service["RoleName"] = json!("Lambda");
    of_a_service["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = json!({"Service": "lambda.amazonaws.com"});
    let imported = of(&[role("ApiStag", SHOP, &["*"]), managed.clone(), of_a_service]).unwrap();
    let why = format!(
        "no policy of it that the file holds invokes an API, and what else it may do is not read: managed policy `{arn}`"
    );
    assert_eq!(imported.notes, [format!("role `ApiProd` is left out: {why}")]);
    // Also where it is the only one.
    let error = of(&[managed]).unwrap_err();
    assert_eq!(error.code(), "no_api_role");
    assert!(error.to_string().ends_with(&format!(": role `ApiProd` is left out: {why}")), "{error}");

    let terraform = |kind: &str, written: Value| {
        let manifest = Manifest::parse(HTTP_ONLY, "xacct.toml").unwrap();
        let (_, files) = forms(&manifest).remove(1);
        let mut file: Value = serde_json::from_str(&files[0]).unwrap();
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}]});
        file["resource"]["aws_iam_role"]["other"] = json!({"name": "Other", "assume_role_policy": trust.to_string()});
        match kind {
            "aws_iam_role" => file["resource"][kind]["other"]["managed_policy_arns"] = written,
            _ => file["resource"][kind] = json!({"x": written}),
        }
        import(&[file.to_string()]).notes
    };
    for (kind, written) in [
        ("aws_iam_role", json!([arn])),
        ("aws_iam_role_policy_attachment", json!({"role": "${aws_iam_role.other.name}", "policy_arn": arn})),
    ] {
        let notes = terraform(kind, written);
        assert!(matches!(notes.as_slice(), [one] if one.starts_with("role `Other` is left out: ")), "{notes:?}");
    }
}

/// Of two hundred roles one is strange: the others become a manifest, and that one is named.
#[test]
fn a_role_that_no_manifest_takes_is_named_and_hinders_no_other() {
    let asking = |name: &str, condition: Value| {
        let mut role = on_another_api(role(name, OTHER, &["*"]));
        role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = condition;
        role
    };
    let alone = of(&[role("ApiStag", SHOP, &["*"])]).unwrap();
    for (condition, part) in [
        (json!({"StringEquals": {"sts:ExternalId": "not one of AWS's"}}), "`not one of AWS's` is not an external id"),
        (json!({"StringLike": {"sts:RoleSessionName": "a b"}}), "`a b` is not a pattern of session names"),
    ] {
        let imported = of(&[role("ApiStag", SHOP, &["*"]), asking("ApiStrange", condition.clone())]).unwrap();
        assert_eq!(imported.manifest, alone.manifest);
        let expected = format!("role `ApiStrange` is left out: what was read is no manifest's: {part}");
        assert!(matches!(imported.notes.as_slice(), [one] if one.starts_with(&expected)), "{:?}", imported.notes);
        let error = of(&[asking("ApiStrange", condition)]).unwrap_err();
        assert!(error.code() == "no_api_role" && error.to_string().contains(&expected), "{error}");
    }
}

/// Which statement of it no manifest has.
#[test]
fn a_role_that_lets_nobody_in_says_why() {
    let trusting = |principal: Value, condition: Value| {
        let mut role = role("ApiStag", SHOP, &["*"]);
        let statement = &mut role["AssumeRolePolicyDocument"]["Statement"][0];
        statement["Principal"] = principal;
        statement["Condition"] = condition;
        of(&[role]).unwrap_err()
    };
    let shop = || json!({"AWS": SHOP});
    for (principal, condition, why) in [
        (shop(), json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), "condition `IpAddress` on `aws:SourceIp`"),
        (
            shop(),
            json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            "condition `Bool` on `aws:MultiFactorAuthPresent`",
        ),
        (
            json!({"AWS": "*"}),
            json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/*"}}),
            "condition `ForAnyValue:StringLike` on `aws:PrincipalOrgPaths`",
        ),
        (shop(), json!({"StringEquals": {"sts:ExternalId": ["a1", "b2"]}}), "several external ids"),
        (json!({"AWS": "arn:aws:iam::000000000000:role/Ä"}), json!({}), "principal `arn:aws:iam::000000000000:role/Ä`"),
        (
            json!({"AWS": "arn:aws:iam::000000000000:root"}),
            json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::000000000000:user/jane"}}),
            "principal `arn:aws:iam::000000000000:user/jane`",
        ),
    ] {
        let error = trusting(principal, condition);
        assert_eq!(error.code(), "no_api_role");
        let text = format!("role `ApiStag` is left out: it lets nobody in whom a manifest could name: {why}");
        assert!(error.to_string().ends_with(&text), "{error}");
    }
}

/// A condition of another action's, in the statement of `sts:AssumeRole`, is named as every other is.
#[test]
fn a_role_with_a_condition_on_tags_or_source_identity_says_why() {
    let tags = json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}});
    let identity = json!({"StringLike": {"sts:SourceIdentity": "a-*"}});
    let exact = json!({"StringEquals": {"STS:SourceIdentity": "a"}});
    for (actions, condition, why) in [
        (json!(["sts:AssumeRole", "sts:TagSession"]), tags, "`ForAllValues:StringEquals` on `aws:TagKeys`"),
        (json!(["sts:AssumeRole", "sts:SetSourceIdentity"]), identity.clone(), "`StringLike` on `sts:SourceIdentity`"),
        (json!("sts:AssumeRole"), identity, "`StringLike` on `sts:SourceIdentity`"),
        (json!("sts:AssumeRole"), exact, "`StringEquals` on `STS:SourceIdentity`"),
    ] {
        let mut asking = role("ApiOther", OTHER, &["*"]);
        let statement = &mut asking["AssumeRolePolicyDocument"]["Statement"][0];
        statement["Action"] = actions;
        statement["Condition"] = condition;
        let imported = of(&[role("ApiStag", SHOP, &["*"]), asking]).unwrap();
        let said =
            format!("role `ApiOther` is left out: it lets nobody in whom a manifest could name: condition {why}");
        assert!(imported.notes.contains(&said), "{why}: {:?}", imported.notes);
    }
}

/// A function of a template's is shown as what it is, as `diff` shows it.
#[test]
fn a_principal_that_is_an_intrinsic_function_is_shown_as_json() {
    let function = json!({"Fn::If": ["C", OTHER, SHOP]});
    for principal in [function.clone(), json!([function])] {
        let mut asking = role("ApiOther", OTHER, &["*"]);
        asking["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] = principal;
        let imported = of(&[role("ApiStag", SHOP, &["*"]), asking]).unwrap();
        let said = format!(
            "role `ApiOther` is left out: it lets nobody in whom a manifest could name: principal `{function}`"
        );
        assert!(imported.notes.contains(&said), "{:?}", imported.notes);
    }
}

/// Whatever no manifest says of one role, the others are taken.
#[test]
fn a_role_that_no_manifest_takes_hinders_no_other() {
    let good = role("ApiStag", SHOP, &["*"]);
    let alone = of(std::slice::from_ref(&good)).unwrap();
    let denying = {
        let mut role = role("ApiOther", OTHER, &["*"]);
        role["RolePolicyList"].as_array_mut().unwrap().push(json!({"PolicyName": "d", "PolicyDocument":
            {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}}));
        role
    };
    let twice = {
        let mut role = role("ApiOther", OTHER, &["*"]);
        let statements = role["AssumeRolePolicyDocument"]["Statement"].as_array_mut().unwrap();
        let mut again = statements[0].clone();
        again["Condition"] = json!({"StringEquals": {"sts:ExternalId": "a1"}});
        statements.push(again);
        role
    };
    let service = {
        let mut role = role("ApiOther", OTHER, &["*"]);
        let statements = role["AssumeRolePolicyDocument"]["Statement"].as_array_mut().unwrap();
        statements[0]["Principal"]["AWS"] = json!("arn:aws:iam::222222222222:user/jane");
        statements.insert(
            0,
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}),
        );
        role
    };
    for (other, why) in [
        (denying, "a policy of it denies, which no manifest says"),
        (twice, "is let in twice, on different terms, which no manifest says"),
        (service, "it lets nobody in whom a manifest could name: principal `arn:aws:iam::222222222222:user/jane`"),
    ] {
        let imported = of(&[other, good.clone()]).unwrap();
        assert_eq!(imported.manifest, alone.manifest);
        let left: Vec<_> = imported.notes.iter().filter(|note| !alone.notes.contains(note)).collect();
        let is_said = |note: &String| note.starts_with("role `ApiOther` is left out: ") && note.ends_with(why);
        assert!(matches!(left.as_slice(), [one] if is_said(one)), "{left:?}");
    }
}

/// Where it invokes an API is no place that the others would have to be in.
#[test]
fn a_role_that_is_left_out_says_nothing_of_where_the_others_are() {
    let good = role("ApiStag", SHOP, &["*"]);
    let alone = of(std::slice::from_ref(&good)).unwrap();
    let mut odd = role("ApiOther", OTHER, &["*"]);
    odd["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = json!({"StringEquals": {"sts:ExternalId": "?"}});
    let odd: Value = serde_json::from_str(&odd.to_string().replace(":eu-west-1:", ":us-east-1:")).unwrap();
    for roles in [[odd.clone(), good.clone()], [good, odd]] {
        let imported = of(&roles).unwrap();
        assert_eq!(imported.manifest, alone.manifest);
        let left: Vec<_> = imported.notes.iter().filter(|note| !alone.notes.contains(note)).collect();
        let is_said = |note: &String| note.starts_with("role `ApiOther` is left out: what was read is no manifest's");
        assert!(matches!(left.as_slice(), [one] if is_said(one)), "{left:?}");
    }
}

/// APIs of every region are not one of another region than the others', for which the file would have to be parted.
#[test]
fn a_role_whose_apis_have_a_pattern_for_the_region_is_left_out_by_name() {
    let good = role("ApiStag", SHOP, &["*"]);
    let alone = of(std::slice::from_ref(&good)).unwrap();
    for (place, routes) in [
        ("*:111111111111", ["GET/x"]),
        ("eu-*:111111111111", ["*"]),
        ("eu-west-?:111111111111", ["*"]),
        ("eu-west-1:*", ["*"]),
    ] {
        let wide = role("ApiOther", OTHER, &routes).to_string().replace("eu-west-1:111111111111", place);
        let wide: Value = serde_json::from_str(&wide).unwrap();
        let resource = format!("arn:aws:execute-api:{place}:a1/$default/{}", routes[0]);
        let why = format!("it may invoke `{resource}`, which is not one stage of one API");
        let said = format!("role `ApiOther` is left out: {why}");
        for roles in [[wide.clone(), good.clone()], [good.clone(), wide.clone()]] {
            let imported = of(&roles).unwrap();
            assert_eq!(imported.manifest, alone.manifest, "{place}");
            assert!(imported.notes.contains(&said), "{place}: {:?}", imported.notes);
        }
        let error = of(&[wide]).unwrap_err();
        assert!(error.code() == "no_api_role" && error.to_string().ends_with(&said), "{error}");
    }
}
