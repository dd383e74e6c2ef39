//! Condition operators, keys and variables.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{identity, trust};
use xacct_sign_provider::iam::{
    Asked, Context, Effect, FailedCondition, KNOWN_KEYS, Mismatch, Outcome, PolicyDocument, PolicyKind, Request,
    evaluate,
};

fn statement(effect: &str, condition: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Principal":"*","Action":"sts:AssumeRole","Condition":{condition}}}"#)
}

/// `key=value` pairs; a key that stands several times holds a list.
fn context(text: &str) -> Context {
    let pairs: Vec<(&str, &str)> = text.split_whitespace().map(|p| p.split_once('=').unwrap()).collect();
    let mut context = Context::new();
    for (key, _) in &pairs {
        context.set_all(key, pairs.iter().filter(|(k, _)| k == key).map(|(_, v)| *v));
    }
    context
}

/// Each condition is tried in a statement that allows and in one that denies: where it holds, the
/// first allows and the second denies; where not, neither says anything.
#[test]
fn operators() {
    for (condition, request, holds) in [
        // Text.
        (r#"{"StringEquals":{"sts:ExternalId":"abc"}}"#, "sts:ExternalId=abc", true),
        (r#"{"StringEquals":{"STS:externalid":"abc"}}"#, "sts:ExternalId=abc", true),
        (r#"{"StringEquals":{"sts:ExternalId":"abc"}}"#, "sts:ExternalId=ABC", false),
        (r#"{"StringEquals":{"sts:ExternalId":"abc"}}"#, "", false),
        (r#"{"StringEquals":{"sts:ExternalId":["x","abc"]}}"#, "sts:ExternalId=abc", true),
        (r#"{"StringEquals":{"sts:ExternalId":"a*"}}"#, "sts:ExternalId=abc", false),
        (r#"{"StringEquals":{"sts:ExternalId":"a*"}}"#, "sts:ExternalId=a*", true),
        (r#"{"StringEqualsIgnoreCase":{"sts:ExternalId":"abc"}}"#, "sts:ExternalId=ABC", true),
        (r#"{"StringNotEquals":{"sts:ExternalId":"abc"}}"#, "sts:ExternalId=abc", false),
        (r#"{"StringNotEquals":{"sts:ExternalId":"abc"}}"#, "sts:ExternalId=x", true),
        (r#"{"StringNotEquals":{"sts:ExternalId":["abc","x"]}}"#, "sts:ExternalId=x", false),
        (r#"{"StringNotEquals":{"sts:ExternalId":"abc"}}"#, "", true),
        (r#"{"StringNotEqualsIgnoreCase":{"sts:ExternalId":"abc"}}"#, "sts:ExternalId=ABC", false),
        (r#"{"StringLike":{"sts:RoleSessionName":"job-?-*"}}"#, "sts:RoleSessionName=job-1-a/b", true),
        (r#"{"StringLike":{"sts:RoleSessionName":"job-?-*"}}"#, "sts:RoleSessionName=job--a", false),
        (r#"{"StringLike":{"sts:RoleSessionName":"JOB*"}}"#, "sts:RoleSessionName=job", false),
        (r#"{"StringNotLike":{"sts:RoleSessionName":"job*"}}"#, "sts:RoleSessionName=job1", false),
        (r#"{"StringNotLike":{"sts:RoleSessionName":"job*"}}"#, "", true),
        // All operators and keys have to hold.
        (r#"{"StringEquals":{"sts:ExternalId":"a","sts:RoleSessionName":"b"}}"#, "sts:ExternalId=a", false),
        (
            r#"{"StringEquals":{"sts:ExternalId":"a"},"StringLike":{"sts:RoleSessionName":"b"}}"#,
            "sts:ExternalId=a sts:RoleSessionName=b",
            true,
        ),
        // ARNs; the principal's own keys need no context.
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::000000000000:role/service-role/Shop"}}"#, "", true),
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::000000000000:role/Shop"}}"#, "", false),
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::000000000000:role/*"}}"#, "", true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:*:iam::*:role/*Shop"}}"#, "", true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:*:000000000000:role/*:x"}}"#, "", false),
        (r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::000000000000:*"}}"#, "", false),
        (r#"{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::999999999999:*"}}"#, "", true),
        (r#"{"StringEquals":{"aws:PrincipalAccount":"000000000000"}}"#, "aws:PrincipalAccount=9", true),
        (r#"{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}"#, "", true),
        // Truth, numbers, dates.
        (r#"{"Bool":{"aws:SecureTransport":true}}"#, "aws:SecureTransport=true", true),
        (r#"{"Bool":{"aws:SecureTransport":"True"}}"#, "aws:SecureTransport=false", false),
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, "", false),
        (r#"{"BoolIfExists":{"aws:SecureTransport":"true"}}"#, "", true),
        (r#"{"NumericEquals":{"aws:EpochTime":10}}"#, "aws:EpochTime=10.0", true),
        (r#"{"NumericNotEquals":{"aws:EpochTime":10}}"#, "aws:EpochTime=10", false),
        (r#"{"NumericNotEquals":{"aws:EpochTime":10}}"#, "", true),
        (r#"{"NumericLessThan":{"aws:EpochTime":"10"}}"#, "aws:EpochTime=10", false),
        (r#"{"NumericLessThanEquals":{"aws:EpochTime":"10"}}"#, "aws:EpochTime=10", true),
        (r#"{"NumericGreaterThan":{"aws:EpochTime":"9"}}"#, "aws:EpochTime=10", true),
        (r#"{"NumericGreaterThanEquals":{"aws:EpochTime":"11"}}"#, "aws:EpochTime=10", false),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":"2026-03-01T00:00:00Z"}}"#,
            "aws:CurrentTime=2026-02-28T23:59:59.999Z",
            true,
        ),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":"2026-03-01T00:00:00Z"}}"#,
            "aws:CurrentTime=2026-03-01T00:00:00Z",
            false,
        ),
        (r#"{"DateEquals":{"aws:CurrentTime":"2026-03-01T09:00:00+09:00"}}"#, "aws:CurrentTime=2026-03-01", true),
        (r#"{"DateEquals":{"aws:CurrentTime":"1772323200"}}"#, "aws:CurrentTime=2026-03-01T00:00:00Z", true),
        (r#"{"DateEquals":{"aws:EpochTime":951782400}}"#, "aws:EpochTime=2000-02-29", true),
        (
            r#"{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-01-01"}}"#,
            "aws:CurrentTime=2025-12-31T23:59:59Z",
            false,
        ),
        (r#"{"DateNotEquals":{"aws:CurrentTime":"2026-01-01"}}"#, "aws:CurrentTime=2026-01-01T00:00Z", false),
        // Presence.
        (r#"{"Null":{"sts:ExternalId":"true"}}"#, "", true),
        (r#"{"Null":{"sts:ExternalId":"true"}}"#, "sts:ExternalId=x", false),
        (r#"{"Null":{"sts:ExternalId":false}}"#, "sts:ExternalId=x", true),
        (r#"{"Null":{"aws:TagKeys":false}}"#, "", false),
        (r#"{"StringEqualsIfExists":{"sts:ExternalId":"a"}}"#, "", true),
        (r#"{"StringEqualsIfExists":{"sts:ExternalId":"a"}}"#, "sts:ExternalId=b", false),
        // Lists.
        (r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}}"#, "aws:TagKeys=x aws:TagKeys=b", true),
        (r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}}"#, "aws:TagKeys=x", false),
        (r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}"#, "", false),
        (r#"{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"a"}}"#, "", false),
        (r#"{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"a"}}"#, "aws:TagKeys=a aws:TagKeys=b", true),
        (
            r#"{"ForAllValues:StringLike":{"sts:TransitiveTagKeys":["a*","b"]}}"#,
            "sts:TransitiveTagKeys=b sts:TransitiveTagKeys=ab",
            true,
        ),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}"#, "aws:TagKeys=a aws:TagKeys=x", false),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}"#, "", true),
        (r#"{"ForAllValues:StringNotEquals":{"aws:TagKeys":"a"}}"#, "aws:TagKeys=a aws:TagKeys=b", false),
        // Tags and variables.
        (r#"{"StringEquals":{"aws:PrincipalTag/Team":"a"}}"#, "aws:principaltag/team=a", true),
        (r#"{"StringEquals":{"aws:PrincipalTag/Größe":"a"}}"#, "aws:PrincipalTag/grÖße=a", true),
        (r#"{"StringEquals":{"aws:PrincipalTag/ключ":"a"}}"#, "aws:PrincipalTag/КЛЮЧ=a", true),
        (
            r#"{"StringEquals":{"aws:RequestTag/x":"${aws:PrincipalTag/Ä}"}}"#,
            "aws:RequestTag/x=a aws:PrincipalTag/ä=a",
            true,
        ),
        // The Kelvin sign is no `k`.
        (r#"{"StringEquals":{"aws:PrincipalTag/key":"a"}}"#, "aws:PrincipalTag/\u{212a}ey=a", false),
        // Values are compared as they stand, and the keys in this list are values.
        (r#"{"StringEquals":{"aws:PrincipalTag/team":"A"}}"#, "aws:PrincipalTag/team=a", false),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}"#, "aws:TagKeys=Team", false),
        (r#"{"ForAllValues:StringEqualsIgnoreCase":{"aws:TagKeys":"team"}}"#, "aws:TagKeys=Team", true),
        (
            r#"{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}"#,
            "aws:RequestTag/team=a aws:PrincipalTag/team=a",
            true,
        ),
        (
            r#"{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}"#,
            "aws:RequestTag/team=a aws:PrincipalTag/team=b",
            false,
        ),
        (r#"{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}"#, "aws:RequestTag/team=a", false),
        (r#"{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team, 'a'}"}}"#, "aws:RequestTag/team=a", true),
        (r#"{"StringLike":{"aws:RequestTag/team":"x${*}*"}}"#, "aws:RequestTag/team=x*y", true),
        (r#"{"StringLike":{"aws:RequestTag/team":"x${*}"}}"#, "aws:RequestTag/team=xy", false),
        (r#"{"StringLike":{"aws:RequestTag/team":"${?}${$}"}}"#, "aws:RequestTag/team=?$", true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"${aws:PrincipalTag/arn}"}}"#, "aws:PrincipalTag/arn=arn:aws", false),
        (
            r#"{"ArnLike":{"aws:PrincipalArn":"${aws:PrincipalTag/arn}*:*"}}"#,
            "aws:PrincipalTag/arn=arn:aws:iam::",
            true,
        ),
        // A tag that is a wildcard does not become one.
        (
            r#"{"StringLike":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}"#,
            "aws:RequestTag/team=x aws:PrincipalTag/team=*",
            false,
        ),
    ] {
        let allow = trust(&statement("Allow", condition), context(request));
        let deny = trust(&statement("Deny", condition), context(request));
        let expected =
            if holds { (Effect::Allow, Effect::ExplicitDeny) } else { (Effect::ImplicitDeny, Effect::ImplicitDeny) };
        assert_eq!(
            (allow.effect, deny.effect),
            expected,
            "{condition} with {request}: {:?} {:?}",
            allow.reasons,
            deny.reasons
        );
    }
}

/// What cannot be decided allows nothing and denies.
#[test]
fn the_undecidable_goes_against_the_request() {
    for (condition, request) in [
        (r#"{"StringNotEquals":{"aws:RequestTag/t":"${aws:PrincipalTag/t}"}}"#, "aws:RequestTag/t=a"),
        (r#"{"ArnNotLike":{"aws:PrincipalArn":"${aws:PrincipalTag/t}"}}"#, ""),
        (r#"{"NumericLessThan":{"aws:EpochTime":"10"}}"#, "aws:EpochTime=inf"),
        (r#"{"NumericNotEquals":{"aws:EpochTime":"10"}}"#, "aws:EpochTime=ten"),
        (r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-01"}}"#, "aws:CurrentTime=2026-02-30"),
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, "aws:SecureTransport=yes"),
        // A key that holds one value holds two, one of which matches.
        (r#"{"StringEquals":{"sts:ExternalId":"a"}}"#, "sts:ExternalId=a sts:ExternalId=b"),
        (r#"{"StringNotEquals":{"sts:ExternalId":"a"}}"#, "sts:ExternalId=a sts:ExternalId=b"),
    ] {
        let allow = trust(&statement("Allow", condition), context(request));
        let deny = trust(&statement("Deny", condition), context(request));
        assert_eq!(
            (allow.effect, deny.effect),
            (Effect::ImplicitDeny, Effect::ExplicitDeny),
            "{condition} with {request}"
        );
    }
}

/// What is unknown allows nothing, denies, and is named.
#[test]
fn the_unknown_denies_and_is_named() {
    for (condition, name) in [
        (r#"{"IpAddress":{"sts:ExternalId":"10.0.0.0/8"}}"#, "operator `IpAddress`"),
        (r#"{"BinaryEquals":{"sts:ExternalId":"x"}}"#, "operator `BinaryEquals`"),
        (r#"{"stringequals":{"sts:ExternalId":"x"}}"#, "operator `stringequals`"),
        (r#"{"NumericAbout":{"aws:EpochTime":"1"}}"#, "operator `NumericAbout`"),
        (r#"{"ForSomeValues:StringEquals":{"aws:TagKeys":"x"}}"#, "operator `ForSomeValues:StringEquals`"),
        (r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#, "key `aws:SourceVpc`"),
        (r#"{"StringNotEquals":{"aws:PrincipalTag/":"x"}}"#, "key `aws:PrincipalTag/`"),
        (r#"{"StringNotEquals":{"sts:ExternalId":"${aws:SourceIp}"}}"#, "variable `${aws:SourceIp}`"),
        (r#"{"StringNotEquals":{"sts:ExternalId":"${aws:TagKeys}"}}"#, "variable `${aws:TagKeys}`"),
        (r#"{"StringNotEquals":{"sts:ExternalId":"${aws:username"}}"#, "variable `${aws:username`"),
        (r#"{"StringNotEquals":{"sts:ExternalId":"${aws:username, x}"}}"#, "variable `${aws:username, x}`"),
        (r#"{"StringNotEquals":{"aws:TagKeys":"x"}}"#, "list `aws:TagKeys`"),
        (r#"{"ArnNotLike":{"aws:PrincipalArn":"*"}}"#, "value `*` of condition ArnNotLike"),
        (r#"{"Bool":{"aws:SecureTransport":"maybe"}}"#, "value `maybe`"),
        (r#"{"NumericNotEquals":{"aws:EpochTime":"ten"}}"#, "value `ten`"),
        (r#"{"NumericLessThan":{"aws:EpochTime":"inf"}}"#, "value `inf`"),
        (r#"{"DateNotEquals":{"aws:CurrentTime":"2026-13-01"}}"#, "value `2026-13-01`"),
        (r#"{"DateNotEquals":{"aws:CurrentTime":"2026-01-01T25:00:00Z"}}"#, "value `2026-01-01T25:00:00Z`"),
        (r#"{"Null":{"sts:ExternalId":"perhaps"}}"#, "value `perhaps`"),
        (r#"{"NullIfExists":{"sts:ExternalId":"true"}}"#, "NullIfExists"),
    ] {
        for (effect, expected) in [("Allow", Effect::ImplicitDeny), ("Deny", Effect::ExplicitDeny)] {
            let decision = trust(&statement(effect, condition), context("aws:EpochTime=1"));
            assert_eq!(decision.effect, expected, "{effect} {condition}");
            assert!(
                decision.reasons.iter().any(|reason| reason.contains(name)),
                "{name} is not in {:?}",
                decision.reasons
            );
        }
    }
}

#[test]
fn every_known_key_can_be_asked_for() {
    for key in KNOWN_KEYS {
        let key = key.replace('*', "team");
        let condition = format!(r#"{{"ForAnyValue:StringEquals":{{"{key}":"x"}}}}"#);
        let decision = trust(&statement("Allow", &condition), Context::new().with(&key, "x"));
        let is_the_principals = key.starts_with("aws:Principal") && !key.contains("Tag") && !key.contains("Org");
        assert_eq!(decision.is_allowed(), !is_the_principals, "{key}");
    }
}

#[test]
fn reasons_say_what_was_missing() {
    let condition = statement("Allow", r#"{"StringEquals":{"sts:ExternalId":"abc"}}"#);
    assert_eq!(
        trust(&condition, Context::new()).reasons,
        ["statement 1: condition StringEquals sts:ExternalId: the request has none"]
    );
    assert_eq!(
        trust(&condition, context("sts:ExternalId=x")).reasons,
        ["statement 1: condition StringEquals sts:ExternalId: the request has `x`, the statement asks for `abc`"]
    );
}

/// What the text says is there as values, without a text being made.
#[test]
fn reasons_are_values() {
    let condition = |operator: &str, key: &str, value: &str| {
        let effect = statement("Allow", &format!(r#"{{"{operator}":{{"{key}":"{value}"}}}}"#));
        PolicyDocument::parse(&format!(r#"{{"Statement":{effect}}}"#), PolicyKind::Trust).unwrap()
    };
    let documents = [
        condition("StringNotLike", "STS:externalid", "a*"),
        condition("Null", "sts:ExternalId", "true"),
        condition("ForAnyValue:StringEquals", "aws:TagKeys", "team"),
    ];
    let context = context("sts:ExternalId=abc");
    let request = Request { principal: None, action: "sts:AssumeRole", resource: "x", context };
    let decision = evaluate(&documents.each_ref(), &request);
    assert_eq!(decision.effect(), Effect::ImplicitDeny);
    let failed: Vec<(usize, &FailedCondition<'_>)> = decision
        .reasons()
        .map(|statement| match &statement.outcome {
            Outcome::DoesNotApply(Mismatch::Condition(failed)) => (statement.policy, failed),
            other => panic!("{other:?}"),
        })
        .collect();
    let [(0, not_like), (1, null), (2, any_value)] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!((not_like.operator, not_like.key), ("StringNotLike", "STS:externalid"));
    assert_eq!(not_like.asked, Asked::NoneOf(&["a*".to_owned()]));
    assert_eq!(not_like.had.and_then(|had| had.single()), Some("abc"));
    assert_eq!((null.asked, null.had.is_some()), (Asked::Absence, true));
    assert_eq!((any_value.asked, any_value.had), (Asked::OneOf(&["team".to_owned()]), None));
    assert_eq!(
        decision.to_string(),
        "policy 1, statement 1: condition StringNotLike STS:externalid: the request has `abc`, the statement asks for anything but `a*`; \
         policy 2, statement 1: condition Null sts:ExternalId: the request has one; \
         policy 3, statement 1: condition ForAnyValue:StringEquals aws:TagKeys: the request has none"
    );
}

#[test]
fn variables_in_resources_are_filled_in() {
    let resource = "arn:aws:s3:::bucket/a/x";
    let team = |value: &str| Context::new().with("aws:PrincipalTag/team", value);
    let allow = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*"}"#;
    assert!(identity(allow, "s3:GetObject", resource, team("a")).is_allowed());
    assert!(!identity(allow, "s3:GetObject", resource, team("b")).is_allowed());
    assert!(!identity(allow, "s3:GetObject", resource, team("*")).is_allowed());
    assert!(!identity(allow, "s3:GetObject", resource, Context::new()).is_allowed());
    // Behind `NotResource` a missing value must not open everything.
    let not = allow.replace("Resource", "NotResource");
    assert!(identity(&not, "s3:GetObject", resource, team("b")).is_allowed());
    assert!(!identity(&not, "s3:GetObject", resource, team("a")).is_allowed());
    assert!(!identity(&not, "s3:GetObject", resource, Context::new()).is_allowed());
}

/// An empty list is a value that nothing equals. Whether everything differs from it AWS does not say: that goes against the
/// request.
#[test]
fn r8_a_condition_without_values_is_no_error() {
    for (operator, allows, denies) in [
        ("StringEquals", false, false),
        ("StringLike", false, false),
        ("ArnLike", false, false),
        ("Bool", false, false),
        ("NumericLessThan", false, false),
        ("DateEquals", false, false),
        ("ForAnyValue:StringEquals", false, false),
        ("ForAllValues:StringEquals", false, false),
        ("StringNotEquals", false, true),
        ("ArnNotLike", false, true),
        ("NumericNotEquals", false, true),
        // What `Null` asks for is one of two.
        ("Null", false, true),
    ] {
        let condition = format!(r#"{{"{operator}":{{"sts:RoleSessionName":[]}}}}"#);
        let with = || context("sts:RoleSessionName=orders");
        assert_eq!(trust(&statement("Allow", &condition), with()).is_allowed(), allows, "{operator}");
        let denied = trust(&statement("Deny", &condition), with()).effect == Effect::ExplicitDeny;
        assert_eq!(denied, denies, "{operator}");
        // The other statements go on.
        let other = statement("Allow", "{}");
        let both = trust(&format!("[{},{other}]", statement("Allow", &condition)), with());
        assert!(both.is_allowed(), "{operator}: {:?}", both.reasons);
    }
    let if_exists = r#"{"StringEqualsIfExists":{"sts:ExternalId":[]}}"#;
    assert!(trust(&statement("Allow", if_exists), Context::new()).is_allowed());
    assert!(!trust(&statement("Allow", if_exists), context("sts:ExternalId=x")).is_allowed());
    let text = trust(&statement("Allow", r#"{"StringEquals":{"sts:ExternalId":[]}}"#), context("sts:ExternalId=x"));
    assert!(text.reasons.concat().contains("the statement asks for one of no values"), "{:?}", text.reasons);
}
