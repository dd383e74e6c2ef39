//! `list`, `can` and `who` agree with the emulator: manifests with stages of every kind and callers of every form are
//! generated, and each caller tries each call on each stage by every way that there is. The emulator enforces the rendered
//! documents.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use xacct_sign::sts::AssumeRole;
use xacct_sign::{Credentials, path_readings};
use xacct_sign_emulator::{CallerAccess, Emulator, Options};
use xacct_sign_provider::{
    Access, AccessRow, Answer, AskedCall, Asker, Known, Lock, Manifest, Plan, ProviderRole, Term, WhyNot,
};
use xacct_sign_tests::world::{REGION, World};

/// A stage of the manifest.
struct Stage {
    name: &'static str,
    keys: &'static str,
    /// What it is signed for.
    service: &'static str,
    /// What stands before its paths.
    base: &'static str,
    /// Whether its callers may have routes.
    takes_routes: bool,
    access: Access,
}

const fn api(name: &'static str, keys: &'static str, base: &'static str, access: Access) -> Stage {
    Stage { name, keys, service: "execute-api", base, takes_routes: true, access }
}

const AUDIENCE: &str = "https://api.example.com";

const STAGES: [Stage; 7] = [
    api("http", "api_id = \"a1\"", "", Access::Role),
    api("named", "api_id = \"a2\"\napi_stage = \"v2\"", "/v2", Access::Role),
    api(
        "private",
        "target = \"rest_api\"\napi_id = \"a3\"\napi_stage = \"v3\"\nvpc_endpoints = [\"vpce-01234567\"]",
        "/v3",
        Access::Role,
    ),
    api(
        "rest",
        "target = \"rest_api\"\naccess = \"direct\"\napi_id = \"a4\"\napi_stage = \"v4\"",
        "/v4",
        Access::Direct,
    ),
    Stage {
        name: "url",
        keys: "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"a6\"\nroutes_enforced_by = \"function\"",
        service: "lambda",
        base: "",
        takes_routes: true,
        access: Access::Role,
    },
    Stage {
        name: "direct",
        keys: "target = \"function_url\"\naccess = \"direct\"\nfunction = \"orders\"\nalias = \"live\"\nurl_id = \"a7\"",
        service: "lambda",
        base: "",
        takes_routes: false,
        access: Access::Direct,
    },
    Stage {
        name: "server",
        keys: "target = \"server\"\naudience = \"https://api.example.com\"",
        service: "",
        base: "",
        takes_routes: true,
        access: Access::Identity,
    },
];

const ROUTES: [&str; 4] = ["GET /items/{id}", "PUT /hoge", "ANY /hoge", "GET /*"];

/// Calls as they are sent, among them those whose path has several readings.
const CALLS: [(&str, &str); 11] = [
    ("GET", "/"),
    ("GET", "/items/1"),
    ("GET", "/items/1/secret"),
    ("PUT", "/hoge"),
    ("DELETE", "/hoge"),
    ("GET", "/items/..%2Fadmin"),
    ("GET", "/items/%2e%2e/hoge"),
    ("PUT", "/hoge;x"),
    ("PUT", "//hoge"),
    ("GET", "/items/%zz"),
    ("GET", "/items/a%20b"),
];

/// Who a caller is, in the manifest's words; with `STAGES` for what follows.
const WHO: [&str; 8] = [
    "account = \"000000000000\"\nROLES \"Shop\"",
    "account = \"000000000000\"\nROLES \"service-role/Batch\"",
    "account = \"222222222222\"\ntrust = \"account\"\nROLES \"*\"",
    "account = \"*\"\ntrust = \"account\"\nROLES \"Anywhere\"",
    "account = \"111111111111\"\nROLES \"Own\"",
    "organization = \"o-a1b2c3d4e5\"\nSTAGES",
    "account = \"333333333333\"\nROLES [\"A\", \"paths/B\", \"arn:aws:iam::333333333333:role/C\"]",
    "account = \"444444444444\"\ntrust = \"account\"\nROLES [\"Exact\", \"aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_*\"]",
];

/// The one that is known by a pattern, too.
const BY_PATTERN: usize = 7;

/// Those whose trust hangs on the role's ARN in a condition, which a separate permission does not know.
const BY_CONDITION: [usize; 2] = [3, BY_PATTERN];

/// Those of several accounts, whom a server cannot be told.
const OF_SEVERAL: [usize; 2] = [3, 5];

