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
use std::time::SystemTime;

use bytes::Bytes;
use proptest::prelude::*;
use xacct_sign::sts::{Action as _, AssumeRole, Endpoint};
use xacct_sign::{Credentials, Scope, Signer};
use xacct_sign_emulator::{CallerAccess, Emulator, Options, Outcome, Target};
use xacct_sign_provider::{Deployment, Format, Lock, Manifest};
use xacct_sign_tests::at;

const REGION: &str = "ap-northeast-1";
const ORGANIZATION: &str = "o-a1b2c3d4e5";
const STAGES: [&str; 3] = ["deve", "stag", "prod"];

/// A route of a manifest, and which of [`REQUESTS`] it opens to IAM.
const ROUTES: [(&str, &[usize]); 6] = [
    ("GET /", &[0]),
    ("GET /items/{id}", &[1, 2]),
    ("PUT /hoge", &[3]),
    ("ANY /orders/{proxy+}", &[5, 6]),
    ("GET /items/{id}/secret", &[2]),
    ("ANY /*", &[0, 1, 2, 3, 4, 5, 6, 7]),
];
const REQUESTS: [(&str, &str); 8] = [
    ("GET", "/"),
    ("GET", "/items/1"),
    ("GET", "/items/1/secret"),
    ("PUT", "/hoge"),
    ("GET", "/hoge"),
    ("DELETE", "/orders/1/2"),
    ("GET", "/orders/1"),
    ("POST", "/orders"),
];

