//! The event of a Lambda function: who calls, as the front in front of it says it.
//!
//! What stands in front is the manifest's to say, not the event's: an event that looks like another front's is refused. Of a front with
//! IAM authorization the one thing that is trusted is what it wrote into the request's context; headers and body are the client's.

use std::sync::Arc;

use xacct_sign::aws::is_organization_id;

use crate::caller::{Caller, Via};
use crate::callers::{Callers, Front, RolePath};
use crate::json::{Json, Object};
use crate::proof::{Session, session_of};
use crate::refusal::{Refusal, RefusalKind as Kind};

/// Headers by which frameworks take a request for one of another method, in lower case: their values belong to what is checked.
pub const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The members of an event that are read. The others, such as the body and the query, are the client's, and say nothing: whoever makes
/// JSON of an event may leave them out.
pub const EVENT_MEMBERS: [&str; 7] =
    ["version", "rawPath", "path", "httpMethod", "headers", "multiValueHeaders", "requestContext"];

/// What of an event counts.
#[derive(Debug)]
pub(crate) struct Event {
    /// The request's own method, and those that headers want in its place.
    pub(crate) methods: Vec<String>,
    /// The path in every form in which the event has it.
    pub(crate) paths: Vec<String>,
    pub(crate) who: Who,
}

/// Who calls.
#[derive(Debug)]
pub(crate) enum Who {
    /// Whoever the values of the header `authorization` speak of.
    Presented(Vec<String>),
    /// The front says it: the index in the list, and what is told.
    Known(usize, Arc<Caller>),
}

/// Reads an event's JSON.
pub(crate) fn read(text: &[u8], callers: &Callers) -> Result<Event, Refusal> {
    let event = Object::read_members(text, &EVENT_MEMBERS).ok_or_else(|| malformed("it is no strict JSON"))?;
    let context = event.object("requestContext").ok_or_else(|| malformed("it has no `requestContext`"))?;
    match callers.front() {
        Front::Server(_) => {
            let (methods, paths) = match context.object("http") {
                Some(http) => version_2(&event, context, http)?,
                None => version_1(&event)?,
            };
            let who = Who::Presented(header(&event, &["authorization"]).into_iter().map(str::to_owned).collect());
            Ok(Event { methods, paths, who })
        }
        Front::Event { via, provider_account } => {
            let ((methods, paths), identity) = if *via == Via::RestApi {
                (version_1(&event)?, context.object("identity"))
            } else {
                let http = context.object("http").ok_or_else(|| malformed("it is not of payload format 2.0"))?;
                let iam = context.object("authorizer").and_then(|authorizer| authorizer.object("iam"));
                (version_2(&event, context, http)?, iam)
            };
            let identity = identity.ok_or_else(|| Refusal::new(Kind::EventWithoutIdentity))?;
            let (listed, caller) = said(identity, callers, *via, provider_account.as_deref())?;
            Ok(Event { methods, paths, who: Who::Known(listed, Arc::new(caller)) })
        }
    }
}

type Request = (Vec<String>, Vec<String>);

/// Payload format 2.0, of HTTP APIs and function URLs.
fn version_2(event: &Object<'_>, context: &Object<'_>, http: &Object<'_>) -> Result<Request, Refusal> {
    if event.text("version") != Some("2.0") {
        return Err(malformed("it is not of payload format 2.0"));
    }
    let raw = event.text("rawPath").ok_or_else(|| malformed("it has no path"))?;
    let path = http.text("path").ok_or_else(|| malformed("it has no path"))?;
    // An API's stage that is not the default one stands before the path.
    let stage = context.text("stage").filter(|stage| !matches!(*stage, "" | "$default"));
    let within = |path: &str| match path.strip_prefix('/')?.strip_prefix(stage?)? {
        "" => Some("/".to_owned()),
        rest => rest.starts_with('/').then(|| rest.to_owned()),
    };
    // It does so at the API's own host. At another domain what looks like the stage may be the path's own, which the application sees: there
    // both have to be the caller's.
    let is_own_host = context.text("domainName").is_some_and(|name| name.split('.').nth(1) == Some("execute-api"));
    let mut paths = Vec::new();
    for path in [raw, path] {
        let within = within(path);
        if !is_own_host || within.is_none() {
            paths.push(path.to_owned());
        }
        paths.extend(within);
    }
    Ok((methods_of(event, http.text("method"))?, paths))
}

