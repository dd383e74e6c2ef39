//! Whether a caller may make a call: what the emulator decides, and what AWS will once the documents are deployed.

use std::collections::BTreeSet;
use std::fmt;

use xacct_sign::aws::{METHODS, is_like};
use xacct_sign::path_readings;

use super::decide::{Side, Sides};
use super::error::AccessError;
use crate::deployed::concrete_roles;
use crate::iam::document::Document;
use crate::iam::{Context, Effect, PolicyDocument, PolicyKind, PrincipalIdentity, Request, evaluate};
use crate::manifest::{Caller, Stage, StageTarget};
use crate::plan::{Plan, ProviderRole};
use crate::targets::{Asked, Target};

/// A call that is asked about: a method and a path. `Display` gives both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedCall {
    pub(super) method: String,
    path: String,
}

impl fmt::Display for AskedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl AskedCall {
    /// Reads `PUT /hoge`: a path as it is sent, without the stage of API Gateway. A query counts for nothing, and what no URL
    /// can hold is escaped, as clients do.
    ///
    /// # Errors
    ///
    /// [`AccessError`], `invalid_call`, where it is not one of the seven methods and a path that begins with `/`.
    pub fn parse(text: &str) -> Result<Self, AccessError> {
        let Some((method, path)) = text.split_once(' ') else {
            return Err(AccessError::call(format!("`{text}` has no space between method and path")));
        };
        if !METHODS.contains(&method) {
            return Err(AccessError::call(format!("`{method}` is not one of {}", METHODS.join(", "))));
        }
        if !path.starts_with('/') {
            return Err(AccessError::call(format!("the path `{path}` does not begin with `/`")));
        }
        let path = path.split(['?', '#']).next().unwrap_or_default();
        Ok(Self { method: method.to_owned(), path: path.bytes().map(escaped).collect() })
    }

    /// The same without the path of the stage's URL, if it begins with that: whatever is in front, a custom domain or a proxy,
    /// takes it away, and routes are below it.
    #[must_use]
    pub fn below_url(&self, stage: &Stage) -> Option<Self> {
        let audience = || stage.audience().filter(|audience| audience.starts_with("https://"));
        let (_, base) = stage.url.as_deref().or_else(audience)?.strip_prefix("https://")?.split_once('/')?;
        let base = base.trim_end_matches('/');
        let path = self.path.strip_prefix('/')?.strip_prefix(base).filter(|_| !base.is_empty())?;
        let path = if path.is_empty() { "/" } else { path };
        path.starts_with('/').then(|| Self { method: self.method.clone(), path: path.to_owned() })
    }
}

fn escaped(byte: u8) -> String {
    match byte {
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => format!("%{byte:02X}"),
        _ if byte.is_ascii_graphic() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

/// Whether a caller may make a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It may: what allows it, for each action that is asked about; nothing of a server, which decides by itself.
    Yes(Vec<GrantedCall>),
    /// It may not.
    No(WhyNot),
}

/// What allows a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantedCall {
    /// The ARN of the provider's role that is assumed; `None` where the caller calls as itself.
    pub role: Option<String>,
    /// The action, such as `execute-api:Invoke`.
    pub action: &'static str,
    /// The resources of the policy that match, one for each reading of the path that takes another.
    pub resources: Vec<String>,
}

/// Why a caller may not make a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WhyNot {
    /// None of the stage's roles trusts it.
    #[error("no role of stage `{stage}` trusts caller `{caller}`")]
    NotTrusted {
        /// The caller's name.
        caller: String,
        /// The stage's name.
        stage: String,
    },
    /// A role of the stage trusts the role that the caller runs as, which has no leave of its own account's to assume it.
    #[error("the policy of caller `{caller}` lacks sts:AssumeRole on `{role}`, which would trust it")]
    NoLeave {
        /// The caller's name.
        caller: String,
        /// The provider's role.
        role: String,
    },
    /// A policy lacks what it takes.
    #[error("the policy of `{holder}` lacks {action} on `{resource}`")]
    Lacks {
        /// The ARN of the provider's role, of the API that is called directly, or of the caller's own role.
        holder: String,
        /// The action.
        action: &'static str,
        /// What one reading of the path is to policies.
        resource: String,
    },
    /// AWS lets it through, and the manifest gives the caller no such route: the function has to refuse it.
    #[error(
        "caller `{caller}` has no such route: IAM lets the call through, since it knows no routes of a function URL, and the function has to refuse it"
    )]
    ForTheFunction {
        /// The caller's name.
        caller: String,
    },
    /// It is none of the callers of a stage that is a server.
    #[error("caller `{caller}` is none of those on stage `{stage}`, which is a server")]
    NotListed {
        /// The caller's name.
        caller: String,
        /// The stage's name.
        stage: String,
    },
    /// A server is told nothing that it would know it by.
    #[error("caller `{caller}` has no `issuer`, and on stage `{stage}` no proof names it")]
    NoIssuer {
        /// The name of the caller that it would be.
        caller: String,
        /// The stage's name.
        stage: String,
    },
    /// A server refuses it the route.
    #[error("caller `{caller}` has no such route: the server refuses it")]
    NoRoute {
        /// The name of the caller that it is told to be.
        caller: String,
    },
    /// The path has a broken escape or a control character, or is not UTF-8: it is nobody's to call, but on a server that of
    /// whoever has every route.
    #[error("the path has a broken escape or a control character, or is not UTF-8")]
    Unreadable,
}

