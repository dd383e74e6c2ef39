//! `list`, `can` and `who` agree with the emulator: manifests with stages of every kind and callers of every form are
//! generated, and each caller tries each call on each stage by every way that there is. The emulator enforces the rendered
//! documents.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::time::SystemTime;

use bytes::Bytes;
use proptest::prelude::*;
use xacct_sign::sts::{Action as _, AssumeRole, Endpoint};
use xacct_sign::{Credentials, Scope, Signer};
use xacct_sign_emulator::{CallerAccess, Emulator, Options, Outcome, Target};
use xacct_sign_provider::{Answer, AskedCall, Asker, Lock, Manifest, WhyNot};
use xacct_sign_tests::at;

const REGION: &str = "ap-northeast-1";

/// Name, keys, what it is signed for, what stands before its paths, whether callers may have routes, whether it is direct.
const STAGES: [(&str, &str, &str, &str, bool, bool); 6] = [
    ("http", "api_id = \"a1\"", "execute-api", "", true, false),
    ("named", "api_id = \"a2\"\napi_stage = \"v2\"", "execute-api", "/v2", true, false),
    (
        "private",
        "target = \"rest_api\"\napi_id = \"a3\"\napi_stage = \"v3\"\nvpc_endpoints = [\"vpce-01234567\"]",
        "execute-api",
        "/v3",
        true,
        false,
    ),
    (
        "rest",
        "target = \"rest_api\"\naccess = \"direct\"\napi_id = \"a4\"\napi_stage = \"v4\"",
        "execute-api",
        "/v4",
        true,
        true,
    ),
    (
        "url",
        "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"a6\"\nroutes_enforced_by = \"function\"",
        "lambda",
        "",
        true,
        false,
    ),
    (
        "direct",
        "target = \"function_url\"\naccess = \"direct\"\nfunction = \"orders\"\nalias = \"live\"\nurl_id = \"a7\"",
        "lambda",
        "",
        false,
        true,
    ),
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

/// Those whose trust hangs on the role's ARN in a condition, which a separate permission does not know.
const BY_CONDITION: [usize; 2] = [3, 7];

const TERMS: [&str; 3] = ["", "external_id = \"b3c7\"\n", "session_names = [\"shop-*\"]\n"];

#[derive(Debug, Clone)]
struct Entry {
    who: usize,
    stages: Vec<usize>,
    routes: Option<Vec<usize>>,
    terms: usize,
}

impl Entry {
    fn toml(&self, index: usize) -> String {
        let names = self.stages.iter().map(|stage| STAGES[*stage].0);
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
        text + TERMS[self.terms]
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let stages = proptest::sample::subsequence((0..STAGES.len()).collect::<Vec<_>>(), 1..=STAGES.len());
    let routes = proptest::option::of(proptest::sample::subsequence((0..ROUTES.len()).collect::<Vec<_>>(), 1..3));
    (0..WHO.len(), stages, routes, 0..TERMS.len()).prop_map(|(who, mut stages, routes, terms)| {
        // What has no routes refuses a caller with some, direct access one with terms.
        stages.retain(|stage| (routes.is_none() || STAGES[*stage].4) && (terms == 0 || !STAGES[*stage].5));
        if BY_CONDITION.contains(&who) {
            stages.retain(|stage| STAGES[*stage].0 != "direct");
        }
        Entry { who, stages, routes, terms }
    })
}

/// Callers that may be the same principal, on different stages.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 1..6).prop_map(|entries| {
        let mut seen = std::collections::BTreeSet::new();
        let new = |mut entry: Entry| {
            entry.stages.retain(|stage| seen.insert((entry.who, *stage)));
            (!entry.stages.is_empty()).then_some(entry)
        };
        entries.into_iter().filter_map(new).collect()
    })
}

struct World {
    emulator: Emulator,
    now: SystemTime,
}

impl World {
    fn assume(&mut self, base: &Credentials, role: &str, external_id: Option<&str>, name: &str) -> Option<Credentials> {
        let mut call = AssumeRole::new(role, name);
        call.external_id = external_id.map(str::to_owned);
        let endpoint = Endpoint::new(REGION, Some("http://127.0.0.1:4566")).unwrap();
        let request = call.request(base, &endpoint, self.now).unwrap().map(Bytes::from);
        let Outcome::Respond(response) = self.emulator.handle(&Target::Sts, request, self.now).outcome else {
            panic!("STS forwards nothing");
        };
        call.read_response(base, &response, self.now).ok().map(|assumed| assumed.credentials)
    }

