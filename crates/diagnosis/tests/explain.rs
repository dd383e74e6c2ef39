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
    #[serde(default)]
    says: Vec<String>,
}

fn table() -> Vec<Case> {
    toml::from_str::<Table>(include_str!("../../../tests/explain.toml")).expect("the table can be read").case
}

#[test]
fn every_case_of_the_table_has_its_findings() {
    for Case { name, exchange, code, side, says } in table() {
        let exchange = Exchange::from_json(&serde_json::to_string(&exchange).unwrap()).unwrap();
        let found = explain(&exchange);
        assert_eq!(found.iter().map(Finding::code).collect::<Vec<_>>(), code, "{name}: {found:#?}");
        assert_eq!(found.iter().map(|each| each.side.name()).collect::<Vec<_>>(), side, "{name}");
        let text = to_json(&found);
        assert!(!text.contains("SECRETTOKEN") && !text.contains("SECRETVALUE"), "{name}: {text}");
        let texts: String = found.iter().map(|each| format!("{}\n{}\n", each.reason, each.hint)).collect();
        for part in says {
            assert!(texts.contains(&part), "{name}: `{part}` is not in {texts}");
        }
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

/// The texts in quotation marks that stand before or behind these marks.
fn codes_in(source: &'static str, before: &str, behind: &str) -> Vec<&'static str> {
    let code = |line: &'static str| line.split_once(before)?.1.split_once(behind).map(|(code, _)| code);
    source.lines().filter_map(code).collect()
}

#[test]
fn every_reason_of_the_emulator_is_known_here() {
    let own = codes_in(include_str!("../../emulator/src/reason.rs"), " = \"", "\": \"");
    let signature = codes_in(include_str!("../../core/src/verify/refusal.rs"), " => \"", "\",");
    assert!(own.len() > 20 && signature.len() > 10, "{own:?} {signature:?}");
    // Where a connection broke off there was no answer that could say so.
    let answered = own.into_iter().filter(|code| *code != "broken_off");
    for code in answered.chain(signature) {
        let headers = [("x-xacct-reason".to_owned(), format!("{code}: why"))].into();
        let exchange = Exchange { status: Some(403), headers, ..Exchange::default() };
        let found = explain(&exchange);
        assert!(found.first().is_some_and(|finding| finding.reason.contains(code)), "{code}: {found:?}");
    }
}