#[derive(Debug, Clone, PartialEq)]
enum Who {
    Role { account: &'static str, role: &'static str, by_account: bool },
    WholeAccount(&'static str),
    AnyAccount(&'static str),
    Organization,
}

/// A caller of the manifest.
#[derive(Debug, Clone)]
struct Entry {
    who: Who,
    stages: Vec<&'static str>,
    external_id: Option<String>,
    session_names: Option<&'static str>,
    tags: bool,
    source_identity: bool,
    routes: Option<Vec<usize>>,
}

impl Entry {
    fn toml(&self, index: usize) -> String {
        let mut text = format!("[callers.c{index}]\n");
        let roles = |role: &str| {
            let roles: Vec<String> = self.stages.iter().map(|stage| format!("{stage} = \"{role}\"")).collect();
            format!("roles = {{ {} }}\n", roles.join(", "))
        };
        match &self.who {
            Who::Role { account, role, by_account } => {
                let trust = if *by_account { "account" } else { "role" };
                text += &format!("account = \"{account}\"\n{}trust = \"{trust}\"\n", roles(role));
            }
            Who::WholeAccount(account) => {
                text += &format!("account = \"{account}\"\n{}trust = \"account\"\n", roles("*"));
            }
            Who::AnyAccount(role) => text += &format!("account = \"*\"\n{}trust = \"account\"\n", roles(role)),
            Who::Organization => {
                text += &format!("organization = \"{ORGANIZATION}\"\nstages = {:?}\n", self.stages);
            }
        }
        if let Some(id) = &self.external_id {
            text += &format!("external_id = \"{id}\"\n");
        }
        if let Some(names) = self.session_names {
            text += &format!("session_names = [\"{names}\"]\n");
        }
        if self.tags {
            text += "tags = [\"team\"]\n";
        }
        if self.source_identity {
            text += "source_identity = [\"ali*\"]\n";
        }
        if let Some(routes) = &self.routes {
            let routes: Vec<&str> = routes.iter().map(|route| ROUTES[*route].0).collect();
            text += &format!("routes = {routes:?}\n");
        }
        text
    }

    /// Whether this entry is about the role with this ARN.
    fn is(&self, arn: &str, is_member: bool) -> bool {
        let (account, role) = arn.strip_prefix("arn:aws:iam::").unwrap().split_once(":role/").unwrap();
        match &self.who {
            Who::Role { account: of, role: name, .. } => account == *of && role == *name,
            Who::WholeAccount(of) => account == *of,
            Who::AnyAccount(name) => role == *name,
            Who::Organization => is_member,
        }
    }

    /// The same principal on the same stage twice is refused.
    fn key(&self) -> String {
        match &self.who {
            Who::Role { account, role, .. } => {
                format!("{account} {}", role.rsplit('/').next().unwrap().to_ascii_lowercase())
            }
            other => format!("{other:?}"),
        }
    }
}

/// What is tried with a role.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    external_id: Option<&'static str>,
    session_name: &'static str,
    tag: Option<&'static str>,
    source_identity: Option<&'static str>,
}

const ATTEMPTS: [Attempt; 9] = {
    let plain = Attempt { external_id: None, session_name: "shop-1", tag: None, source_identity: None };
    [
        plain,
        Attempt { external_id: Some("b3c7"), ..plain },
        Attempt { external_id: Some("wrong"), ..plain },
        Attempt { session_name: "other", ..plain },
        Attempt { session_name: "other", external_id: Some("b3c7"), ..plain },
        Attempt { tag: Some("team"), external_id: Some("b3c7"), ..plain },
        Attempt { tag: Some("env"), ..plain },
        Attempt { source_identity: Some("alice"), external_id: Some("b3c7"), ..plain },
        Attempt { source_identity: Some("bob"), ..plain },
    ]
};

/// Whether the entries that share a role let a principal have it.
fn expected(entries: &[&Entry], arn: &str, is_member: bool, attempt: Attempt) -> bool {
    let of_caller = || entries.iter().filter(|entry| entry.is(arn, is_member));
    let assumes = of_caller().any(|entry| {
        entry.external_id.as_deref().is_none_or(|id| attempt.external_id == Some(id))
            && entry.session_names.is_none_or(|_| attempt.session_name.starts_with("shop-"))
    });
    let tags = attempt.tag.is_none_or(|tag| tag == "team" && of_caller().any(|entry| entry.tags));
    let sets = attempt.source_identity.is_none_or(|of| of.starts_with("ali") && of_caller().any(|e| e.source_identity));
    assumes && tags && sets
}

fn who() -> impl Strategy<Value = Who> {
    let account = || proptest::sample::select(&["000000000000", "222222222222", "333333333333"][..]);
    let role = || proptest::sample::select(&["Lambda", "Batch", "service-role/Lambda"][..]);
    prop_oneof![
        4 => (account(), role(), any::<bool>())
            .prop_map(|(account, role, by_account)| Who::Role { account, role, by_account }),
        1 => account().prop_map(Who::WholeAccount),
        1 => role().prop_map(Who::AnyAccount),
        1 => Just(Who::Organization),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let external_id = prop_oneof![
        3 => Just(None),
        2 => Just(Some("b3c7".to_owned())),
        // So long that a role holds one such caller: the next goes to a second role.
        1 => "[a-z]{1200}".prop_map(Some),
    ];
    (
        who(),
        proptest::sample::subsequence(&STAGES[..], 1..=3),
        external_id,
        proptest::option::of(proptest::sample::select(&["shop-*", "shop-?"][..])),
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(proptest::sample::subsequence((0..ROUTES.len()).collect::<Vec<_>>(), 1..3)),
    )
        .prop_map(|(who, stages, external_id, session_names, tags, source_identity, routes)| Entry {
            who,
            stages,
            external_id,
            session_names,
            tags,
            source_identity,
            routes,
        })
}

fn manifest(entries: &[Entry]) -> Manifest {
    let mut text = format!("[api]\naccount = \"111111111111\"\nregion = \"{REGION}\"\nrole_name = \"apis/Allow\"\n");
    for (index, stage) in STAGES.iter().enumerate() {
        text += &format!("[stages.{stage}]\napi_id = \"a{index}\"\napi_stage = \"v{index}\"\n");
    }
    for (index, entry) in entries.iter().enumerate() {
        text += &entry.toml(index);
    }
    Manifest::parse(&text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 1..6).prop_map(|entries| {
        let mut seen = BTreeSet::new();
        entries.into_iter().filter(|entry| seen.insert(entry.key())).collect()
    })
}

struct World {
    emulator: Emulator,
    now: SystemTime,
}

impl World {
    fn of(deployment: &Deployment, options: Options) -> Self {
        Self { emulator: Emulator::of(deployment, options, [7; 32]).unwrap(), now: at(1_700_000_000) }
    }

    fn assume(&mut self, base: &Credentials, role: &str, attempt: Attempt) -> Option<Credentials> {
        let mut call = AssumeRole::new(role, attempt.session_name);
        call.external_id = attempt.external_id.map(str::to_owned);
        call.tags = attempt.tag.iter().map(|tag| ((*tag).to_owned(), "x".to_owned())).collect();
        call.source_identity = attempt.source_identity.map(str::to_owned);
        self.call(base, &call)
    }

    fn call(&mut self, base: &Credentials, call: &AssumeRole) -> Option<Credentials> {
        let endpoint = Endpoint::new(REGION, Some("http://127.0.0.1:4566")).unwrap();
        let request = call.request(base, &endpoint, self.now).unwrap().map(Bytes::from);
        let Outcome::Respond(response) = self.emulator.handle(&Target::Sts, request, self.now).outcome else {
            panic!("STS forwards nothing");
        };
        call.read_response(base, &response, self.now).ok().map(|assumed| assumed.credentials)
    }

    fn status(&mut self, credentials: &Credentials, stage: &str, (method, path): (&str, &str)) -> u16 {
        let index = STAGES.iter().position(|name| *name == stage).unwrap();
        let uri = format!("/v{index}{path}");
        let request = http::Request::builder().method(method).uri(uri).header("host", "api.example.com");
        let mut request = request.body(Bytes::new()).unwrap();
        Signer::new(credentials.clone(), Scope::new(REGION, "execute-api").unwrap())
            .sign(&mut request, self.now)
            .unwrap();
        match self.emulator.handle(&Target::Stage(stage.to_owned()), request, self.now).outcome {
            Outcome::Respond(response) => response.status().as_u16(),
            Outcome::Forward(_) => panic!("there is no upstream"),
        }
    }
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
        let mut world = World::of(&plan.deployment(), everything_allowed(&manifest));
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
                    let assumed = world.assume(&access.credentials, &role.arn, attempt);
                    let expected = expected(&sharing, &access.role, is_member, attempt);
                    prop_assert_eq!(assumed.is_some(), expected, "{} {} {:?}", access.role, role.arn, attempt);
                    opened_credentials = opened_credentials.or(assumed);
                }
                let Some(credentials) = opened_credentials else { continue };
                let opened = opened(&sharing);
                for stage in STAGES {
                    for (index, request) in REQUESTS.into_iter().enumerate() {
                        let expected = if stage == role.stage && opened.contains(&index) { 200 } else { 403 };
                        let status = world.status(&credentials, stage, request);
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
        let mut world = World::of(&plan.deployment(), Options::default());
        let callers = world.emulator.callers().to_vec();
        for access in &callers {
            let index: usize = access.caller[1..].parse().unwrap();
            let entry = &entries[index];
            for role in access.may_assume.values() {
                let mut call = AssumeRole::new(role.as_str(), "shop-1");
                call.external_id.clone_from(&entry.external_id);
                prop_assert!(world.call(&access.credentials, &call).is_some(), "{} {}", access.role, role);
                call.tags = if entry.tags { vec![("team".to_owned(), "x".to_owned())] } else { Vec::new() };
                call.source_identity = entry.source_identity.then(|| "alice".to_owned());
                prop_assert!(world.call(&access.credentials, &call).is_some(), "{} {}", access.role, role);
            }
            let own: BTreeSet<&String> =
                callers.iter().filter(|other| other.role == access.role).flat_map(|other| other.may_assume.values()).collect();
            for role in plan.provider_roles().iter().filter(|role| !own.contains(&role.arn)) {
                for attempt in ATTEMPTS {
                    prop_assert!(world.assume(&access.credentials, &role.arn, attempt).is_none());
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
        let mut world = World::of(&rendered, everything_allowed(&manifest));
        let mut from_template = World::of(&read, Options::default());
        // The callers that the trust policies name get the same answers from both.
        for access in world.emulator.callers().to_vec() {
            let twin = from_template.emulator.callers().iter().find(|other| other.role == access.role).cloned();
            let Some(twin) = twin else { continue };
            for role in read.roles.keys().filter(|arn| twin.may_assume.values().any(|may| may == *arn)) {
                for attempt in ATTEMPTS {
                    let expected = world.assume(&access.credentials, role, attempt).is_some();
                    prop_assert_eq!(from_template.assume(&twin.credentials, role, attempt).is_some(), expected);
                }
            }
        }
    }
}
