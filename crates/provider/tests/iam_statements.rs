//! Principals, actions, resources, how statements go together, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use common::{CALLER, ROLE, identity, session, trust, trust_for};
use xacct_sign_provider::iam::{Context, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Lock, Manifest};

fn statement(effect: &str, principal: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
}

#[test]
fn principals() {
    let user = PrincipalIdentity::from_arn("arn:aws:iam::000000000000:user/dev/anna").unwrap();
    let root = PrincipalIdentity::from_arn("arn:aws:iam::000000000000:root").unwrap();
    let china = PrincipalIdentity::assumed_role("arn:aws-cn:iam::000000000000:role/Shop", "s").unwrap();
    // Principal, then whether it is: a role's session, a user, a root, another partition's session,
    // nobody.
    for (principal, expected) in [
        (r#""*""#, [true, true, true, true, true]),
        (r#"{"AWS":"*"}"#, [true, true, true, true, true]),
        (r#"{"AWS":"000000000000"}"#, [true, true, true, true, false]),
        (r#"{"AWS":"000000000001"}"#, [false; 5]),
        (r#"{"AWS":"arn:aws:iam::000000000000:root"}"#, [true, true, true, false, false]),
        (r#"{"AWS":"arn:aws:iam::000000000000:role/service-role/Shop"}"#, [true, false, false, false, false]),
        // The path is part of the role's ARN, the case of the name counts.
        (r#"{"AWS":"arn:aws:iam::000000000000:role/Shop"}"#, [false; 5]),
        (r#"{"AWS":"arn:aws:iam::000000000000:role/service-role/shop"}"#, [false; 5]),
        (r#"{"AWS":"arn:aws-cn:iam::000000000000:role/Shop"}"#, [false, false, false, true, false]),
        // The session's ARN has no path.
        (r#"{"AWS":"arn:aws:sts::000000000000:assumed-role/Shop/orders"}"#, [true, false, false, false, false]),
        (r#"{"AWS":"arn:aws:sts::000000000000:assumed-role/Shop/other"}"#, [false; 5]),
        (r#"{"AWS":"arn:aws:iam::000000000000:user/dev/anna"}"#, [false, true, false, false, false]),
        (
            r#"{"AWS":["arn:aws:iam::000000000000:user/dev/anna","arn:aws:iam::999999999999:root"]}"#,
            [false, true, false, false, false],
        ),
        (r#"{"Service":"lambda.amazonaws.com"}"#, [false; 5]),
        (r#"{"Federated":"cognito-identity.amazonaws.com"}"#, [false; 5]),
        (r#"{"Service":"lambda.amazonaws.com","AWS":"000000000000"}"#, [true, true, true, true, false]),
    ] {
        let who = [Some(session()), Some(user.clone()), Some(root.clone()), Some(china.clone()), None];
        for (index, (who, expected)) in who.into_iter().zip(expected).enumerate() {
            let allow = trust_for(who.clone(), &statement("Allow", principal), Context::new());
            let deny = trust_for(who, &statement("Deny", principal), Context::new());
            assert_eq!(allow.effect == Effect::Allow, expected, "{principal} {index}");
            assert_eq!(deny.effect == Effect::ExplicitDeny, expected, "{principal} {index}");
        }
    }
}

#[test]
fn unknown_principals_deny_and_are_named() {
    for (principal, name) in [
        (r#"{"AWS":"arn:aws:iam::000000000000:role/*"}"#, "`arn:aws:iam::000000000000:role/*`"),
        (r#"{"AWS":"arn:aws:iam::*:root"}"#, "`arn:aws:iam::*:root`"),
        (r#"{"AWS":"arn:aws:iam::000000000000:*"}"#, "`arn:aws:iam::000000000000:*`"),
        (r#"{"AWS":"arn:aws:iam::000000000000:role/${aws:username}"}"#, "principal"),
        (r#"{"AWS":"arn:aws:iam::000000000000:group/x"}"#, "group/x"),
        (r#"{"AWS":"arn:aws:sts::000000000000:assumed-role/Shop/*"}"#, "assumed-role/Shop/*"),
        (r#"{"AWS":"AROAXXXXXXXXXXXXXXXXX"}"#, "`AROAXXXXXXXXXXXXXXXXX`"),
        (r#"{"AWS":"12345678901"}"#, "`12345678901`"),
        (r#"{"CanonicalUser":"abc"}"#, "principal type `CanonicalUser`"),
        // One unknown among known ones is enough.
        (r#"{"AWS":["000000000000","x"]}"#, "`x`"),
    ] {
        for (effect, expected) in [("Allow", Effect::ImplicitDeny), ("Deny", Effect::ExplicitDeny)] {
            let decision = trust(&statement(effect, principal), Context::new());
            assert_eq!(decision.effect, expected, "{effect} {principal}");
            assert!(decision.reasons[0].contains(name), "{name}: {:?}", decision.reasons);
        }
    }
}

#[test]
fn other_unknown_things_deny_and_are_named() {
    let allow = statement("Allow", r#""*""#);
    for (text, name) in [
        (format!(r#"{{"Version":"2030-01-01","Statement":{allow}}}"#), "version `2030-01-01`"),
        (format!(r#"{{"Statements":[],"Statement":{allow}}}"#), "policy element `Statements`"),
        (
            format!(r#"{{"Statement":{}}}"#, allow.replace("\"Action\"", "\"Conditions\":{},\"Action\"")),
            "statement element `Conditions`",
        ),
        (format!(r#"{{"Statement":{}}}"#, allow.replace("\"Principal\"", "\"NotPrincipal\"")), "`NotPrincipal`"),
        (
            format!(
                r#"{{"Statement":{}}}"#,
                allow.replace("\"Action\":\"sts:AssumeRole\"", "\"NotAction\":\"GetObject\"")
            ),
            "`NotAction` `GetObject`",
        ),
    ] {
        for (text, expected) in
            [(text.clone(), Effect::ImplicitDeny), (text.replace("Allow", "Deny"), Effect::ExplicitDeny)]
        {
            let document = PolicyDocument::parse(&text, PolicyKind::Trust).unwrap();
            assert!(document.unsupported()[0].contains(name), "{:?}", document.unsupported());
            let request = Request {
                principal: Some(session()),
                action: "sts:AssumeRole",
                resource: ROLE,
                context: Context::new(),
            };
            let decision = evaluate(&[&document], &request);
            assert_eq!(decision.effect(), expected, "{text}");
            assert!(decision.to_string().contains(name), "{decision}");
        }
    }
}

#[test]
fn actions_and_resources() {
    let route = "arn:aws:execute-api:eu-west-1:111111111111:abc/$default/GET/items/1/x";
    let invoke = "execute-api:Invoke";
    for (elements, expected) in [
        (r#""Action":"execute-api:Invoke","Resource":"*""#, true),
        (r#""Action":"EXECUTE-API:invoke","Resource":"*""#, true),
        (r#""Action":"execute-api:*","Resource":"*""#, true),
        (r#""Action":"execute-api:Inv?ke","Resource":"*""#, true),
        (r#""Action":"*","Resource":"*""#, true),
        (r#""Action":["s3:*","execute-api:Invoke"],"Resource":"*""#, true),
        (r#""Action":"execute-api:InvokeX","Resource":"*""#, false),
        (r#""NotAction":"execute-api:*","Resource":"*""#, false),
        (r#""NotAction":"s3:*","Resource":"*""#, true),
        (r#""Action":"*","Resource":"arn:aws:execute-api:eu-west-1:111111111111:abc/$default/*""#, true),
        (r#""Action":"*","Resource":"arn:aws:execute-api:eu-west-1:111111111111:abc/$default/GET/items/*""#, true),
        (r#""Action":"*","Resource":"arn:aws:execute-api:eu-west-1:111111111111:abc/$default/*/x""#, true),
        (r#""Action":"*","Resource":"arn:aws:execute-api:eu-west-1:111111111111:abc/$default/GET/items/?/x""#, true),
        (r#""Action":"*","Resource":"arn:aws:execute-api:eu-west-1:111111111111:abc/$default/get/items/*""#, false),
        (r#""Action":"*","Resource":"arn:aws:execute-api:eu-west-1:111111111111:abc/$default/PUT/*""#, false),
        (r#""Action":"*","Resource":"arn:aws:execute-api:eu-west-1:111111111111:abc/$default/GET/items""#, false),
        (r#""Action":"*","Resource":["arn:aws:s3:::x","arn:aws:execute-api:*:*:*"]"#, true),
        (r#""Action":"*","NotResource":"arn:aws:s3:::*""#, true),
        (r#""Action":"*","NotResource":"arn:aws:execute-api:*:*:abc/*""#, false),
    ] {
        let allow = identity(&format!(r#"{{"Effect":"Allow",{elements}}}"#), invoke, route, Context::new());
        let deny = identity(&format!(r#"{{"Effect":"Deny",{elements}}}"#), invoke, route, Context::new());
        assert_eq!(allow.effect == Effect::Allow, expected, "{elements}: {:?}", allow.reasons);
        assert_eq!(deny.effect == Effect::ExplicitDeny, expected, "{elements}");
    }
}

#[test]
fn a_denial_wins_over_everything() {
    let allow = statement("Allow", r#""*""#);
    let deny = statement("Deny", r#"{"AWS":"000000000000"}"#);
    let named = deny.replacen('{', r#"{"Sid":"Shut","#, 1);
    for order in [format!("[{allow},{named}]"), format!("[{named},{allow}]")] {
        let decision = trust(&order, Context::new());
        assert_eq!(decision.effect, Effect::ExplicitDeny);
        assert_eq!(decision.reasons.len(), 1);
        assert!(decision.reasons[0].contains("(`Shut`): denies"), "{:?}", decision.reasons);
    }
    let other = statement("Deny", r#"{"AWS":"999999999999"}"#);
    assert_eq!(trust(&format!("[{other},{allow}]"), Context::new()).effect, Effect::Allow);
}

#[test]
fn documents_go_together() {
    let parse = |effect: &str, action: &str| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}]}}"#
        );
        PolicyDocument::parse(&text, PolicyKind::Identity).unwrap()
    };
    let (s3, sts, deny) = (parse("Allow", "s3:*"), parse("Allow", "sts:*"), parse("Deny", "*"));
    let request =
        Request { principal: Some(session()), action: "sts:AssumeRole", resource: ROLE, context: Context::new() };
    assert_eq!(evaluate(&[&s3, &sts], &request).effect(), Effect::Allow);
    assert_eq!(evaluate(&[&s3, &sts, &deny], &request).effect(), Effect::ExplicitDeny);
    let decision = evaluate(&[&s3, &s3], &request);
    assert_eq!(decision.effect(), Effect::ImplicitDeny);
    assert_eq!(decision.outcomes()[1].to_string(), "policy 2, statement 1: action: it does not cover `sts:AssumeRole`");
    let nothing = evaluate(&[], &request);
    assert_eq!(nothing.effect(), Effect::ImplicitDeny);
    assert_eq!(nothing.to_string(), "there is no policy that could allow it");
}

#[test]
fn the_older_version_knows_no_variables() {
    for (version, expected) in
        [(r#""Version":"2008-10-17","#, false), ("", false), (r#""Version":"2012-10-17","#, true)]
    {
        let text = format!(
            r#"{{{version}"Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${{aws:PrincipalAccount}}"}}]}}"#
        );
        let document = PolicyDocument::parse(&text, PolicyKind::Identity).unwrap();
        let request = Request {
            principal: Some(session()),
            action: "s3:ListBucket",
            resource: "arn:aws:s3:::000000000000",
            context: Context::new(),
        };
        assert_eq!(evaluate(&[&document], &request).is_allowed(), expected, "{text}");
    }
}

#[test]
fn what_is_no_policy_is_refused() {
    let trust = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}"#;
    let identity = r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    assert!(PolicyDocument::parse(trust, PolicyKind::Trust).is_ok());
    assert!(PolicyDocument::parse(identity, PolicyKind::Identity).is_ok());
    let deep = "[".repeat(100_000);
    for (text, kind, part) in [
        (String::new(), PolicyKind::Trust, "not JSON"),
        (deep, PolicyKind::Trust, "not JSON"),
        (format!("{trust}x"), PolicyKind::Trust, "not JSON"),
        ("[]".into(), PolicyKind::Trust, "not a JSON object"),
        ("{}".into(), PolicyKind::Trust, "no statement"),
        (r#"{"Statement":[]}"#.into(), PolicyKind::Trust, "no statement"),
        (r#"{"Statement":[1]}"#.into(), PolicyKind::Trust, "statement 1: not a JSON object"),
        (format!(r#"{{"Version":1,{}"#, &trust[1..]), PolicyKind::Trust, "`Version`"),
        (trust.replace("\"Effect\"", "\"Action\":\"s3:*\",\"Effect\""), PolicyKind::Trust, "`Action` stands twice"),
        (trust.replace("Allow", "allow"), PolicyKind::Trust, "`Effect`"),
        (trust.replace("\"Effect\"", "\"Sid\":1,\"Effect\""), PolicyKind::Trust, "`Sid`"),
        (trust.replace("\"Action\"", "\"Actions\""), PolicyKind::Trust, "neither `Action` nor `NotAction`"),
        (
            trust.replace("\"Action\"", "\"NotAction\":\"s3:*\",\"Action\""),
            PolicyKind::Trust,
            "both `Action` and `NotAction`",
        ),
        (trust.replace("\"sts:AssumeRole\"", "[]"), PolicyKind::Trust, "`Action` is neither"),
        (trust.replace("\"sts:AssumeRole\"", "[1]"), PolicyKind::Trust, "`Action` is neither"),
        (trust.replace("\"*\"", "\"000000000000\""), PolicyKind::Trust, "`Principal` is neither"),
        (trust.replace("\"*\"", "{}"), PolicyKind::Trust, "`Principal` is neither"),
        (trust.replace("\"Action\"", "\"NotPrincipal\":\"*\",\"Action\""), PolicyKind::Trust, "both `Principal`"),
        (trust.replace("\"Action\"", "\"Condition\":[],\"Action\""), PolicyKind::Trust, "`Condition` is not an object"),
        (
            trust.replace("\"Action\"", "\"Condition\":{\"Null\":1},\"Action\""),
            PolicyKind::Trust,
            "`Null` is not an object",
        ),
        (
            trust.replace("\"Action\"", "\"Condition\":{\"Null\":{\"a\":null}},\"Action\""),
            PolicyKind::Trust,
            "condition Null a",
        ),
        (trust.into(), PolicyKind::Identity, "names no `Principal`"),
        (identity.into(), PolicyKind::Trust, "names a `Principal`"),
        (trust.replace("\"Action\"", "\"Resource\":\"*\",\"Action\""), PolicyKind::Trust, "names no `Resource`"),
        (identity.replace(",\"Resource\":\"*\"", ""), PolicyKind::Identity, "names a `Resource`"),
        (
            identity.replace("\"Resource\"", "\"NotResource\":\"*\",\"Resource\""),
            PolicyKind::Identity,
            "both `Resource`",
        ),
    ] {
        let error = match PolicyDocument::parse(&text, kind) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{part} was expected of {text}"),
        };
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[test]
fn identities_are_made_of_arns() {
    let session = session();
    assert_eq!(session.arn(), "arn:aws:sts::000000000000:assumed-role/Shop/orders");
    assert_eq!(session.role_arn(), Some(CALLER));
    assert_eq!(session.account(), "000000000000");
    for arn in [
        "",
        "Shop",
        "arn:aws:iam::0:role/Shop",
        "arn:aws:iam::000000000000:user/Shop",
        "arn:aws:iam::000000000000:role/",
        "arn:aws:iam::000000000000:role/*",
    ] {
        assert!(PrincipalIdentity::assumed_role(arn, "s").is_err(), "{arn}");
    }
    for arn in ["", CALLER, session.arn(), "arn:aws:s3:::x", "arn:aws:iam::000000000000:root/x"] {
        assert!(PrincipalIdentity::from_arn(arn).is_err(), "{arn}");
    }
    assert!(PrincipalIdentity::from_arn("arn:aws:sts::000000000000:federated-user/x").is_ok());
}

/// The documents of a manifest, as they get deployed: who gets in, and how far.
#[test]
fn rendered_documents_let_in_whom_the_manifest_names() {
    let text = r#"
        [api]
        account = "111111111111"
        region = "ap-northeast-1"
        [stages.stag]
        api_id = "f6g7h8i9j0"
        [callers.shop]
        account = "000000000000"
        roles = { stag = "service-role/Shop" }
        [callers.partner]
        account = "222222222222"
        roles = { stag = "Batch" }
        external_id = "b3c7"
        routes = ["PUT /hoge", "GET /items/{id}"]
    "#;
    let manifest = Manifest::parse(text, "xacct.toml").unwrap();
    let roles = manifest.plan(&Lock::default()).provider_roles();
    let (shared, own) = (&roles[0], &roles[1]);
    let batch = PrincipalIdentity::assumed_role("arn:aws:iam::222222222222:role/Batch", "s").unwrap();
    let id = |id: &str| Context::new().with("sts:ExternalId", id);
    for (role, who, context, expected) in [
        (shared, session(), Context::new(), true),
        (shared, session(), id("unasked"), true),
        (shared, batch.clone(), id("b3c7"), false),
        (own, batch.clone(), id("b3c7"), true),
        (own, batch.clone(), id("B3C7"), false),
        (own, batch, Context::new(), false),
        (own, session(), id("b3c7"), false),
    ] {
        let document = PolicyDocument::parse(&role.trust_policy.to_json_pretty(), PolicyKind::Trust).unwrap();
        assert!(document.unsupported().is_empty());
        let request = Request { principal: Some(who), action: "sts:AssumeRole", resource: &role.arn, context };
        assert_eq!(evaluate(&[&document], &request).is_allowed(), expected, "{request:?}");
    }
    for (role, route, expected) in [
        (shared, "DELETE/anything/at/all", true),
        (own, "PUT/hoge", true),
        (own, "GET/items/1", true),
        (own, "GET/items/1/secret", true),
        (own, "PUT/hoge/", false),
        (own, "GET/hoge", false),
        (own, "GET/items", false),
    ] {
        let document = PolicyDocument::parse(&role.invoke_policy.to_json(), PolicyKind::Identity).unwrap();
        assert!(document.unsupported().is_empty());
        let resource = format!("{}/{route}", manifest.stage_arn(&manifest.stages["stag"]).unwrap());
        let request = Request {
            principal: Some(PrincipalIdentity::assumed_role(&role.arn, "s").unwrap()),
            action: "execute-api:Invoke",
            resource: &resource,
            context: Context::new(),
        };
        assert_eq!(evaluate(&[&document], &request).is_allowed(), expected, "{route}");
        let other_stage = resource.replace("$default", "v1");
        assert!(!evaluate(&[&document], &Request { resource: &other_stage, ..request }).is_allowed());
    }
    for caller in manifest.plan(&Lock::default()).caller_roles() {
        let document = PolicyDocument::parse(&caller.policy.to_json(), PolicyKind::Identity).unwrap();
        for role in &roles {
            let request = Request {
                principal: Some(PrincipalIdentity::assumed_role(&caller.arn, "s").unwrap()),
                action: "sts:AssumeRole",
                resource: &role.arn,
                context: Context::new(),
            };
            let expected = role.callers.contains(&caller.caller);
            assert_eq!(evaluate(&[&document], &request).is_allowed(), expected, "{caller:?} {role:?}");
        }
    }
}

/// [Resource](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html): a `*` at the end
/// of a section can reach over the colons behind it.
#[test]
fn r8_a_trailing_wildcard_reaches_over_colons() {
    let route = "arn:aws:execute-api:eu-west-1:111111111111:abc/$default/GET/items";
    let says = |effect: &str, element: &str, resource: &str| {
        let statement = format!(r#"{{"Effect":"{effect}","Action":"execute-api:Invoke","{element}":"{resource}"}}"#);
        identity(&statement, "execute-api:Invoke", route, Context::new()).effect
    };
    for (resource, covers) in [
        ("arn:aws:execute-api:*", true),
        ("arn:aws:execute-api:eu-*", true),
        ("arn:*:execute-api:eu-west-1:*", true),
        ("arn:aws:execute-api:eu-west-1:1111*", true),
        ("arn:aws:execute-api:us-*", false),
        ("arn:aws:s3:*", false),
        ("arn:aws-cn:execute-api:*", false),
    ] {
        assert_eq!(says("Allow", "Resource", resource) == Effect::Allow, covers, "{resource}");
        assert_eq!(says("Deny", "Resource", resource) == Effect::ExplicitDeny, covers, "{resource}");
        assert_eq!(says("Allow", "NotResource", resource) == Effect::Allow, !covers, "{resource}");
    }
    // What ends before its resource, and in no `*`, is no ARN.
    for resource in
        ["arn:aws:execute-api:eu-west-1", "arn:aws:execute-api", "arn:aws:*", "arn:*", "arn:aws:execute-api*"]
    {
        assert_eq!(says("Allow", "Resource", resource), Effect::ImplicitDeny, "{resource}");
        assert_eq!(says("Allow", "NotResource", resource), Effect::ImplicitDeny, "{resource}");
    }
}