/// The role that a caller runs as, with what its own account lets it do.
struct Runs {
    principal: PrincipalIdentity,
    arn: String,
    documents: Vec<Document>,
    policies: Vec<PolicyDocument>,
    /// The callers of the manifest that run as it, and so whose terms it knows.
    terms: Vec<Terms>,
    /// Their names.
    callers: Vec<String>,
}

/// What is sent with AssumeRole.
struct Terms {
    external_id: Option<String>,
    session_name: String,
    organization: Option<String>,
}

impl Plan<'_> {
    /// Whether the caller may make the call on the stage, with the policies that the manifest gives both sides: by every
    /// reading of the path, see [`path_readings`](xacct_sign::path_readings). A caller with terms keeps to them. Where routes are
    /// the function's to enforce, a call that is on none of the caller's is a no, though AWS lets it through.
    #[must_use]
    pub fn can(&self, caller: &Caller, stage: &Stage, call: &AskedCall) -> Answer {
        let readings = path_readings(&call.path);
        let Some(target) = self.manifest.target(stage) else {
            return self.can_at_server(caller, stage, call, readings.as_deref());
        };
        let Some(readings) = readings else { return Answer::No(WhyNot::Unreadable) };
        let arn = target.arn();
        let asked: Vec<Asked> =
            readings.iter().flat_map(|path| target.kind().asked(&arn, &call.method, path)).collect();
        let runs = self.runs_as(caller);
        let endpoints = self.endpoints(stage);
        let mut why = None;
        for (runs, endpoint) in runs.iter().flat_map(|runs| endpoints.iter().map(move |endpoint| (runs, *endpoint))) {
            let direct = self.directly(runs, stage, &asked, endpoint);
            // Who has a role of another stage of the same API comes in here, too.
            let roles = self.stages_of_api(stage).iter().flat_map(|stage| self.stage_roles(stage));
            let ways = roles.filter_map(|role| self.by_role(caller, (runs, endpoint), stage, &role, &asked));
            for way in direct.into_iter().chain(ways) {
                match (way, &why) {
                    (Ok(_), _) if !self.has_route(runs, stage, &call.method, &readings) => {
                        why = Some(WhyNot::ForTheFunction { caller: caller.name.clone() });
                    }
                    (Ok(granted), _) => return Answer::Yes(granted),
                    // What came closest to a yes.
                    (Err(because), None | Some(WhyNot::NoLeave { .. })) => why = Some(because),
                    (Err(_), Some(_)) => {}
                }
            }
        }
        Answer::No(why.unwrap_or_else(|| WhyNot::NotTrusted { caller: caller.name.clone(), stage: stage.name.clone() }))
    }

    /// Whether the manifest gives the role the route, where no policy can: every reading of its path.
    fn has_route<'r>(
        &self,
        runs: &Runs,
        stage: &Stage,
        method: &str,
        readings: impl IntoIterator<Item = &'r String>,
    ) -> bool {
        if self.manifest.target(stage).is_some_and(Target::enforces_routes) {
            return true;
        }
        let callers = runs.callers.iter().filter_map(|name| self.manifest.callers.get(name));
        let stages = self.stages_of_api(stage);
        let is_on_it = |caller: &&Caller| stages.iter().any(|stage| caller.is_on(&stage.name));
        let routes: Option<Vec<_>> = callers.filter(is_on_it).map(|caller| caller.routes.as_ref()).collect();
        // Whoever has no routes may use every one; who is not on the stage at all and yet comes in is one of a wider caller.
        routes.filter(|routes| !routes.is_empty()).is_none_or(|routes| {
            let is_given = |path: &String| routes.iter().copied().flatten().any(|route| route.is_of(method, path));
            readings.into_iter().all(is_given)
        })
    }

    /// The VPC endpoints by which the call may come, and none where the API is not private. Any that one of the API's stages has leads to
    /// all of them, and one of each stage is enough: its documents name all that it has.
    fn endpoints<'s>(&'s self, stage: &Stage) -> Vec<Option<&'s str>> {
        let first = |stage: &&'s Stage| match &stage.target {
            StageTarget::RestApi { vpc_endpoints, .. } => vpc_endpoints.first().map(String::as_str),
            _ => None,
        };
        let found: BTreeSet<_> = self.stages_of_api(stage).iter().filter_map(first).map(Some).collect();
        if found.is_empty() { vec![None] } else { found.into_iter().collect() }
    }

    fn runs_as(&self, caller: &Caller) -> Vec<Runs> {
        let callers = self.caller_roles();
        let (_, concrete) = concrete_roles(&callers, self.manifest.api.partition(), &self.manifest.api.account);
        let own = concrete.iter().filter(|role| role.caller.caller == caller.name);
        let runs = own.filter_map(|own| {
            // One role may be several callers of the manifest: it bears the policies of all of them.
            let same: Vec<_> = concrete.iter().filter(|role| role.arn == own.arn).collect();
            let callers = same.iter().map(|role| role.caller.caller.clone()).collect();
            let documents: Vec<Document> = same.iter().map(|role| role.caller.policy.clone()).collect();
            let terms = same.iter().filter_map(|role| self.manifest.callers.get(&role.caller.caller));
            Some(Runs {
                principal: PrincipalIdentity::assumed_role(&own.arn, &caller.name).ok()?,
                arn: own.arn.clone(),
                policies: documents.iter().filter_map(|document| parsed(document, PolicyKind::Identity)).collect(),
                documents,
                callers,
                terms: terms.map(|caller| Terms::of(caller, own.caller.organization.as_deref())).collect(),
            })
        });
        runs.collect()
    }

    /// As the caller's own role; `None` where the API has no policy that could let anybody in.
    fn directly(
        &self,
        runs: &Runs,
        stage: &Stage,
        asked: &[Asked],
        endpoint: Option<&str>,
    ) -> Option<Result<Vec<GrantedCall>, WhyNot>> {
        let document = self.policy_at(stage)?.document;
        let policy = parsed(&document, PolicyKind::Resource)?;
        let own: Vec<&PolicyDocument> = runs.policies.iter().collect();
        let is_of_the_account = runs.principal.account() == self.manifest.api.account;
        let sides = Sides { own: &own, limits: &[], resource: Some(&policy), is_of_the_account, is_private: false };
        let organization = runs.terms.iter().find_map(|terms| terms.organization.clone());
        let way = Way { role: None, principal: &runs.principal, sides, organization, endpoint };
        let stage_arn = self.manifest.stage_arn(stage)?;
        let holder = |side| match side {
            Side::Own => runs.arn.clone(),
            _ => stage_arn.clone(),
        };
        let result = way.ask(asked, holder, std::iter::once(&document).chain(&runs.documents));
        // Where callers come in by role, that this is no way is not what is wrong.
        match result {
            Err(_) if !stage.is_direct() => None,
            result => Some(result),
        }
    }

    /// By the role; `None` where it does not trust the caller.
    fn by_role(
        &self,
        caller: &Caller,
        (runs, endpoint): (&Runs, Option<&str>),
        stage: &Stage,
        role: &ProviderRole,
        asked: &[Asked],
    ) -> Option<Result<Vec<GrantedCall>, WhyNot>> {
        let trust = parsed(&role.trust_policy, PolicyKind::Trust)?;
        let own: Vec<&PolicyDocument> = runs.policies.iter().collect();
        let request = |terms: &Terms| {
            let principal = Some(runs.principal.clone());
            Request { principal, action: "sts:AssumeRole", resource: &role.arn, context: terms.context() }
        };
        let trusted = runs.terms.iter().find(|terms| evaluate(&[&trust], &request(terms)).is_allowed())?;
        let asked_for = request(trusted);
        // In the role's own account nothing but the trust policy has to allow whom it names.
        let is_enough = runs.principal.account() == self.manifest.api.account
            && evaluate(&[&trust], &asked_for).allows_asker_itself();
        let leave = evaluate(&own, &asked_for).effect();
        if leave == Effect::ExplicitDeny || (leave == Effect::ImplicitDeny && !is_enough) {
            return Some(Err(WhyNot::NoLeave { caller: caller.name.clone(), role: role.arn.clone() }));
        }
        let principal = PrincipalIdentity::assumed_role(&role.arn, &trusted.session_name).ok()?;
        let invoke = parsed(&role.invoke_policy, PolicyKind::Identity)?;
        let resource = self.policy_at(stage).map(|policy| policy.document);
        let policy = resource.as_ref().and_then(|document| parsed(document, PolicyKind::Resource));
        let (is_of_the_account, is_private) = (true, endpoint.is_some());
        let sides = Sides { own: &[&invoke], limits: &[], resource: policy.as_ref(), is_of_the_account, is_private };
        let role_arn = Some(role.arn.clone());
        let way = Way { role: role_arn, principal: &principal, sides, organization: None, endpoint };
        let stage_arn = self.manifest.stage_arn(stage)?;
        let holder = |side| match side {
            Side::Resource => stage_arn.clone(),
            _ => role.arn.clone(),
        };
        Some(way.ask(asked, holder, std::iter::once(&role.invoke_policy).chain(&resource)))
    }
}

