//! Reads `callers.json`.

use std::collections::BTreeSet;
use std::time::Duration;

use xacct_sign::aws::{
    Partition, RoleName, RolePattern, WhichRole, audience_problem, is_account_id, is_name_character,
    is_organization_id, is_region,
};
use xacct_sign::file_text;

use super::error::{CallersError, CallersErrorKind as Kind};
use super::index::{By, Index};
use super::{Algorithm, Callers, Development, Front, Identity, Issuer, Listed, role_key};
use crate::caller::Via;
use crate::issuer::{IssuerForm, form};
use crate::json::{Json, Object};
use crate::refusal::quote;
use crate::route::Route;

const VERSION: u64 = 1;

/// What is said to be wrong, where it is no caller.
const FILE: &str = "callers.json";

const NOT_TEXT: &str = "save it as UTF-8, in PowerShell with `| Out-File -Encoding utf8`; \
    UTF-16 is read where it begins with a byte order mark, and where its bytes come as they are";

/// STS's limits of a token's life, in seconds.
const DURATIONS: std::ops::RangeInclusive<u64> = 60..=3600;

type Read<T> = Result<T, CallersError>;

pub(super) fn callers(text: &[u8], development: Development) -> Read<Callers> {
    // It comes from a file, whose form is its editor's or its shell's; tokens and keys have one form alone.
    let text =
        file_text(text).ok_or_else(|| malformed("callers.json is not text in UTF-8".to_owned()).with_hint(NOT_TEXT))?;
    let object = Object::read_or_why(&text).map_err(|why| malformed(format!("callers.json is {why}")))?;
    match object.get("version") {
        Some(Json::Whole(VERSION)) => {}
        Some(Json::Whole(_)) => {
            return Err(error(Kind::VersionUnknown, format!("callers.json is not of version {VERSION}")));
        }
        Some(_) => {
            let error = malformed("`version` of callers.json is not a whole number".to_owned());
            return Err(error.with_hint("write it without quotes: `\"version\": 1`"));
        }
        None => return Err(malformed("callers.json has no `version`".to_owned())),
    }
    let target = needed(&object, FILE, "target")?;
    let front_members: &[&str] = match target {
        "server" => &["audience", "algorithm", "max_duration_seconds", "regions", "dev_issuers"],
        "http_api" | "rest_api" | "function_url" => &["access", "account"],
        _ => return Err(malformed(format!("callers.json has the unknown target {}", quote(target)))),
    };
    only(&object, FILE, &["version", "stage", "target", "partition", "callers"], front_members)?;
    let partition = needed(&object, FILE, "partition")?;
    let partition =
        Partition::named(partition).filter(|partition| partition.dns_suffix().is_some()).ok_or_else(|| {
            error(Kind::PartitionInvalid, format!("no endpoints are known of partition {}", quote(partition)))
        })?;
    let front = match target {
        "server" => Front::Server(identity(&object, partition, development)?),
        "http_api" => event(&object, Via::HttpApi)?,
        "rest_api" => event(&object, Via::RestApi)?,
        _ => event(&object, Via::FunctionUrl)?,
    };
    let mut callers = Callers {
        stage: needed(&object, FILE, "stage")?.to_owned(),
        partition: partition.name(),
        front,
        callers: Vec::new(),
        roles: Vec::new(),
        patterns: Vec::new(),
        found_by: Index::default(),
    };
    let dev_issuers = texts(&object, FILE, "dev_issuers")?.unwrap_or_default();
    for caller in object.list("callers").ok_or_else(|| malformed("callers.json has no list `callers`".to_owned()))? {
        let Json::Object(caller) = caller else {
            return Err(malformed("a caller is not an object".to_owned()));
        };
        add(&mut callers, caller, &dev_issuers)?;
    }
    issuers_suffice(&callers)?;
    match callers.found_by.sorted() {
        Some((By::Name, name)) => Err(error(Kind::CallerTwice, format!("two callers are called {}", quote(name)))),
        Some((_, key)) => Err(error(Kind::CallerTwice, format!("two callers are {}", quote(key)))),
        None => Ok(callers),
    }
}

