//! `xacct-sign init`.

use std::fs;

use crate::command::{MANIFEST, folder, run};

#[test]
fn init_writes_a_manifest_that_is_valid_and_keeps_what_is_there() {
    let folder = folder("init", MANIFEST);
    let (code, _, stderr) = run(&folder, "init");
    assert_eq!(code, 2);
    assert!(stderr.contains("`xacct.toml` is there already"), "{stderr}");
    assert_eq!(fs::read_to_string(folder.join("xacct.toml")).unwrap(), MANIFEST);

    fs::remove_file(folder.join("xacct.toml")).unwrap();
    let (code, stdout, stderr) = run(&folder, "init --account 222222222222 --region eu-west-1");
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    let text = fs::read_to_string(folder.join("xacct.toml")).unwrap();
    assert!(text.starts_with("#:schema ./xacct.schema.json\n"), "{text}");
    assert!(text.contains("account = \"222222222222\"") && text.contains("region = \"eu-west-1\""), "{text}");
    assert_eq!(run(&folder, "check").0, 0);

    // Whatever is commented out is right too, but for what cannot stand together.
    let key = |line: &&str| line.starts_with("# ") && (line.contains(" = ") || line.starts_with("# ["));
    let uncommented: String = text
        .lines()
        .map(|line| if key(&line) { line[2..].to_owned() } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n");
    fs::write(folder.join("xacct.toml"), uncommented).unwrap();
    let (code, stdout, stderr) = run(&folder, "check");
    assert_eq!(code, 1, "{stderr}");
    let found: Vec<&str> = stdout.lines().filter_map(|line| line.split(['[', ']']).nth(1)).collect();
    // What shows a wide caller beside one with terms, and an acceptance.
    assert_eq!(found, ["overlapping_caller", "unused_acceptance"], "{stdout}");
    let (code, callers, stderr) = run(&folder, "render callers --stage server");
    assert!(code == 0 && callers.contains("\"name\": \"batch\""), "{callers}{stderr}");

    let (code, _, stderr) = run(&folder, "init --account 1 --manifest other.toml");
    assert_eq!(code, 2);
    assert!(stderr.contains("`1` is not an account id"), "{stderr}");
    // What is given becomes no more of the text than a value.
    let (code, _, stderr) = run(&folder, "init --manifest other.toml --region eu-west-1\"#");
    assert_eq!(code, 2);
    assert!(stderr.contains("is not a region"), "{stderr}");
    assert!(!folder.join("other.toml").exists());
}

#[test]
fn init_reads_deployed_roles_and_writes_the_lock_file_beside() {
    let folder = folder("init-from", &format!("{MANIFEST}routes = [\"GET /items\"]\n"));
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    fs::write(folder.join("roles.json"), &template).unwrap();
    let (code, stdout, stderr) = run(&folder, "init --from roles.json");
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("`xacct.toml` is there already"), "{stderr}");
    // The lock file that is there is of another manifest.
    fs::write(folder.join("new.lock.toml"), "version = 1\n").unwrap();
    let (code, _, stderr) = run(&folder, "init --from roles.json --manifest new.toml");
    assert_eq!(code, 2);
    assert!(stderr.contains("`new.lock.toml` is there already") && !folder.join("new.toml").exists(), "{stderr}");
    fs::remove_file(folder.join("new.lock.toml")).unwrap();

    let (code, stdout, stderr) = run(&folder, "init --from roles.json --manifest new.toml");
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.starts_with("wrote `new.toml` and `new.lock.toml`"), "{stderr}");
    let (code, stdout, _) = run(&folder, "check --manifest new.toml");
    assert_eq!(code, 0, "{stdout}");
    let same = run(&folder, "diff --manifest new.toml --stage stag --deployed roles.json");
    assert_eq!(same, (0, "ApiAllowByIamRoleStagShop: the same\n".to_owned(), String::new()));
    assert_eq!(run(&folder, "render cloudformation --locked --manifest new.toml --stage stag").1, template);

    let (_, trust, _) = run(&folder, "policy trust --stage stag");
    fs::write(folder.join("trust.json"), trust).unwrap();
    let (code, _, stderr) = run(&folder, "init --from trust.json --manifest other.toml");
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error[no_invoke_policies]: ") && stderr.contains("\nhint: "), "{stderr}");
    assert!(!folder.join("other.toml").exists() && !folder.join("other.lock.toml").exists());
    assert_eq!(run(&folder, "init --from roles.json --account 111111111111 --manifest other.toml").0, 2);
}

