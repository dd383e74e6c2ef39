//! Which callers share a role, and that nobody moves.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic"
)]

use std::collections::BTreeMap;
use std::time::Instant;

use xacct_sign_provider::{Format, Lock, Manifest, RoleKind};

const HEAD: &str =
    "[api]\naccount = \"111111111111\"\nregion = \"ap-northeast-1\"\n[stages.stag]\napi_id = \"f6g7h8i9j0\"\n";

fn manifest(callers: impl IntoIterator<Item = (String, String)>) -> Manifest {
    let mut text = HEAD.to_owned();
    for (index, (name, rest)) in callers.into_iter().enumerate() {
        let account = 200_000_000_000 + index;
        text.push_str(&format!(
            "[callers.{name}]\naccount = \"{account}\"\nroles = {{ stag = \"Role{name}\" }}\n{rest}\n"
        ));
    }
    Manifest::parse(&text, "xacct.toml").unwrap()
}

fn named(names: impl IntoIterator<Item = usize>) -> Manifest {
    manifest(names.into_iter().map(|i| (format!("c{i:04}"), String::new())))
}

/// The role's name by caller.
fn roles(manifest: &Manifest, lock: &Lock) -> BTreeMap<String, String> {
    let mut by_caller = BTreeMap::new();
    for role in manifest.plan(lock).provider_roles() {
        assert!(role.trust_policy.to_json().len() <= manifest.api.role_trust_policy_length, "{}", role.name);
        for caller in role.callers {
            assert_eq!(by_caller.insert(caller, role.name.clone()), None, "a caller has one role");
        }
    }
    by_caller
}

#[test]
fn what_does_not_fit_goes_to_a_second_role() {
    let manifest = named(0..100);
    let plan = manifest.plan(&Lock::default());
    let roles = plan.provider_roles();
    let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["ApiAllowByIamRoleStag", "ApiAllowByIamRoleStag-2", "ApiAllowByIamRoleStag-3"]);
    assert_eq!(roles[1].kind, RoleKind::Shared(2));
    assert_eq!(roles.iter().map(|role| role.callers.len()).sum::<usize>(), 100);
    // Full means full: the next caller's 48 characters would not have fitted.
    let size = roles[0].trust_policy.to_json().len();
    assert!((2048 - 48..=2048).contains(&size), "{size}");
    // Each caller's own policy names the role that it has, and no other.
    for caller in plan.caller_roles() {
        let role = roles.iter().find(|role| role.callers.contains(&caller.caller)).unwrap();
        assert_eq!(caller.may_assume["stag"], role.arn);
        assert!(caller.policy.to_json().contains(&format!("\"Resource\":\"{}\"", role.arn)));
    }
}

#[test]
fn adding_a_caller_moves_no_other() {
    let mut recorded = named((0..100).map(|i| i * 2)).plan(&Lock::default()).lock().clone();
    for added in [1, 3, 199, 57, 101] {
        let before = named((0..100).map(|i| i * 2));
        let old = roles(&before, &recorded);
        let after = named((0..100).map(|i| i * 2).chain([added]));
        let new = roles(&after, &recorded);
        assert_eq!(new.len(), old.len() + 1);
        for (caller, role) in &old {
            assert_eq!(&new[caller], role, "{caller} moved when c{added:04} came");
        }
        assert_eq!(after.plan(&recorded).moved(), []);
    }
    // Without the lock file it would have been another story.
    let after = named((0..100).map(|i| i * 2).chain([1]));
    assert_ne!(roles(&after, &recorded), {
        let mut without = roles(&after, &Lock::default());
        without.insert("c0001".to_owned(), roles(&after, &recorded)["c0001"].clone());
        without
    });
    // And so it goes on, one by one.
    for count in 0..60 {
        let grown = named((0..100).map(|i| i * 2).chain((0..=count).map(|i| i * 2 + 1)));
        let plan = grown.plan(&recorded);
        assert_eq!(plan.moved(), []);
        recorded = plan.lock().clone();
    }
    let text = recorded.to_toml();
    assert_eq!(text.lines().filter(|line| line.starts_with('c') && !line.contains('{')).count(), 160);
}

#[test]
fn the_room_that_a_caller_leaves_is_used_again() {
    let recorded = named(0..100).plan(&Lock::default()).lock().clone();
    let without = named((0..100).filter(|i| *i != 5));
    let lock = without.plan(&recorded).lock().clone();
    assert_eq!(lock.number("stag", "c0005"), None);
    assert_eq!(roles(&named((0..100).filter(|i| *i != 5).chain([500])), &lock)["c0500"], "ApiAllowByIamRoleStag");
    // A role whose last caller is gone is gone, and its number is taken again.
    let last: Vec<usize> = (0..100).filter(|i| recorded.number("stag", &format!("c{i:04}")) != Some(2)).collect();
    let lock = named(last.clone()).plan(&recorded).lock().clone();
    let names: Vec<String> = named(last.clone()).plan(&lock).provider_roles().into_iter().map(|r| r.name).collect();
    assert_eq!(names, ["ApiAllowByIamRoleStag", "ApiAllowByIamRoleStag-3"]);
    let again = roles(&named(last.into_iter().chain(700..720)), &lock);
    assert!(again.values().any(|role| role == "ApiAllowByIamRoleStag-2"), "{again:?}");
}

