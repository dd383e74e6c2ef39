//! What the resources of a template are called.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use xacct_sign_provider::{Format, Lock, Manifest, Plan};

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
        write!(
            manifest,
            "[stages.{stage}_url]\ntarget = \"function_url\"\nfunction = \"{stage}\"\nurl_id = \"u{at}\"\n"
        )
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

const SETTLED: &str = r#"
[stages.stag]
api_id = "a1"
[stages.url]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abcdefgh"
access = "direct"
[stages.whole]
target = "function_url"
function = "whole"
url_id = "ijklmnop"
access = "direct"
permissions = "document"
[stages.rest]
target = "rest_api"
api_id = "a2"
api_stage = "v1"
access = "direct"
[callers.shop]
account = "000000000000"
roles = { stag = "Shop", url = ["Second", "Shop"], whole = "Shop", rest = "Shop" }
[callers.routed]
account = "000000000000"
roles = { stag = "Routed" }
routes = ["GET /items"]
[callers.wide]
organization = "o-a1b2c3d4e5"
stages = ["url"]
"#;
/// Before the others in every order: a role of a caller that is there, callers, stages of the same APIs.
const IN_FRONT: &str = r#"
[stages.aa-url]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abcdefgh"
access = "direct"
[stages.aa-whole]
target = "function_url"
function = "whole"
url_id = "ijklmnop"
access = "direct"
permissions = "document"
[stages.aa-rest]
target = "rest_api"
api_id = "a2"
api_stage = "v0"
access = "direct"
[callers.aa]
account = "000000000000"
roles = { stag = "Aa", url = "Aa", whole = "Aa", rest = "Aa", aa-url = "Aa", aa-whole = "Aa", aa-rest = "Aa" }
[callers.ab]
account = "000000000000"
roles = { stag = "Ab" }
routes = ["GET /items"]
"#;

/// The resources of a form by what a deployment knows them by; without the documents, which name the new ones, too.
fn resources(template: &Value, format: Format) -> BTreeMap<String, Value> {
    let without_documents = |resource: &Value| {
        let mut resource = resource.clone();
        let fields = match format {
            Format::CloudFormation => resource["Properties"].as_object_mut().unwrap(),
            _ => resource.as_object_mut().unwrap(),
        };
        fields.retain(|key, _| !key.to_ascii_lowercase().contains("polic"));
        resource
    };
    let each = |kind: &str, of: &Value| -> Vec<(String, Value)> {
        let all = of.as_object().into_iter().flatten();
        all.map(|(id, resource)| (format!("{kind}.{id}"), without_documents(resource))).collect()
    };
    let listed = |key: &str, id: &str| -> Vec<(String, Value)> {
        let all = template[key].as_array().into_iter().flatten();
        all.map(|one| (format!("{key}.{}", one[id]), without_documents(one))).collect()
    };
    match format {
        Format::CloudFormation => each("", &template["Resources"]).into_iter().collect(),
        Format::Terraform => {
            template["resource"].as_object().unwrap().iter().flat_map(|(kind, of)| each(kind, of)).collect()
        }
        _ => {
            let mut all = listed("roles", "arn");
            all.extend(listed("permissions", "StatementId"));
            all.iter_mut().for_each(|(_, one)| {
                one.as_object_mut().unwrap().remove("callers");
            });
            all.into_iter().collect()
        }
    }
}

/// Whatever is called otherwise is taken away and made anew: callers who did not change are refused meanwhile.
#[test]
fn what_comes_in_front_renames_nothing() {
    let settled = format!("{API}{SETTLED}");
    let added =
        format!("{API}{IN_FRONT}{SETTLED}").replace("[\"Second\", \"Shop\"]", "[\"Before\", \"Second\", \"Shop\"]");
    let [settled, added] = [settled, added].map(|text| Manifest::parse(&text, "xacct.toml").unwrap());
    let before = settled.plan(&Lock::default());
    let after = added.plan(before.lock());
    for (stage, format) in ["stag", "url", "whole", "rest"]
        .into_iter()
        .flat_map(|stage| [Format::CloudFormation, Format::Terraform, Format::Json].map(move |format| (stage, format)))
    {
        let of = |plan: &Plan<'_>, manifest: &Manifest| -> Option<BTreeMap<String, Value>> {
            let text = plan.render(&manifest.stages[stage], format).ok()?;
            Some(resources(&serde_json::from_str(&text).unwrap(), format))
        };
        let (Some(before), Some(mut after)) = (of(&before, &settled), of(&after, &added)) else {
            // A REST API's policy is no resource of CloudFormation's.
            assert_eq!((stage, format), ("rest", Format::CloudFormation));
            continue;
        };
        after.retain(|id, _| before.contains_key(id));
        assert_eq!(after, before, "{stage} {format:?}");
        assert!(!before.is_empty() || format == Format::Json, "{stage} {format:?}");
    }
}
