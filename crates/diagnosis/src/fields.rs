//! Objects of JSON, field by field. Written out rather than derived: what is wrong is said without any value, and the modules are
//! smaller.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};
use xacct_sign::escaped;

/// What was given is not what can be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidInput(String);

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidInput {}

/// An object whose fields are taken one by one.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a text whose value is an object, and nothing but the fields that `read` takes from it.
    pub(crate) fn parse<T>(text: &str, read: fn(&mut Self) -> Result<T, InvalidInput>) -> Result<T, InvalidInput> {
        let no_json = |error: serde_json::Error| {
            InvalidInput(format!("it is no JSON from line {}, column {} on", error.line(), error.column()))
        };
        of(serde_json::from_str(text).map_err(no_json)?, "it", read)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, InvalidInput> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "text")),
        }
    }

    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, InvalidInput> {
        let number = |value: Value| value.as_i64().ok_or_else(|| wrong(name, "whole number"));
        self.take(name).map(number).transpose()
    }

    pub(crate) fn status(&mut self, name: &str) -> Result<Option<u16>, InvalidInput> {
        let status = |number| u16::try_from(number).map_err(|_| wrong(name, "status of HTTP"));
        self.integer(name)?.map(status).transpose()
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>, InvalidInput> {
        let boolean =
            |value: Value| value.as_bool().ok_or_else(|| InvalidInput(format!("`{name}` is neither true nor false")));
        self.take(name).map(boolean).transpose()
    }

    pub(crate) fn texts(&mut self, name: &str) -> Result<BTreeMap<String, String>, InvalidInput> {
        match self.take(name) {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(map)) => map
                .into_iter()
                .map(|(key, value)| match value {
                    Value::String(text) => Ok((key, text)),
                    _ => Err(wrong(name, "object of texts")),
                })
                .collect(),
            Some(_) => Err(wrong(name, "object of texts")),
        }
    }

    pub(crate) fn object<T>(
        &mut self,
        name: &str,
        read: fn(&mut Self) -> Result<T, InvalidInput>,
    ) -> Result<Option<T>, InvalidInput> {
        self.take(name).map(|value| of(value, name, read)).transpose()
    }

    /// What is null is not there.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }
}

fn of<T>(value: Value, what: &str, read: fn(&mut Fields) -> Result<T, InvalidInput>) -> Result<T, InvalidInput> {
    let Value::Object(map) = value else { return Err(wrong(what, "object")) };
    let mut fields = Fields(map);
    let read = read(&mut fields)?;
    match fields.0.keys().next() {
        // A name is shown, a value never.
        Some(unknown) => Err(InvalidInput(format!("there is no field `{}`", escaped(unknown)))),
        None => Ok(read),
    }
}

fn wrong(name: &str, kind: &str) -> InvalidInput {
    InvalidInput(format!("`{name}` is no {kind}"))
}