#[test]
fn a_caller_that_outgrows_its_role_moves_alone() {
    let recorded = named(0..100).plan(&Lock::default()).lock().clone();
    let grown = manifest((0..100).map(|i| {
        let rest = if i == 3 { format!("external_id = \"{}\"", "x".repeat(800)) } else { String::new() };
        (format!("c{i:04}"), rest)
    }));
    let plan = grown.plan(&recorded);
    // It is the last that no longer fits: the one that changed comes first by its name.
    assert!(!plan.moved().is_empty());
    for moved in plan.moved() {
        assert_eq!(moved.from, 1);
        assert_ne!(plan.lock().number("stag", &moved.caller), Some(1));
        assert_eq!(plan.lock().number("stag", &moved.caller), Some(moved.to));
    }
    roles(&grown, &recorded);
}

#[test]
fn a_raised_quota_takes_more() {
    let count = |head: &str| {
        let mut text = HEAD.replace("[stages", &format!("{head}\n[stages"));
        for i in 0..100 {
            text.push_str(&format!("[callers.c{i}]\naccount = \"{i:012}\"\nroles = {{ stag = \"LambdaRole\" }}\n"));
        }
        Manifest::parse(&text, "f").unwrap().plan(&Lock::default()).provider_roles().len()
    };
    assert_eq!((count(""), count("role_trust_policy_length = 4096")), (3, 2));
    assert_eq!(count("role_trust_policy_length = 3000"), 2);
}

#[test]
fn the_lock_file_is_read_as_it_is_written() {
    let lock = named(0..100).plan(&Lock::default()).lock().clone();
    let text = lock.to_toml();
    assert_eq!(Lock::parse(&text, "xacct.lock.toml").unwrap(), lock);
    assert_eq!(Lock::parse(&text, "xacct.lock.toml").unwrap().to_toml(), text);
    let small = named(0..2).plan(&Lock::default()).lock().to_toml();
    let told = "c0001 = { api = \"f6g7h8i9j0/$default\", caller = \"arn:aws:iam::200000000001:role/Rolec0001\", role = \"arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag\" }\n";
    assert!(small.contains(told) && small.contains("version = 1\n\n[told.stag]\n"), "{small}");
    assert!(small.ends_with("\n\n[stages.stag]\nc0000 = 1\nc0001 = 1\n"), "{small}");
    // Names may be numbers, or look like other things of TOML.
    let odd = manifest(
        ["1", "1e5", "true", "-", "a-b_c"].iter().filter(|n| **n != "-").map(|n| (n.to_string(), String::new())),
    );
    let lock = odd.plan(&Lock::default()).lock().clone();
    assert_eq!(Lock::parse(&lock.to_toml(), "f").unwrap(), lock);
}

/// Time, roles and the largest document are printed; how long it may take is nobody's to say in a test.
#[test]
fn ten_thousand_caller_accounts() {
    for (form, rest, quota) in [
        ("by role ARN", "", 2048),
        ("by role ARN", "", 4096),
        ("by account", "trust = \"account\"", 2048),
        ("by role ARN, each with an external id", "external_id = \"b3c7\"", 2048),
    ] {
        let mut text = HEAD.replace("[stages", &format!("role_trust_policy_length = {quota}\n[stages"));
        for i in 0..10_000_u64 {
            let rest = rest.replace("b3c7", &format!("b3c7-{i}"));
            text.push_str(&format!(
                "[callers.customer-{i}]\naccount = \"{}\"\nroles = {{ stag = \"LambdaRoleStag\" }}\n{rest}\n",
                100_000_000_000 + i * 7_919
            ));
        }
        let start = Instant::now();
        let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
        let plan = manifest.plan(&Lock::default());
        let template = plan.render(&manifest.stages["stag"], Format::CloudFormation).unwrap();
        let lock = plan.lock().to_toml();
        let elapsed = start.elapsed();
        let roles = plan.provider_roles();
        let largest = roles.iter().map(|role| role.trust_policy.to_json().len()).max().unwrap();
        eprintln!(
            "10,000 caller accounts {form}, trust policies of {quota} characters: {elapsed:.0?}, {} roles, largest document {largest} characters, template {} bytes, lock file {} bytes",
            roles.len(),
            template.len(),
            lock.len()
        );
        assert!(largest <= quota, "{largest}");
        assert!(roles.iter().all(|role| role.invoke_policy.to_json().len() <= 10_240));
        let again = manifest.plan(&Lock::parse(&lock, "f").unwrap());
        assert_eq!(again.render(&manifest.stages["stag"], Format::CloudFormation).unwrap(), template, "the same bytes");
        assert_eq!(again.moved(), []);
    }
}