fn identity(object: &Object<'_>, partition: &Partition, development: Development) -> Read<Identity> {
    if !object.has("audience") {
        return Err(error(Kind::AudienceMissing, "callers.json has no `audience`".to_owned()));
    }
    let audience = object.text("audience").unwrap_or_default();
    if let Some(problem) = audience_problem(audience) {
        return Err(error(Kind::AudienceMissing, format!("the `audience` of callers.json {problem}")));
    }
    let algorithm = match object.text("algorithm").unwrap_or_default() {
        "ES384" => Algorithm::Es384,
        "RS256" => Algorithm::Rs256,
        other => return Err(error(Kind::AlgorithmUnknown, format!("the algorithm {} is not taken", quote(other)))),
    };
    let max_duration = object.whole("max_duration_seconds").filter(|seconds| DURATIONS.contains(seconds));
    let max_duration = max_duration.ok_or_else(|| {
        error(Kind::DurationInvalid, "`max_duration_seconds` is not a whole number from 60 to 3600".to_owned())
    })?;
    let regions =
        texts(object, FILE, "regions")?.ok_or_else(|| malformed("callers.json has no list `regions`".to_owned()))?;
    if let Some(bad) = regions.iter().find(|region| !is_region(region) || Partition::of_region(region) != partition) {
        let message = format!("{} is no region of partition `{}`", quote(bad), partition.name());
        return Err(error(Kind::RegionInvalid, message));
    }
    let dev_issuers = texts(object, FILE, "dev_issuers")?.unwrap_or_default();
    if let Some(bad) = dev_issuers.iter().find(|issuer| form(issuer) != IssuerForm::Loopback) {
        return Err(error(
            Kind::DevIssuerInvalid,
            format!("the issuer {} of `dev_issuers` is not on this machine", quote(bad)),
        ));
    }
    if !dev_issuers.is_empty() && development == Development::No {
        return Err(error(
            Kind::DevelopmentOnly,
            "callers.json has `dev_issuers`, which are for development".to_owned(),
        ));
    }
    Ok(Identity {
        audience: audience.to_owned(),
        algorithm,
        max_duration: Duration::from_secs(max_duration),
        regions,
        issuers: Vec::new(),
        is_development: !dev_issuers.is_empty(),
    })
}

fn event(object: &Object<'_>, via: Via) -> Read<Front> {
    let provider_account = match (needed(object, FILE, "access")?, via) {
        ("direct", Via::RestApi | Via::FunctionUrl) => None,
        ("role", _) => Some(account(needed(object, FILE, "account")?, "the API")?),
        (other, _) => return Err(malformed(format!("the access {} is none of this target's", quote(other)))),
    };
    Ok(Front::Event { via, provider_account })
}

/// Adds one caller to the list, by whatever it is known.
fn add(callers: &mut Callers, caller: &Object<'_>, dev_issuers: &[String]) -> Read<()> {
    let name = needed(caller, "a caller", "name")?.to_owned();
    let whose = format!("caller {}", quote(&name));
    let is_by_role = matches!(&callers.front, Front::Event { provider_account: Some(_), .. });
    let members: &[&str] = match &callers.front {
        Front::Server(_) => &["issuer"],
        Front::Event { .. } if is_by_role => &["provider_role", "session_names"],
        Front::Event { .. } => &[],
    };
    only(caller, &whose, &["name", "account", "role", "organization", "routes"], members)?;
    let index = callers.callers.len();
    let mut listed = Listed {
        name,
        account: None,
        role: None,
        session_names: texts(caller, &whose, "session_names")?.unwrap_or_default(),
        routes: routes(caller, &whose)?,
    };
    if let Some(organization) = caller.get("organization") {
        organization_of(callers, organization, caller, &whose, index)?;
    } else {
        // By role any account may be trusted: whom STS let assume the provider's role is let in.
        let text = needed(caller, &whose, "account")?;
        if !(is_by_role && text == "*") {
            listed.account = Some(account(text, &whose)?);
        }
        let roles = roles(caller, &whose)?;
        if let [WhichRole::Named(only)] = roles.as_slice() {
            listed.role = Some(only.name().to_owned());
        }
        if !is_by_role {
            let account = listed.account.clone().unwrap_or_default();
            roles.into_iter().for_each(|role| known_by_account(callers, &account, role, index));
        }
    }
    if is_by_role {
        let role = needed(caller, &whose, "provider_role")?;
        RoleName::parse(role).filter(|parsed| parsed.name() == role).ok_or_else(|| {
            error(Kind::RoleInvalid, format!("{whose} has the provider's role {}, which is none", quote(role)))
        })?;
        let is_pattern = |name: &String| {
            (1..=64).contains(&name.len()) && name.chars().all(|c| is_name_character(c) || matches!(c, '*' | '?'))
        };
        if !listed.session_names.iter().all(is_pattern) {
            return Err(error(
                Kind::SessionNameInvalid,
                format!("{whose} has a session name that is no pattern of any"),
            ));
        }
        callers.found_by.add(By::ProviderRole, role, index);
    }
    if let Front::Server(identity) = &mut callers.front {
        let account = listed.account.clone().unwrap_or_default();
        issuer(identity, caller.get("issuer"), account, dev_issuers, &whose)?;
    }
    callers.found_by.add(By::Name, listed.name.as_str(), index);
    callers.callers.push(listed);
    Ok(())
}

