//! The parameters of a call to STS, from the query and the form
//! ([Making query requests](https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html)).

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use xacct_sign::sts::{AssumeRole, Mfa};

use crate::query;
use crate::sts::fault::Fault;

/// Parameters by name. What a call does not know is ignored, as AWS does.
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads the query, and the body where it is a form.
    pub(crate) fn read(parts: &Parts, body: &[u8]) -> Result<Self, Fault> {
        let mut parameters = BTreeMap::new();
        let is_form = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let kind = value.split(';').next().unwrap_or_default();
            kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        let body = if is_form && parts.method == http::Method::POST { body } else { b"" };
        let form = std::str::from_utf8(body).map_err(|_| Fault::malformed("the form is not UTF-8"))?;
        for text in [parts.uri.query().unwrap_or_default(), form] {
            let pairs = query::pairs(text).ok_or_else(|| Fault::malformed("a broken percent-escape"))?;
            for (name, value) in pairs {
                // Which of two values counts is nobody's to guess.
                if parameters.insert(name, value).is_some() {
                    return Err(Fault::malformed("a parameter stands twice"));
                }
            }
        }
        Ok(Self(parameters))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn required(&self, name: &str, member: &str) -> Result<String, Fault> {
        let missing = || Fault::constraint(member, None, "Member must not be null", format!("`{name}` is missing"));
        self.find(name).map(str::to_owned).ok_or_else(missing)
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.find(name).map(str::to_owned)
    }

    /// The members of a list, in the order of their numbers: `{name}.member.{number}{suffix}`.
    fn members(&self, name: &str, suffix: &str) -> BTreeMap<u32, String> {
        let prefix = format!("{name}.member.");
        self.0
            .iter()
            .filter_map(|(key, value)| {
                let number = key.strip_prefix(&prefix)?.strip_suffix(suffix)?.parse().ok()?;
                Some((number, value.clone()))
            })
            .collect()
    }

    /// The call, with its limits checked.
    pub(crate) fn assume_role(&self) -> Result<AssumeRole, Fault> {
        let mut call =
            AssumeRole::new(self.required("RoleArn", "roleArn")?, self.required("RoleSessionName", "roleSessionName")?);
        if let Some(seconds) = self.find("DurationSeconds") {
            call.duration_seconds = seconds.parse().map_err(|_| {
                let constraint = "Member must be an integer";
                Fault::constraint(
                    "durationSeconds",
                    Some(seconds),
                    constraint,
                    "`DurationSeconds` is no whole number".to_owned(),
                )
            })?;
        }
        call.external_id = self.owned("ExternalId");
        call.policy = self.owned("Policy");
        call.policy_arns = self.members("PolicyArns", ".arn").into_values().collect();
        let mut values = self.members("Tags", ".Value");
        call.tags = self
            .members("Tags", ".Key")
            .into_iter()
            .map(|(number, key)| (key, values.remove(&number).unwrap_or_default()))
            .collect();
        call.transitive_tag_keys = self.members("TransitiveTagKeys", "").into_values().collect();
        call.source_identity = self.owned("SourceIdentity");
        if self.find("SerialNumber").is_some() || self.find("TokenCode").is_some() {
            call.mfa = Some(Mfa {
                serial_number: self.owned("SerialNumber").unwrap_or_default(),
                token_code: self.owned("TokenCode").unwrap_or_default(),
            });
        }
        call.validate().map_err(|error| Fault::invalid(&call, &error))?;
        Ok(call)
    }
}
