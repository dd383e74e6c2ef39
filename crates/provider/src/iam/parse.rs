//! From JSON to statements.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::condition::{self, Condition};
use super::elements;
use super::error::PolicyError;
use super::json::{Strict, texts};
use super::principal::{self, Principal};
use super::variables::{Template, Variables, Wildcards};
use super::well_formed;

/// Where a document hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// On a role, as its trust policy: every statement names principals, none names resources,
    /// because the role is the resource.
    Trust,
    /// On the principal that makes the request: every statement names resources, none names
    /// principals.
    Identity,
    /// On a resource, such as a REST API or a function: every statement names principals and resources.
    Resource,
}

/// An IAM policy document that has been read, ready for [`evaluate`](super::evaluate()).
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDocument {
    pub(super) statements: Vec<Statement>,
    /// What IAM would refuse the whole document for, in words.
    pub(super) malformed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) allows: bool,
    /// `None` in an identity policy.
    pub(super) principals: Option<Vec<Principal>>,
    pub(super) actions: Matcher,
    /// `None` in a trust policy.
    pub(super) resources: Option<Matcher>,
    pub(super) conditions: Vec<Condition>,
    /// What the evaluator does not know in this statement, in words.
    pub(super) unsupported: Vec<String>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matcher {
    pub(super) is_negated: bool,
    pub(super) templates: Vec<Template>,
}

impl PolicyDocument {
    /// Reads a policy from its JSON.
    ///
    /// What the evaluator does not know is no error: it stays in the document and is held against
    /// the request, see [the module](super).
    ///
    /// # Errors
    ///
    /// [`PolicyError`] when the text is not JSON or a key stands twice in an object, when there is
    /// no statement, when an element that a statement of this kind needs is missing, has the wrong
    /// type or stands beside its negation (`Action` and `NotAction`), or when one is there that this
    /// kind cannot have (`Principal`, `Resource`).
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        let Strict(value) =
            serde_json::from_str(text).map_err(|error| PolicyError::new(format!("the policy is not JSON: {error}")))?;
        let Some(document) = value.as_object() else {
            return Err(PolicyError::new("the policy is not a JSON object".to_owned()));
        };
        let mut unsupported = Vec::new();
        let variables = match document.get("Version").map(Value::as_str) {
            Some(Some("2012-10-17")) => Variables::Yes,
            // The older version is the default, and knows no variables.
            None | Some(Some("2008-10-17")) => Variables::No,
            Some(Some(version)) => {
                unsupported.push(format!("policy version `{version}`"));
                Variables::Yes
            }
            Some(None) => {
                return Err(PolicyError::new("`Version` is not a text".to_owned()));
            }
        };
        for element in document.keys() {
            if !["Version", "Id", "Statement"].contains(&element.as_str()) {
                unsupported.push(format!("policy element `{element}`"));
            }
        }
        let statements = elements::statements(&value);
        if statements.is_empty() {
            return Err(PolicyError::new("the policy has no statement".to_owned()));
        }
        // IAM refuses what it does not know in these places.
        let mut malformed = unsupported.clone();
        if !matches!(document.get("Id"), None | Some(Value::String(_))) {
            malformed.push("`Id`, which is not a text".to_owned());
        }
        let statements = statements
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let place = |what: &dyn fmt::Display| format!("statement {}: {what}", index.saturating_add(1));
                let mut refused = Vec::new();
                let statement = statement(value, kind, variables, unsupported.clone(), &mut refused)
                    .map_err(|error| PolicyError::new(place(&error)))?;
                malformed.extend(refused.iter().map(|what| place(what)));
                Ok(statement)
            })
            .collect::<Result<Vec<_>, PolicyError>>()?;
        let mut sids = BTreeSet::new();
        for sid in statements.iter().filter_map(|statement| statement.sid.as_deref()).filter(|sid| !sid.is_empty()) {
            if !sids.insert(sid) {
                malformed.push(format!("`Sid` `{sid}`, which stands twice"));
            }
        }
        Ok(Self { statements, malformed })
    }

    /// What the evaluator does not know in the document, in words, each with its statement; empty
    /// when every decision is made of known things only. What IAM would refuse the document for is among it.
    #[must_use]
    pub fn unsupported(&self) -> Vec<String> {
        let of_statements = self.statements.iter().enumerate().flat_map(|(index, statement)| {
            statement.unsupported.iter().map(move |what| format!("statement {}: {what}", index.saturating_add(1)))
        });
        let mut all: Vec<String> = of_statements.collect();
        let known: BTreeSet<&str> = all.iter().map(String::as_str).collect();
        let of_document: Vec<String> =
            self.malformed.iter().filter(|what| !known.contains(what.as_str())).cloned().collect();
        all.extend(of_document);
        all
    }
}

