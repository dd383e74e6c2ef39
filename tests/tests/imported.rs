//! A manifest that is read from what another one renders to gives its rights back, in every form that is read: manifests and
//! attempts are generated, and the emulators of both decide.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[path = "../../crates/provider/tests/common/rendered.rs"]
mod rendered;

use std::collections::{BTreeMap, BTreeSet};

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use xacct_sign_emulator::{Emulator, Options};
use xacct_sign_provider::{Deployment, Imported, Lock, Manifest};
use xacct_sign_tests::matrix::{ATTEMPTS, Attempt, Entry, ORGANIZATION, REQUESTS, entries, manifest};
use xacct_sign_tests::world::World;

use crate::rendered::forms;

/// Those who try: roles of the accounts that callers have, and of others, with those that are of the organization.
const ACCOUNTS: [(&str, bool); 5] = [
    ("000000000000", false),
    ("222222222222", true),
    ("333333333333", false),
    ("444444444444", false),
    ("555555555555", true),
];
const ROLES: [&str; 4] = ["Lambda", "Batch", "service-role/Lambda", "Other"];

/// The same who try in the place of a deployment's own callers: what these are called, and which of them are one, is the
/// manifest's.
fn tried_by_all(mut deployment: Deployment) -> World {
    let mut text = "[api]\naccount = \"111111111111\"\nregion = \"ap-northeast-1\"\n".to_owned();
    for (number, role) in ROLES.iter().enumerate() {
        text += &format!("[stages.s{number}]\napi_id = \"s{number}\"\n");
        for (account, _) in ACCOUNTS {
            let name = format!("x{number}-{account}");
            text += &format!("[callers.{name}]\naccount = \"{account}\"\nroles = {{ s{number} = \"{role}\" }}\n");
        }
    }
    let all = Manifest::parse(&text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    deployment.callers = all.plan(&Lock::default()).caller_roles();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
    let members = ACCOUNTS.iter().filter(|(_, is_member)| *is_member);
    let options = Options {
        caller_policies: all.callers.keys().map(|name| (name.clone(), policy.to_owned())).collect(),
        organizations: members.map(|(account, _)| ((*account).to_owned(), ORGANIZATION.to_owned())).collect(),
        ..Options::default()
    };
    World::new(Emulator::of(&deployment, options, [7; 32]).unwrap())
}

/// An attempt by what stands at these places; the external id may be that of one of the callers.
type Drawn = (Option<Index>, &'static str, Option<&'static str>, Option<&'static str>);

fn attempts() -> impl Strategy<Value = Vec<Drawn>> {
    let attempt = (
        option::of(any::<Index>()),
        select(&["shop-1", "shop-12", "shop-", "other"][..]),
        option::of(select(&["team", "env", "teams"][..])),
        option::of(select(&["alice", "ali", "bob"][..])),
    );
    proptest::collection::vec(attempt, 6)
}

/// What the manifests let each who tries do with each of these roles.
#[derive(Debug, PartialEq)]
struct Outcomes {
    /// Which attempts, by their numbers, give whom a role.
    assumed: BTreeMap<String, BTreeSet<(String, usize)>>,
    /// What a session of a role may call: stages by their APIs' ids, and numbers of [`REQUESTS`].
    called: BTreeMap<String, BTreeSet<(String, usize)>>,
}

fn outcomes(deployment: Deployment, attempts: &[Attempt<'_>]) -> Outcomes {
    let roles: Vec<String> = deployment.roles.keys().cloned().collect();
    let stages = deployment.stages.clone();
    let mut world = tried_by_all(deployment);
    let callers = world.emulator.callers().to_vec();
    let mut outcomes = Outcomes { assumed: BTreeMap::new(), called: BTreeMap::new() };
    for role in roles {
        let (mut assumed, mut called) = (BTreeSet::new(), BTreeSet::new());
        let mut session = None;
        for access in &callers {
            for (number, attempt) in attempts.iter().enumerate() {
                let Some(credentials) = world.assume(&access.credentials, &attempt.call(&role)) else { continue };
                assumed.insert((access.role.clone(), number));
                session = Some(credentials);
            }
        }
        let session = session.unwrap_or_else(|| panic!("nobody has {role}"));
        for (name, stage) in &stages {
            for (number, (method, path)) in REQUESTS.into_iter().enumerate() {
                let call = (method, &*format!("/{}{path}", stage.api_stage));
                if world.signed(name, &session, "execute-api", call) == Some(200) {
                    called.insert((stage.api_id.clone(), number));
                }
            }
        }
        assert!(!called.is_empty(), "{role} opens nothing");
        outcomes.assumed.insert(role.clone(), assumed);
        outcomes.called.insert(role, called);
    }
    outcomes
}

/// Those that are drawn, those that everybody makes, and one by which each caller comes in.
fn all_attempts<'e>(entries: &'e [Entry], drawn: &[Drawn]) -> Vec<Attempt<'e>> {
    let own = entries.iter().map(|entry| Attempt { external_id: entry.external_id.as_deref(), ..ATTEMPTS[0] });
    let of = |(index, session_name, tag, source_identity): &Drawn| {
        let external_id = index.and_then(|index| index.get(entries).external_id.as_deref());
        Attempt { external_id, session_name, tag: *tag, source_identity: *source_identity }
    };
    own.chain(drawn.iter().map(of)).chain(ATTEMPTS).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_of_every_form_decides_as_what_was_rendered(entries in entries(), drawn in attempts()) {
        let manifest = manifest(&entries);
        let attempts = all_attempts(&entries, &drawn);
        let before = outcomes(manifest.plan(&Lock::default()).deployment(), &attempts);
        for (form, files) in forms(&manifest) {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let imported = Imported::read(&files, "xacct.toml").unwrap();
            let read = Manifest::parse(&imported.manifest, "xacct.toml").unwrap();
            let lock = Lock::parse(&imported.lock, "xacct.lock.toml").unwrap();
            let after = outcomes(read.plan(&lock).deployment(), &attempts);
            prop_assert!(after == before, "{}\n{:#?}\n{}\n{:#?}", form, before, imported.manifest, after);
        }
    }
}