const TERMS: [&str; 5] = [
    "",
    "external_id = \"b3c7\"\n",
    "session_names = [\"shop-*\"]\n",
    "tags = [\"team\"]\nsource_identity = [\"ali*\"]\n",
    "external_id = \"b3c7\"\nsession_names = [\"shop-?\", \"shops-*\"]\ntags = [\"team\", \"env\"]\n",
];

/// The names of the sessions by which roles are tried.
const SESSION_NAMES: [&str; 2] = ["session", "shop-1"];

#[derive(Debug, Clone)]
struct Entry {
    who: usize,
    stages: Vec<usize>,
    routes: Option<Vec<usize>>,
    terms: usize,
    /// Whether its account's issuer stands there.
    has_issuer: bool,
}

impl Entry {
    fn toml(&self, index: usize) -> String {
        let names = self.stages.iter().map(|stage| STAGES[*stage].name);
        let (who, role) = WHO[self.who].rsplit_once("ROLES ").unwrap_or((WHO[self.who], ""));
        let mut text = format!("[callers.c{index}]\n");
        match who.strip_suffix("STAGES") {
            Some(organization) => text += &format!("{organization}stages = {:?}\n", names.collect::<Vec<_>>()),
            None => {
                let roles: Vec<String> = names.map(|stage| format!("{stage} = {role}")).collect();
                text += &format!("{who}roles = {{ {} }}\n", roles.join(", "));
            }
        }
        if let Some(routes) = &self.routes {
            let routes: Vec<&str> = routes.iter().map(|route| ROUTES[*route]).collect();
            text += &format!("routes = {routes:?}\n");
        }
        if self.has_issuer && !OF_SEVERAL.contains(&self.who) {
            let account = who.split('"').nth(1).unwrap();
            text += &format!("issuer = \"https://a103a2cc-0000-4000-8000-{account}.tokens.sts.global.api.aws\"\n");
        }
        text + TERMS[self.terms]
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let stages = proptest::sample::subsequence((0..STAGES.len()).collect::<Vec<_>>(), 1..=STAGES.len());
    let routes = proptest::option::of(proptest::sample::subsequence((0..ROUTES.len()).collect::<Vec<_>>(), 1..3));
    // Those without terms may be on every stage.
    let terms = prop_oneof![Just(0), 1..TERMS.len()];
    (0..WHO.len(), stages, routes, terms, any::<bool>()).prop_map(|(who, mut stages, routes, terms, has_issuer)| {
        let may_have = |stage: &Stage| {
            // What has no routes refuses a caller with some, and where no role is assumed there are no terms.
            let takes = (routes.is_none() || stage.takes_routes) && (terms == 0 || stage.access == Access::Role);
            let is_told = stage.access != Access::Identity || !OF_SEVERAL.contains(&who);
            takes && is_told && (stage.name != "direct" || !BY_CONDITION.contains(&who))
        };
        stages.retain(|stage| may_have(&STAGES[*stage]));
        // No verifier is made where a pattern alone names a caller: a proof has no path.
        Entry { who, stages, routes, terms, has_issuer: has_issuer || who == BY_PATTERN }
    })
}

/// Callers that may be the same principal, on different stages.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 1..6).prop_map(|entries| {
        let mut seen = BTreeSet::new();
        let new = |mut entry: Entry| {
            entry.stages.retain(|stage| seen.insert((entry.who, *stage)));
            (!entry.stages.is_empty()).then_some(entry)
        };
        entries.into_iter().filter_map(new).collect()
    })
}

fn text_of(entries: &[Entry]) -> String {
    let mut text = format!("[api]\naccount = \"111111111111\"\nregion = \"{REGION}\"\n");
    for Stage { name, keys, .. } in &STAGES {
        text += &format!("[stages.{name}]\n{keys}\n");
    }
    text.extend(entries.iter().enumerate().map(|(index, entry)| entry.toml(index)));
    text
}

