//! Whom the resource policies let in, for any mixture of callers: the manifest's, and nobody else.

use proptest::prelude::*;
use xacct_sign_provider::iam::{Context, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use xacct_sign_provider::targets::{FunctionUrl, HttpApi, Target};
use xacct_sign_provider::{Document, Lock, Manifest};

const HEAD: &str = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.a]
target = "rest_api"
api_id = "r1"
api_stage = "v1"
access = "direct"
[stages.b]
target = "rest_api"
api_id = "r1"
api_stage = "v2"
access = "direct"
[stages.whole]
target = "function_url"
function = "orders"
url_id = "abc"
access = "direct"
permissions = "document"
[stages.separate]
target = "function_url"
function = "orders"
alias = "live"
url_id = "def"
access = "direct"
"#;
const STAGES: [&str; 4] = ["a", "b", "whole", "separate"];
const REQUESTS: [(&str, &str); 5] =
    [("PUT", "/hoge"), ("GET", "/items/1"), ("GET", "/a"), ("GET", "/x/b"), ("DELETE", "/b")];
const ORGANIZATION: &str = "o-a1b2c3d4e5";

const FORMS: [Form; 5] = [Form::Role, Form::ByAccount, Form::WholeAccount, Form::AnyAccount, Form::Organization];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Role,
    ByAccount,
    WholeAccount,
    AnyAccount,
    Organization,
}

#[derive(Debug, Clone)]
struct Entry {
    form: Form,
    account: usize,
    stages: Vec<&'static str>,
    routes: Option<Vec<&'static str>>,
}

impl Entry {
    /// On the stages whose form of policy takes it, with routes where they are kept.
    fn is_on(&self, stage: &str) -> bool {
        let is_url = matches!(stage, "whole" | "separate");
        self.stages.contains(&stage)
            && (stage != "separate" || !matches!(self.form, Form::ByAccount | Form::AnyAccount))
            && !(is_url && self.routes.is_some())
    }

    fn toml(&self, index: usize) -> String {
        let on: Vec<&str> = STAGES.into_iter().filter(|stage| self.is_on(stage)).collect();
        let role = if self.form == Form::WholeAccount { "*" } else { "Batch" };
        let roles: Vec<String> = on.iter().map(|stage| format!("{stage} = \"{role}\"")).collect();
        let account = if self.form == Form::AnyAccount { "*".to_owned() } else { format!("{:012}", self.account) };
        let mut text = match self.form {
            Form::Organization => format!("[callers.c{index}]\norganization = \"{ORGANIZATION}\"\nstages = {on:?}\n"),
            _ => format!("[callers.c{index}]\naccount = \"{account}\"\nroles = {{ {} }}\n", roles.join(", ")),
        };
        if !matches!(self.form, Form::Organization | Form::Role) {
            text += "trust = \"account\"\n";
        }
        text + &self.routes.as_ref().map(|routes| format!("routes = {routes:?}\n")).unwrap_or_default()
    }

    fn means(&self, who: &Who, stage: &str, method: &str, path: &str) -> bool {
        let is_it = match self.form {
            Form::Role | Form::ByAccount => who.account == self.account && who.role == "Batch",
            Form::WholeAccount => who.account == self.account,
            Form::AnyAccount => who.role == "Batch",
            Form::Organization => who.is_of_organization,
        };
        let is_route = |route: &&str| -> bool {
            let (of, pattern) = route.split_once(' ').unwrap();
            let is_path = pattern.strip_suffix('*').map_or(pattern == path, |start| path.starts_with(start));
            (of == "ANY" || of == method) && is_path
        };
        self.is_on(stage) && is_it && self.routes.as_ref().is_none_or(|routes| routes.iter().any(is_route))
    }
}

#[derive(Debug)]
struct Who {
    account: usize,
    role: &'static str,
    is_of_organization: bool,
}

fn parsed(document: &Document, kind: PolicyKind) -> PolicyDocument {
    let policy = PolicyDocument::parse(&document.to_json(), kind).unwrap();
    assert_eq!(policy.unsupported(), Vec::<String>::new());
    policy
}

fn allows(policy: &PolicyDocument, who: &Who, needs: &[(&str, String, Context)]) -> bool {
    needs.iter().all(|(action, resource, context)| {
        let arn = format!("arn:aws:iam::{:012}:role/{}", who.account, who.role);
        let principal = Some(PrincipalIdentity::assumed_role(&arn, "x").unwrap());
        let mut context = context.clone();
        if who.is_of_organization {
            context.set("aws:PrincipalOrgID", ORGANIZATION);
        }
        evaluate(&[policy], &Request { principal, action, resource, context }).effect() == Effect::Allow
    })
}

