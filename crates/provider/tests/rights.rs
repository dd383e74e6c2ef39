//! What is rendered opens what the manifest says: to nobody else, and nothing else, or a finding names it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use proptest::prelude::*;
use xacct_sign_provider::iam::{Context, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Finding, FindingCode as Code, Format, Lock, Manifest, ProviderRole};

const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
const STAGES: [&str; 2] = ["stag", "prod"];

fn manifest(callers: &str) -> Manifest {
    let text = format!(
        "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n[stages.stag]\napi_id = \"a\"\n[stages.prod]\napi_id = \"b\"\n{callers}"
    );
    Manifest::parse(&text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What a session of a role may call.
struct Invokes {
    arn: String,
    policy: PolicyDocument,
}

impl Invokes {
    fn of(role: &ProviderRole) -> Self {
        let policy = PolicyDocument::parse(&role.invoke_policy.to_json(), PolicyKind::Identity).unwrap();
        Self { arn: role.arn.clone(), policy }
    }

    fn allows(&self, api: &str, method: &str, path: &str) -> bool {
        let resource = format!("{api}/{method}{path}");
        let principal = Some(PrincipalIdentity::assumed_role(&self.arn, "x").unwrap());
        let request = Request { principal, action: "execute-api:Invoke", resource: &resource, context: Context::new() };
        evaluate(&[&self.policy], &request).effect() == Effect::Allow
    }
}

#[test]
fn r1_any_opens_no_other_path() {
    let manifest = manifest(
        "[callers.shop]\naccount = \"000000000000\"\nroles = { stag = \"Batch\" }\nroutes = [\"ANY /hoge\"]\n",
    );
    let plan = manifest.plan(&Lock::default());
    let role = Invokes::of(&plan.provider_roles()[0]);
    let api = manifest.stage_arn(&manifest.stages["stag"]).unwrap();
    for method in METHODS {
        assert!(role.allows(&api, method, "/hoge"), "{method}");
        for path in ["/admin/hoge", "/a/b/hoge", "/hoge/a", "/"] {
            assert!(!role.allows(&api, method, path), "{method} {path}");
        }
    }
    for format in [Format::CloudFormation, Format::Terraform, Format::Json] {
        let text = plan.render(&manifest.stages["stag"], format).unwrap();
        assert!(!text.contains("/*"), "{text}");
        for method in METHODS {
            assert!(text.contains(&format!("{api}/{method}/hoge")), "{text}");
        }
    }
    assert_eq!(plan.findings(), []);
}

#[test]
fn r1_where_seven_methods_do_not_fit_a_finding_says_what_is_open() {
    let routes: Vec<String> = (0..40).map(|i| format!("\"ANY /orders-{i}\"")).collect();
    let manifest = manifest(&format!(
        "[callers.shop]\naccount = \"000000000000\"\nroles = {{ stag = \"Batch\" }}\nroutes = [{}]\n",
        routes.join(", ")
    ));
    let plan = manifest.plan(&Lock::default());
    let role = plan.provider_roles().remove(0);
    assert!(role.invoke_policy.characters() <= 10_240);
    assert!(Invokes::of(&role).allows(
        &manifest.stage_arn(&manifest.stages["stag"]).unwrap(),
        "GET",
        "/admin/orders-39"
    ));
    let found: Vec<Finding> = plan.findings();
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::AnyMethodWildcard]);
    assert!(found[0].message.contains("`ANY /orders-39` also opens `GET /admin/orders-39`"), "{}", found[0]);
}

/// A caller, in an account of its own but for the whole account `0`.
#[derive(Debug, Clone)]
struct Entry {
    account: usize,
    is_whole_account: bool,
    stages: Vec<&'static str>,
    external_id: Option<&'static str>,
    routes: Option<Vec<(String, Vec<String>)>>,
}

impl Entry {
    fn toml(&self, index: usize) -> String {
        let role = if self.is_whole_account { "*" } else { "Batch" };
        let roles: Vec<String> = self.stages.iter().map(|stage| format!("{stage} = \"{role}\"")).collect();
        let mut text =
            format!("[callers.c{index}]\naccount = \"{:012}\"\nroles = {{ {} }}\n", self.account, roles.join(", "));
        text += if self.is_whole_account { "trust = \"account\"\n" } else { "" };
        text += &self.external_id.map(|id| format!("external_id = \"{id}\"\n")).unwrap_or_default();
        text + &self
            .routes
            .as_ref()
            .map(|routes| format!("routes = {:?}\n", routes.iter().map(written).collect::<Vec<_>>()))
            .unwrap_or_default()
    }

    fn means(&self, stage: &str, method: &str, path: &[String]) -> bool {
        self.stages.contains(&stage)
            && self.routes.as_ref().is_none_or(|routes| {
                routes.iter().any(|(of, segments)| (of == "ANY" || of == method) && means(segments, path))
            })
    }
}

fn written((method, path): &(String, Vec<String>)) -> String {
    format!("{method} /{}", path.join("/"))
}

/// API Gateway's reading of a route's path.
fn means(route: &[String], path: &[String]) -> bool {
    match (route, path) {
        ([], []) => true,
        ([last], [_, ..]) if last == "*" || last.ends_with("+}") => true,
        ([segment, route @ ..], [text, path @ ..]) => {
            (segment == text || (segment.starts_with('{') && !segment.ends_with("+}") && !text.is_empty()))
                && means(route, path)
        }
        _ => false,
    }
}

