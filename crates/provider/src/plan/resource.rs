//! Resource policies: who may call an API directly, as its own role, and which roles may call a private one.

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign::sha256_hex;

use super::principals::{Form, Named, named};
use super::sharing::Plan;
use crate::iam::document::{Document, Statement};
use crate::manifest::{Caller, CallerPrincipals, Permissions, Route, Stage, StageTarget};
use crate::targets::FunctionUrl;

/// No two of the principals that fit into a function's policy have so many in common by chance.
const ID_CHARACTERS: usize = 16;

/// The policy of an API that is called directly, or of a private one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourcePolicy {
    /// The stages whose callers it names, sorted: those of one REST API, or of one function, share its policy.
    pub stages: Vec<String>,
    /// The policy, or what of it the permissions make.
    pub document: Document,
    /// The permissions of which a function's policy is made; none where the document is deployed as it is.
    pub permissions: Vec<Permission>,
}

/// One permission of a function's, with which a principal calls it by its URL
/// ([AddPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permission {
    /// What tells its principal from all others, in letters and digits. Where it stands among others, and which callers it is, has no
    /// part in it: a deployment would take the permission away and make it anew, and the function refuses its caller meanwhile.
    pub id: String,
    /// What tells it from other permissions: 1 to 100 letters, digits, `-` or `_`.
    pub statement_id: String,
    /// [`FunctionUrl::INVOKE_URL`], for URLs of the `AuthType` `AWS_IAM`; or [`FunctionUrl::INVOKE`], for calls by a URL.
    pub action: &'static str,
    /// A role's ARN, an account, or `*` with an organization.
    pub principal: String,
    /// The organization that the principal has to be of, if any.
    pub organization: Option<String>,
}

/// What its condition is: Lambda takes one of the two, depending on the action.
impl Permission {
    /// The parameter `FunctionUrlAuthType`.
    #[must_use]
    pub fn function_url_auth_type(&self) -> Option<&'static str> {
        self.is_by_url().then_some(FunctionUrl::AUTH_TYPE.1)
    }

    /// The parameter `InvokedViaFunctionUrl`.
    #[must_use]
    pub fn invoked_via_function_url(&self) -> Option<bool> {
        (!self.is_by_url()).then_some(true)
    }

    fn is_by_url(&self) -> bool {
        self.action == FunctionUrl::INVOKE_URL
    }
}

