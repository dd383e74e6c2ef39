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
    assert!(stdout.contains("unused_acceptance") && !stdout.contains("error["), "{stdout}");

    let (code, _, stderr) = run(&folder, "init --account 1 --manifest other.toml");
    assert_eq!(code, 2);
    assert!(stderr.contains("`1` is not an account id"), "{stderr}");
    // What is given becomes no more of the text than a value.
    let (code, _, stderr) = run(&folder, "init --manifest other.toml --region eu-west-1\"#");
    assert_eq!(code, 2);
    assert!(stderr.contains("is not a region"), "{stderr}");
    assert!(!folder.join("other.toml").exists());
}
