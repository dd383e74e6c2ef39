//! The check: what AWS would refuse, and what is probably not meant.

mod identity;
mod overlap;
mod principals;
pub(crate) mod report;
mod unused;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::finding::{Finding, FindingCode as Code, Level, Subject};
use crate::limits::{
    FUNCTION_POLICY, INLINE_POLICIES, MANAGED_POLICY, REST_API_POLICY, ROLE_NAME, ROLES, TEMPLATE_IN_S3,
    TEMPLATE_RESOURCES,
};
use crate::manifest::names;
use crate::manifest::{Accepted, Caller, CallerPrincipals, Manifest, Stage, StageTarget, WhichRole};
use crate::plan::told::{DIRECT, IDENTITY};
use crate::plan::{Plan, ProviderRole, ResourcePolicy, RoleKind};
use crate::render::cloudformation;
use crate::targets::Target;

use overlap::WideCallers;
pub(crate) use principals::PERMISSION_SETS;
use principals::RoleNames;

impl Plan<'_> {
    /// Everything that is found, in the order of the manifest's lines, accepted findings included.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Findings { manifest: self.manifest, findings: Vec::new() };
        self.check_api(&mut found);
        for stage in self.manifest.stages.values() {
            self.check_stage(stage, &mut found);
        }
        for change in self.role_changes() {
            let (stage, from, to) = (&change.stage, &change.from, &change.to);
            let message = match (from.as_str(), to.as_str()) {
                (DIRECT, IDENTITY) => format!("on stage `{stage}` it has to show who it is now, and signed as itself"),
                (IDENTITY, DIRECT) => format!("on stage `{stage}` it has to sign as itself now, and showed who it was"),
                (_, IDENTITY) => format!("on stage `{stage}` it has to show who it is now, and did assume `{from}`"),
                (IDENTITY, _) => format!("on stage `{stage}` it has to assume `{to}` now, and showed who it was"),
                (_, DIRECT) => format!("on stage `{stage}` it assumes no role now, and did assume `{from}`"),
                (DIRECT, _) => format!("on stage `{stage}` it has to assume `{to}` now, and assumed no role"),
                _ => format!("on stage `{stage}` its role is now `{to}`, and was `{from}`"),
            };
            found.add_on(&[stage], Code::RoleArnChanged, Subject::Caller(change.caller.clone()), message);
        }
        let elsewhere = roles_elsewhere(self.manifest);
        let wide = WideCallers::of(self.manifest);
        let mut role_names = RoleNames::new();
        for caller in self.manifest.callers.values() {
            self.check_caller(caller, &elsewhere, &mut role_names, &mut found);
            let (stages, lifted): (Vec<&str>, Vec<String>) = wide.lifted(caller).into_iter().unzip();
            if !lifted.is_empty() {
                found.add_on(&stages, Code::OverlappingCaller, Subject::Caller(caller.name.clone()), lifted.join(", "));
            }
        }
        self.check_identity(&mut found);
        unused::check_unused_keys(self.manifest, &mut found);
        found.check_acceptances();
        let mut findings = found.findings;
        findings.sort_by(|a, b| a.line.cmp(&b.line).then_with(|| a.subject.cmp(&b.subject)));
        findings
    }

    /// What is found and not accepted that concerns one stage. Findings on other stages, and on callers that are on other
    /// stages only, are left out, unless they are errors: with one, nothing is rendered.
    #[must_use]
    pub fn findings_on(&self, stage: &Stage) -> Vec<Finding> {
        let is_on = |name: &str| self.manifest.callers.get(name).is_some_and(|caller| caller.is_on(&stage.name));
        let concerns = |finding: &Finding| match &finding.subject {
            Subject::Api | Subject::Identity => true,
            Subject::Stage(name) => *name == stage.name,
            // The lock file, which knows them, is written for all stages at once.
            Subject::Caller(_) if finding.code == Code::RoleArnChanged => true,
            Subject::Caller(name) => is_on(name) && finding.is_on(&stage.name),
        };
        let mut findings = self.findings();
        findings.retain(|finding| {
            finding.accepted.is_none() && (concerns(finding) || finding.code.level() == Level::Error)
        });
        findings
    }

    /// What is found and not accepted that concerns one caller: on the API, on the caller, and on its stages.
    #[must_use]
    pub fn findings_of(&self, caller: &Caller) -> Vec<Finding> {
        let mut findings = self.findings();
        findings.retain(|finding| {
            finding.accepted.is_none()
                && match &finding.subject {
                    Subject::Api | Subject::Identity => true,
                    Subject::Stage(name) => caller.is_on(name),
                    Subject::Caller(name) => *name == caller.name,
                }
        });
        findings
    }

    fn check_api(&self, found: &mut Findings<'_>) {
        let roles =
            self.shared.values().map(BTreeMap::len).sum::<usize>() + self.own.values().map(Vec::len).sum::<usize>();
        if roles > ROLES.at_most {
            let message = format!("the manifest means {roles} roles, an account has {} by default", ROLES.at_most);
            found.add(Code::TooManyRoles, Subject::Api, message);
        }
        let seconds = self.manifest.api.max_session_duration;
        // Where there is no role to assume, nobody gets less.
        if seconds > 3_600 && self.manifest.stages.values().any(Stage::is_by_role) {
            let message = format!("`max_session_duration` is {seconds} s, role chaining gives 3600 s at most");
            found.add(Code::DurationBeyondChaining, Subject::Api, message);
        }
        if !self.is_recorded {
            let message = "the lock file does not say what the manifest now means".to_owned();
            found.add(Code::LockOutdated, Subject::Api, message);
        }
    }

    fn check_stage(&self, stage: &Stage, found: &mut Findings<'_>) {
        let subject = || Subject::Stage(stage.name.clone());
        let roles = self.stage_roles(stage);
        for role in &roles {
            self.check_role(role, found);
        }
        let shared = roles.iter().filter(|role| matches!(role.kind, RoleKind::Shared(_)));
        let (count, callers) = shared.fold((0_usize, 0_usize), |(count, callers), role| {
            (count.saturating_add(1), callers.saturating_add(role.callers.len()))
        });
        if count > 1 {
            let limit = self.manifest.api.role_trust_policy_length;
            let message = format!(
                "its {callers} callers of every route take {count} roles, with trust policies of {limit} characters"
            );
            found.add(Code::RolesSplit, subject(), message);
        }
        let policy = if self.is_policy_of_another(stage) { None } else { self.resource_policy(stage) };
        if let Some(policy) = &policy {
            self.check_resource_policy(stage, policy, found);
        }
        let Some(target) = self.manifest.target(stage) else { return };
        if self.replaces_whole_policy(stage) {
            let message = format!("every other permission of {target} goes");
            found.add(Code::ReplacesWholePolicy, subject(), message);
        }
        // Of two ways in it is what is meant; of two that are the same it may be a slip.
        let mut same = self.stages_of_api(stage).iter().filter(|other| other.access == stage.access);
        if let Some(first) = same.next().filter(|first| first.name != stage.name) {
            let message = format!("it is {target}, as is `{}`", first.name);
            found.add(Code::StagesAreOneApi, subject(), message);
        }
        let resources = roles.len().saturating_add(policy.as_ref().map_or(0, |policy| policy.permissions.len()));
        let bytes = cloudformation::template(self.manifest, stage, target, &roles, policy.as_ref()).len();
        if resources > TEMPLATE_RESOURCES.at_most || bytes > TEMPLATE_IN_S3.at_most {
            let message = format!("its CloudFormation template has {resources} resources and {bytes} bytes");
            found.add(Code::TemplateTooLarge, subject(), message);
        }
    }

    fn check_resource_policy(&self, stage: &Stage, policy: &ResourcePolicy, found: &mut Findings<'_>) {
        let Some(target) = self.manifest.target(stage) else { return };
        let subject = || Subject::Stage(stage.name.clone());
        let limit = match &stage.target {
            StageTarget::FunctionUrl { .. } => FUNCTION_POLICY.at_most,
            _ => REST_API_POLICY.at_most,
        };
        let size = policy.document.characters();
        if size > limit {
            let message = format!("the policy of {target} has {size} characters, AWS takes {limit}");
            found.add(Code::ResourcePolicyTooLarge, subject(), message);
        }
    }

    fn check_role(&self, role: &ProviderRole, found: &mut Findings<'_>) {
        let subject = match &role.kind {
            RoleKind::Own(caller) => Subject::Caller(caller.clone()),
            // A shared role outgrows its limit only when a caller does so alone.
            RoleKind::Shared(_) => match role.callers.as_slice() {
                [one] => Subject::Caller(one.clone()),
                _ => Subject::Stage(role.stage.clone()),
            },
        };
        let (name, stage) = (&role.name, [&role.stage]);
        let limit = self.manifest.api.role_trust_policy_length;
        let size = role.trust_policy.characters();
        if size > limit {
            let message = format!("the trust policy of `{name}` has {size} characters, IAM takes {limit}");
            found.add_on(&stage, Code::TrustPolicyTooLarge, subject.clone(), message);
        }
        let also_open = role.routes.iter().filter(|opened| opened.is_by_wildcard());
        let also_open = also_open.filter_map(|opened| Some((&opened.route, opened.route.wildcard_example()?)));
        let also_open: Vec<String> =
            also_open.map(|(route, other)| format!("`{route}` also opens `{other}`")).collect();
        if !also_open.is_empty() {
            let message = format!("in the invoke policy of `{name}` route {}", also_open.join(", route "));
            found.add_on(&stage, Code::AnyMethodWildcard, subject.clone(), message);
        }
        let (size, limit) = (role.invoke_policy.characters(), INLINE_POLICIES.at_most);
        if size > limit {
            let message = format!("the invoke policy of `{name}` has {size} characters, IAM takes {limit}");
            found.add_on(&stage, Code::InvokePolicyTooLarge, subject, message);
        }
        if name.len() > ROLE_NAME.at_most {
            let message = format!("`{name}` has {} characters, IAM takes {}", name.len(), ROLE_NAME.at_most);
            found.add(Code::RoleNameTooLong, Subject::Stage(role.stage.clone()), message);
        }
    }

    fn check_caller<'m>(
        &self,
        caller: &'m Caller,
        elsewhere: &Elsewhere<'_>,
        role_names: &mut RoleNames<'m>,
        found: &mut Findings<'_>,
    ) {
        let subject = || Subject::Caller(caller.name.clone());
        let on_stages = || caller.stages().filter_map(|stage| self.manifest.stages.get(stage));
        for role in self.roles_of(caller) {
            let size = role.policy.characters();
            if size > MANAGED_POLICY.at_most {
                let message =
                    format!("the policy of `{}` has {size} characters, IAM takes {}", role.arn, MANAGED_POLICY.at_most);
                found.add(Code::CallerPolicyTooLarge, subject(), message);
            }
        }
        let direct: Vec<&str> =
            on_stages().filter(|stage| stage.is_direct()).map(|stage| stage.name.as_str()).collect();
        if caller.is_third_party && caller.external_id.is_none() {
            let message = match on_stages().all(|stage| !stage.is_by_role()) {
                true if direct.is_empty() => {
                    "it is a third party, and shows who it is, where there is no `external_id`".to_owned()
                }
                true => "it is a third party, and comes in directly, where there is no `external_id`".to_owned(),
                false => "it is a third party and has no `external_id`".to_owned(),
            };
            found.add(Code::ThirdPartyWithoutExternalId, subject(), message);
        }
        if let CallerPrincipals::Roles { account, roles, .. } = &caller.principals {
            if *account == self.manifest.api.account && !direct.is_empty() {
                let message = format!("it is in the API's own account, and comes in directly on {}", quoted(&direct));
                found.add_on(&direct, Code::SameAccountOneSide, subject(), message);
            }
            if account == "*" {
                let message = "its role is trusted in every AWS account".to_owned();
                found.add(Code::WildcardAccount, subject(), message);
            }
            let whole: Vec<&str> = roles
                .iter()
                .filter(|(_, roles)| **roles == [WhichRole::Every])
                .map(|(stage, _)| stage.as_str())
                .collect();
            if !whole.is_empty() {
                let message = format!("all of account `{account}` is trusted on {}", quoted(&whole));
                found.add_on(&whole, Code::WholeAccount, subject(), message);
            }
        }
        principals::check_names(caller, role_names, found);
        for (stage, message) in self.check_production(caller, elsewhere) {
            found.add_on(&[stage], Code::ProductionTrustsOtherStage, subject(), message);
        }
        let foreign = caller
            .routes
            .iter()
            .flatten()
            .filter_map(|route| Some((route, crate::manifest::Route::meant_by(&route.to_string())?)));
        let foreign: Vec<String> =
            foreign.map(|(route, meant)| format!("`{route}` (did you mean `{meant}`?)")).collect();
        if !foreign.is_empty() {
            found.add(Code::ForeignRouteSyntax, subject(), format!("route {}", foreign.join(", route ")));
        }
        let enforces = |stage: &&Stage| self.manifest.target(stage).is_some_and(Target::enforces_routes);
        if caller.routes.is_some() {
            // A server's verifier does.
            let is_open = |stage: &&Stage| !enforces(stage) && stage.audience().is_none();
            let open: Vec<&str> = on_stages().filter(is_open).map(|stage| stage.name.as_str()).collect();
            if !open.is_empty() {
                let message = format!("on {} its `routes` are for the function to enforce", quoted(&open));
                found.add_on(&open, Code::RoutesNotEnforced, subject(), message);
            }
        }
        let enforcing: Vec<&str> = on_stages().filter(enforces).map(|stage| stage.name.as_str()).collect();
        let spanning: Vec<String> = caller
            .routes
            .iter()
            .flatten()
            .filter(|route| !enforcing.is_empty() && route.spans_segments())
            .map(|route| format!("`{route}` also opens `{} {}`", route.method(), route.deeper_example()))
            .collect();
        if !spanning.is_empty() {
            let message = format!("route {}", spanning.join(", route "));
            found.add_on(&enforcing, Code::WildcardSpansSegments, subject(), message);
        }
    }

    /// On which production stages the caller has no business, a sentence each.
    fn check_production<'m>(&self, caller: &'m Caller, elsewhere: &Elsewhere<'_>) -> Vec<(&'m str, String)> {
        let is_production = |stage: &str| self.manifest.stages.get(stage).is_some_and(|stage| stage.is_production);
        let mut found = Vec::new();
        for stage in caller.stages().filter(|stage| is_production(stage)) {
            for trusted in principals(caller, stage) {
                let why = if let Some(other) = elsewhere.stages.get(&trusted.key()) {
                    format!("also trusted on stage `{other}`")
                } else if let Some(word) = trusted.name().and_then(|name| elsewhere.word_in(name)) {
                    format!("of `{word}` by its name")
                } else {
                    continue;
                };
                found.push((stage, format!("stage `{stage}` trusts {trusted}, which is {why}")));
            }
        }
        found
    }
}