#[test]
fn init_reads_several_files_into_one_manifest() {
    let text = MANIFEST
        .replace("[callers", "[stages.prod]\napi_id = \"p1\"\n[callers")
        .replace("stag = \"LambdaRoleDeve\"", "stag = \"LambdaRoleDeve\", prod = \"LambdaRoleProd\"");
    let folder = folder("init-several", &text);
    for stage in ["stag", "prod"] {
        let (_, template, _) = run(&folder, &format!("render cloudformation --stage {stage}"));
        fs::write(folder.join(format!("{stage}.json")), template).unwrap();
    }
    let (code, _, stderr) = run(&folder, "init --from stag.json --from prod.json --manifest new.toml");
    assert_eq!(code, 0, "{stderr}");
    for (stage, role) in [("stag", "ApiAllowByIamRoleStag"), ("prod", "ApiAllowByIamRoleProd")] {
        let same = run(&folder, &format!("diff --manifest new.toml --stage {stage} --deployed {stage}.json"));
        assert_eq!(same, (0, format!("{role}: the same\n"), String::new()));
    }
}

/// The first was named, whichever it was.
#[test]
fn of_several_files_the_one_is_named_that_cannot_be_used() {
    let folder = folder("init-several", MANIFEST);
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    fs::write(folder.join("prod.json"), &template).unwrap();
    fs::write(folder.join("next.json"), "{}").unwrap();
    for command in [
        "init --manifest new.toml --from prod.json --from next.json",
        "emulator --template prod.json --template next.json",
    ] {
        let (code, _, stderr) = run(&folder, command);
        let expected = "error[no_role]: `next.json` cannot be used: it holds neither a role nor a trust policy";
        assert!(code == 2 && stderr.starts_with(expected), "{stderr}");
    }
    // What is wrong with both is wrong with both.
    let (code, _, stderr) = run(&folder, "init --manifest new.toml --from prod.json --from prod.json");
    assert!(code == 2 && stderr.starts_with("error[duplicate]: `prod.json`, `prod.json` cannot be used: "), "{stderr}");
    // Without callers there is nothing to compare.
    let empty = MANIFEST.split("[callers").next().unwrap();
    fs::write(folder.join("empty.toml"), empty).unwrap();
    let (_, rendered, _) = run(&folder, "render json --stage stag --manifest empty.toml");
    fs::write(folder.join("empty.json"), rendered).unwrap();
    let same = run(&folder, "diff --stage stag --manifest empty.toml --deployed empty.json");
    assert_eq!(
        same,
        (0, "no role is meant for the stage, and none that is there opens it\n".to_owned(), String::new())
    );
}

/// What is not taken over is said, though the files are written.
#[test]
fn init_names_what_the_manifest_does_not_say() {
    let folder = folder("init-notes", MANIFEST);
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    let mut template: serde_json::Value = serde_json::from_str(&template).unwrap();
    for resource in template["Resources"].as_object_mut().unwrap().values_mut() {
        if resource["Type"] == "AWS::IAM::Role" {
            resource["Properties"]["ManagedPolicyArns"] = serde_json::json!(["arn:aws:iam::aws:policy/Extra"]);
        }
    }
    fs::write(folder.join("roles.json"), template.to_string()).unwrap();
    let (code, stdout, stderr) = run(&folder, "init --from roles.json --manifest new.toml");
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    let (notes, written) = stderr.split_once("wrote `new.toml` and `new.lock.toml`").unwrap();
    assert!(
        notes.contains("managed policy `arn:aws:iam::aws:policy/Extra`") && written.ends_with("check`\n"),
        "{stderr}"
    );
    assert!(!fs::read_to_string(folder.join("new.toml")).unwrap().contains("Extra"));
}
