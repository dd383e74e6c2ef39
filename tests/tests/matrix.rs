//! Who may call what: manifests are generated, and every caller tries every role and every route on the emulator. What is
//! expected comes from the generated entries themselves, not from what is rendered.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test may panic"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use xacct_sign::Credentials;
use xacct_sign::sts::AssumeRole;
use xacct_sign_emulator::{CallerAccess, Emulator, Options};
use xacct_sign_provider::{Deployment, Format, Lock, Manifest};
use xacct_sign_tests::matrix::{ATTEMPTS, Attempt, Entry, REQUESTS, ROUTES, STAGES, Who, entries, manifest};
use xacct_sign_tests::world::World;

/// Whether the entries that share a role let a principal have it.
fn expected(entries: &[&Entry], arn: &str, is_member: bool, attempt: Attempt<'_>) -> bool {
    let of_caller = || entries.iter().filter(|entry| entry.is(arn, is_member));
    let assumes = of_caller().any(|entry| {
        entry.external_id.as_deref().is_none_or(|id| attempt.external_id == Some(id))
            && entry.session_names.is_none_or(|_| attempt.session_name.starts_with("shop-"))
    });
    let tags = attempt.tag.is_none_or(|tag| tag == "team" && of_caller().any(|entry| entry.tags));
    let sets = attempt.source_identity.is_none_or(|of| of.starts_with("ali") && of_caller().any(|e| e.source_identity));
    assumes && tags && sets
}

fn world_of(deployment: &Deployment, options: Options) -> World {
    World::new(Emulator::of(deployment, options, [7; 32]).unwrap())
}

fn status(world: &mut World, credentials: &Credentials, stage: &str, (method, path): (&str, &str)) -> u16 {
    let index = STAGES.iter().position(|name| *name == stage).unwrap();
    world.signed(stage, credentials, "execute-api", (method, &format!("/v{index}{path}"))).unwrap()
}

/// Every caller's own account lets it do everything, so that it is the provider's documents that are tried.
fn everything_allowed(manifest: &Manifest) -> Options {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
    let caller_policies = manifest.callers.keys().map(|name| (name.clone(), policy.to_owned())).collect();
    Options { caller_policies, ..Options::default() }
}

/// What opens which requests: all of them, or those of the routes.
fn opened(entries: &[&Entry]) -> BTreeSet<usize> {
    match entries.first().and_then(|entry| entry.routes.as_ref()) {
        None => (0..REQUESTS.len()).collect(),
        Some(routes) => routes.iter().flat_map(|route| ROUTES[*route].1.iter().copied()).collect(),
    }
}