/// One way to the API.
struct Way<'w> {
    role: Option<String>,
    principal: &'w PrincipalIdentity,
    sides: Sides<'w>,
    organization: Option<String>,
    endpoint: Option<&'w str>,
}

impl Way<'_> {
    /// What allows each of what is asked.
    fn ask<'d>(
        &self,
        asked: &[Asked],
        holder: impl Fn(Side) -> String,
        documents: impl Iterator<Item = &'d Document> + Clone,
    ) -> Result<Vec<GrantedCall>, WhyNot> {
        let mut granted: Vec<GrantedCall> = Vec::new();
        for Asked { action, resource, key } in asked {
            let mut context = Context::new();
            for (key, value) in
                [("aws:PrincipalOrgID", self.organization.as_deref()), ("aws:SourceVpce", self.endpoint)]
            {
                context.set_all(key, value);
            }
            if let Some((key, value)) = key {
                context.set(key, *value);
            }
            let request = Request { principal: Some(self.principal.clone()), action, resource, context };
            if let Err(refused) = self.sides.decide(&request) {
                return Err(WhyNot::Lacks { holder: holder(refused.side), action, resource: resource.clone() });
            }
            let matching = matching(documents.clone(), action, resource);
            match granted.iter_mut().find(|granted| granted.action == *action) {
                Some(granted) => {
                    let more: Vec<_> = matching.filter(|pattern| !granted.resources.contains(pattern)).collect();
                    granted.resources.extend(more);
                }
                None => {
                    granted.push(GrantedCall { role: self.role.clone(), action, resources: matching.collect() });
                }
            }
        }
        Ok(granted)
    }
}

