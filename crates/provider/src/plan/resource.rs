//! Resource policies: who may call an API directly, as its own role, and which roles may call a private one.

use std::collections::{BTreeMap, BTreeSet};

use super::principals::{Form, Named, named};
use super::sharing::Plan;
use crate::iam::document::{Document, Statement};
use crate::manifest::{Caller, CallerPrincipals, Permissions, Route, Stage, StageTarget};
use crate::targets::FunctionUrl;

/// The policy of an API that is called directly, or of a private one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourcePolicy {
    /// The stages whose callers it names, sorted: those of one REST API share its policy.
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
    /// The caller's name.
    pub caller: String,
    /// Which of the caller's roles it is for, from 1.
    pub number: usize,
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
        if !stage.needs_resource_policy() {
            return None;
        }
        let stages = self.stages_of_policy(stage);
        let (document, permissions) = match &stage.target {
            StageTarget::FunctionUrl { permissions: Permissions::Separate, .. } => self.separate(stage),
            _ => (Document::new(stages.iter().flat_map(|stage| self.statements_on(stage)).collect()), Vec::new()),
        };
        let stages = stages.iter().map(|stage| stage.name.clone()).collect();
        (!document.statement.is_empty()).then_some(ResourcePolicy { stages, document, permissions })
    }

    /// The stages whose callers stand in the same policy as the stage's own.
    fn stages_of_policy<'s>(&'s self, stage: &'s Stage) -> Vec<&'s Stage> {
        match &stage.target {
            StageTarget::RestApi { api_id, .. } => self.policy_apis.get(api_id.as_str()).cloned().unwrap_or_default(),
            _ => vec![stage],
        }
    }

    /// Whether the policy of a stage is looked at with that of another.
    pub(crate) fn is_policy_of_another(&self, stage: &Stage) -> bool {
        let StageTarget::RestApi { api_id, .. } = &stage.target else { return false };
        let first = self.policy_apis.get(api_id.as_str()).and_then(|stages| stages.first());
        first.is_some_and(|first| first.name != stage.name)
    }

    fn callers_on(&self, stage: &Stage) -> impl Iterator<Item = &Caller> {
        self.direct.get(stage.name.as_str()).into_iter().flatten().copied()
    }

    fn statements_on(&self, stage: &Stage) -> Vec<Statement> {
        if stage.is_direct() { self.direct_statements(stage) } else { self.statements_of_roles(stage) }
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
            let (principals, who) = Form::ByAccount.of_statement(names);
            let statements = document.statement.into_iter();
            statements.map(move |statement| statement.of(principals.clone(), &who))
        });
        statements.collect()
    }

    /// Callers with the same routes share statements.
    fn direct_statements(&self, stage: &Stage) -> Vec<Statement> {
        let mut groups: BTreeMap<_, Vec<Named>> = BTreeMap::new();
        for caller in self.callers_on(stage) {
            let group = (Form::of(caller, &stage.name), direct_routes(caller));
            let names = named(caller, &stage.name, self.manifest.api.partition());
            groups.entry(group).or_default().extend(names);
        }
        let Some(target) = self.manifest.target(stage) else { return Vec::new() };
        let statements = groups.into_iter().flat_map(|((form, routes), names)| {
            let (principals, who) = form.of_statement(names);
            let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
            let statements = target.statements(&routes).into_iter();
            statements.map(move |statement| statement.of(principals.clone(), &who))
        });
        statements.collect()
    }

    /// Two permissions for each caller, and the statements that Lambda makes of them.
    fn separate(&self, stage: &Stage) -> (Document, Vec<Permission>) {
        let (mut statements, mut permissions) = (Vec::new(), Vec::new());
        let of_target = self.manifest.target(stage).map(|target| target.statements(&[])).unwrap_or_default();
        let callers = self.callers_on(stage).flat_map(|caller| {
            let names = named(caller, &stage.name, self.manifest.api.partition());
            names.into_iter().zip(1_usize..).map(move |(name, number)| (caller, name, number))
        });
        for (caller, name, number) in callers {
            let (principal, organization) = match &caller.principals {
                CallerPrincipals::Organization { id, .. } => ("*".to_owned(), Some(id.clone())),
                // A whole account is given by its id; Lambda writes its root.
                CallerPrincipals::Roles { account, .. } if name.principal.ends_with(":root") => (account.clone(), None),
                CallerPrincipals::Roles { .. } => (name.principal.clone(), None),
            };
            let (principals, who) = Form::of(caller, &stage.name).of_statement(vec![name]);
            let actions = [(FunctionUrl::INVOKE_URL, "url"), (FunctionUrl::INVOKE, "invoke")];
            // The first of a caller's roles has no number, as its only one has none.
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            for (statement, (action, end)) in of_target.iter().cloned().zip(actions) {
                let statement_id = format!("xacct-sign-{}-{end}{suffix}", caller.name);
                let statement = statement.of(principals.clone(), &who);
                statements.push(Statement { sid: Some(statement_id.clone()), ..statement });
                permissions.push(Permission {
                    caller: caller.name.clone(),
                    number,
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