fn is_member(access: &CallerAccess, entries: &[Entry]) -> bool {
    let index: usize = access.caller.strip_prefix('c').unwrap().parse().unwrap();
    entries[index].who == Who::Organization
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_matrix_is_the_manifests(entries in entries()) {
        let manifest = manifest(&entries);
        let plan = manifest.plan(&Lock::default());
        let mut world = world_of(&plan.deployment(), everything_allowed(&manifest));
        let callers = world.emulator.callers().to_vec();
        let mut served = BTreeMap::new();
        for role in plan.provider_roles() {
            prop_assert!(role.trust_policy.to_json().len() <= 2_048);
            let sharing: Vec<usize> = role.callers.iter().map(|name| name[1..].parse().unwrap()).collect();
            for index in &sharing {
                *served.entry((*index, role.stage.clone())).or_insert(0) += 1;
            }
            let sharing: Vec<&Entry> = sharing.iter().map(|index| &entries[*index]).collect();
            for access in &callers {
                let is_member = is_member(access, &entries);
                let mut opened_credentials = None;
                for attempt in ATTEMPTS {
                    let assumed = world.assume(&access.credentials, &attempt.call(&role.arn));
                    let expected = expected(&sharing, &access.role, is_member, attempt);
                    prop_assert_eq!(assumed.is_some(), expected, "{} {} {:?}", access.role, role.arn, attempt);
                    opened_credentials = opened_credentials.or(assumed);
                }
                let Some(credentials) = opened_credentials else { continue };
                let opened = opened(&sharing);
                for stage in STAGES {
                    for (index, request) in REQUESTS.into_iter().enumerate() {
                        let expected = if stage == role.stage && opened.contains(&index) { 200 } else { 403 };
                        let status = status(&mut world, &credentials, stage, request);
                        prop_assert_eq!(status, expected, "{} on {} {:?}", role.arn, stage, request);
                    }
                }
            }
        }
        // Each entry has one role on each of its stages, and none elsewhere.
        let meant: BTreeMap<(usize, String), i32> = entries
            .iter()
            .enumerate()
            .flat_map(|(index, entry)| entry.stages.iter().map(move |stage| ((index, (*stage).to_owned()), 1)))
            .collect();
        prop_assert_eq!(served, meant);
    }

    /// With the policies that are rendered for them, callers get what they are told, and not the roles of others.
    #[test]
    fn callers_policies_are_enough_and_no_more(entries in entries()) {
        let manifest = manifest(&entries);
        let plan = manifest.plan(&Lock::default());
        let mut world = world_of(&plan.deployment(), Options::default());
        let callers = world.emulator.callers().to_vec();
        for access in &callers {
            let index: usize = access.caller[1..].parse().unwrap();
            let entry = &entries[index];
            for role in access.may_assume.values() {
                let mut call = AssumeRole::new(role.as_str(), "shop-1");
                call.external_id.clone_from(&entry.external_id);
                prop_assert!(world.assume(&access.credentials, &call).is_some(), "{} {}", access.role, role);
                call.tags = if entry.tags { vec![("team".to_owned(), "x".to_owned())] } else { Vec::new() };
                call.source_identity = entry.source_identity.then(|| "alice".to_owned());
                prop_assert!(world.assume(&access.credentials, &call).is_some(), "{} {}", access.role, role);
            }
            let own: BTreeSet<&String> =
                callers.iter().filter(|other| other.role == access.role).flat_map(|other| other.may_assume.values()).collect();
            for role in plan.provider_roles().iter().filter(|role| !own.contains(&role.arn)) {
                for attempt in ATTEMPTS {
                    prop_assert!(world.assume(&access.credentials, &attempt.call(&role.arn)).is_none());
                }
            }
        }
    }

    /// A rendered template means the same to the emulator as the manifest that it was rendered from.
    #[test]
    fn a_template_means_the_same(entries in entries()) {
        let manifest = manifest(&entries);
        let plan = manifest.plan(&Lock::default());
        let used = manifest.stages.values().filter(|stage| !plan.stage_roles(stage).is_empty());
        let templates: Vec<String> = used.map(|stage| plan.render(stage, Format::CloudFormation).unwrap()).collect();
        let texts: Vec<&str> = templates.iter().map(String::as_str).collect();
        let read = Deployment::of_templates(&texts).unwrap();
        let rendered = plan.deployment();
        prop_assert_eq!((&read.account, &read.region, &read.partition), (&rendered.account, &rendered.region, &rendered.partition));
        for (name, stage) in &read.stages {
            prop_assert_eq!(stage, &rendered.stages[name]);
        }
        prop_assert_eq!(read.roles.keys().collect::<Vec<_>>(), rendered.roles.keys().collect::<Vec<_>>());
        let mut world = world_of(&rendered, everything_allowed(&manifest));
        let mut from_template = world_of(&read, Options::default());
        // The callers that the trust policies name get the same answers from both.
        for access in world.emulator.callers().to_vec() {
            let twin = from_template.emulator.callers().iter().find(|other| other.role == access.role).cloned();
            let Some(twin) = twin else { continue };
            for role in read.roles.keys().filter(|arn| twin.may_assume.values().any(|may| may == *arn)) {
                for attempt in ATTEMPTS {
                    let expected = world.assume(&access.credentials, &attempt.call(role)).is_some();
                    prop_assert_eq!(from_template.assume(&twin.credentials, &attempt.call(role)).is_some(), expected);
                }
            }
        }
    }
}
