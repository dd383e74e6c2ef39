//! IAM policy documents as they are written: fixed order of keys, the same text every time.

use std::collections::BTreeMap;

use serde::Serialize;

/// A value that IAM writes as a text when there is one, and as a list otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany(Vec<String>);

impl OneOrMany {
    /// The values, in the order in which they are written.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.0
    }
}

impl From<Vec<String>> for OneOrMany {
    fn from(values: Vec<String>) -> Self {
        Self(values)
    }
}

impl From<Vec<&str>> for OneOrMany {
    fn from(values: Vec<&str>) -> Self {
        Self(values.into_iter().map(str::to_owned).collect())
    }
}

impl From<&str> for OneOrMany {
    fn from(value: &str) -> Self {
        Self(vec![value.to_owned()])
    }
}

impl Serialize for OneOrMany {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => serializer.serialize_str(one),
            many => serializer.collect_seq(many),
        }
    }
}

/// Conditions by operator and key.
pub type Conditions = BTreeMap<&'static str, BTreeMap<&'static str, OneOrMany>>;

/// One `Allow` statement of a rendered policy.
///
/// Nothing that is rendered from a manifest denies: what is not allowed is denied anyway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Statement {
    /// What tells it from others of its policy, where somebody wants to know: a function's permissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Always `Allow`.
    pub effect: &'static str,
    /// Who is trusted, by type of principal (`AWS`): trust and resource policies only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<BTreeMap<&'static str, OneOrMany>>,
    /// What is allowed.
    pub action: OneOrMany,
    /// On what: ARNs, with wildcards. A trust policy has none, it hangs on its role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<OneOrMany>,
    /// Under which conditions, by operator and key; left out when empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: Conditions,
}

impl Statement {
    /// Trusts the principals with the action.
    pub(crate) fn trust(action: &'static str, principals: Vec<String>, condition: Conditions) -> Self {
        Self {
            sid: None,
            effect: "Allow",
            principal: Some(BTreeMap::from([("AWS", principals.into())])),
            action: action.into(),
            resource: None,
            condition,
        }
    }

    /// Allows its bearer the actions on the resources.
    pub(crate) fn allow(action: impl Into<OneOrMany>, resources: Vec<String>) -> Self {
        Self {
            sid: None,
            effect: "Allow",
            principal: None,
            action: action.into(),
            resource: Some(resources.into()),
            condition: BTreeMap::new(),
        }
    }

    /// The same for these principals, who meet the conditions, in place of its bearer.
    pub(crate) fn of(mut self, principals: Vec<String>, conditions: &Conditions) -> Self {
        self.principal = Some(BTreeMap::from([("AWS", principals.into())]));
        for (operator, keys) in conditions {
            for (key, values) in keys {
                self = self.when(operator, key, values.clone());
            }
        }
        self
    }

    /// The same under one condition more.
    pub(crate) fn when(mut self, operator: &'static str, key: &'static str, values: impl Into<OneOrMany>) -> Self {
        self.condition.entry(operator).or_default().insert(key, values.into());
        self
    }
}

/// Statements, those that differ in their resources alone put together, in the order of the first of each.
pub(crate) fn merged(statements: impl IntoIterator<Item = Statement>) -> Vec<Statement> {
    let mut merged: Vec<Statement> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for mut statement in statements {
        let resources = statement.resource.take();
        let rest = Document::new(vec![statement.clone()]).to_json();
        let at = *known.entry(rest).or_insert(merged.len());
        match merged.get_mut(at) {
            None => merged.push(Statement { resource: resources, ..statement }),
            Some(same) => {
                let both = same.resource.iter_mut().zip(resources);
                both.for_each(|(all, more)| all.0.extend(more.0));
            }
        }
    }
    merged
}

/// An IAM policy document, ready to be written as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Document {
    /// The version of the policy language, `2012-10-17`.
    pub version: &'static str,
    /// The statements, always written as a list.
    pub statement: Vec<Statement>,
}

impl Document {
    pub(crate) fn new(statement: Vec<Statement>) -> Self {
        Self { version: "2012-10-17", statement }
    }

    /// The document as JSON on one line, without white space: what IAM's size limits count.
    #[must_use]
    #[expect(clippy::expect_used, reason = "texts, lists and maps with text keys always serialize")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a document serializes")
    }

    /// The document's size as IAM counts it: characters without white space. No value that a manifest takes holds any, so
    /// the compact form has none to discount.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.to_json().chars().count()
    }

    /// The document as JSON for people, indented by two spaces.
    #[must_use]
    #[expect(clippy::expect_used, reason = "texts, lists and maps with text keys always serialize")]
    pub fn to_json_pretty(&self) -> String {
        serde_json::to_string_pretty(self).expect("a document serializes")
    }
}
