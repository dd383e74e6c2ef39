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

/// One `Allow` statement of a rendered policy.
///
/// Nothing that is rendered from a manifest denies: what is not allowed is denied anyway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Statement {
    /// Always `Allow`.
    pub effect: &'static str,
    /// Who is trusted, by type of principal (`AWS`): trust policies only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<BTreeMap<&'static str, OneOrMany>>,
    /// What is allowed.
    pub action: OneOrMany,
    /// On what: ARNs, with wildcards. A trust policy has none, it hangs on its role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<OneOrMany>,
    /// Under which conditions, by operator and key; left out when empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<&'static str, BTreeMap<&'static str, OneOrMany>>,
}

impl Statement {
    /// Trusts the principals, all of them under the same condition.
    pub(crate) fn trust(principals: Vec<String>, external_id: Option<&str>) -> Self {
        let mut condition = BTreeMap::new();
        if let Some(external_id) = external_id {
            condition.insert("StringEquals", BTreeMap::from([("sts:ExternalId", OneOrMany::from(external_id))]));
        }
        Self {
            effect: "Allow",
            principal: Some(BTreeMap::from([("AWS", principals.into())])),
            action: "sts:AssumeRole".into(),
            resource: None,
            condition,
        }
    }

    /// Allows its bearer the action on the resources.
    pub(crate) fn allow(action: &str, resources: Vec<String>) -> Self {
        Self {
            effect: "Allow",
            principal: None,
            action: action.into(),
            resource: Some(resources.into()),
            condition: BTreeMap::new(),
        }
    }
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

    /// The document as JSON for people, indented by two spaces.
    #[must_use]
    #[expect(clippy::expect_used, reason = "texts, lists and maps with text keys always serialize")]
    pub fn to_json_pretty(&self) -> String {
        serde_json::to_string_pretty(self).expect("a document serializes")
    }
}
