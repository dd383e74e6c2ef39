//! Documents that IAM refuses: nothing in them allows, and what denies goes on denying.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{ROLE, identity, session, trust};
use xacct_sign_provider::iam::{Context, Effect, PolicyDocument, PolicyKind, Request, evaluate};

const ROUTE: &str = "arn:aws:execute-api:eu-west-1:111111111111:abc/$default/GET/items";

fn is_allowed(elements: &str) -> bool {
    identity(&format!(r#"{{"Effect":"Allow",{elements}}}"#), "execute-api:Invoke", ROUTE, Context::new()).is_allowed()
}

#[test]
fn r7_malformed_documents_do_not_allow() {
    for action in [
        "sts:Assume:Role",
        "st s:AssumeRole",
        "sts :AssumeRole",
        "sts: AssumeRole",
        " sts:AssumeRole",
        "sts:AssumeRole\\n",
        "sts:",
        ":AssumeRole",
        "AssumeRole",
        "",
        "**",
        "?",
        "*:AssumeRole",
        "*:*",
        "s?s:AssumeRole",
        "execute-api*",
        "sts:${aws:username}",
        "sts:Assume-Role",
        "sts:Assume\\u212aRole",
        "${*}:Invoke",
    ] {
        assert!(!is_allowed(&format!(r#""NotAction":"{action}","Resource":"*""#)), "{action}");
        // One of several is enough.
        assert!(!is_allowed(&format!(r#""Action":["execute-api:Invoke","{action}"],"Resource":"*""#)), "{action}");
        let not_action = format!(r#"{{"Effect":"Allow","Principal":"*","NotAction":"{action}"}}"#);
        assert!(!trust(&not_action, Context::new()).is_allowed(), "{action}");
    }
    for resource in [
        "arn:aws::::x",
        "arn:aws:s3:::",
        "arn::s3:::x",
        "arn:aws:s3",
        "arn:aws:s3:::x\\n",
        "ARN:aws:s3:::x",
        " arn:aws:s3:::x",
        "arn:aws:s 3:::x",
        "arn:aws:S3:::x",
        "arn:nowhere:s3:::x",
        "arn:aws:*:::x",
        "arn:aws:s?:::x",
        "arn:aws:s3:eu west:000000000000:x",
        "arn:aws:s3:eu-west-1:${aws:PrincipalAccount}:x",
        "arn:aws:${aws:username}:::x",
        "x",
        "**",
        "?",
        "",
    ] {
        assert!(!is_allowed(&format!(r#""Action":"*","NotResource":"{resource}""#)), "{resource}");
        assert!(!is_allowed(&format!(r#""Action":"*","Resource":["*","{resource}"]"#)), "{resource}");
    }
    // A wildcard in the service would cover the route.
    assert!(!is_allowed(r#""Action":"*","Resource":"arn:aws:*:eu-west-1:111111111111:abc/*""#));
    assert!(is_allowed(r#""Action":"*","Resource":"arn:*:execute-api:eu-*:1111*:abc/*""#));
    assert!(is_allowed(r#""NotAction":"sts:No?Such*","NotResource":"arn:aws-cn:s3:::x y/${*}""#));
}

/// IAM's own text: "action vendors must not contain wildcards". Its pages name no exception.
#[test]
fn decided_no_service_is_a_wildcard_not_even_in_star_colon_star() {
    assert!(is_allowed(r#""Action":"*","Resource":"*""#));
    assert!(is_allowed(r#""Action":"execute-api:*","Resource":"*""#));
    for action in ["*:*", "*:Invoke", "execute-*:Invoke"] {
        assert!(!is_allowed(&format!(r#""Action":"{action}","Resource":"*""#)), "{action}");
        // What denies goes on denying.
        let both = format!(
            r#"[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"{action}","Resource":"*"}}]"#
        );
        let effect = identity(&both, "execute-api:Invoke", ROUTE, Context::new()).effect;
        assert_eq!(effect, Effect::ExplicitDeny, "{action}");
    }
}

/// IAM's own texts: its "resource path must either be `*`, root, or start with user/, federated-user/, role/, ...", and it "cannot
/// contain region information".
#[test]
fn decided_the_type_of_an_iam_resource_is_written_out() {
    let may = |resource: &str| {
        let statement = format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{resource}"}}"#);
        identity(&statement, "sts:AssumeRole", ROLE, Context::new()).is_allowed()
    };
    let (start, name) = ROLE.split_once(":role/").unwrap();
    for resource in ["role/*", "role/?*", "*", &format!("role/{name}")] {
        assert!(may(&format!("{start}:{resource}")), "{resource}");
    }
    for resource in ["r*", "r*/*", "rol?/*", "*/*", "*role/*", "role*", "Role/*", "${aws:username}", "example"] {
        let arn = format!("{start}:{resource}");
        assert!(!may(&arn), "{arn}");
        assert!(!is_allowed(&format!(r#""Action":"*","NotResource":"{arn}""#)), "{arn}");
        // One of several is enough, and another service's may have any.
        assert!(!is_allowed(&format!(r#""Action":"*","Resource":["*","{arn}"]"#)), "{arn}");
        let other = arn.replace(":iam:", ":s3:").replace("${aws:username}", "x");
        assert!(is_allowed(&format!(r#""Action":"*","Resource":["*","{other}"]"#)), "{other}");
    }
    for region in ["us-east-1", "*", "?"] {
        let start = start.replace(":iam::", &format!(":iam:{region}:"));
        assert!(!may(&format!("{start}:role/*")), "{region}");
    }
    assert!(may("arn:aws:iam::*:role/*") && may("arn:*:iam::*"));
}

#[test]
fn r7_a_document_is_refused_as_a_whole() {
    let allow = r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#;
    for (other, named) in [
        (r#"{"Effect":"Allow","Principal":{"AWS":"000000000001"},"NotAction":"st s:x"}"#, "`NotAction` `st s:x`"),
        (r#"{"Effect":"Deny","Principal":{"AWS":"000000000001"},"Action":"sts:"}"#, "`Action` `sts:`"),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::*:root"},"Action":"sts:AssumeRole"}"#,
            "`arn:aws:iam::*:root`",
        ),
        (r#"{"Effect":"Allow","Principal":{"AWS":"arn:moon:iam::000000000000:root"},"Action":"sts:*"}"#, "arn:moon"),
        (r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:role/a b"},"Action":"sts:*"}"#, "role/a b"),
        (r#"{"Effect":"Allow","Principal":{"Service":"lambda"},"Action":"sts:AssumeRole"}"#, "service `lambda`"),
        (r#"{"Effect":"Allow","Principal":{"Service":"*"},"Action":"sts:AssumeRole"}"#, "service `*`"),
        (r#"{"Effect":"Allow","Principal":{"AWS":"000000000001"},"Action":"s3:GetObject"}"#, "in a trust policy"),
        (r#"{"Sid":"not this","Effect":"Allow","Principal":"*","Action":"sts:TagSession"}"#, "`Sid` `not this`"),
    ] {
        let both = trust(&format!("[{allow},{other}]"), Context::new());
        assert_ne!(both.effect, Effect::Allow, "{other}");
        assert!(both.reasons.iter().any(|reason| reason.contains(named)), "{named}: {:?}", both.reasons);
    }
    let sid = r#"{"Sid":"A","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#;
    assert!(trust(sid, Context::new()).is_allowed());
    let twice = trust(&format!("[{sid},{sid}]"), Context::new());
    assert_eq!(twice.effect, Effect::ImplicitDeny);
    assert!(twice.reasons.iter().all(|reason| reason.contains("`Sid` `A`, which stands twice")), "{:?}", twice.reasons);

    let document = PolicyDocument::parse(&format!(r#"{{"Id":1,"Statement":{allow}}}"#), PolicyKind::Trust).unwrap();
    assert_eq!(document.unsupported(), ["`Id`, which is not a text"]);
    let context = Context::new();
    let request = Request { principal: Some(session()), action: "sts:AssumeRole", resource: ROLE, context };
    assert_eq!(evaluate(&[&document], &request).effect(), Effect::ImplicitDeny);
    // A principal that was deleted is none of these: IAM shows its id, and the other statements go on.
    let deleted = r#"{"Effect":"Allow","Principal":{"AWS":"AROAEXAMPLEID"},"Action":"sts:AssumeRole"}"#;
    assert!(trust(&format!("[{deleted},{allow}]"), Context::new()).is_allowed());
}

#[test]
fn r7_the_kelvin_sign_is_no_k() {
    let kelvin = "sts:TagSession".replace('T', "\u{212a}");
    let allow = r#"{"Effect":"Allow","Action":"sts:kagSession","Resource":"*"}"#;
    assert!(!identity(allow, &kelvin, "*", Context::new()).is_allowed());
    assert!(identity(allow, "STS:KAGSESSION", "*", Context::new()).is_allowed());
    let tag = r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEqualsIgnoreCase":{"aws:RequestTag/a":"kö"}}}"#;
    let with = |value: &str| trust(tag, Context::new().with("aws:RequestTag/a", value)).is_allowed();
    assert!(with("KÖ") && !with("\u{212a}ö"));
}

#[test]
fn r7_what_is_no_arn_meets_no_arn_operator() {
    for operator in ["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"] {
        for (value, session_name) in [
            ("arn:aws:iam::999999999999:*", "orders"),
            ("arn:aws:iam::999999999999:*", "arn:aws:iam"),
            ("arn:aws:iam::999999999999:*", "x:aws:iam::999999999999:role/x"),
            ("arn:aws:iam::999999999999:*", "arn:::::"),
            ("${aws:PrincipalTag/arn}", "arn:aws:iam::000000000000:role/x"),
            (":::::", "arn:aws:iam::000000000000:role/x"),
            ("x:aws:iam::999999999999:*", "arn:aws:iam::000000000000:role/x"),
        ] {
            let condition = format!(r#"{{"{operator}":{{"sts:RoleSessionName":"{value}"}}}}"#);
            let context =
                || Context::new().with("sts:RoleSessionName", session_name).with("aws:PrincipalTag/arn", "arn:aws:iam");
            let statement = |effect: &str| {
                format!(r#"{{"Effect":"{effect}","Principal":"*","Action":"sts:AssumeRole","Condition":{condition}}}"#)
            };
            assert!(!trust(&statement("Allow"), context()).is_allowed(), "{condition} {session_name}");
            if operator.contains("Not") {
                assert_eq!(trust(&statement("Deny"), context()).effect, Effect::ExplicitDeny, "{condition}");
            }
        }
    }
}