/// The resource of a document that covers what is asked: the first.
fn matching<'d>(
    documents: impl Iterator<Item = &'d Document>,
    action: &str,
    resource: &str,
) -> impl Iterator<Item = String> {
    let statements = documents.flat_map(|document| &document.statement);
    let about = statements.filter(|statement| statement.action.values().iter().any(|of| of == action));
    let patterns = about.filter_map(|statement| statement.resource.as_ref()).flat_map(|resources| resources.values());
    let found: BTreeSet<String> = patterns.filter(|pattern| is_like(pattern, resource)).take(1).cloned().collect();
    found.into_iter()
}

fn parsed(document: &Document, kind: PolicyKind) -> Option<PolicyDocument> {
    // What is deployed is decided about: the text.
    PolicyDocument::parse(&document.to_json(), kind).ok()
}

impl Terms {
    fn of(caller: &Caller, organization: Option<&str>) -> Self {
        let fitting = |pattern: &String| pattern.replace('*', "xx").replace('?', "x");
        Self {
            external_id: caller.external_id.clone(),
            session_name: caller.session_names.first().map_or_else(|| "session".to_owned(), fitting),
            organization: organization.map(str::to_owned),
        }
    }

    fn context(&self) -> Context {
        let mut context = Context::new();
        context.set("sts:RoleSessionName", self.session_name.as_str());
        context.set_all("sts:ExternalId", self.external_id.iter().cloned());
        context.set_all("aws:PrincipalOrgID", self.organization.iter().cloned());
        context
    }
}
