//! What the resources of a template are called.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use xacct_sign_provider::{Format, Lock, Manifest};

const API: &str = "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n";

fn rendered(manifest: &str, stage: &str, format: Format) -> Value {
    let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
    let text = manifest.plan(&Lock::default()).render(&manifest.stages[stage], format).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// All of a manifest's stages stand in one folder of Terraform's.
#[test]
fn no_two_stages_have_a_label_of_terraforms_in_common() {
    let stages = ["a", "a_b", "a_", "a__b"];
    let mut manifest = API.to_owned();
    for (at, stage) in stages.iter().enumerate() {
        write!(manifest, "[stages.{stage}]\napi_id = \"a{at}\"\nrole_name = \"S{at}\"\n").unwrap();
        write!(manifest, "[stages.{stage}_url]\ntarget = \"function_url\"\nfunction = \"f{at}\"\nurl_id = \"u{at}\"\n")
            .unwrap();
        writeln!(manifest, "access = \"direct\"\nroutes_enforced_by = \"function\"").unwrap();
    }
    for (at, caller) in ["c", "b_c", "b__c", "url_c"].iter().enumerate() {
        let roles = stages.map(|stage| format!("{stage} = \"R{at}\", {stage}_url = \"R{at}\"")).join(", ");
        write!(manifest, "[callers.{caller}]\nrole_name = \"C{at}\"\naccount = \"000000000000\"\n").unwrap();
        writeln!(manifest, "roles = {{ {roles} }}\nroutes = [\"GET /{at}\"]").unwrap();
    }
    let mut labels = Vec::new();
    for stage in stages.iter().flat_map(|stage| [(*stage).to_owned(), format!("{stage}_url")]) {
        let template = rendered(&manifest, &stage, Format::Terraform);
        for (kind, resources) in template["resource"].as_object().unwrap() {
            labels.extend(resources.as_object().unwrap().keys().map(|label| format!("{kind}.{label}")));
        }
    }
    // A role and its policy for each caller and stage, and two permissions.
    assert_eq!(labels.len(), 4 * 4 * (2 + 2));
    let different: BTreeSet<&String> = labels.iter().collect();
    assert_eq!(different.len(), labels.len(), "{labels:?}");
}

#[test]
fn a_description_is_never_too_long_for_cloudformation() {
    let mut manifest = API.to_owned();
    let stages: Vec<String> = (0..20).map(|number| format!("{}{number:02}", "s".repeat(62))).collect();
    for stage in &stages {
        let target = "target = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"\naccess = \"direct\"\n";
        write!(manifest, "[stages.{stage}]\n{target}").unwrap();
    }
    let roles: Vec<String> = stages.iter().map(|stage| format!("{stage} = \"R\"")).collect();
    writeln!(manifest, "[callers.c]\naccount = \"000000000000\"\nroles = {{ {} }}", roles.join(", ")).unwrap();
    let template = rendered(&manifest, &stages[0], Format::CloudFormation);
    let description = template["Description"].as_str().unwrap();
    assert!(description.contains("20 stages") && description.len() < 1_024, "{description}");
}
