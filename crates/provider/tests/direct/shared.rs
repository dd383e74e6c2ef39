//! Stages that are one function: their callers stand in one policy, each principal once.

use serde_json::{Value, json};
use xacct_sign::sha256_hex;
use xacct_sign_provider::{Answer, AskedCall, Format, Lock, Manifest};

use crate::{json_of, manifest, with_plan};

/// Two stages with direct access and one by role of one alias, and a stage of the function itself.
const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.batch]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abcdefgh"
access = "direct"
[stages.shops]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abcdefgh"
access = "direct"
routes_enforced_by = "function"
[stages.partners]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abcdefgh"
[stages.latest]
target = "function_url"
function = "orders"
url_id = "ijklmnop"
access = "direct"
[callers.shop]
account = "000000000000"
roles = { batch = "Batch", shops = ["Batch", "Shop"], latest = "Shop" }
routes = ["GET /items"]
[callers.partner]
account = "222222222222"
roles = { partners = "Partner" }
external_id = "b3c7"
[callers.wide]
organization = "o-a1b2c3d4e5"
stages = ["batch", "shops"]
"#;
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111111111111:function:orders:live";

/// With the routes, which the stages without a function to enforce them refuse, left out.
fn separate() -> String {
    MANIFEST.replace("routes = [\"GET /items\"]\n", "")
}

fn whole() -> String {
    separate().replace("access = \"direct\"\n", "access = \"direct\"\npermissions = \"document\"\n")
}

#[test]
fn a_principal_of_two_stages_of_a_function_is_named_once() {
    with_plan(&separate(), |manifest, plan| {
        let policy = plan.resource_policy(&manifest.stages["shops"]).unwrap();
        assert_eq!(policy.stages, ["batch", "shops"]);
        assert_eq!(plan.resource_policy(&manifest.stages["batch"]), Some(policy.clone()));
        let named: Vec<_> =
            policy.permissions.iter().map(|p| (p.statement_id.as_str(), p.principal.as_str())).collect();
        let (batch, shop) = ("arn:aws:iam::000000000000:role/Batch", "arn:aws:iam::000000000000:role/Shop");
        let ids = ["o-a1b2c3d4e5", batch, shop].map(|principal| sha256_hex(principal.as_bytes())[..16].to_owned());
        let of = |kind: &str, at: usize| format!("xacct-sign-{kind}-{}", ids[at]);
        let ids = [0, 1, 2].map(|at| [of("url", at), of("invoke", at)]).concat();
        let expected: Vec<_> = ids.iter().map(String::as_str).zip(["*", "*", batch, batch, shop, shop]).collect();
        assert_eq!(named, expected);
        let statements = json_of(&policy.document)["Statement"].clone();
        let of = |key: &str| statements.as_array().unwrap().iter().map(|s| s[key].clone()).collect::<Vec<_>>();
        assert_eq!(of("Sid"), ids.iter().map(|id| json!(id)).collect::<Vec<_>>());
        assert_eq!(of("Resource"), [FUNCTION; 6].map(|arn| json!(arn)));
        // The function itself is another place, and a stage by role needs no policy.
        assert_eq!(plan.resource_policy(&manifest.stages["latest"]).unwrap().stages, ["latest"]);
        assert_eq!(plan.resource_policy(&manifest.stages["partners"]), None);
    });
}

#[test]
fn one_document_is_the_union_of_its_stages() {
    with_plan(&whole(), |manifest, plan| {
        let policy = plan.resource_policy(&manifest.stages["batch"]).unwrap();
        assert_eq!(
            (policy.stages.as_slice(), policy.permissions.as_slice()),
            (&["batch".to_owned(), "shops".to_owned()][..], &[][..])
        );
        let statements = json_of(&policy.document)["Statement"].clone();
        let principals: Vec<_> = statements.as_array().unwrap().iter().map(|s| s["Principal"]["AWS"].clone()).collect();
        let roles = json!(["arn:aws:iam::000000000000:role/Batch", "arn:aws:iam::000000000000:role/Shop"]);
        assert_eq!(principals, [roles.clone(), roles, json!("*"), json!("*")]);
        for format in [Format::CloudFormation, Format::Terraform] {
            let of = |stage: &str| -> Value {
                serde_json::from_str(&plan.render(&manifest.stages[stage], format).unwrap()).unwrap()
            };
            let (key, resource) = match format {
                Format::Terraform => ("resource", "/aws_lambda_resource_policy/function_orders_-live"),
                _ => ("Resources", "/FunctionPolicy"),
            };
            // In whichever stage's file it is, it is the same resource.
            assert_eq!(of("batch")[key], of("shops")[key]);
            assert!(of("batch")[key].pointer(resource).is_some(), "{}", of("batch"));
        }
        let template = plan.render(&manifest.stages["shops"], Format::CloudFormation).unwrap();
        assert!(template.contains("call stages batch, shops of the function orders:live"), "{template}");
        // What goes is said of each stage, and can be accepted for each.
        let codes: Vec<_> = plan.findings().iter().map(|f| (f.subject.to_string(), f.code.code())).collect();
        for stage in ["batch", "shops", "latest"] {
            assert!(codes.contains(&(format!("[stages.{stage}]"), "replaces_whole_policy")), "{codes:?}");
        }
    });
}