fn manifest_of(text: &str) -> Manifest {
    Manifest::parse(text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A way into a stage.
enum Way {
    /// As the caller's own role.
    Own(Credentials),
    /// By a session of one of the API's roles, which has this ARN.
    Session(Credentials, String),
    Token(String),
    Proof(String),
}

/// What is said of a manifest, and the emulator that enforces it.
struct Asked<'m> {
    plan: Plan<'m>,
    world: World,
    /// Who somebody is, by the ARN, asked once.
    known: BTreeMap<String, Vec<Known>>,
    /// By the ARN of a session of one of the API's roles, whose roles had it.
    had: BTreeMap<String, BTreeSet<String>>,
}

impl<'m> Asked<'m> {
    fn of(manifest: &'m Manifest) -> Self {
        let world = World::new(Emulator::new(manifest, Options::default(), [7; 32]).unwrap());
        Self { plan: manifest.plan(&Lock::default()), world, known: BTreeMap::new(), had: BTreeMap::new() }
    }

    /// The same, where callers' own policies let them have tokens for every audience.
    fn with_tokens_for_anybody(manifest: &'m Manifest) -> Self {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
        let caller_policies = manifest.callers.keys().map(|name| (name.clone(), policy.to_owned())).collect();
        let options = Options { caller_policies, ..Options::default() };
        Self { world: World::new(Emulator::new(manifest, options, [7; 32]).unwrap()), ..Self::of(manifest) }
    }

    fn who(&mut self, arn: &str) -> &[Known] {
        self.known.entry(arn.to_owned()).or_insert_with(|| self.plan.who(&Asker::parse(arn).unwrap()))
    }

    fn is_let_in(&mut self, stage: &Stage, way: &Way, (method, path): (&str, &str)) -> bool {
        let uri = format!("{}{path}?q=1", stage.base);
        let status = match way {
            Way::Own(credentials) | Way::Session(credentials, _) => {
                self.world.signed(stage.name, credentials, stage.service, (method, &uri))
            }
            Way::Token(bearer) | Way::Proof(bearer) => Some(self.world.shown(stage.name, bearer, (method, &uri))),
        };
        match status {
            Some(200) => true,
            // What is no path of an API's is not found, or no request.
            None | Some(400 | 401 | 403 | 404) => false,
            Some(other) => panic!("{other} to {method} {uri} on {}", stage.name),
        }
    }

    /// The token, if it may have one, and the proof that the caller can show a server of this audience.
    fn shown(&mut self, access: &CallerAccess, audience: &str) -> Vec<Way> {
        let token = self.world.token(&access.credentials, audience).map(Way::Token);
        assert!(token.is_some() || !access.audiences.values().any(|of| of == audience), "no token: {access:?}");
        token.into_iter().chain([Way::Proof(self.world.proof(&access.credentials, audience))]).collect()
    }

    /// The caller's own credentials, and those of each of the stage's roles that it can have; or what it can show a server.
    fn ways(
        &mut self,
        access: &CallerAccess,
        stage: &Stage,
        roles: &[ProviderRole],
    ) -> Result<Vec<Way>, TestCaseError> {
        if stage.access == Access::Identity {
            return Ok(self.shown(access, AUDIENCE));
        }
        let mut ways = vec![Way::Own(access.credentials.clone())];
        let terms = [None, Some("b3c7")].into_iter().flat_map(|id| SESSION_NAMES.map(|name| (id, name)));
        for (role, (external_id, name)) in roles.iter().flat_map(|role| terms.clone().map(move |terms| (role, terms))) {
            let mut call = AssumeRole::new(role.arn.as_str(), name);
            call.external_id = external_id.map(str::to_owned);
            let Some(credentials) = self.world.assume(&access.credentials, &call) else { continue };
            let log = self.world.log.take().unwrap();
            prop_assert_eq!(log.caller.as_ref(), Some(&access.caller));
            let known = self.who(log.principal.as_ref().unwrap());
            prop_assert!(known.iter().any(|known| known.caller == access.caller), "{:?} {:?}", log, known);
            let session = session_arn(role, name);
            self.had.entry(session.clone()).or_default().insert(access.role.clone());
            ways.push(Way::Session(credentials, session));
        }
        Ok(ways)
    }

    /// That `who` knows whom the emulator has just let in on the stage by this way: `same` are the callers that run as one role.
    fn knows(&mut self, stage: &Stage, way: &Way, same: &BTreeSet<&str>) -> Result<(), TestCaseError> {
        let log = self.world.log.take().unwrap();
        let (caller, principal) = (log.caller.as_deref().unwrap(), log.principal.as_deref().unwrap());
        prop_assert!(same.contains(caller), "{:?}", log);
        let known = self.who(principal);
        let is_told = match way {
            // It is that wherever it is on the manifest.
            Way::Own(_) => known.iter().any(|known| known.caller == caller),
            // The same role may be one caller here, and another elsewhere.
            Way::Session(_, session) => principal == session && known.iter().any(|known| same.contains(&*known.caller)),
            Way::Token(_) | Way::Proof(_) => {
                let here = known.iter().filter(|known| known.stages.iter().any(|on| on == stage.name));
                here.map(|known| &*known.caller).eq([caller])
            }
        };
        prop_assert!(is_told, "{:?} on {}: {:?}", log, stage.name, known);
        Ok(())
    }
}

fn session_arn(role: &ProviderRole, name: &str) -> String {
    format!("arn:aws:sts::111111111111:assumed-role/{}/{name}", role.name)
}

/// Whether what is shown to a server names who shows it: a token where its account's issuer stands in the manifest, a proof where it is
/// known by more than a pattern, since that has no path.
fn names(way: &Way, access: &CallerAccess, entries: &[Entry]) -> bool {
    let (account, role) = access.role.strip_prefix("arn:aws:iam::").unwrap().split_once(":role/").unwrap();
    match way {
        Way::Own(_) | Way::Session(..) => true,
        Way::Token(_) => entries.iter().any(|entry| entry.has_issuer && WHO[entry.who].contains(account)),
        Way::Proof(_) => !role.contains("AWSReservedSSO"),
    }
}

fn said(asked: &Asked<'_>, manifest: &Manifest, access: &CallerAccess, stage: &Stage, call: (&str, &str)) -> Answer {
    let (caller, stage) = (&manifest.callers[&access.caller], &manifest.stages[stage.name]);
    asked.plan.can(caller, stage, &AskedCall::parse(&format!("{} {}", call.0, call.1)).unwrap())
}

/// The call of a caller that keeps to all of its terms.
fn keeping(row: &AccessRow, role: &str) -> AssumeRole {
    let first = |key: &str| match row.terms.get(key) {
        Some(Term::Texts(texts)) => texts.first().cloned(),
        _ => None,
    };
    let fitting = |key: &str| first(key).map(|pattern| pattern.replace(['*', '?'], "c"));
    let mut call = AssumeRole::new(role, fitting("session_names").unwrap_or_else(|| "session".to_owned()));
    if let Some(Term::Text(id)) = row.terms.get("external_id") {
        call.external_id = Some(id.clone());
    }
    call.tags = first("tags").map(|key| (key, "x".to_owned())).into_iter().collect();
    call.source_identity = fitting("source_identity");
    call
}

type Change = fn(&mut AssumeRole);

/// What a call does without a term, or against it: by the term's key, and whether who has the term may do it, and who has not.
const CHANGES: [(&str, Change, [bool; 2]); 7] = [
    ("external_id", |call| call.external_id = None, [false, true]),
    ("external_id", |call| call.external_id = Some("wrong".to_owned()), [false, true]),
    ("session_names", |call| call.session_name = "other".to_owned(), [false, true]),
    ("tags", |call| call.tags = vec![("team".to_owned(), "x".to_owned())], [true, false]),
    ("tags", |call| call.tags = vec![("other".to_owned(), "x".to_owned())], [false, false]),
    ("source_identity", |call| call.source_identity = Some("alice".to_owned()), [true, false]),
    ("source_identity", |call| call.source_identity = Some("bob".to_owned()), [false, false]),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_is_what_the_emulator_does(entries in entries()) {
        let text = text_of(&entries);
        let manifest = manifest_of(&text);
        let mut asked = Asked::of(&manifest);
        let rows = asked.plan.access();
        let callers = asked.world.emulator.callers().to_vec();
        let roles = STAGES.map(|stage| asked.plan.stage_roles(&manifest.stages[stage.name]));
        for access in &callers {
            let caller = &manifest.callers[&access.caller];
            let mine: Vec<_> = rows.iter().filter(|row| row.caller == caller.name).collect();
            let by = |by| mine.iter().filter(move |row| row.access == by);
            let assumed: Vec<_> = by(Access::Role).map(|row| (row.stage.clone(), row.role.clone().unwrap())).collect();
            prop_assert_eq!(assumed, access.may_assume.clone().into_iter().collect::<Vec<_>>());
            for (by, stages) in [(by(Access::Direct), access.may_call.keys()), (by(Access::Identity), access.audiences.keys())] {
                prop_assert_eq!(by.map(|row| &row.stage).collect::<Vec<_>>(), stages.collect::<Vec<_>>());
            }

            let known = asked.who(&access.role).iter().find(|known| known.caller == caller.name).unwrap();
            prop_assert_eq!(&known.stages, &mine.iter().map(|row| row.stage.clone()).collect::<Vec<_>>());

            let same = callers.iter().filter(|other| other.role == access.role).map(|other| &*other.caller).collect();
            for (stage, roles) in STAGES.iter().zip(&roles) {
                let ways = asked.ways(access, stage, roles)?;
                for call in CALLS {
                    let said = said(&asked, &manifest, access, stage, call);
                    let mut does = false;
                    for way in &ways {
                        let is_let_in = asked.is_let_in(stage, way, call);
                        if is_let_in {
                            does = true;
                            asked.knows(stage, way, &same)?;
                        }
                        if stage.access == Access::Identity {
                            let expected = matches!(said, Answer::Yes(_)) && names(way, access, &entries);
                            prop_assert_eq!(is_let_in, expected, "{:?} {:?}: {:?}\n{}", access, call, said, text);
                        }
                    }
                    // IAM knows no routes of a function URL: the emulator lets through what the function has to refuse, and the
                    // answer goes by the manifest.
                    if matches!(said, Answer::No(WhyNot::ForTheFunction { .. })) {
                        prop_assert!(does && stage.name == "url", "{} on {} {:?}\n{}", caller.name, stage.name, call, text);
                        continue;
                    }
                    prop_assert_eq!(matches!(said, Answer::Yes(_)), does, "{} on {} {:?}: {:?}\n{}", caller.name, stage.name, call, said, text);
                }
            }
        }
        // A session says who may have made it: those who can, and nobody else.
        for (role, name) in roles.iter().flatten().flat_map(|role| SESSION_NAMES.map(|name| (role, name))) {
            let session = session_arn(role, name);
            let had = asked.had.remove(&session).unwrap_or_default();
            let known = asked.who(&session);
            prop_assert!(known.iter().all(|known| *known.stages == [role.stage.clone()]), "{} {:?}", session, known);
            let told = callers.iter().filter(|access| known.iter().any(|known| known.caller == access.caller));
            prop_assert_eq!(told.map(|access| access.role.clone()).collect::<BTreeSet<_>>(), had, "{}\n{}", session, text);
        }
    }

    #[test]
    fn what_is_listed_is_what_the_emulator_asks(entries in entries()) {
        let text = text_of(&entries);
        let manifest = manifest_of(&text);
        let mut asked = Asked::of(&manifest);
        let callers = asked.world.emulator.callers().to_vec();
        let mut anywhere = Asked::with_tokens_for_anybody(&manifest);
        let rows = asked.plan.access();
        let of_rows = rows.iter().flat_map(|row| callers.iter().filter(|access| access.caller == row.caller).map(move |access| (row, access)));
        for (row, access) in of_rows {
            let stage = STAGES.iter().find(|stage| stage.name == row.stage).unwrap();
            let entry = &entries[row.caller.strip_prefix("c").unwrap().parse::<usize>().unwrap()];
            let routes = entry.routes.as_ref().map(|routes| routes.iter().map(|route| ROUTES[*route]).collect::<Vec<_>>());
            let listed = row.routes.as_ref().map(|routes| routes.iter().map(String::as_str).collect());
            prop_assert_eq!(listed, routes, "{:?}", row);
            let ways = match (&row.role, row.terms.get("audience")) {
                (Some(role), None) => {
                    let whole = keeping(row, role);
                    let Some(credentials) = asked.world.assume(&access.credentials, &whole) else {
                        return Err(TestCaseError::fail(format!("{row:?} {whole:?}\n{text}")));
                    };
                    for (key, change, [with, without]) in CHANGES {
                        let mut call = whole.clone();
                        change(&mut call);
                        let expected = if row.terms.contains_key(key) { with } else { without };
                        let assumed = asked.world.assume(&access.credentials, &call);
                        prop_assert_eq!(assumed.is_some(), expected, "{:?} {:?}\n{}", row, call, text);
                    }
                    vec![Way::Session(credentials, String::new())]
                }
                (None, None) => vec![Way::Own(access.credentials.clone())],
                (None, Some(Term::Text(audience))) => {
                    let others = anywhere.shown(access, &format!("{audience}/"));
                    prop_assert_eq!(others.len(), 2);
                    for other in others {
                        prop_assert!(!CALLS.into_iter().any(|call| anywhere.is_let_in(stage, &other, call)), "{:?}", row);
                    }
                    asked.shown(access, audience)
                }
                (_, audience) => return Err(TestCaseError::fail(format!("{audience:?}"))),
            };
            let passes = |call| ways.iter().any(|way| asked.is_let_in(stage, way, call));
            let mut readable = CALLS.into_iter().filter(|(_, path)| path_readings(path).is_some());
            let does = readable.all(passes);
            // Of a function URL's routes AWS knows none.
            let expected = row.routes.is_none() || stage.name == "url";
            prop_assert_eq!(does, expected, "{:?} {}\n{}", row, access.role, text);
        }
    }
}
