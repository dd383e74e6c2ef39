//! What stages and callers are called, and which roles are one caller.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xacct_sign_provider::{Lock, Manifest};

use crate::{OTHER, SHOP, of, on_another_api, role};

/// Roles that somebody made by hand.
#[test]
fn names_that_nobody_rendered_are_kept() {
    for names in [
        &["orders-api-stag"][..],
        &["Invoke"],
        &["OrdersInvokeRole", "OrdersPartnerRole"],
        &["allowA", "allowB", "allowC"],
        &["ApiStag", "ApiStagging"],
    ] {
        let roles: Vec<Value> = names
            .iter()
            .enumerate()
            .map(|(index, name)| role(name, &format!("arn:aws:iam::{index:012}:role/R"), &["GET/x"]))
            .collect();
        let imported = of(&roles).unwrap_or_else(|error| panic!("{names:?}: {error}"));
        let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
        let made = manifest.plan(&Lock::parse(&imported.lock, "l").unwrap()).provider_roles();
        let made: BTreeSet<String> = made.into_iter().map(|role| role.name).collect();
        assert_eq!(made, names.iter().map(|name| (*name).to_owned()).collect(), "{}", imported.manifest);
        assert!(imported.notes.is_empty(), "{:?}", imported.notes);
    }
}

/// A row says what is one role's right: roles of one account that are let in together, wherever they are let in.
#[test]
fn roles_of_one_account_that_are_let_in_together_are_one_caller() {
    let of_account = |name: &str| format!("arn:aws:iam::000000000000:role/{name}");
    let trusted = |name: &str, on: fn(Value) -> Value, who: &[&str]| {
        let mut role = on(role(name, SHOP, &["*"]));
        let all: Vec<String> = who.iter().map(|name| of_account(name)).chain([OTHER.to_owned()]).collect();
        role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] = json!(all);
        role
    };
    let mut stag = trusted("ApiStag", |role| role, &["A", "B", "Everywhere"]);
    stag["AssumeRolePolicyDocument"]["Statement"].as_array_mut().unwrap().extend([
        // Patterns of two paths stand in two statements.
        pattern("", "Ops*"),
        pattern("team/", "Ops*"),
        json!({"Effect": "Allow", "Principal": {"AWS": of_account("Strict")}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "b3c7"}}}),
    ]);
    let imported = of(&[stag, trusted("ApiProd", on_another_api, &["Everywhere"])]).unwrap();
    let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
    let rows: BTreeSet<String> =
        imported.manifest.lines().filter_map(|line| line.strip_prefix("roles = ")).map(str::to_owned).collect();
    let expected = [
        r#"{ stag = ["A", "B"] }"#,
        r#"{ stag = ["Ops*", "team/Ops*"] }"#,
        r#"{ stag = "Strict" }"#,
        r#"{ prod = "Everywhere", stag = "Everywhere" }"#,
        r#"{ prod = "Other", stag = "Other" }"#,
    ];
    assert_eq!(rows, expected.map(str::to_owned).into(), "{}", imported.manifest);
    assert_eq!((manifest.callers.len(), imported.notes.len()), (expected.len(), 0), "{:?}", imported.notes);
}

fn pattern(path: &str, name: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::000000000000:role/{path}{name}")},
            "ArnNotLike": {"aws:PrincipalArn": format!("arn:aws:iam::*:role/{path}*/*")}}})
}

/// Where a name has words, stage and caller are whole ones of them; and production stays production.
#[test]
fn stages_and_callers_are_called_by_words_of_the_roles_names() {
    let in_prod = |(index, name): (usize, &&str)| -> Value {
        let principal = [SHOP, OTHER][index];
        serde_json::from_str(&role(name, principal, &["GET/x"]).to_string().replace("a1/$default/", "a1/prod/"))
            .unwrap()
    };
    for (names, stage, callers) in [
        (&["ApiProdShop"][..], "prod", &["shop"][..]),
        (&["OrdersApiCaller"], "api", &["caller"]),
        (&["ApiProd"], "prod", &["shop"]),
        (&["ApiProdShop", "ApiProdBilling"], "prod", &["billing", "shop"]),
    ] {
        let roles: Vec<Value> = names.iter().enumerate().map(in_prod).collect();
        let imported = of(&roles).unwrap();
        let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
        let of_stages: Vec<(&str, bool)> =
            manifest.stages.values().map(|stage| (stage.name.as_str(), stage.is_production)).collect();
        assert_eq!(of_stages, [(stage, true)], "{names:?}\n{}", imported.manifest);
        let of_callers: Vec<&str> = manifest.callers.keys().map(String::as_str).collect();
        assert_eq!(of_callers, callers, "{names:?}\n{}", imported.manifest);
    }
    // A shared role's, of one word or of several.
    for (name, base, stage) in [
        ("Other", "Othe", "other"),
        ("orders", "order", "orders"),
        ("CrossAccountInvoke", "CrossAccount", "invoke"),
        ("api-invoker", "api-", "invoker"),
        ("api_invoker2", "api_", "invoker-2"),
        ("OrdersAPI", "Orders", "api"),
        ("OrdersAPIStag", "OrdersAPI", "stag"),
        ("Stag01", "Stag", "stag-01"),
        ("invoke2", "invoke", "invoke-2"),
    ] {
        let imported = of(&[role(name, SHOP, &["*"])]).unwrap();
        let lines = [format!("\nrole_name = \"{base}\"\n"), format!("\n[stages.{stage}]\n")];
        assert!(lines.iter().all(|line| imported.manifest.contains(line)), "{name}\n{}", imported.manifest);
        let manifest = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
        assert_eq!(manifest.plan(&Lock::default()).provider_roles()[0].name, name, "{}", imported.manifest);
    }
    // Without an API stage that says more, the whole name does.
    let imported = of(&[role("ApiProd", SHOP, &["GET/x"])]).unwrap();
    assert!(imported.manifest.contains("[stages.api-prod]"), "{}", imported.manifest);
    let imported = of(&[role("ProdApiShop", SHOP, &["GET/x"])]).unwrap();
    assert!(imported.manifest.contains("[stages.api]") && imported.manifest.contains("production = true"));
    let error = of(&[role("orders-prod-shop", SHOP, &["GET/x"]), role("orders-prod-billing", OTHER, &["GET/x"])]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("in title case, without what parts them"), "{error}");
}
