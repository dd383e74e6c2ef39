//! The parameters of a call to STS, from the query and the form
//! ([Making query requests](https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html)).

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use xacct_sign::sts::{AssumeRole, Mfa, TokenAlgorithm};

use crate::query;
use crate::sts::fault::Fault;
use crate::sts::get_web_identity_token::TokenCall;

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

    /// A number of seconds, if it is given.
    fn duration_seconds(&self) -> Result<Option<u32>, Fault> {
        let Some(seconds) = self.find("DurationSeconds") else { return Ok(None) };
        let no_number = |_| {
            let constraint = "Member must be an integer";
            let detail = "`DurationSeconds` is no whole number".to_owned();
            Fault::constraint("durationSeconds", Some(seconds), constraint, detail)
        };
        seconds.parse().map(Some).map_err(no_number)
    }

    fn tags(&self) -> Vec<(String, String)> {
        let mut values = self.members("Tags", ".Value");
        let keys = self.members("Tags", ".Key").into_iter();
        keys.map(|(number, key)| (key, values.remove(&number).unwrap_or_default())).collect()
    }

    /// The call, with its limits checked.
    pub(crate) fn get_web_identity_token(&self) -> Result<TokenCall, Fault> {
        let audiences: Vec<String> = self.members("Audience", "").into_values().collect();
        let refused = |member: &str, value: Option<&str>, constraint: &str| {
            Err(Fault::constraint(member, value, constraint, format!("`{member}` is not what STS takes")))
        };
        match audiences.len() {
            0 => return refused("audience", None, "Member must not be null"),
            1..=10 => {}
            _ => return refused("audience", Some("..."), "Member must have length less than or equal to 10"),
        }
        if let Some(bad) = audiences.iter().find(|audience| !(1..=1_000).contains(&audience.chars().count())) {
            return refused("audience", Some(bad), "Member must have length between 1 and 1000");
        }
        let Some(name) = self.find("SigningAlgorithm") else {
            return refused("signingAlgorithm", None, "Member must not be null");
        };
        let Ok(algorithm) = TokenAlgorithm::named(name) else {
            return refused("signingAlgorithm", Some(name), "Member must satisfy enum value set: [RS256, ES384]");
        };
        let duration_seconds = self.duration_seconds()?.unwrap_or(300);
        if !(60..=3_600).contains(&duration_seconds) {
            let bound =
                if duration_seconds < 60 { "greater than or equal to 60" } else { "less than or equal to 3600" };
            let constraint = format!("Member must have value {bound}");
            return refused("durationSeconds", Some(&duration_seconds.to_string()), &constraint);
        }
        let tags = self.tags();
        if tags.len() > 50 {
            return refused("tags", Some("..."), "Member must have length less than or equal to 50");
        }
        Ok(TokenCall { audiences, algorithm, duration_seconds, tags })
    }

    /// The call, with its limits checked.
    pub(crate) fn assume_role(&self) -> Result<AssumeRole, Fault> {
        let mut call =
            AssumeRole::new(self.required("RoleArn", "roleArn")?, self.required("RoleSessionName", "roleSessionName")?);
        if let Some(seconds) = self.duration_seconds()? {
            call.duration_seconds = seconds;
        }
        call.external_id = self.owned("ExternalId");
        call.policy = self.owned("Policy");
        call.policy_arns = self.members("PolicyArns", ".arn").into_values().collect();
        call.tags = self.tags();
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