fn route() -> impl Strategy<Value = (String, Vec<String>)> {
    let segment = proptest::sample::select(&["items", "admin", "{id}", "a"][..]);
    let method = proptest::sample::select(&["ANY", "GET", "PUT"][..]);
    let end = proptest::sample::select(&["*", "{proxy+}", "", "hoge", "hoge", "hoge"][..]);
    (method, proptest::collection::vec(segment, 0..3), end)
        .prop_map(|(method, path, end)| (method.to_owned(), path.into_iter().chain([end]).map(str::to_owned).collect()))
}

fn entry() -> impl Strategy<Value = Entry> {
    let routes = prop_oneof![
        2 => Just(None),
        6 => proptest::collection::vec(route(), 1..4).prop_map(Some),
        // More than fit with their seven methods each.
        1 => (20..40_usize).prop_map(|count| Some((0..count).map(|i| ("ANY".to_owned(), vec![format!("r{i}")])).collect())),
    ];
    let external_id = proptest::sample::select(&[None, Some("b3c7")][..]);
    (proptest::sample::subsequence(&STAGES[..], 1..=2), external_id, routes).prop_map(
        |(stages, external_id, routes)| Entry { account: 0, is_whole_account: false, stages, external_id, routes },
    )
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    (proptest::collection::vec(entry(), 1..4), any::<bool>()).prop_map(|(mut entries, has_whole_account)| {
        for (index, entry) in entries.iter_mut().enumerate() {
            entry.account = index;
        }
        if let (true, Some(last)) = (has_whole_account && entries.len() > 1, entries.last_mut()) {
            (last.account, last.is_whole_account) = (0, true);
        }
        entries
    })
}

/// Paths of every kind, and one that ends as a route does.
fn path() -> impl Strategy<Value = Vec<String>> {
    let segment = proptest::sample::select(&["items", "admin", "1", "a", "hoge", "r7"][..]);
    let end = proptest::sample::select(&["hoge", "", "r7", "secret"][..]);
    (proptest::collection::vec(segment, 0..4), end)
        .prop_map(|(path, end)| path.into_iter().chain([end]).map(str::to_owned).collect())
}

/// Whether one of the findings says that the caller may do this too.
fn is_named(findings: &[Finding], caller: &str, method: &str, path: &str) -> bool {
    let covers = |route: &str| {
        let (of, pattern) = route.split_once(' ').unwrap();
        let pattern: Vec<&str> =
            pattern.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect();
        let pattern = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"x:y","Resource":"arn:aws:x:::*{}"}}]}}"#,
            pattern.join("/")
        );
        let policy = PolicyDocument::parse(&pattern, PolicyKind::Identity).unwrap();
        let resource = format!("arn:aws:x:::{path}");
        let request = Request { principal: None, action: "x:y", resource: &resource, context: Context::new() };
        (of == "ANY" || of == method) && evaluate(&[&policy], &request).effect() == Effect::Allow
    };
    findings.iter().filter(|finding| finding.subject.to_string() == format!("[callers.{caller}]")).any(|finding| {
        let mut routes = finding.message.split("route `").skip(1).filter_map(|rest| rest.split('`').next());
        match finding.code {
            Code::WildcardSpansSegments | Code::AnyMethodWildcard => routes.any(covers),
            Code::OverlappingCaller => finding.message.contains("`routes`"),
            _ => false,
        }
    })
}

/// Whether one of them says that all of an account is trusted on a stage.
fn is_whole(findings: &[Finding], account: usize, stage: &str) -> bool {
    findings.iter().filter(|finding| finding.code == Code::WholeAccount).any(|finding| {
        let (who, on) = finding.message.split_once(" is trusted on ").unwrap();
        who == format!("all of account `{account:012}`") && on.contains(&format!("`{stage}`"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r1_the_rights_are_the_manifests_or_named(
        entries in entries(),
        paths in proptest::collection::vec(path(), 12),
    ) {
        let manifest = manifest(&entries.iter().enumerate().map(|(index, entry)| entry.toml(index)).collect::<String>());
        let plan = manifest.plan(&Lock::default());
        let (roles, findings) = (plan.provider_roles(), plan.findings());
        for (index, entry) in entries.iter().enumerate() {
            // Of the whole account, one that is no other caller.
            let name = if entry.is_whole_account { "Other" } else { "Batch" };
            let arn = format!("arn:aws:iam::{:012}:role/{name}", entry.account);
            let can_assume = |role: &&ProviderRole| {
                let policy = PolicyDocument::parse(&role.trust_policy.to_json(), PolicyKind::Trust).unwrap();
                let mut context = Context::new();
                if let Some(id) = entry.external_id {
                    context.set("sts:ExternalId", id);
                }
                let principal = Some(PrincipalIdentity::assumed_role(&arn, "x").unwrap());
                let request = Request { principal, action: "sts:AssumeRole", resource: &role.arn, context };
                evaluate(&[&policy], &request).effect() == Effect::Allow
            };
            let assumed: Vec<Invokes> = roles.iter().filter(can_assume).map(Invokes::of).collect();
            for stage in STAGES {
                let api = manifest.stage_arn(&manifest.stages[stage]).unwrap();
                for (method, path) in METHODS.iter().flat_map(|method| paths.iter().map(move |path| (method, path))) {
                    let text = format!("/{}", path.join("/"));
                    let is_open = assumed.iter().any(|role| role.allows(&api, method, &text));
                    let is_meant = entry.means(stage, method, path);
                    prop_assert!(is_open || !is_meant, "c{} cannot {} {} on {}", index, method, text, stage);
                    let is_right = is_open == is_meant
                        || is_named(&findings, &format!("c{index}"), method, &text)
                        || (!entry.stages.contains(&stage) && is_whole(&findings, entry.account, stage));
                    prop_assert!(is_right, "c{} can {} {} on {}: {:?}", index, method, text, stage, findings);
                }
            }
        }
    }
}
