//! Who may call what, wherever it is: manifests with a stage of every kind are generated, by role and direct, and every caller
//! tries every way into every stage on the emulator. What is expected comes from the generated entries themselves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use xacct_sign::Credentials;
use xacct_sign::sts::AssumeRole;
use xacct_sign_emulator::{Emulator, Options};
use xacct_sign_provider::{Answer, AskedCall, Lock, Manifest};
use xacct_sign_tests::world::{REGION, World};

/// A stage of a manifest.
struct Stage {
    name: &'static str,
    keys: &'static str,
    /// What tells its API from others: whoever may call one of two stages of it may call the other.
    api: &'static str,
    /// What it is signed for.
    service: &'static str,
    /// What stands before its paths.
    base: &'static str,
    is_direct: bool,
    /// Whether its callers may have routes, and who keeps them to these.
    routes: Routes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Routes {
    /// AWS.
    Enforced,
    /// The function, which is not there: AWS lets every route through.
    ForTheFunction,
    /// There are none.
    None,
}

const fn api(name: &'static str, keys: &'static str, base: &'static str) -> Stage {
    Stage { name, keys, api: name, service: "execute-api", base, is_direct: false, routes: Routes::Enforced }
}

const fn url(name: &'static str, keys: &'static str) -> Stage {
    Stage { name, keys, api: name, service: "lambda", base: "", is_direct: false, routes: Routes::None }
}

const fn direct(stage: Stage) -> Stage {
    Stage { is_direct: true, ..stage }
}

/// The same API as another stage.
const fn same(stage: Stage, api: &'static str) -> Stage {
    Stage { api, ..stage }
}

const fn for_the_function(stage: Stage) -> Stage {
    Stage { routes: Routes::ForTheFunction, ..stage }
}

const STAGES: [Stage; 18] = [
    api("http", "api_id = \"a1\"", ""),
    api("named", "api_id = \"a2\"\napi_stage = \"v2\"", "/v2"),
    api("rest", "target = \"rest_api\"\napi_id = \"a3\"\napi_stage = \"v3\"", "/v3"),
    // A private API has a policy by role, too.
    api(
        "private",
        "target = \"rest_api\"\napi_id = \"a8\"\napi_stage = \"v8\"\nvpc_endpoints = [\"vpce-01234567\"]",
        "/v8",
    ),
    // Two stages of one API share its policy, by other endpoints; and so does one beside it by role.
    direct(api(
        "privated",
        "target = \"rest_api\"\naccess = \"direct\"\napi_id = \"a8\"\napi_stage = \"v9\"\nvpc_endpoints = [\"vpce-89abcdef\"]",
        "/v9",
    )),
    direct(api("restd", "target = \"rest_api\"\naccess = \"direct\"\napi_id = \"a4\"\napi_stage = \"v4\"", "/v4")),
    direct(api("reste", "target = \"rest_api\"\naccess = \"direct\"\napi_id = \"a4\"\napi_stage = \"v5\"", "/v5")),
    api("restr", "target = \"rest_api\"\napi_id = \"a4\"\napi_stage = \"v6\"", "/v6"),
    // Two ways into one stage of an API.
    same(api("restdr", "target = \"rest_api\"\napi_id = \"a4\"\napi_stage = \"v4\"", "/v4"), "restd"),
    url("url", "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"a6\""),
    for_the_function(url(
        "urlr",
        "target = \"function_url\"\nfunction = \"routed\"\nurl_id = \"b1\"\nroutes_enforced_by = \"function\"",
    )),
    direct(url(
        "urld",
        "target = \"function_url\"\naccess = \"direct\"\nfunction = \"orders\"\nalias = \"live\"\nurl_id = \"a7\"",
    )),
    direct(url(
        "whole",
        "target = \"function_url\"\naccess = \"direct\"\nfunction = \"whole\"\nurl_id = \"b2\"\npermissions = \"document\"",
    )),
    // One function that is three stages: two that share their permissions, and one by role.
    direct(url("one", "target = \"function_url\"\naccess = \"direct\"\nfunction = \"many\"\nurl_id = \"b3\"")),
    for_the_function(same(
        direct(url(
            "two",
            "target = \"function_url\"\naccess = \"direct\"\nfunction = \"many\"\nurl_id = \"b3\"\nroutes_enforced_by = \"function\"",
        )),
        "one",
    )),
    same(url("three", "target = \"function_url\"\nfunction = \"many\"\nurl_id = \"b3\""), "one"),
    // And two that share one document.
    for_the_function(direct(url(
        "doc",
        "target = \"function_url\"\naccess = \"direct\"\nfunction = \"doc\"\nurl_id = \"b4\"\npermissions = \"document\"\nroutes_enforced_by = \"function\"",
    ))),
    same(
        direct(url(
            "docs",
            "target = \"function_url\"\naccess = \"direct\"\nfunction = \"doc\"\nurl_id = \"b4\"\npermissions = \"document\"",
        )),
        "doc",
    ),
];

/// A route of a manifest, and which of [`REQUESTS`] it opens.
const ROUTES: [(&str, &[usize]); 3] = [("GET /items/{id}", &[1]), ("PUT /hoge", &[2]), ("ANY /hoge", &[2, 3])];
const REQUESTS: [(&str, &str); 4] = [("GET", "/"), ("GET", "/items/1"), ("PUT", "/hoge"), ("GET", "/hoge")];

/// A caller of the manifest. The API's own account is among them.
#[derive(Debug, Clone)]
struct Entry {
    account: &'static str,
    role: &'static str,
    stages: Vec<usize>,
    routes: Option<Vec<usize>>,
}

impl Entry {
    fn is_on(&self, stage: usize) -> bool {
        self.stages.contains(&stage)
    }

