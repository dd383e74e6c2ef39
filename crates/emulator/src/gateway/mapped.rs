//! Headers that the gateway makes of its variables, for one call.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::gateway::context;
use crate::gateway::front::Call;
use crate::gateway::headers::plain;
use crate::gateway::mapping::{settable, variable_name};

/// Headers for the API behind the gateway, with their values; those that have none are not sent.
pub(crate) struct Mapped(Vec<(HeaderName, Option<HeaderValue>)>);

impl Mapped {
    /// The values for one call.
    pub(crate) fn of(headers: &BTreeMap<String, String>, call: &Call<'_>) -> Self {
        if headers.is_empty() {
            return Self(Vec::new());
        }
        let context = context::one(call);
        let value = |variable: &str| match context.pointer(&format!("/{}", variable.replace('.', "/"))) {
            Some(Value::String(text)) => HeaderValue::from_bytes(text.as_bytes()).ok(),
            Some(Value::Number(number)) => HeaderValue::from_str(&number.to_string()).ok(),
            _ => None,
        };
        let named = |(name, variable): (&String, &String)| Some((settable(name)?, value(variable_name(variable)?)));
        Self(headers.iter().filter_map(named).collect())
    }

    /// The names alone: a server's verifier has no variables, and what a client sends by these names must not pass there either.
    pub(crate) fn of_no_value(headers: &BTreeMap<String, String>) -> Self {
        Self(headers.keys().filter_map(|name| Some((settable(name)?, None))).collect())
    }

    /// Puts them in the place of whatever a client has sent by these names, in every spelling.
    pub(crate) fn put(self, headers: &mut HeaderMap) {
        for (name, value) in self.0 {
            let posing = |sent: &&HeaderName| plain(sent.as_str()) == plain(name.as_str());
            let posing: Vec<HeaderName> = headers.keys().filter(posing).cloned().collect();
            for sent in posing {
                headers.remove(sent);
            }
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}