/// Who is trusted on a stage.
struct Trusted<'m> {
    /// The account, or the organization.
    of: &'m str,
    /// Which of its roles; all where there is none.
    role: Option<&'m WhichRole>,
}

impl<'m> Trusted<'m> {
    /// The role's name, or the pattern of it.
    fn name(&self) -> Option<&'m str> {
        match self.role? {
            WhichRole::Named(role) => Some(role.name()),
            WhichRole::Like(pattern) => Some(pattern.name()),
            WhichRole::Every => None,
        }
    }

    /// The account or organization, and the role in lower case, `*` for all of it.
    fn key(&self) -> (&'m str, String) {
        (self.of, self.name().map_or("*".to_owned(), str::to_ascii_lowercase))
    }
}

impl fmt::Display for Trusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            Some(WhichRole::Named(role)) => write!(f, "`{role}`"),
            Some(WhichRole::Like(pattern)) => write!(f, "`{pattern}`"),
            Some(WhichRole::Every) | None => write!(f, "all of `{}`", self.of),
        }
    }
}

fn principals<'m>(caller: &'m Caller, stage: &str) -> Vec<Trusted<'m>> {
    match &caller.principals {
        CallerPrincipals::Organization { id, .. } => vec![Trusted { of: id, role: None }],
        CallerPrincipals::Roles { account, .. } => {
            caller.roles_on(stage).iter().map(|role| Trusted { of: account, role: Some(role) }).collect()
        }
    }
}

