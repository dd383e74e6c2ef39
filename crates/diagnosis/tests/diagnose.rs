//! The chains of the table that every face runs, tests/explain.toml.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use xacct_sign_diagnosis::{Evidence, Finding, diagnose};

#[derive(Deserialize)]
struct Table {
    chain: Vec<Chain>,
}

#[derive(Deserialize)]
struct Chain {
    name: String,
    evidence: toml::Value,
    code: Vec<String>,
    side: Vec<String>,
    #[serde(default)]
    says: Vec<String>,
}

#[test]
fn every_chain_has_its_broken_link_and_nothing_else() {
    let table: Table = toml::from_str(include_str!("../../../tests/explain.toml")).expect("the table can be read");
    for Chain { name, evidence, code, side, says } in table.chain {
        let found = diagnose(&Evidence::from_json(&serde_json::to_string(&evidence).unwrap()).unwrap());
        assert_eq!(found.iter().map(Finding::code).collect::<Vec<_>>(), code, "{name}: {found:#?}");
        assert_eq!(found.iter().map(|each| each.side.name()).collect::<Vec<_>>(), side, "{name}");
        let texts: String = found.iter().map(|each| format!("{}\n{}\n", each.reason, each.hint)).collect();
        for part in says {
            assert!(texts.contains(&part), "{name}: `{part}` is not in {texts}");
        }
    }
}

#[test]
fn a_denied_role_names_what_stands_on_both_sides() {
    let evidence = r#"{"identity":{"arn":"arn:aws:sts::000000000000:assumed-role/LambdaRole/shop"},
        "assume_role":{"role_arn":"arn:aws:iam::111111111111:role/R","error":{"code":"sts_denied","message":"denied"}}}"#;
    let found = diagnose(&Evidence::from_json(evidence).unwrap());
    let hint = found.first().map(|finding| finding.hint.clone()).unwrap_or_default();
    for part in ["its trust policy", "external id", "its own policy", "LambdaRole", "role/R"] {
        assert!(hint.contains(part), "{hint}");
    }
}