fn statement(
    value: &Value,
    kind: PolicyKind,
    variables: Variables,
    mut unsupported: Vec<String>,
    malformed: &mut Vec<String>,
) -> Result<Statement, PolicyError> {
    let Value::Object(elements) = value else {
        return Err(PolicyError::new("not a JSON object".to_owned()));
    };
    for element in elements.keys() {
        if !STATEMENT_ELEMENTS.contains(&element.as_str()) {
            malformed.push(format!("statement element `{element}`"));
        }
    }
    let sid = match elements.get("Sid") {
        None => None,
        Some(Value::String(sid)) => Some(sid.clone()),
        Some(_) => return Err(PolicyError::new("`Sid` is not a text".to_owned())),
    };
    // Lambda takes more in those of its permissions.
    let is_sid = if kind == PolicyKind::Resource { well_formed::is_statement_id } else { well_formed::is_sid };
    if let Some(sid) = sid.as_deref().filter(|sid| !is_sid(sid)) {
        malformed.push(format!("`Sid` `{sid}`"));
    }
    let allows = match elements.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => {
            return Err(PolicyError::new("`Effect` is neither `Allow` nor `Deny`".to_owned()));
        }
    };
    let actions = matcher(elements, ["Action", "NotAction"], Variables::No, &mut unsupported, malformed)?
        .ok_or_else(|| PolicyError::new("neither `Action` nor `NotAction`".to_owned()))?;
    let resources = matcher(elements, ["Resource", "NotResource"], variables, &mut unsupported, malformed)?;
    if let (PolicyKind::Trust, Some(actions)) = (kind, elements.get("Action")) {
        let others = texts("Action", actions)?.into_iter().filter(|action| !well_formed::is_action_of_trust(action));
        malformed.extend(others.map(|action| format!("`Action` `{action}` in a trust policy")));
    }
    let principals = match (elements.get("Principal"), elements.get("NotPrincipal")) {
        (Some(_), Some(_)) => {
            return Err(PolicyError::new("both `Principal` and `NotPrincipal`".to_owned()));
        }
        (Some(value), None) => Some(principal::parse(value, &mut unsupported, malformed)?),
        (None, Some(_)) => {
            unsupported.push("statement element `NotPrincipal`".to_owned());
            Some(Vec::new())
        }
        (None, None) => None,
    };
    match kind {
        PolicyKind::Trust if principals.is_none() => {
            return Err(PolicyError::new("a trust policy names a `Principal`".to_owned()));
        }
        PolicyKind::Trust if resources.is_some() => {
            return Err(PolicyError::new("a trust policy names no `Resource`".to_owned()));
        }
        PolicyKind::Identity if principals.is_some() => {
            return Err(PolicyError::new("an identity policy names no `Principal`".to_owned()));
        }
        PolicyKind::Identity if resources.is_none() => {
            return Err(PolicyError::new("an identity policy names a `Resource`".to_owned()));
        }
        PolicyKind::Resource if principals.is_none() || resources.is_none() => {
            return Err(PolicyError::new("a resource policy names a `Principal` and a `Resource`".to_owned()));
        }
        PolicyKind::Trust | PolicyKind::Identity | PolicyKind::Resource => {}
    }
    let conditions = match elements.get("Condition") {
        None => Vec::new(),
        Some(value) => condition::parse(value, variables, &mut unsupported)?,
    };
    unsupported.extend(malformed.iter().cloned());
    Ok(Statement { sid, allows, principals, actions, resources, conditions, unsupported })
}

const STATEMENT_ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

fn matcher(
    elements: &Map<String, Value>,
    names: [&str; 2],
    variables: Variables,
    unsupported: &mut Vec<String>,
    malformed: &mut Vec<String>,
) -> Result<Option<Matcher>, PolicyError> {
    let [plain_name, negated_name] = names;
    let (name, value, is_negated) = match (elements.get(plain_name), elements.get(negated_name)) {
        (Some(_), Some(_)) => {
            return Err(PolicyError::new(format!("both `{plain_name}` and `{negated_name}`")));
        }
        (Some(value), None) => (plain_name, value, false),
        (None, Some(value)) => (negated_name, value, true),
        (None, None) => return Ok(None),
    };
    let mut templates = Vec::new();
    for text in texts(name, value)? {
        let is_well_formed = match plain_name {
            "Action" => well_formed::is_action(&text),
            _ => well_formed::is_resource(&text),
        };
        if !is_well_formed {
            malformed.push(format!("`{name}` `{text}`"));
        }
        templates.push(Template::parse(&text, Wildcards::Yes, variables, unsupported));
    }
    Ok(Some(Matcher { is_negated, templates }))
}