fn organization_of(
    callers: &mut Callers,
    organization: &Json<'_>,
    caller: &Object<'_>,
    whose: &str,
    index: usize,
) -> Read<()> {
    if let Some(other) = ["account", "role", "issuer"].into_iter().find(|member| caller.has(member)) {
        return Err(malformed(format!("{whose} has `organization` and `{other}`")));
    }
    let id = organization.as_text().filter(|id| is_organization_id(id));
    let id = id.ok_or_else(|| error(Kind::OrganizationInvalid, format!("{whose} has an organization that is none")))?;
    if matches!(callers.front, Front::Server(_)) {
        return Err(error(
            Kind::OrganizationInvalid,
            format!("{whose} is an organization, which nothing tells a server of"),
        ));
    }
    // By role the provider's role tells it.
    if !matches!(&callers.front, Front::Event { provider_account: Some(_), .. }) {
        callers.found_by.add(By::Organization, id, index);
    }
    Ok(())
}

/// One role, or a list of them.
fn roles(caller: &Object<'_>, whose: &str) -> Read<Vec<WhichRole>> {
    let texts = match caller.get("role") {
        Some(Json::Text(one)) => vec![one.to_string()],
        _ => texts(caller, whose, "role")?
            .filter(|list| !list.is_empty())
            .ok_or_else(|| malformed(format!("{whose} has no `role`")))?,
    };
    let read = |text: &String| {
        WhichRole::parse(text)
            .ok_or_else(|| error(Kind::RoleInvalid, format!("{whose} has the role {}, which is none", quote(text))))
    };
    texts.iter().map(read).collect()
}

fn known_by_account(callers: &mut Callers, account: &str, role: WhichRole, index: usize) {
    match role {
        WhichRole::Named(role) => {
            callers.found_by.add(By::Role, role_key(account, role.name()), callers.roles.len());
            callers.roles.push((role, index));
        }
        // That two of them fit one role is seen when it calls.
        WhichRole::Like(pattern) => {
            callers.found_by.add(By::Pattern, account, callers.patterns.len());
            callers.patterns.push((pattern, index));
        }
        WhichRole::Every => callers.found_by.add(By::Account, account, index),
    }
}

/// Takes note of a caller's issuer. One issuer speaks for one account, and an account has one.
fn issuer(
    identity: &mut Identity,
    issuer: Option<&Json<'_>>,
    account: String,
    dev: &[String],
    whose: &str,
) -> Read<()> {
    let Some(issuer) = issuer else { return Ok(()) };
    let url = issuer.as_text().unwrap_or_default();
    match form(url) {
        IssuerForm::Real => {}
        IssuerForm::Loopback if dev.iter().any(|known| known == url) => {}
        IssuerForm::Insecure | IssuerForm::Loopback if !url.starts_with("https:") => {
            return Err(error(
                Kind::IssuerInsecure,
                format!("{whose} has the issuer {}, which is not https", quote(url)),
            ));
        }
        _ => return Err(error(Kind::IssuerMalformed, format!("{whose} has the issuer {}, which is none", quote(url)))),
    }
    for known in &identity.issuers {
        match (known.url == url, known.account == account) {
            (true, true) => return Ok(()),
            (true, false) => {
                let message = format!("{whose} has the issuer of account `{}`", known.account);
                return Err(error(Kind::IssuerShared, message));
            }
            (false, true) => {
                return Err(error(Kind::IssuersDiffer, format!("{whose} has another issuer than its account")));
            }
            (false, false) => {}
        }
    }
    identity.issuers.push(Issuer { url: url.to_owned(), account });
    Ok(())
}