/// What is trusted on stages that are no production stages.
struct Elsewhere<'m> {
    /// The stage, by who is trusted there.
    stages: BTreeMap<(&'m str, String), &'m str>,
    /// What stands in a role's name when it is not meant for production, by its letters and digits.
    words: BTreeMap<String, String>,
}

impl Elsewhere<'_> {
    /// The first run of words in a role's name that is not meant for production.
    fn word_in(&self, role: &str) -> Option<&str> {
        names::runs_of_words(role).iter().find_map(|run| self.words.get(run)).map(String::as_str)
    }
}

/// Words of roles that are not meant for production, whatever the stages are.
const USUAL_WORDS: [&str; 12] = [
    "dev",
    "deve",
    "develop",
    "development",
    "non-prod",
    "pre-prod",
    "qa",
    "sandbox",
    "stag",
    "staging",
    "test",
    "testing",
];

fn roles_elsewhere(manifest: &Manifest) -> Elsewhere<'_> {
    let is_other = |stage: &str| manifest.stages.get(stage).is_some_and(|stage| !stage.is_production);
    let mut stages = BTreeMap::new();
    for caller in manifest.callers.values() {
        for stage in caller.stages().filter(|stage| is_other(stage)) {
            stages.extend(principals(caller, stage).into_iter().map(|trusted| (trusted.key(), stage)));
        }
    }
    let mut words: BTreeMap<String, String> = BTreeMap::new();
    let others = manifest.stages.keys().map(String::as_str).filter(|stage| is_other(stage));
    for name in USUAL_WORDS.into_iter().chain(others) {
        let word = names::words_of(name).concat();
        // The number of a role says nothing of its stage.
        if !word.bytes().all(|b| b.is_ascii_digit()) {
            words.insert(word, name.to_owned());
        }
    }
    // A stage that is production keeps its own name, whatever it is.
    for stage in manifest.stages.values().filter(|stage| stage.is_production) {
        for run in names::runs_of_words(&stage.name) {
            words.remove(&run);
        }
    }
    Elsewhere { stages, words }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