/// What a call takes. Of a function the request says whether it came by the URL; one that says nothing did not.
fn needs(target: Target<'_>, method: &str, path: &str, by_url: Option<bool>) -> Vec<(&'static str, String, Context)> {
    let arn = target.arn();
    match target {
        Target::FunctionUrl(_) => {
            let mut invoke = Context::new();
            invoke.set_all("lambda:InvokedViaFunctionUrl", by_url.map(|by_url| by_url.to_string()));
            let mut needs = vec![(FunctionUrl::INVOKE, arn.clone(), invoke)];
            if by_url == Some(true) {
                let context = Context::new().with("lambda:FunctionUrlAuthType", "AWS_IAM");
                needs.push((FunctionUrl::INVOKE_URL, arn, context));
            }
            needs
        }
        _ => vec![(HttpApi::INVOKE, format!("{arn}/{method}{path}"), Context::new())],
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let routes = proptest::sample::subsequence(&["PUT /hoge", "ANY /items/*", "GET /a", "ANY /b"][..], 1..3);
    let stages = proptest::sample::subsequence(&STAGES[..], 1..=4);
    (proptest::sample::select(&FORMS[..]), stages, proptest::option::of(routes))
        .prop_map(|(form, stages, routes)| Entry { form, account: 0, stages, routes })
}

/// Each in an account of its own, and one organization and one role of any account at most: the others would be the same.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 1..6).prop_map(|entries| {
        let (mut kept, mut wide) = (Vec::<Entry>::new(), Vec::new());
        for (index, mut entry) in entries.into_iter().enumerate() {
            entry.account = index + 1;
            let is_wide = matches!(entry.form, Form::AnyAccount | Form::Organization);
            let is_on_any = STAGES.iter().any(|stage| entry.is_on(stage));
            if is_on_any && !(is_wide && wide.contains(&entry.form)) {
                wide.push(entry.form);
                kept.push(entry);
            }
        }
        kept
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rights_of_direct_access_are_the_manifests(entries in entries()) {
        let callers: String = entries.iter().enumerate().map(|(index, entry)| entry.toml(index)).collect();
        let text = format!("{HEAD}{callers}");
        let manifest = Manifest::parse(&text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
        let plan = manifest.plan(&Lock::default());
        let people: Vec<Who> = (1..=6_usize).flat_map(|account| {
            [("Batch", false), ("Other", false), ("Batch", true)]
                .map(|(role, is_of_organization)| Who { account, role, is_of_organization })
        }).collect();
        let at_home: Vec<Vec<PolicyDocument>> = (0..entries.len())
            .map(|index| {
                let roles = plan.roles_of(&manifest.callers[&format!("c{index}")]);
                roles.iter().map(|role| parsed(&role.policy, PolicyKind::Identity)).collect()
            })
            .collect();
        for stage in STAGES {
            let target = manifest.target(&manifest.stages[stage]).unwrap();
            let policy = plan.resource_policy(&manifest.stages[stage]);
            let policy = policy.map(|policy| parsed(&policy.document, PolicyKind::Resource));
            let lets_in = |who: &Who, needs: &[_]| policy.as_ref().is_some_and(|policy| allows(policy, who, needs));
            for (who, (method, path)) in people.iter().flat_map(|who| REQUESTS.map(|request| (who, request))) {
                let needed = needs(target, method, path, Some(true));
                let is_meant = |entry: &&Entry| entry.means(who, stage, method, path);
                let meant: Vec<usize> = (0..entries.len()).filter(|index| is_meant(&&entries[*index])).collect();
                let is_open = lets_in(who, &needed);
                prop_assert_eq!(is_open, !meant.is_empty(), "{:?} {} {} on {}\n{}", who, method, path, stage, text);
                // Never past the URL.
                for past in [Some(false), None] {
                    prop_assert!(target.enforces_routes() || !lets_in(who, &needs(target, method, path, past)));
                }
                // The caller's own policy allows it, too.
                for index in meant {
                    let may = at_home[index].iter().any(|policy| allows(policy, who, &needed));
                    prop_assert!(may, "{:?} {} {} on {}\n{}", who, method, path, stage, text);
                }
            }
        }
    }
}
