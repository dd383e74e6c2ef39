//! The walk-through in docs/provider.md, as it stands there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::folder;

const DOCS: &str = include_str!("../../../../docs/provider.md");
const README: &str = include_str!("../../../../README.md");

/// The blocks of a language, in order.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The manifest without a caller's table.
fn without_billing(manifest: &str) -> String {
    manifest.split("[callers.billing]").next().unwrap().to_owned()
}

/// Runs a line as a shell does, with the command by its name.
fn run(folder: &Path, line: &str) -> i32 {
    let bin = Path::new(env!("CARGO_BIN_EXE_xacct-sign")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let status = Command::new("sh").args(["-c", line]).current_dir(folder).env("PATH", path).status().unwrap();
    status.code().unwrap()
}

#[test]
fn a_providers_day_goes_as_it_is_told() {
    let manifest = blocks(README, "toml")[0];
    let folder = folder("day", manifest);
    let (_, day) = DOCS.split_once("## A provider's day\n").unwrap();
    let day = day.split("\n## ").next().unwrap();
    let mut lines = 0;
    for step in day.split("\n### ").skip(1) {
        let title = step.lines().next().unwrap();
        let before = without_billing(&fs::read_to_string(folder.join("xacct.toml")).unwrap());
        match (blocks(step, "toml").as_slice(), title) {
            ([table], _) => fs::write(folder.join("xacct.toml"), format!("{}\n{table}", before.trim_end())).unwrap(),
            (_, "It has to go") => fs::write(folder.join("xacct.toml"), before).unwrap(),
            _ => {}
        }
        for line in blocks(step, "sh").into_iter().flat_map(str::lines) {
            // What IAM has is what was rendered last.
            let line = line.replace(
                "aws iam get-account-authorization-details --filter Role",
                "xacct-sign render json --stage stag",
            );
            let expected = i32::from(line.contains("ends with 1"));
            assert_eq!(run(&folder, &line), expected, "{title}: {line}");
            lines += 1;
        }
        let template = fs::read_to_string(folder.join("stag.json")).unwrap_or_default();
        let has = |part: &str| template.contains(part);
        match title {
            "A caller comes" => assert!(has("role/Billing\"") && has("ApiAllowByIamRoleStagBilling"), "{template}"),
            // The provider's role is the one that was there.
            "It moves to another role" | "Its old role goes" if !has("ApiAllowByIamRoleStagBilling\"") => {
                panic!("{template}")
            }
            "It moves to another role" => assert!(has("role/Billing\"") && has("role/BillingV2\""), "{template}"),
            "Its old role goes" => assert!(!has("role/Billing\"") && has("role/BillingV2\""), "{template}"),
            _ => assert!(!has("Billing"), "{template}"),
        }
    }
    assert_eq!(lines, 15);
    assert!(fs::read_to_string(folder.join("billing.md")).unwrap().contains("ApiAllowByIamRoleStagBilling"));
    assert!(fs::read_to_string(folder.join("access.md")).unwrap().starts_with("| caller | stage |"));
}