/// Payload format 1.0, of REST APIs, and what a load balancer makes.
fn version_1(event: &Object<'_>) -> Result<Request, Refusal> {
    let path = event.text("path").ok_or_else(|| malformed("it has no path"))?;
    Ok((methods_of(event, event.text("httpMethod"))?, vec![path.to_owned()]))
}

fn methods_of(event: &Object<'_>, own: Option<&str>) -> Result<Vec<String>, Refusal> {
    let own = own.ok_or_else(|| malformed("it has no method"))?;
    let sent: Vec<&str> = std::iter::once(own).chain(header(event, &METHOD_OVERRIDES)).collect();
    Ok(methods(&sent))
}

/// A request's own method, and what headers want in its place, read as frameworks read it.
pub(crate) fn methods(sent: &[&str]) -> Vec<String> {
    let own = sent.first().map(|own| (*own).to_owned());
    let others = sent.iter().skip(1).map(|value| value.trim()).filter(|method| !method.is_empty());
    own.into_iter().chain(others.map(str::to_ascii_uppercase)).collect()
}

/// The values of headers with one of these names in any case. Where there are lists of values, these have all of them.
fn header<'e>(event: &'e Object<'_>, names: &[&str]) -> Vec<&'e str> {
    let headers = event.object("multiValueHeaders").or_else(|| event.object("headers"));
    let is_meant = |name: &str| names.iter().any(|meant| name.eq_ignore_ascii_case(meant));
    let values =
        headers.into_iter().flat_map(Object::members).filter(|(name, _)| is_meant(name)).map(|(_, value)| value);
    values
        .flat_map(|value| match value {
            Json::List(list) => list.as_slice(),
            single => std::slice::from_ref(single),
        })
        // What is no text is no header: it is kept as one that nobody can take.
        .map(|value| value.as_text().unwrap_or_default())
        .collect()
}

/// The caller that the front names.
fn said(
    identity: &Object<'_>,
    callers: &Callers,
    via: Via,
    provider_account: Option<&str>,
) -> Result<(usize, Caller), Refusal> {
    let arn = identity.text("userArn").ok_or_else(|| Refusal::new(Kind::EventWithoutIdentity))?;
    let session = session_of(arn, callers.partition())?;
    if identity.text("accountId") != Some(session.account.as_str()) {
        return Err(Refusal::with(Kind::EventIdentityDiffers, "`accountId` is not the account of `userArn`"));
    }
    let organization = identity.text("principalOrgId").filter(|id| is_organization_id(id));
    let Session { arn, account, role, name: session } = session;
    let Some(provider_account) = provider_account else {
        let listed = callers.of_role(&account, &role, RolePath::ByFront).or_else(|refusal| {
            // A role of which the list says something else is not let in as anybody of its organization.
            let organization = organization.filter(|_| refusal.kind() == Kind::CallerUnknown);
            organization.and_then(|organization| callers.of_organization(organization)).ok_or(refusal)
        })?;
        let organization = organization.map(str::to_owned);
        let (account, role, session) = (Some(account), Some(role), Some(session));
        return Ok((listed, Caller { name: name_of(callers, listed), account, arn, role, session, organization, via }));
    };
    if account != provider_account {
        return Err(Refusal::about(Kind::CallerUnknown, &arn));
    }
    let listed = callers.of_session(&role, &session)?;
    let of_list = callers.listed(listed);
    let caller = Caller {
        name: name_of(callers, listed),
        account: of_list.and_then(|listed| listed.account.clone()),
        arn,
        role: of_list.and_then(|listed| listed.role.clone()),
        session: Some(session),
        // What the front says of it is the organization of the provider's role.
        organization: None,
        via,
    };
    Ok((listed, caller))
}

fn name_of(callers: &Callers, listed: usize) -> String {
    callers.listed(listed).map(|listed| listed.name.clone()).unwrap_or_default()
}

fn malformed(what: &'static str) -> Refusal {
    Refusal::with(Kind::EventMalformed, what)
}