impl Plan<'_> {
    /// The policy that a stage needs with direct access, or on a private API, together with that of other stages on which it
    /// hangs; `None` for any other stage by role, and where nobody may call.
    ///
    /// A private API by role names the stage's roles, each with what its own policy opens, since within one account AWS takes
    /// either policy for enough
    /// ([authorization flow](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html)).
    #[must_use]
    pub fn resource_policy(&self, stage: &Stage) -> Option<ResourcePolicy> {
        if stage.needs_resource_policy() { self.policy_at(stage) } else { None }
    }

    /// The policy that hangs on a stage's API, whether this stage needs it or another does.
    pub(crate) fn policy_at(&self, stage: &Stage) -> Option<ResourcePolicy> {
        let stages = self.stages_of_policy(stage);
        let (document, permissions) = match &stages.first()?.target {
            StageTarget::FunctionUrl { permissions: Permissions::Separate, .. } => self.separate(stages),
            StageTarget::FunctionUrl { permissions: Permissions::Document, .. } => {
                (Document::new(self.direct_statements(stages)), Vec::new())
            }
            _ => (Document::new(stages.iter().flat_map(|stage| self.statements_on(stage)).collect()), Vec::new()),
        };
        let stages = stages.iter().map(|stage| stage.name.clone()).collect();
        (!document.statement.is_empty()).then_some(ResourcePolicy { stages, document, permissions })
    }

    /// The stages whose policy an API has, where this stage of it needs none; empty where there is none.
    #[must_use]
    pub fn stages_with_policy_beside(&self, stage: &Stage) -> Vec<String> {
        if stage.needs_resource_policy() {
            return Vec::new();
        }
        self.policy_at(stage).map(|policy| policy.stages).unwrap_or_default()
    }

    /// The stages whose callers stand in the policy of a stage's API, sorted.
    fn stages_of_policy(&self, stage: &Stage) -> &[&Stage] {
        let stages = stage.target.policy_place().and_then(|place| self.policies.get(&place));
        stages.map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether the policy of a stage is looked at with that of another.
    pub(crate) fn is_policy_of_another(&self, stage: &Stage) -> bool {
        self.stages_of_policy(stage).first().is_some_and(|first| first.name != stage.name)
    }

    /// Whether deploying what a stage needs takes every other permission of its function away.
    pub(crate) fn replaces_whole_policy(&self, stage: &Stage) -> bool {
        let is_whole = matches!(&stage.target, StageTarget::FunctionUrl { permissions: Permissions::Document, .. });
        let has_callers = |stage: &&Stage| self.callers_on(stage).next().is_some();
        is_whole && self.stages_of_policy(stage).iter().any(has_callers)
    }

    /// The stages that are the same API, this one among them: whoever may call one of them may call all.
    pub(crate) fn stages_of_api(&self, stage: &Stage) -> &[&Stage] {
        self.apis.get(&stage.target.identity()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The names of the other stages that are the same API: whoever may call one of them may call this one.
    pub fn other_stages_of_api(&self, stage: &Stage) -> impl Iterator<Item = &str> {
        let others =
            self.stages_of_api(stage).iter().filter(|other| other.name != stage.name && other.audience().is_none());
        others.map(|other| other.name.as_str())
    }

    fn callers_on(&self, stage: &Stage) -> impl Iterator<Item = &Caller> {
        self.direct.get(stage.name.as_str()).into_iter().flatten().copied()
    }

    fn statements_on(&self, stage: &Stage) -> Vec<Statement> {
        if stage.is_direct() { self.direct_statements(&[stage]) } else { self.statements_of_roles(stage) }
    }

    /// What lets a stage's roles in. They are named by their account and in a condition: so the policy can be saved before they
    /// are there, and holds when one is made anew.
    fn statements_of_roles(&self, stage: &Stage) -> Vec<Statement> {
        let mut groups: Vec<(Document, Vec<String>)> = Vec::new();
        for role in self.stage_roles(stage) {
            match groups.last_mut() {
                // The roles that callers share.
                Some((document, arns)) if *document == role.invoke_policy => arns.push(role.arn),
                _ => groups.push((role.invoke_policy, vec![role.arn])),
            }
        }
        let api = &self.manifest.api;
        let statements = groups.into_iter().flat_map(|(document, arns)| {
            let names = arns.into_iter().map(|arn| Named::by_account(api.partition(), &api.account, arn)).collect();
            let (principals, who) = Form::ByAccount.of_statement(api.partition(), names);
            let statements = document.statement.into_iter();
            statements.map(move |statement| statement.of(principals.clone(), &who))
        });
        statements.collect()
    }

    /// Callers with the same routes share statements. The stages are the same API.
    fn direct_statements(&self, stages: &[&Stage]) -> Vec<Statement> {
        let partition = self.manifest.api.partition();
        let mut groups: BTreeMap<_, Vec<Named<'_>>> = BTreeMap::new();
        for (stage, caller) in stages.iter().flat_map(|stage| self.callers_on(stage).map(move |caller| (stage, caller)))
        {
            // A function's policy knows no routes.
            let has_routes = self.manifest.target(stage).is_some_and(|target| target.enforces_routes());
            let routes = if has_routes { direct_routes(caller) } else { Vec::new() };
            for name in named(caller, &stage.name, partition) {
                groups.entry((name.form, routes.clone())).or_default().push(name);
            }
        }
        let target = stages.first().and_then(|stage| self.manifest.target(stage));
        let Some(target) = target else { return Vec::new() };
        let statements = groups.into_iter().flat_map(|((form, routes), names)| {
            let (principals, who) = form.of_statement(partition, names);
            let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
            let statements = target.statements(&routes).into_iter();
            statements.map(move |statement| statement.of(principals.clone(), &who))
        });
        statements.collect()
    }

    /// Two permissions for each principal, and the statements that Lambda makes of them. Of several stages of a function each
    /// principal is named once, whichever of them it is on.
    fn separate(&self, stages: &[&Stage]) -> (Document, Vec<Permission>) {
        let (mut statements, mut permissions) = (Vec::new(), Vec::new());
        let target = stages.first().and_then(|stage| self.manifest.target(stage));
        let of_target = target.map(|target| target.statements(&[])).unwrap_or_default();
        let partition = self.manifest.api.partition();
        let mut principals: BTreeMap<_, (&Caller, Named<'_>)> = BTreeMap::new();
        for (stage, caller) in stages.iter().flat_map(|stage| self.callers_on(stage).map(move |caller| (stage, caller)))
        {
            let named = named(caller, &stage.name, partition).into_iter();
            principals
                .extend(named.map(|name| ((name.principal.clone(), name.condition_value.clone()), (caller, name))));
        }
        for (caller, name) in principals.into_values() {
            let (principal, organization) = match &caller.principals {
                CallerPrincipals::Organization { id, .. } => ("*".to_owned(), Some(id.clone())),
                // A whole account is given by its id; Lambda writes its root.
                CallerPrincipals::Roles { account, .. } if name.principal.ends_with(":root") => (account.clone(), None),
                CallerPrincipals::Roles { .. } => (name.principal.clone(), None),
            };
            let mut id = sha256_hex(organization.as_ref().unwrap_or(&principal).as_bytes());
            id.truncate(ID_CHARACTERS);
            let (principals, who) = name.form.of_statement(partition, vec![name]);
            let actions = [(FunctionUrl::INVOKE_URL, "url"), (FunctionUrl::INVOKE, "invoke")];
            for (statement, (action, end)) in of_target.iter().cloned().zip(actions) {
                let statement_id = format!("xacct-sign-{end}-{id}");
                let statement = statement.of(principals.clone(), &who);
                statements.push(Statement { sid: Some(statement_id.clone()), ..statement });
                permissions.push(Permission {
                    id: id.clone(),
                    statement_id,
                    action,
                    principal: principal.clone(),
                    organization: organization.clone(),
                });
            }
        }
        (Document::new(statements), permissions)
    }
}

/// The ends of ARNs of a caller's routes, each once; none for every route.
pub(super) fn direct_routes(caller: &Caller) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let suffixes = caller.routes.iter().flatten().flat_map(Route::arn_suffixes);
    suffixes.filter(|suffix| seen.insert(suffix.clone())).collect()
}
