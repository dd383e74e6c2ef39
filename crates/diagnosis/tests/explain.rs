//! The table that every face runs, tests/explain.toml.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use serde::Deserialize;
use xacct_sign_diagnosis::{Exchange, Finding, explain, to_json};

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    exchange: toml::Value,
    code: Vec<String>,
    side: Vec<String>,
}

fn table() -> Vec<Case> {
    toml::from_str::<Table>(include_str!("../../../tests/explain.toml")).expect("the table can be read").case
}

#[test]
fn every_case_of_the_table_has_its_findings() {
    for Case { name, exchange, code, side } in table() {
        let exchange = Exchange::from_json(&serde_json::to_string(&exchange).unwrap()).unwrap();
        let found = explain(&exchange);
        assert_eq!(found.iter().map(Finding::code).collect::<Vec<_>>(), code, "{name}: {found:#?}");
        assert_eq!(found.iter().map(|each| each.side.name()).collect::<Vec<_>>(), side, "{name}");
        let text = to_json(&found);
        assert!(!text.contains("SECRETTOKEN") && !text.contains("SECRETVALUE"), "{name}: {text}");
        for finding in &found {
            assert!(!finding.reason.is_empty() && !finding.hint.is_empty(), "{name}");
        }
    }
}

#[test]
fn what_is_no_exchange_is_refused_without_showing_it() {
    for (text, said) in [
        (r#"{"boddy":"x"}"#, "there is no field `boddy`"),
        (r#"{"status":"SECRETVALUE"}"#, "`status` is no whole number"),
        (r#"{"status":70000}"#, "`status` is no status of HTTP"),
        (r#"{"headers":{"a":1}}"#, "`headers` is no object of texts"),
        ("[]", "`it` is no object"),
        ("[", "it is no JSON from line 1, column 1 on"),
    ] {
        assert_eq!(Exchange::from_json(text).unwrap_err().to_string(), said);
    }
}