struct Findings<'m> {
    manifest: &'m Manifest,
    findings: Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, code: Code, subject: Subject, message: String) {
        self.add_on::<&str>(&[], code, subject, message);
    }

    /// What is found on these of the subject's stages alone.
    fn add_on<S: AsRef<str>>(&mut self, stages: &[S], code: Code, subject: Subject, message: String) {
        let place = match &subject {
            Subject::Api => Some((self.manifest.api.line, Some(&self.manifest.api.accept))),
            Subject::Identity => self.manifest.identity.line.map(|line| (line, None)),
            Subject::Stage(name) => self.manifest.stages.get(name).map(|stage| (stage.line, Some(&stage.accept))),
            Subject::Caller(name) => self.manifest.callers.get(name).map(|caller| (caller.line, Some(&caller.accept))),
        };
        let (line, accept) = place.unwrap_or((1, None));
        let accepted = accept.filter(|_| code.can_be_accepted()).and_then(|accept| accept.get(&code)).cloned();
        let stages = stages.iter().map(|stage| stage.as_ref().to_owned()).collect();
        self.findings.push(Finding { code, subject, stages, line, message, accepted });
    }

    fn check_acceptances(&mut self) {
        let manifest = self.manifest;
        let mut all: Vec<(Subject, &Accepted)> = vec![(Subject::Api, &manifest.api.accept)];
        all.extend(manifest.stages.values().map(|stage| (Subject::Stage(stage.name.clone()), &stage.accept)));
        all.extend(manifest.callers.values().map(|caller| (Subject::Caller(caller.name.clone()), &caller.accept)));
        let used: BTreeSet<(Code, Subject)> = self.findings.iter().map(|f| (f.code, f.subject.clone())).collect();
        for (subject, accepted) in all {
            for code in accepted.keys().filter(|code| !used.contains(&(**code, subject.clone()))) {
                let message = format!("`{}` is accepted, but not found", code.code());
                self.add(Code::UnusedAcceptance, subject.clone(), message);
            }
        }
    }
}
