//! Patterns of role names: a `*` is of the name, and of no path, though IAM's own spans `/`.

use proptest::prelude::*;
use serde_json::Value;
use xacct_sign_provider::iam::{Context, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::{Asker, FindingCode, Format, Imported, Lock, Manifest, read_roles};

use crate::with_caller;

fn parsed(text: &str) -> Manifest {
    Manifest::parse(text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Whether one of the roles of the manifest lets a role in, which sends this external id.
fn lets_in(manifest: &Manifest, arn: &str, external_id: Option<&str>) -> bool {
    let roles = manifest.plan(&Lock::default()).provider_roles();
    roles.iter().any(|role| {
        let trust = PolicyDocument::parse(&role.trust_policy.to_json(), PolicyKind::Trust).unwrap();
        let mut context = Context::new();
        context.set_all("sts:ExternalId", external_id);
        let principal = Some(PrincipalIdentity::assumed_role(arn, "x").unwrap());
        let request = Request { principal, action: "sts:AssumeRole", resource: &role.arn, context };
        evaluate(&[&trust], &request).is_allowed()
    })
}

#[test]
fn a_pattern_lets_in_no_role_of_a_deeper_path() {
    let manifest =
        parsed(&with_caller("trust = \"account\"\nroles = { stag = [\"Ops_*\", \"Ops_team/B*h\", \"*_x\"] }"));
    for (role, is_in) in [
        ("Ops_1", true),
        ("Ops_", true),
        ("a_x", true),
        ("Ops_team/Batch", true),
        ("Ops_guest/Intruder", false),
        ("Ops_team/Other", false),
        ("Ops_team/B/h", false),
        ("Ops_team/B/Batch", false),
        ("a/b_x", false),
    ] {
        let arn = format!("arn:aws:iam::000000000000:role/{role}");
        assert_eq!(lets_in(&manifest, &arn, None), is_in, "{role}");
        let known = manifest.plan(&Lock::default()).who(&Asker::parse(&arn).unwrap());
        assert_eq!(!known.is_empty(), is_in, "{role}");
    }
}

#[test]
fn a_pattern_of_every_account_lets_in_no_role_of_a_deeper_path() {
    let text = with_caller("trust = \"account\"\nroles = { stag = [\"Ops_*\", \"Exact\"] }");
    let manifest = parsed(&text.replace("000000000000", "*"));
    for (role, is_in) in [("Ops_1", true), ("Exact", true), ("Ops_guest/Intruder", false), ("a/Exact", false)] {
        assert_eq!(lets_in(&manifest, &format!("arn:aws:iam::222222222222:role/{role}"), None), is_in, "{role}");
    }
}

#[test]
fn a_pattern_calls_directly_from_no_deeper_path() {
    let text = with_caller("trust = \"account\"\nroles = { stag = [\"Ops_*\", \"Exact\"] }");
    let manifest = parsed(
        &text.replace("[stages.stag]", "[stages.stag]\ntarget = \"rest_api\"\napi_stage = \"v1\"\naccess = \"direct\""),
    );
    let plan = manifest.plan(&Lock::default());
    let policy = plan.resource_policy(&manifest.stages["stag"]).unwrap().document.to_json();
    let policy = PolicyDocument::parse(&policy, PolicyKind::Resource).unwrap();
    let resource = format!("{}/GET/", manifest.stage_arn(&manifest.stages["stag"]).unwrap());
    for (role, is_in) in [("Ops_1", true), ("Exact", true), ("Ops_guest/Intruder", false)] {
        let principal =
            PrincipalIdentity::assumed_role(&format!("arn:aws:iam::000000000000:role/{role}"), "x").unwrap();
        let action = "execute-api:Invoke";
        let request = Request { principal: Some(principal), action, resource: &resource, context: Context::new() };
        assert_eq!(evaluate(&[&policy], &request).is_allowed(), is_in, "{role}");
    }
}

#[test]
fn a_pattern_that_is_deployed_without_its_path_is_wider_than_meant() {
    let manifest = parsed(&with_caller("trust = \"account\"\nroles = { stag = \"Ops_*\" }"));
    let (plan, stage) = (manifest.plan(&Lock::default()), &manifest.stages["stag"]);
    let mut rendered: Value = serde_json::from_str(&plan.render(stage, Format::Json).unwrap()).unwrap();
    let is_same = |rendered: &Value| {
        let diff = plan.diff(stage, None, &read_roles(&rendered.to_string()).unwrap()).unwrap();
        diff.iter().all(|role| role.is_same())
    };
    assert!(is_same(&rendered));
    let text = rendered.to_string();
    let not = r#","ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*/*"}"#;
    assert!(text.contains(not), "{text}");
    rendered = serde_json::from_str(&text.replace(not, "")).unwrap();
    assert!(!is_same(&rendered));
}

#[test]
fn patterns_of_many_paths_are_read_back_as_they_are() {
    let roles = "[\"Exact\", \"Ops_*\", \"aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_*\"]";
    for terms in ["", "external_id = \"b3c7\"\n"] {
        let manifest = parsed(&with_caller(&format!("{terms}trust = \"account\"\nroles = {{ stag = {roles} }}")));
        let trust =
            |manifest: &Manifest| manifest.plan(&Lock::default()).provider_roles().remove(0).trust_policy.to_json();
        let rendered = manifest.plan(&Lock::default()).render(&manifest.stages["stag"], Format::Json).unwrap();
        let imported = Imported::read(&[&rendered], "xacct.toml").unwrap();
        assert_eq!(trust(&parsed(&imported.manifest)), trust(&manifest), "{}", imported.manifest);
    }
}

const STAG: &str = "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n[stages.stag]\napi_id = \"a1\"\n";

/// What `overlapping_caller` says of each caller that it is about.
fn overlaps(manifest: &Manifest) -> Vec<String> {
    let findings = manifest.plan(&Lock::default()).findings().into_iter();
    let overlaps = findings.filter(|finding| finding.code == FindingCode::OverlappingCaller);
    overlaps.map(|finding| format!("{}: {}", finding.subject, finding.message)).collect()
}

#[test]
fn a_pattern_within_another_is_let_in_without_its_terms() {
    let one = |name: &str, account: &str, role: &str, terms: &str| {
        format!(
            "[callers.{name}]\naccount = \"{account}\"\ntrust = \"account\"\nroles = {{ stag = \"{role}\" }}\n{terms}"
        )
    };
    let (id, own, any) = ("external_id = \"b3c7\"\n", "000000000000", "*");
    for (narrow, wide, is_found) in [
        ((own, "Ops_Audit*"), (own, "Ops_*"), true),
        ((own, "Ops_Audit*"), (any, "Ops_*"), true),
        ((own, "Ops_*"), (any, "Ops_1"), true),
        ((own, "*_x"), (own, "Ops_*"), true),
        ((any, "Vend"), (any, "Ven*"), true),
        ((any, "Vend*"), (any, "Ven*"), true),
        ((own, "Vend"), (any, "Ven*"), true),
        // Whoever is narrower is meant to be let in on other terms.
        ((own, "Ops_*"), (own, "Ops_Audit*"), false),
        ((any, "Ven*"), (any, "Vend"), false),
        ((own, "Ops_*"), (own, "Audit*"), false),
        ((own, "Ops_*"), (own, "team/Ops_*"), false),
    ] {
        let text = STAG.to_owned() + &one("narrow", narrow.0, narrow.1, id) + &one("wide", wide.0, wide.1, "");
        let expected = "[callers.narrow]: on stage `stag` caller `wide` lets it in without its `external_id`";
        let expected: &[&str] = if is_found { &[expected] } else { &[] };
        assert_eq!(overlaps(&parsed(&text)), expected, "{narrow:?} {wide:?}");
    }
}

/// Named roles and patterns of several paths.
const ROLES: [&str; 7] = ["Batch", "team/Bar", "Ba*", "team/B*", "*ch", "team/x/B*", "B*a*"];
const ACCOUNTS: [&str; 3] = ["000000000000", "222222222222", "*"];

#[derive(Debug, Clone)]
struct Entry {
    account: &'static str,
    roles: Vec<&'static str>,
    external_id: Option<&'static str>,
}

impl Entry {
    fn toml(&self, index: usize) -> String {
        let id = self.external_id.map(|id| format!("external_id = \"{id}\"\n")).unwrap_or_default();
        let Self { account, roles, .. } = self;
        format!(
            "[callers.c{index}]\naccount = \"{account}\"\ntrust = \"account\"\nroles = {{ stag = {roles:?} }}\n{id}"
        )
    }

    fn is(&self, account: &str, role: &str) -> bool {
        (self.account == "*" || self.account == account) && self.roles.iter().any(|own| is_of(own, role))
    }
}

impl Entry {
    /// Whether it lets this role of the other in, and is not just the narrower one.
    fn lifts(&self, other: &Self, role: &str) -> bool {
        let is_alike = self.account == other.account;
        let of = |entry: &Self| entry.roles.iter().copied().filter(|own| is_of(own, role)).collect::<Vec<_>>();
        let (own, others) = (of(self), of(other));
        let is_narrower = |a: &str, b: &str| is_of(b, a) && !is_of(a, b);
        (is_alike || self.account == "*") && own.iter().any(|a| others.iter().any(|b| !(is_alike && is_narrower(a, b))))
    }
}

/// What the manifest says: the path is as it stands, and `*` any characters of the name.
fn is_of(own: &str, role: &str) -> bool {
    let apart = |text: &'_ str| {
        text.rsplit_once('/')
            .map_or((String::new(), text.to_owned()), |(path, name)| (path.to_owned(), name.to_owned()))
    };
    let ((own_path, own_name), (path, name)) = (apart(own), apart(role));
    own_path == path && is_like(own_name.as_bytes(), name.as_bytes())
}

fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) if is_like(rest, text) => true,
        ([b'*', ..], [_, text @ ..]) => is_like(pattern, text),
        ([a, pattern @ ..], [b, text @ ..]) => a == b && is_like(pattern, text),
        _ => false,
    }
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let all: Vec<(&str, &str)> =
        ACCOUNTS.iter().flat_map(|account| ROLES.iter().map(move |role| (*account, *role))).collect();
    let ids = proptest::collection::vec(proptest::sample::select(&[None, Some("b3c7"), Some("x9")][..]), 6);
    (proptest::sample::subsequence(all, 1..=6), ids, any::<bool>()).prop_map(|(picked, ids, are_together)| {
        let mut entries: Vec<Entry> = Vec::new();
        for ((account, role), external_id) in picked.into_iter().zip(ids) {
            match entries.last_mut().filter(|last| are_together && last.account == account) {
                Some(last) => last.roles.push(role),
                None => entries.push(Entry { account, roles: vec![role], external_id }),
            }
        }
        entries
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// By the documents, and by `who`; whose terms do not hold is said.
    #[test]
    fn who_is_let_in_is_who_the_manifest_says(entries in entries()) {
        let manifest = parsed(&(STAG.to_owned() + &entries.iter().enumerate().map(|(i, entry)| entry.toml(i)).collect::<String>()));
        let plan = manifest.plan(&Lock::default());
        let overlaps = overlaps(&manifest);
        let probes = ["Batch", "Bar", "Ba", "team/Bar", "team/Batch", "team/x/Batch", "Ba/tch", "team/B/Bar", "a/Batch", "team/x/y/Bar"];
        for (account, role) in ["000000000000", "222222222222", "333333333333"].iter().flat_map(|a| probes.map(|p| (*a, p))) {
            let arn = format!("arn:aws:iam::{account}:role/{role}");
            let callers: Vec<(usize, &Entry)> =
                entries.iter().enumerate().filter(|(_, entry)| entry.is(account, role)).collect();
            let known = plan.who(&Asker::parse(&arn).unwrap()).into_iter().map(|known| known.caller).collect::<Vec<_>>();
            prop_assert_eq!(known, callers.iter().map(|(i, _)| format!("c{i}")).collect::<Vec<_>>(), "{}", arn);
            for (i, entry) in callers.iter().filter(|(_, entry)| entry.external_id.is_some()) {
                let without = callers.iter().filter(|(_, other)| other.external_id.is_none());
                if without.clone().any(|(_, other)| other.lifts(entry, role)) {
                    let is_said = overlaps.iter().any(|said| said.starts_with(&format!("[callers.c{i}]:")));
                    prop_assert!(is_said, "c{} as {}: {:?}", i, arn, overlaps);
                }
            }
            for id in [None, Some("b3c7"), Some("x9")] {
                let is_meant = callers.iter().any(|(_, entry)| entry.external_id.is_none() || entry.external_id == id);
                prop_assert_eq!(lets_in(&manifest, &arn, id), is_meant, "{} with {:?}", arn, id);
            }
        }
    }
}
