//! `diff` compares all of a role: it says "the same" only of roles that decide the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use serde_json::{Value, json};
use xacct_sign_provider::iam::{Context, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Format, Lock, Manifest, RoleDiff, RoleFact, RolePart, read_roles};

const ROLE: &str = "ApiAllowByIamRoleStag";
const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.stag]
api_id = "f6g7h8i9j0"

[callers.shop]
account = "000000000000"
roles = { stag = "Shop" }
session_names = ["shop-*", "job"]
tags = ["team"]

[callers.partner]
account = "222222222222"
roles = { stag = "Batch" }
external_id = "b3c7"
trust = "account"

[callers.narrow]
account = "444444444444"
roles = { stag = "Reader" }
routes = ["GET /items/{proxy+}", "PUT /hoge"]
"#;

fn manifest() -> Manifest {
    Manifest::parse(MANIFEST, "xacct.toml").unwrap()
}

/// What the manifest renders to, as `aws iam get-account-authorization-details` prints it of such roles, with the duration
/// that it leaves out.
fn deployed() -> Value {
    let manifest = manifest();
    let text = manifest.plan(&Lock::default()).render(&manifest.stages["stag"], Format::Json).unwrap();
    let rendered: Value = serde_json::from_str(&text).unwrap();
    let roles = rendered["roles"].as_array().unwrap().iter().map(|role| {
        json!({"RoleName": role["name"], "Path": role["path"], "MaxSessionDuration": role["max_session_duration"],
            "AssumeRolePolicyDocument": role["trust_policy"], "AttachedManagedPolicies": [], "InstanceProfileList": [],
            "RolePolicyList": [{"PolicyName": "InvokeApi", "PolicyDocument": role["invoke_policy"]}]})
    });
    json!({"RoleDetailList": roles.collect::<Vec<_>>(), "Policies": []})
}

fn diff(deployed: &Value) -> Vec<RoleDiff> {
    let manifest = manifest();
    let roles = read_roles(&deployed.to_string()).unwrap();
    manifest.plan(&Lock::default()).diff(&manifest.stages["stag"], None, &roles).unwrap()
}

/// The differences of the shared role after a change: of the deployed, and of the manifest.
fn changed(change: impl Fn(&mut Value)) -> (Vec<String>, Vec<String>, bool) {
    let mut deployed = deployed();
    let roles = deployed["RoleDetailList"].as_array_mut().unwrap();
    change(roles.iter_mut().find(|role| role["RoleName"] == ROLE).unwrap());
    let diffs = diff(&deployed);
    let shared = diffs.into_iter().find(|diff| diff.role == ROLE).unwrap();
    let texts = |facts: &[RoleFact]| facts.iter().map(RoleFact::to_string).collect();
    (texts(&shared.only_deployed), texts(&shared.only_meant), shared.is_same())
}

