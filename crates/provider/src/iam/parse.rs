//! From JSON to statements.

use serde_json::Value;

use super::condition::{self, Condition};
use super::error::PolicyError;
use super::json::{Strict, texts};
use super::principal::{self, Principal};
use super::variables::{Template, Variables, Wildcards};

/// Where a document hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// On a role, as its trust policy: every statement names principals, none names resources,
    /// because the role is the resource.
    Trust,
    /// On the principal that makes the request: every statement names resources, none names
    /// principals.
    Identity,
}

/// An IAM policy document that has been read, ready for [`evaluate`](super::evaluate()).
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDocument {
    pub(super) statements: Vec<Statement>,
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
        let Value::Object(document) = value else {
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
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(statement) => vec![statement],
            None => Vec::new(),
        };
        if statements.is_empty() {
            return Err(PolicyError::new("the policy has no statement".to_owned()));
        }
        let statements = statements
            .into_iter()
            .enumerate()
            .map(|(index, value)| {
                statement(value, kind, variables, unsupported.clone())
                    .map_err(|error| PolicyError::new(format!("statement {}: {error}", index.saturating_add(1))))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// What the evaluator does not know in the document, in words, each with its statement; empty
    /// when every decision is made of known things only.
    #[must_use]
    pub fn unsupported(&self) -> Vec<String> {
        self.statements
            .iter()
            .enumerate()
            .flat_map(|(index, statement)| {
                statement.unsupported.iter().map(move |what| format!("statement {}: {what}", index.saturating_add(1)))
            })
            .collect()
    }
}

fn statement(
    value: &Value,
    kind: PolicyKind,
    variables: Variables,
    mut unsupported: Vec<String>,
) -> Result<Statement, PolicyError> {
    let Value::Object(elements) = value else {
        return Err(PolicyError::new("not a JSON object".to_owned()));
    };
    for element in elements.keys() {
        if !STATEMENT_ELEMENTS.contains(&element.as_str()) {
            unsupported.push(format!("statement element `{element}`"));
        }
    }
    let sid = match elements.get("Sid") {
        None => None,
        Some(Value::String(sid)) => Some(sid.clone()),
        Some(_) => return Err(PolicyError::new("`Sid` is not a text".to_owned())),
    };
    let allows = match elements.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => {
            return Err(PolicyError::new("`Effect` is neither `Allow` nor `Deny`".to_owned()));
        }
    };
    let actions = matcher(
        ["Action", "NotAction"],
        elements.get("Action"),
        elements.get("NotAction"),
        Variables::No,
        &mut unsupported,
    )?
    .ok_or_else(|| PolicyError::new("neither `Action` nor `NotAction`".to_owned()))?;
    let resources = matcher(
        ["Resource", "NotResource"],
        elements.get("Resource"),
        elements.get("NotResource"),
        variables,
        &mut unsupported,
    )?;
    let principals = match (elements.get("Principal"), elements.get("NotPrincipal")) {
        (Some(_), Some(_)) => {
            return Err(PolicyError::new("both `Principal` and `NotPrincipal`".to_owned()));
        }
        (Some(value), None) => Some(principal::parse(value, &mut unsupported)?),
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
        PolicyKind::Trust | PolicyKind::Identity => {}
    }
    let conditions = match elements.get("Condition") {
        None => Vec::new(),
        Some(value) => condition::parse(value, variables, &mut unsupported)?,
    };
    Ok(Statement { sid, allows, principals, actions, resources, conditions, unsupported })
}

const STATEMENT_ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

fn matcher(
    names: [&str; 2],
    plain: Option<&Value>,
    negated: Option<&Value>,
    variables: Variables,
    unsupported: &mut Vec<String>,
) -> Result<Option<Matcher>, PolicyError> {
    let [plain_name, negated_name] = names;
    let (name, value, is_negated) = match (plain, negated) {
        (Some(_), Some(_)) => {
            return Err(PolicyError::new(format!("both `{plain_name}` and `{negated_name}`")));
        }
        (Some(value), None) => (plain_name, value, false),
        (None, Some(value)) => (negated_name, value, true),
        (None, None) => return Ok(None),
    };
    let mut templates = Vec::new();
    for text in texts(name, value)? {
        if !is_well_formed(plain_name, &text) {
            unsupported.push(format!("`{name}` `{text}`"));
        }
        templates.push(Template::parse(&text, Wildcards::Yes, variables, unsupported));
    }
    Ok(Some(Matcher { is_negated, templates }))
}

/// What IAM would refuse matches nothing, and so would allow everything behind `NotAction` or
/// `NotResource`.
fn is_well_formed(element: &str, text: &str) -> bool {
    text == "*"
        || match element {
            "Action" => text.contains(':') && !text.contains("${"),
            _ => text.starts_with("arn:") && text.split(':').count() >= 6,
        }
}