/// Refuses a caller of an account without an issuer that could not show itself by anything: where proofs are not taken, or by a pattern,
/// which a proof does not fulfil. Any other caller of its account may have the issuer, wherever it stands.
fn issuers_suffice(callers: &Callers) -> Read<()> {
    let Front::Server(identity) = &callers.front else { return Ok(()) };
    let known: BTreeSet<&str> = identity.issuers.iter().map(|issuer| issuer.account.as_str()).collect();
    let is_without = |listed: &&Listed| listed.account.as_deref().is_none_or(|account| !known.contains(account));
    if identity.regions.is_empty() {
        return callers.callers.iter().find(is_without).map_or(Ok(()), |listed| {
            let whose = quote(&listed.name);
            Err(error(Kind::IssuerMissing, format!("caller {whose} has no `issuer`, and proofs are not taken")))
        });
    }
    let by_pattern = callers.patterns.iter().filter_map(|(pattern, index)| Some((pattern, callers.listed(*index)?)));
    by_pattern.filter(|(_, listed)| is_without(listed)).map(mute_pattern).next().map_or(Ok(()), Err)
}

fn mute_pattern((pattern, listed): (&RolePattern, &Listed)) -> CallersError {
    let what = quote(&pattern.to_string());
    let message =
        format!("caller {} has no `issuer`, and a proof names nobody by the pattern {what}", quote(&listed.name));
    error(Kind::IssuerMissing, message).with_hint("write the caller's `issuer`, or the whole name of its role")
}

fn routes(caller: &Object<'_>, whose: &str) -> Read<Option<Vec<Route>>> {
    let Some(texts) = texts(caller, whose, "routes")? else { return Ok(None) };
    if texts.is_empty() {
        return Err(error(Kind::RouteInvalid, format!("{whose} has an empty list of routes")));
    }
    let read = |text: &String| {
        Route::parse(text)
            .ok_or_else(|| error(Kind::RouteInvalid, format!("{whose} has the route {}, which is none", quote(text))))
    };
    texts.iter().map(read).collect::<Read<Vec<_>>>().map(Some)
}

fn account(text: &str, whose: &str) -> Read<String> {
    if is_account_id(text) {
        return Ok(text.to_owned());
    }
    Err(error(Kind::AccountInvalid, format!("{whose} has the account {}, which is none", quote(text))))
}

/// A member that has to be there, and a text that is not empty.
fn needed<'o>(object: &'o Object<'_>, whose: &str, name: &str) -> Read<&'o str> {
    match object.get(name) {
        Some(Json::Text(text)) if !text.is_empty() => Ok(text),
        Some(Json::Text(_)) => Err(malformed(format!("`{name}` of {whose} is empty"))),
        Some(_) => Err(malformed(format!("`{name}` of {whose} is not a text"))
            .with_hint("write it in quotes, as the schema has it")),
        None => Err(malformed(format!("{whose} has no `{name}`"))),
    }
}

fn texts(object: &Object<'_>, whose: &str, name: &str) -> Read<Option<Vec<String>>> {
    let Some(value) = object.get(name) else { return Ok(None) };
    let list = match value {
        Json::List(list) => list.iter().map(|item| item.as_text().map(str::to_owned)).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    list.map(Some).ok_or_else(|| malformed(format!("`{name}` of {whose} is not a list of texts")))
}

/// Refuses members that nobody knows: one that is written wrong must not be lost.
fn only(object: &Object<'_>, whose: &str, some: &[&str], others: &[&str]) -> Read<()> {
    match object.names().find(|name| !some.contains(name) && !others.contains(name)) {
        Some(name) => Err(malformed(format!("{whose} has the member {}, which is unknown", quote(name)))),
        None => Ok(()),
    }
}

fn malformed(message: String) -> CallersError {
    error(Kind::Malformed, message)
}

fn error(kind: Kind, message: String) -> CallersError {
    CallersError::new(kind, message)
}