#[test]
fn r3_every_part_of_a_role_counts() {
    let diffs = diff(&deployed());
    assert_eq!(diffs.len(), 2);
    assert!(diffs.iter().all(RoleDiff::is_same), "{diffs:?}");

    let one = |text: &str| vec![text.to_owned()];
    let api = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default";
    let policy = |role: &mut Value, key: &str, value: Value| {
        role["RolePolicyList"][0]["PolicyDocument"]["Statement"][0][key] = value;
    };
    let wide = changed(|role| policy(role, "Resource", json!("*")));
    assert_eq!(wide, (one("its sessions may execute-api:Invoke on `*`"), Vec::new(), false));
    let narrow = changed(|role| policy(role, "Resource", json!(format!("{api}/GET/*"))));
    assert_eq!(narrow, (Vec::new(), one(&format!("its sessions may execute-api:Invoke on `{api}/*`")), false));
    let other = changed(|role| policy(role, "Action", json!(["execute-api:Invoke", "execute-api:ManageConnections"])));
    assert_eq!(other.0, one(&format!("its sessions may execute-api:ManageConnections on `{api}/*`")));
    let more = changed(|role| {
        role["RolePolicyList"].as_array_mut().unwrap().push(json!({"PolicyName": "x", "PolicyDocument": {"Version":
            "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "execute-api:*", "Resource": "*"}]}}));
    });
    assert_eq!(more, (one("its sessions must not execute-api:* on `*`"), Vec::new(), false));
    assert_eq!(
        changed(|role| role["MaxSessionDuration"] = json!(43_200)),
        (one("sessions of at most 43200 seconds"), one("sessions of at most 3600 seconds"), false)
    );
    assert_eq!(changed(|role| role["Path"] = json!("/x/")), (one("path `/x/`"), one("path `/`"), false));
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
    assert_eq!(
        changed(|role| role["AttachedManagedPolicies"] = json!([{"PolicyName": "A", "PolicyArn": arn}])),
        (one(&format!("managed policy `{arn}`")), Vec::new(), false)
    );
    let boundary = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
    assert_eq!(
        changed(|role| role["PermissionsBoundary"] = boundary.clone()),
        (one(&format!("permissions boundary `{arn}`")), Vec::new(), false)
    );
    let tags = json!([{"Key": "team", "Value": "a"}, {"Key": "aws:cloudformation:stack-name", "Value": "x"}]);
    assert_eq!(changed(|role| role["Tags"] = tags.clone()), (one("tag `team` with the value `a`"), Vec::new(), false));
    // What is not known of is not passed over.
    let (deployed, meant, is_same) = changed(|role| role["Shield"] = json!("arn:..."));
    assert_eq!((deployed.len(), meant.len(), is_same), (0, 0, false));
}

/// Beside the stage's roles a template has others, and few of those have a literal name.
#[test]
fn r3_a_role_without_a_literal_name_is_none_of_the_stages() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let stage = &manifest.stages["stag"];
    let mut template: Value = serde_json::from_str(&plan.render(stage, Format::CloudFormation).unwrap()).unwrap();
    let of_a_function = json!({"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}}]}}});
    let mut named = of_a_function.clone();
    named["Properties"]["RoleName"] = json!({"Fn::Sub": "${AWS::StackName}-fn"});
    template["Resources"]["One"] = of_a_function;
    template["Resources"]["Other"] = named;
    let diff = |template: &Value, only| plan.diff(stage, only, &read_roles(&template.to_string()).unwrap()).unwrap();
    for only in [None, Some(ROLE)] {
        assert!(diff(&template, only).iter().all(RoleDiff::is_same), "{only:?}");
    }
    // A role that is not there may be one of these.
    let resources = template["Resources"].as_object_mut().unwrap();
    resources.retain(|_, resource| resource["Properties"]["RoleName"] != ROLE);
    let missing = diff(&template, Some(ROLE)).remove(0);
    assert!(!missing.is_deployed && !missing.is_same());
    assert_eq!(missing.unjudged, ["whether it is one of the file's 2 roles without a literal name"]);
}

/// The names of the roles that a stage is compared with, after the dump got one more role.
fn compared_with(manifest: &str, stage: &str, statement: Value, principal: Value) -> Vec<(String, bool, bool)> {
    let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
    let policy = |statement: Value| json!({"Version": "2012-10-17", "Statement": statement});
    let trust = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    let role = json!({"RoleName": "Backdoor", "Path": "/", "AssumeRolePolicyDocument": policy(trust),
        "AttachedManagedPolicies": [], "RolePolicyList": [{"PolicyName": "x", "PolicyDocument": policy(statement)}]});
    let roles = read_roles(&json!({"RoleDetailList": [role]}).to_string()).unwrap();
    let diffs = manifest.plan(&Lock::default()).diff(&manifest.stages[stage], None, &roles).unwrap();
    let there = diffs.into_iter().filter(|diff| diff.is_deployed);
    there.map(|diff| (diff.role.clone(), diff.is_meant, diff.is_same())).collect()
}

/// By its name alone it would be passed over.
#[test]
fn r2_a_role_that_opens_the_stage_counts_whatever_it_is_called() {
    let api = "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default";
    let (account, service) = (json!({"AWS": "999999999999"}), json!({"Service": "lambda.amazonaws.com"}));
    let allow = |action: &str, resource: &str| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    for (statement, counts) in [
        (allow("execute-api:Invoke", &format!("{api}/*")), true),
        (allow("execute-api:Invoke", &format!("{api}/GET/items")), true),
        (allow("execute-api:*", "arn:aws:execute-api:*:111111111111:*/$default/PUT/x"), true),
        (allow("*", "*"), true),
        (json!([allow("logs:*", "*"), allow("EXECUTE-API:inv*", "arn:aws:execute-api:*")]), true),
        (json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}), true),
        (json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::*"}), true),
        (allow("execute-api:Invoke", "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/v1/*"), false),
        (allow("execute-api:Invoke", "arn:aws:execute-api:eu-west-1:*:*"), false),
        (allow("execute-api:ManageConnections", &format!("{api}/*")), false),
        (allow("apigateway:*", "*"), false),
        (json!({"Effect": "Allow", "NotAction": "execute-api:*", "Resource": "*"}), false),
        (json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:execute-api:*"}), false),
        (json!({"Effect": "Deny", "Action": "*", "Resource": "*"}), false),
    ] {
        for principal in [&account, &service] {
            let expected = if counts { vec![("Backdoor".to_owned(), false, false)] } else { vec![] };
            assert_eq!(compared_with(MANIFEST, "stag", statement.clone(), principal.clone()), expected, "{statement}");
        }
    }
    // A service may run the function; who assumes such a role gets past its URL.
    let url = MANIFEST
        .replace("api_id = \"f6g7h8i9j0\"", "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"abc\"");
    let url = url.split_once("[callers.narrow]").unwrap().0;
    let function = "arn:aws:lambda:ap-northeast-1:111111111111:function:orders";
    for (action, principal, counts) in [
        ("lambda:InvokeFunctionUrl", &account, true),
        ("lambda:InvokeFunctionUrl", &service, true),
        ("lambda:InvokeFunction", &account, true),
        ("lambda:InvokeFunction", &service, false),
    ] {
        let there = compared_with(url, "stag", allow(action, function), principal.clone());
        assert_eq!(!there.is_empty(), counts, "{action} {principal}");
        assert!(compared_with(url, "stag", allow(action, &format!("{function}-2")), principal.clone()).is_empty());
    }
}

/// A template's role may have no literal name, and open the stage.
#[test]
fn r2_a_role_without_a_literal_name_counts_if_it_opens_the_stage() {
    let manifest = manifest();
    let plan = manifest.plan(&Lock::default());
    let stage = &manifest.stages["stag"];
    let mut template: Value = serde_json::from_str(&plan.render(stage, Format::CloudFormation).unwrap()).unwrap();
    let mut other = template["Resources"]["SharedRole"].clone();
    assert!(other["Properties"].as_object_mut().unwrap().remove("RoleName").is_some());
    template["Resources"]["Other"] = other;
    let diffs = plan.diff(stage, None, &read_roles(&template.to_string()).unwrap()).unwrap();
    let other = diffs.iter().find(|diff| diff.role == "resource `Other`").unwrap();
    assert!(other.is_deployed && !other.is_meant && !other.only_deployed.is_empty(), "{other:?}");
}

#[test]
fn r3_it_says_what_it_could_not_see() {
    let of = |document: Value| {
        let manifest = manifest();
        let roles = read_roles(&document.to_string()).unwrap();
        let plan = manifest.plan(&Lock::default());
        plan.diff(&manifest.stages["stag"], Some(ROLE), &roles).unwrap().remove(0)
    };
    let role = deployed()["RoleDetailList"].as_array().unwrap()[0].clone();
    assert_eq!(role["RoleName"], ROLE);
    let without = |keys: &[&str]| {
        let mut role = role.clone();
        for key in keys {
            role.as_object_mut().unwrap().remove(*key);
        }
        role
    };
    let unprinted = ["RolePolicyList", "AttachedManagedPolicies"];
    use RolePart::{InlinePolicies, ManagedPolicies, MaxSessionDuration, PermissionsBoundary, Tags};
    for (document, unseen) in [
        (role["AssumeRolePolicyDocument"].clone(), RolePart::ALL.to_vec()),
        (json!({"Role": without(&unprinted)}), vec![InlinePolicies, ManagedPolicies]),
        (json!({"Roles": [without(&unprinted)]}), vec![InlinePolicies, ManagedPolicies, PermissionsBoundary, Tags]),
        (json!({"RoleDetailList": [without(&["MaxSessionDuration"])]}), vec![MaxSessionDuration]),
    ] {
        let diff = of(document.clone());
        assert_eq!(diff.unseen, unseen, "{document}");
        assert!(!diff.is_different() && !diff.is_same(), "{diff:?}");
    }
    // Where a document is wrong or unknown, the evaluator refuses what may look the same.
    for (key, value, named) in [
        ("Version", json!("2030-01-01"), "policy version `2030-01-01`"),
        ("Id", json!(1), "`Id`"),
        ("Statements", json!([]), "policy element `Statements`"),
    ] {
        let mut role = role.clone();
        role["AssumeRolePolicyDocument"][key] = value;
        let diff = of(json!({"RoleDetailList": [role]}));
        assert!(!diff.is_same() && diff.is_different(), "{diff:?}");
        assert!(diff.unjudged.concat().contains(named), "{diff:?}");
    }
}

/// Numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit
    }

    fn one(&mut self, values: &[&'static str]) -> &'static str {
        values[self.below(values.len())]
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const PRINCIPALS: [&str; 12] = [
    r#""*""#,
    r#"{"AWS":"*"}"#,
    r#"{"AWS":"000000000000"}"#,
    r#"{"AWS":["arn:aws:iam::222222222222:root","333333333333"]}"#,
    r#"{"AWS":"arn:aws-cn:iam::222222222222:root"}"#,
    r#"{"AWS":"arn:aws:iam::000000000000:role/Shop"}"#,
    r#"{"AWS":["arn:aws:iam::222222222222:role/Batch","arn:aws:iam::000000000000:user/anna"]}"#,
    r#"{"AWS":"arn:aws:sts::000000000000:assumed-role/Shop/shop-1"}"#,
    r#"{"AWS":["AROAEXAMPLEID","arn:aws:iam::000000000000:role/Shop"]}"#,
    r#"{"Service":"lambda.amazonaws.com"}"#,
    r#"{"AWS":"arn:aws:iam::000000000000:role/*"}"#,
    r#"{"AWS":"arn:aws:iam::000000000000:root"}"#,
];
const ACTIONS: [&str; 10] = [
    r#""sts:AssumeRole""#,
    r#""STS:assumerole""#,
    r#"["sts:AssumeRole","sts:TagSession"]"#,
    r#""sts:*""#,
    r#""*""#,
    r#""sts:Assume*""#,
    r#""sts:Tag?ession""#,
    r#""sts:TagSession""#,
    r#""sts:Assume:Role""#,
    r#""s3:GetObject""#,
];
const CONDITIONS: [&str; 26] = [
    r#"{}"#,
    r#"{"StringEquals":{"sts:ExternalId":"b3c7"}}"#,
    r#"{"StringLike":{"STS:externalid":["b3c7"]}}"#,
    r#"{"StringEquals":{"sts:ExternalId":["b3c7","x"]}}"#,
    r#"{"StringNotEquals":{"sts:ExternalId":["b3c7","x"]}}"#,
    r#"{"StringEquals":{"sts:ExternalId":"b3c7`, `x"}}"#,
    r#"{"StringEqualsIfExists":{"sts:ExternalId":"b3c7"}}"#,
    r#"{"StringEqualsIfExists":{"sts:ExternalId":[]}}"#,
    r#"{"StringEquals":{"sts:ExternalId":[]}}"#,
    r#"{"StringLike":{"sts:RoleSessionName":["shop-*","job"]}}"#,
    r#"{"StringLike":{"sts:RoleSessionName":"shop-*"}}"#,
    r#"{"StringLike":{"sts:RoleSessionName":"*"}}"#,
    r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/Batch"}}"#,
    r#"{"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::222222222222:role/Batch","arn:aws:iam::000000000000:role/Shop"]}}"#,
    r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::222222222222:root"}}"#,
    r#"{"StringLike":{"aws:PrincipalArn":"*:role/Batch"}}"#,
    r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/*"}}"#,
    r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/Batch"}}"#,
    r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"team"},"Null":{"aws:TagKeys":"false"}}"#,
    r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]},"Null":{"aws:TagKeys":["false","false"]}}"#,
    r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}"#,
    r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["team","env"]}}"#,
    r#"{"Null":{"sts:ExternalId":["true","false"]}}"#,
    r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
    r#"{"stringequals":{"sts:ExternalId":"b3c7"}}"#,
    r#"{"StringEquals":{"sts:ExternalId":"${aws:PrincipalAccount}"}}"#,
];

fn trust_statement(random: &mut Random) -> Value {
    let effect = if random.below(5) == 0 { "Deny" } else { "Allow" };
    let mut statement = json!({"Effect": effect});
    let (who, what) = match random.below(12) {
        0 => ("NotPrincipal", "Action"),
        1 => ("Principal", "NotAction"),
        _ => ("Principal", "Action"),
    };
    statement[who] = json_of(random.one(&PRINCIPALS));
    statement[what] = json_of(random.one(&ACTIONS));
    statement["Condition"] = json_of(random.one(&CONDITIONS));
    if random.below(20) == 0 {
        statement["Conditions"] = json!({});
    }
    statement
}

const RESOURCES: [&str; 9] = [
    "*",
    "arn:aws:execute-api:*",
    "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/*",
    "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/GET/*",
    "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/GET/items/*",
    "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/PUT/hoge",
    "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/${aws:PrincipalAccount}",
    "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$*",
    "arn:aws::::x",
];

fn invoke_statement(random: &mut Random) -> Value {
    let effect = if random.below(5) == 0 { "Deny" } else { "Allow" };
    let mut statement = json!({"Effect": effect});
    let what = if random.below(10) == 0 { "NotAction" } else { "Action" };
    let on = if random.below(10) == 0 { "NotResource" } else { "Resource" };
    statement[what] = json!(random.one(&["execute-api:Invoke", "EXECUTE-API:invoke", "execute-api:*", "*", "s3:*"]));
    statement[on] = json!([random.one(&RESOURCES), random.one(&RESOURCES)]);
    statement
}

/// Changes a policy: statements go, come, are written otherwise or lose their conditions.
fn mutate(policy: &mut Value, random: &mut Random, statement: fn(&mut Random) -> Value) {
    let statements = policy["Statement"].as_array_mut().unwrap();
    for _ in 0..random.below(4) {
        let at = random.below(statements.len().max(1));
        match random.below(6) {
            0 if !statements.is_empty() => drop(statements.remove(at)),
            1 if !statements.is_empty() => drop(statements[at].as_object_mut().unwrap().remove("Condition")),
            2 => statements.reverse(),
            3 if !statements.is_empty() => {
                let again = statements[at].clone();
                statements.push(again);
            }
            4 if !statements.is_empty() => {
                let text = statements[at].to_string();
                let text = match random.below(4) {
                    0 => text.replace("ArnEquals", "ArnLike"),
                    1 => text.replace("sts:AssumeRole", "sts:assumerole"),
                    2 => text.replace("arn:aws:iam::222222222222:root", "222222222222"),
                    _ => text.replace("StringEquals", "StringLike"),
                };
                statements[at] = json_of(&text);
            }
            _ => statements.push(statement(random)),
        }
    }
    if random.below(10) == 0 {
        policy["Version"] = json!("2008-10-17");
    }
}

/// What is no policy allows nothing.
fn is_allowed(document: Option<&PolicyDocument>, request: &Request<'_>) -> bool {
    document.is_some_and(|document| evaluate(&[document], request).is_allowed())
}

fn decisions(trust: &Value, invoke: &Value) -> Vec<bool> {
    let read = |policy: &Value, kind| PolicyDocument::parse(&policy.to_string(), kind).ok();
    let (trust, invoke) = (read(trust, PolicyKind::Trust), read(invoke, PolicyKind::Identity));
    let role = format!("arn:aws:iam::111111111111:role/{ROLE}");
    let session = |arn: &str| Some(PrincipalIdentity::assumed_role(arn, "shop-1").unwrap());
    let other = |arn: &str| Some(PrincipalIdentity::from_arn(arn).unwrap());
    let principals = [
        session("arn:aws:iam::000000000000:role/Shop"),
        session("arn:aws:iam::000000000000:role/Other"),
        session("arn:aws:iam::222222222222:role/Batch"),
        session("arn:aws:iam::222222222222:role/Other"),
        session("arn:aws-cn:iam::222222222222:role/Batch"),
        session("arn:aws:iam::333333333333:role/Batch"),
        other("arn:aws:iam::000000000000:user/anna"),
        other("arn:aws:iam::222222222222:root"),
        None,
    ];
    let tagged = |keys: &[&str]| {
        let mut context = Context::new().with("sts:RoleSessionName", "shop-1");
        context.set_all("aws:TagKeys", keys.iter().copied());
        context
    };
    let contexts = [
        Context::new(),
        Context::new().with("sts:ExternalId", "b3c7"),
        Context::new().with("sts:ExternalId", "x"),
        Context::new().with("sts:ExternalId", "222222222222"),
        Context::new().with("sts:RoleSessionName", "job").with("sts:ExternalId", "b3c7"),
        Context::new().with("sts:RoleSessionName", "other"),
        tagged(&["team"]),
        tagged(&["team", "env"]),
        tagged(&["env"]),
    ];
    let mut decisions = Vec::new();
    for principal in &principals {
        for action in ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] {
            for context in &contexts {
                let (principal, context) = (principal.clone(), context.clone());
                let request = Request { principal, action, resource: &role, context };
                decisions.push(is_allowed(trust.as_ref(), &request));
            }
        }
    }
    let api = "arn:aws:execute-api:ap-northeast-1:111111111111";
    for action in ["execute-api:Invoke", "execute-api:ManageConnections", "s3:GetObject"] {
        for route in ["GET/", "GET/items/1", "PUT/hoge", "DELETE/x", "222222222222", "111111111111"] {
            for place in ["f6g7h8i9j0/$default", "f6g7h8i9j0/v1", "other/$default"] {
                let resource = format!("{api}:{place}/{route}");
                let principal = session(&role);
                let request = Request { principal, action, resource: &resource, context: Context::new() };
                decisions.push(is_allowed(invoke.as_ref(), &request));
            }
        }
    }
    decisions
}

/// Whatever is deployed, "the same" is said only where generated requests are decided alike.
#[test]
fn r3_the_same_means_the_same_decisions() {
    let original = deployed();
    let documents = |deployed: &Value, at: usize| {
        let role = &deployed["RoleDetailList"][at];
        (role["AssumeRolePolicyDocument"].clone(), role["RolePolicyList"][0]["PolicyDocument"].clone())
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut same, mut changed_and_same, mut different) = (0, 0, 0);
    for _ in 0..600 {
        let mut deployed = original.clone();
        for role in deployed["RoleDetailList"].as_array_mut().unwrap() {
            mutate(&mut role["AssumeRolePolicyDocument"], &mut random, trust_statement);
            mutate(&mut role["RolePolicyList"][0]["PolicyDocument"], &mut random, invoke_statement);
        }
        for (at, diff) in diff(&deployed).iter().enumerate() {
            assert_eq!(deployed["RoleDetailList"][at]["RoleName"], json!(diff.role));
            let (ours, theirs) = (documents(&original, at), documents(&deployed, at));
            if !diff.is_same() {
                different += 1;
                continue;
            }
            same += 1;
            changed_and_same += usize::from(ours != theirs);
            let agree = decisions(&ours.0, &ours.1) == decisions(&theirs.0, &theirs.1);
            assert!(agree, "{} {} {}", diff.role, theirs.0, theirs.1);
        }
    }
    // All of them are tried, and more than what stands there word by word.
    assert!(same > 100 && changed_and_same > 50 && different > 400, "{same} {changed_and_same} {different}");
}