    fn is_let_in(&mut self, credentials: &Credentials, stage: usize, (method, path): (&str, &str)) -> bool {
        let (name, _, service, base, ..) = STAGES[stage];
        let uri = format!("{base}{path}?q=1");
        let request = http::Request::builder().method(method).uri(uri).header("host", "api.example.com");
        let mut request = request.body(Bytes::new()).unwrap();
        let scope = Scope::new(REGION, service).unwrap();
        if Signer::new(credentials.clone(), scope).sign(&mut request, self.now).is_err() {
            return false;
        }
        match self.emulator.handle(&Target::Stage(name.to_owned()), request, self.now).outcome {
            Outcome::Respond(response) => response.status().as_u16() == 200,
            Outcome::Forward(_) => panic!("there is no upstream"),
        }
    }

    /// The caller's own credentials, and those of each of these roles that it can have.
    fn ways(&mut self, access: &CallerAccess, roles: &[String]) -> Vec<Credentials> {
        let mut ways = vec![access.credentials.clone()];
        for role in roles {
            for external_id in [None, Some("b3c7")] {
                for name in ["session", "shop-1"] {
                    ways.extend(self.assume(&access.credentials, role, external_id, name));
                }
            }
        }
        ways
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_is_what_the_emulator_does(entries in entries()) {
        let mut text = format!("[api]\naccount = \"111111111111\"\nregion = \"{REGION}\"\n");
        for (name, keys, ..) in &STAGES {
            text += &format!("[stages.{name}]\n{keys}\n");
        }
        text.extend(entries.iter().enumerate().map(|(index, entry)| entry.toml(index)));
        let manifest = Manifest::parse(&text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
        let plan = manifest.plan(&Lock::default());
        let rows = plan.access();
        let mut world = World {
            emulator: Emulator::new(&manifest, Options::default(), [7; 32]).unwrap(),
            now: at(1_700_000_000),
        };
        for access in world.emulator.callers().to_vec() {
            let caller = &manifest.callers[&access.caller];
            let mine: Vec<_> = rows.iter().filter(|row| row.caller == caller.name).collect();
            let assumed: Vec<_> = mine.iter().filter_map(|row| Some((row.stage.clone(), row.role.clone()?))).collect();
            prop_assert_eq!(assumed, access.may_assume.clone().into_iter().collect::<Vec<_>>());
            let direct: Vec<_> = mine.iter().filter(|row| row.role.is_none()).map(|row| row.stage.clone()).collect();
            prop_assert_eq!(direct, access.may_call.keys().cloned().collect::<Vec<_>>());

            let known = plan.who(&Asker::parse(&access.role).unwrap());
            let known = known.iter().find(|known| known.caller == caller.name).unwrap();
            prop_assert_eq!(&known.stages, &mine.iter().map(|row| row.stage.clone()).collect::<Vec<_>>());

            for (index, (name, ..)) in STAGES.iter().enumerate() {
                let stage = &manifest.stages[*name];
                let roles: Vec<String> = plan.stage_roles(stage).into_iter().map(|role| role.arn).collect();
                let ways = world.ways(&access, &roles);
                for call in CALLS {
                    let does = ways.iter().any(|credentials| world.is_let_in(credentials, index, call));
                    let asked = AskedCall::parse(&format!("{} {}", call.0, call.1)).unwrap();
                    let said = plan.can(caller, stage, &asked);
                    // IAM knows no routes of a function URL: the emulator lets through what the function has to refuse, and the
                    // answer goes by the manifest.
                    if matches!(said, Answer::No(WhyNot::ForTheFunction { .. })) {
                        prop_assert!(does && *name == "url", "{} on {} {:?}\n{}", caller.name, name, call, text);
                        continue;
                    }
                    prop_assert_eq!(matches!(said, Answer::Yes(_)), does, "{} on {} {:?}: {:?}\n{}", caller.name, name, call, said, text);
                }
            }
        }
    }
}
