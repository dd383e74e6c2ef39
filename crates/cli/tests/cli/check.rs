//! `xacct-sign check`.

use std::fs;

use crate::command::{MANIFEST, folder, run, sixty_callers};

#[test]
fn check_ends_with_one_until_its_findings_are_accepted() {
    let text = format!("{MANIFEST}third_party = true\n");
    let folder = folder("check", &text);
    let (code, stdout, stderr) = run(&folder, "check");
    assert_eq!(code, 1);
    let first = "xacct.toml:6: warning[third_party_without_external_id] [callers.shop]: it is a third party and has no `external_id`\n  reason: ";
    assert!(stdout.starts_with(first), "{stdout}");
    assert!(stdout.contains("\n  hint: "), "{stdout}");
    assert!(
        stdout.ends_with("1 stage, 1 caller, 1 role; the longest trust policy has 151 of 2048 characters\n"),
        "{stdout}"
    );
    assert!(stderr.contains("1 finding is not accepted"), "{stderr}");

    let accept = "accept = { third_party_without_external_id = \"until June\" }\n";
    fs::write(folder.join("xacct.toml"), format!("{text}{accept}")).unwrap();
    let (code, stdout, stderr) = run(&folder, "check");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("\n  accepted: until June\n"), "{stdout}");

    // Several roles that no lock file records.
    let callers = sixty_callers();
    fs::write(folder.join("xacct.toml"), format!("{MANIFEST}{callers}")).unwrap();
    let (code, stdout, _) = run(&folder, "check");
    assert_eq!(code, 1);
    assert!(stdout.contains("warning[lock_outdated] [api]") && stdout.contains("note[roles_split]"), "{stdout}");
    assert_eq!(run(&folder, "render json --stage stag").0, 0);
    let (code, stdout, _) = run(&folder, "check");
    assert_eq!(code, 0, "{stdout}");
}

#[test]
fn t4_all_mistakes_of_a_manifest_are_said() {
    let text = MANIFEST.replace("region", "regoin").replace("[callers.shop]", "[callers.shop]\nrotues = []");
    let folder = folder("mistakes", &text);
    let (code, stdout, stderr) = run(&folder, "check");
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error[schema]: xacct.toml:")).collect();
    assert_eq!(errors.len(), 3, "{stderr}");
    assert!(stderr.contains("`[api]` has no key `regoin`: did you mean `region`?"), "{stderr}");
    assert!(stderr.contains("`[callers.shop]` has no key `rotues`: did you mean `routes`?"), "{stderr}");
    assert_eq!(stderr.lines().filter(|line| line.starts_with("hint: ")).count(), 1, "{stderr}");
}