#[test]
fn permissions_of_two_stages_are_the_same_resources_in_both_files() {
    with_plan(&separate(), |manifest, plan| {
        let of = |stage: &str, format| -> Value {
            serde_json::from_str(&plan.render(&manifest.stages[stage], format).unwrap()).unwrap()
        };
        assert_eq!(of("batch", Format::Terraform), of("shops", Format::Terraform));
        let labels = of("shops", Format::Terraform)["resource"]["aws_lambda_permission"].clone();
        let labels: Vec<&String> = labels.as_object().unwrap().keys().collect();
        let count =
            |kind: &str| labels.iter().filter(|label| label.starts_with(&format!("{kind}_orders_-live_"))).count();
        assert_eq!((labels.len(), count("url"), count("invoke")), (6, 3, 3), "{labels:?}");
        assert_eq!(of("batch", Format::CloudFormation)["Resources"], of("shops", Format::CloudFormation)["Resources"]);
    });
}

/// What `get-policy` would print, ours and with one principal less.
#[test]
fn the_policy_of_two_stages_is_compared_whole() {
    for text in [separate(), whole()] {
        with_plan(&text, |manifest, plan| {
            let document = plan.resource_policy(&manifest.stages["batch"]).unwrap().document.to_json();
            for stage in ["batch", "shops"] {
                let stage = &manifest.stages[stage];
                let shown = json!({ "Policy": document }).to_string();
                assert!(!plan.diff_resource_policy(stage, &shown).unwrap().is_different());
                let other = shown.replace("role/Batch", "role/Other");
                let diff = plan.diff_resource_policy(stage, &other).unwrap();
                let said =
                    |grants: &[xacct_sign_provider::Grant]| grants.iter().map(ToString::to_string).collect::<String>();
                assert!(said(&diff.only_deployed).contains("role/Other"), "{diff:?}");
                assert!(said(&diff.only_meant).contains("role/Batch"), "{diff:?}");
            }
        });
    }
}

#[test]
fn a_callers_policy_names_a_function_once() {
    with_plan(&separate(), |manifest, plan| {
        let roles = plan.roles_of(&manifest.callers["shop"]);
        let batch = roles.iter().find(|role| role.role_name == "Batch").unwrap();
        assert_eq!(batch.may_call.keys().collect::<Vec<_>>(), ["batch", "shops"]);
        let statements = json_of(&batch.policy)["Statement"].clone();
        let resources: Vec<_> = statements.as_array().unwrap().iter().map(|s| &s["Resource"]).collect();
        assert_eq!(resources, [FUNCTION; 2]);
    });
}

#[test]
fn whoever_may_call_one_stage_of_a_function_may_call_the_others() {
    let can = |text: &str, caller: &str, stage: &str, call: &str| {
        let manifest: Manifest = manifest(text);
        let plan = manifest.plan(&Lock::default());
        plan.can(&manifest.callers[caller], &manifest.stages[stage], &AskedCall::parse(call).unwrap())
    };
    for caller in ["shop", "partner", "wide"] {
        for stage in ["batch", "shops", "partners"] {
            let Answer::Yes(granted) = can(&separate(), caller, stage, "GET /x") else { panic!("{caller} {stage}") };
            let role = (caller == "partner").then_some("arn:aws:iam::111111111111:role/ApiAllowByIamRolePartners");
            assert!(granted.iter().all(|one| one.role.as_deref() == role), "{granted:?}");
        }
        let is_in = matches!(can(&separate(), caller, "latest", "GET /x"), Answer::Yes(_));
        assert_eq!(is_in, caller == "shop");
    }
    // What its routes are is the function's matter, by whichever stage it is asked.
    let routed = MANIFEST.replace("batch = \"Batch\", ", "").replace(", latest = \"Shop\"", "");
    for stage in ["batch", "shops", "partners"] {
        assert!(matches!(can(&routed, "shop", stage, "GET /items"), Answer::Yes(_)));
        let Answer::No(why) = can(&routed, "shop", stage, "GET /x") else { panic!("{stage}") };
        assert!(why.to_string().contains("the function has to refuse it"), "{why}");
    }
}
