//! Manifests that are drawn, with what their own entries say of who may call what.

use std::collections::BTreeSet;

use proptest::prelude::*;
use xacct_sign::sts::AssumeRole;
use xacct_sign_provider::Manifest;

use crate::world::REGION;

/// The organization of those callers that are one.
pub const ORGANIZATION: &str = "o-a1b2c3d4e5";
/// The stages of every manifest; the API of the one with index 1 is `a1`, its stage `v1`.
pub const STAGES: [&str; 3] = ["deve", "stag", "prod"];

/// A route of a manifest, and which of [`REQUESTS`] it opens to IAM.
pub const ROUTES: [(&str, &[usize]); 6] = [
    ("GET /", &[0]),
    ("GET /items/{id}", &[1, 2]),
    ("PUT /hoge", &[3]),
    ("ANY /orders/{proxy+}", &[5, 6]),
    ("GET /items/{id}/secret", &[2]),
    ("ANY /*", &[0, 1, 2, 3, 4, 5, 6, 7]),
];
/// What is asked for, below the stage of the API.
pub const REQUESTS: [(&str, &str); 8] = [
    ("GET", "/"),
    ("GET", "/items/1"),
    ("GET", "/items/1/secret"),
    ("PUT", "/hoge"),
    ("GET", "/hoge"),
    ("DELETE", "/orders/1/2"),
    ("GET", "/orders/1"),
    ("POST", "/orders"),
];

/// Who a caller is.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// One role.
    Role {
        /// Its account.
        account: &'static str,
        /// Its path and name.
        role: &'static str,
        /// Whether its trust is `account`.
        by_account: bool,
    },
    /// Every role of an account.
    WholeAccount(&'static str),
    /// This role of any account.
    AnyAccount(&'static str),
    /// Everybody of [`ORGANIZATION`].
    Organization,
}

/// A caller of the manifest.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who it is.
    pub who: Who,
    /// Some of [`STAGES`].
    pub stages: Vec<&'static str>,
    /// What it has to send as ExternalId.
    pub external_id: Option<String>,
    /// A pattern that `shop-1` fits.
    pub session_names: Option<&'static str>,
    /// Whether it may send the tag `team`.
    pub tags: bool,
    /// Whether it may set a source identity that begins with `ali`.
    pub source_identity: bool,
    /// Indexes of [`ROUTES`].
    pub routes: Option<Vec<usize>>,
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
            let routes: Vec<&str> = routes.iter().filter_map(|route| ROUTES.get(*route)).map(|route| route.0).collect();
            text += &format!("routes = {routes:?}\n");
        }
        text
    }

    /// Whether this entry is about the role with this ARN.
    #[must_use]
    pub fn is(&self, arn: &str, is_member: bool) -> bool {
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt<'a> {
    /// What is sent as ExternalId.
    pub external_id: Option<&'a str>,
    /// The session's name.
    pub session_name: &'a str,
    /// The key of a tag that is sent.
    pub tag: Option<&'a str>,
    /// The source identity that is set.
    pub source_identity: Option<&'a str>,
}

impl Attempt<'_> {
    /// The call that tries it.
    #[must_use]
    pub fn call(&self, role: &str) -> AssumeRole {
        let mut call = AssumeRole::new(role, self.session_name);
        call.external_id = self.external_id.map(str::to_owned);
        call.tags = self.tag.iter().map(|tag| ((*tag).to_owned(), "x".to_owned())).collect();
        call.source_identity = self.source_identity.map(str::to_owned);
        call
    }
}

/// With each term and without it.
pub const ATTEMPTS: [Attempt<'static>; 9] = {
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

/// The manifest of these callers, named `c0`, `c1` and so on.
#[must_use]
pub fn manifest(entries: &[Entry]) -> Manifest {
    let mut text = format!("[api]\naccount = \"111111111111\"\nregion = \"{REGION}\"\nrole_name = \"apis/Allow\"\n");
    for (index, stage) in STAGES.iter().enumerate() {
        text += &format!("[stages.{stage}]\napi_id = \"a{index}\"\napi_stage = \"v{index}\"\n");
    }
    for (index, entry) in entries.iter().enumerate() {
        text += &entry.toml(index);
    }
    Manifest::parse(&text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Callers of one manifest.
pub fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 1..6).prop_map(|entries| {
        let mut seen = BTreeSet::new();
        entries.into_iter().filter(|entry| seen.insert(entry.key())).collect()
    })
}