    fn opens(&self, request: usize) -> bool {
        self.routes.as_ref().is_none_or(|routes| routes.iter().any(|route| ROUTES[*route].1.contains(&request)))
    }
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let account = proptest::sample::select(&["000000000000", "222222222222", "111111111111"][..]);
    let role = proptest::sample::select(&["Shop", "service-role/Batch"][..]);
    let stages = proptest::sample::subsequence((0..STAGES.len()).collect::<Vec<_>>(), 1..=STAGES.len());
    let routes = proptest::option::of(proptest::sample::subsequence((0..ROUTES.len()).collect::<Vec<_>>(), 1..3));
    let entry = (account, role, stages, routes).prop_map(|(account, role, mut stages, routes)| {
        // What has no routes refuses a caller with some.
        if routes.is_some() {
            stages.retain(|stage| STAGES[*stage].routes != Routes::None);
        }
        Entry { account, role, stages, routes }
    });
    proptest::collection::vec(entry, 1..4).prop_map(|entries| {
        let mut seen = BTreeSet::new();
        let is_one = |entry: &Entry| !entry.stages.is_empty() && seen.insert((entry.account, entry.role));
        entries.into_iter().filter(is_one).collect()
    })
}

fn manifest(entries: &[Entry]) -> Manifest {
    let mut text = format!("[api]\naccount = \"111111111111\"\nregion = \"{REGION}\"\nrole_name = \"apis/Allow\"\n");
    for Stage { name, keys, .. } in &STAGES {
        text += &format!("[stages.{name}]\n{keys}\n");
    }
    for (index, Entry { account, role, stages, routes }) in entries.iter().enumerate() {
        let roles: Vec<String> = stages.iter().map(|stage| format!("{} = \"{role}\"", STAGES[*stage].name)).collect();
        text += &format!("[callers.c{index}]\naccount = \"{account}\"\nroles = {{ {} }}\n", roles.join(", "));
        if let Some(routes) = routes {
            let routes: Vec<&str> = routes.iter().map(|route| ROUTES[*route].0).collect();
            text += &format!("routes = {routes:?}\n");
        }
    }
    Manifest::parse(&text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn assume(world: &mut World, base: &Credentials, role: &str) -> Credentials {
    world.assume(base, &AssumeRole::new(role, "session-1")).unwrap()
}

fn is_let_in(world: &mut World, credentials: &Credentials, stage: &Stage, (method, path): (&str, &str)) -> bool {
    let uri = format!("{}{path}", stage.base);
    match world.signed(stage.name, credentials, stage.service, (method, &uri)).unwrap() {
        200 => true,
        403 => false,
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_way_into_every_stage_is_the_manifests(entries in entries()) {
        let manifest = manifest(&entries);
        let plan = manifest.plan(&Lock::default());
        let mut world = World::new(Emulator::new(&manifest, Options::default(), [7; 32]).unwrap());
        let callers = world.emulator.callers().to_vec();
        prop_assert_eq!(callers.len(), entries.len());
        for access in &callers {
            let index: usize = access.caller.strip_prefix('c').unwrap().parse().unwrap();
            let entry = &entries[index];
            // Its own credentials, and each role's that it may assume with the stage that the role is of.
            let mut ways = vec![(access.credentials.clone(), None)];
            for (stage, role) in &access.may_assume {
                ways.push((assume(&mut world, &access.credentials, role), Some(stage.as_str())));
            }
            let by_role = entry.stages.iter().filter(|stage| !STAGES[**stage].is_direct).count();
            prop_assert_eq!((ways.len() - 1, access.may_call.len()), (by_role, entry.stages.len() - by_role));
            for (number, stage) in STAGES.iter().enumerate() {
                // The stages that are this API, of which each may be the way.
                let same = || STAGES.iter().enumerate().filter(|(_, other)| other.api == stage.api);
                for (asked, request) in REQUESTS.iter().enumerate() {
                    let mut comes_in = false;
                    for (credentials, role_of) in &ways {
                        let is_the_way = |(other, way): (usize, &Stage)| {
                            let is_way = role_of.map_or(way.is_direct, |of| of == way.name);
                            is_way && entry.is_on(other) && (way.routes != Routes::Enforced || entry.opens(asked))
                        };
                        let expected = same().any(is_the_way);
                        let is_let_in = is_let_in(&mut world, credentials, stage, *request);
                        let what = format!("{entry:?} by {role_of:?} at {} {request:?}", stage.name);
                        prop_assert_eq!(is_let_in, expected, "{}", what);
                        comes_in |= is_let_in;
                    }
                    // What `can` says is that, and for whom the function has to keep routes, what it has to do.
                    let call = AskedCall::parse(&format!("{} {}", request.0, request.1)).unwrap();
                    let answer = plan.can(&manifest.callers[&access.caller], &manifest.stages[stage.name], &call);
                    let expected = comes_in && entry.opens(asked);
                    let what = format!("{entry:?} {number} at {} {request:?}: {answer:?}", stage.name);
                    prop_assert_eq!(matches!(answer, Answer::Yes(_)), expected, "{}", what);
                }
            }
        }
        let outsider = world.emulator.outsider().credentials.clone();
        for stage in &STAGES {
            prop_assert!(!is_let_in(&mut world, &outsider, stage, REQUESTS[0]), "{}", stage.name);
        }
    }
}
