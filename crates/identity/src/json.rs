//! JSON, read strictly: what two readers could read differently is none.
//!
//! RFC 8259 leaves open what a member that stands twice means, and how large a number may be. Whoever checks a token and whoever reads
//! it must not differ there. `serde_json` reads the text, and refuses a byte order mark, what is not UTF-8, lone surrogates and all
//! that follows the value; this reader refuses members that stand twice, depth and crowds, and takes whole numbers alone for numbers.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

/// How deep values may be nested.
const DEPTH: usize = 8;
/// How many members an object may have.
const MEMBERS: usize = 256;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json<'t> {
    Text(Cow<'t, str>),
    /// A whole number, not negative.
    Whole(u64),
    List(Vec<Json<'t>>),
    Object(Object<'t>),
    Null,
    /// A boolean, or a number that is none of ours: negative, with a fraction, with an exponent.
    Other,
}

/// The members of an object in the order of the text, each name once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Object<'t>(Vec<(Cow<'t, str>, Json<'t>)>);

impl<'t> Object<'t> {
    /// Reads a text that is one object and nothing else.
    pub(crate) fn read(text: &'t [u8]) -> Option<Self> {
        // Once for all: a reader of bytes looks at each text.
        match value(std::str::from_utf8(text).ok()?, None).ok()? {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The same of members with these names alone: what else there is may be of any depth and number, and is skipped.
    pub(crate) fn read_members(text: &'t [u8], names: &'static [&'static str]) -> Option<Self> {
        match value(std::str::from_utf8(text).ok()?, Some(names)).ok()? {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The same of what may be shown: where it is none, what it is, with the place of what is wrong.
    pub(crate) fn read_or_why(text: &'t str) -> Result<Self, String> {
        match value(text, None) {
            Ok(Json::Object(object)) => Ok(object),
            Ok(_) => Err("no JSON object".to_owned()),
            Err(error) => {
                // serde_json's own words are 3 kB of the module of WebAssembly.
                let why = match error.classify() {
                    Category::Eof => "it ends too early",
                    Category::Data => "a member stands twice, or there are too many, or it is nested too deep",
                    Category::Syntax | Category::Io => "a syntax error",
                };
                Err(format!("not strict JSON: {why}, at line {} column {}", error.line(), error.column()))
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Json<'t>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Json::as_text)
    }

    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Json::Whole(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn object(&self, name: &str) -> Option<&Object<'t>> {
        match self.get(name)? {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(crate) fn list(&self, name: &str) -> Option<&[Json<'t>]> {
        match self.get(name)? {
            Json::List(list) => Some(list),
            _ => None,
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Json<'t>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

impl Json<'_> {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn value<'t>(text: &'t str, only: Option<&'static [&'static str]>) -> serde_json::Result<Json<'t>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Seed { depth: DEPTH, only }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads one value at a depth.
struct Seed {
    depth: usize,
    /// The members of it that are read, where not all are.
    only: Option<&'static [&'static str]>,
}

impl<'t> DeserializeSeed<'t> for Seed {
    type Value = Json<'t>;

    fn deserialize<D: serde::Deserializer<'t>>(self, reader: D) -> Result<Json<'t>, D::Error> {
        reader.deserialize_any(self)
    }
}

impl Seed {
    fn within<E: serde::de::Error>(&self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        Ok(Self { depth, only: None })
    }
}

impl<'t> Visitor<'t> for Seed {
    type Value = Json<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Json<'t>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'t>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'t>, E> {
        Ok(Json::Whole(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json<'t>, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json<'t>, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json<'t>, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json<'t>, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<Json<'t>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.within()?)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Json<'t>, A::Error> {
        // As many as a token or a key has.
        let mut object = Object(Vec::with_capacity(8));
        while let Some(name) = members.next_key_seed(Name)? {
            if object.has(&name) {
                return Err(A::Error::custom("a member stands twice"));
            }
            if self.only.is_some_and(|names| !names.contains(&name.as_ref())) {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            if object.0.len() == MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
            object.0.push((name, members.next_value_seed(self.within()?)?));
        }
        Ok(Json::Object(object))
    }
}

/// Reads a member's name without a copy, where it has no escapes.
struct Name;

impl<'t> DeserializeSeed<'t> for Name {
    type Value = Cow<'t, str>;

    fn deserialize<D: serde::Deserializer<'t>>(self, reader: D) -> Result<Cow<'t, str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Name {
    type Value = Cow<'t, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_two_readers_could_read_differently_is_none() {
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":{"a":1,"a":1}}"#,
            "\u{feff}{}",
            "{} {}",
            "{}x",
            "[]",
            "",
            r#"{"a":"\ud800"}"#,
            r#"{'a':1}"#,
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":[[[[[[[[1]]]]]]]]}"#,
            r#"{"a":NaN}"#,
            "{} // no",
        ] {
            assert_eq!(Object::read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Object::read(b"{\"a\":\"\xff\"}"), None);
        let crowd: Vec<String> = (0..=MEMBERS).map(|index| format!("\"{index}\":0")).collect();
        assert_eq!(Object::read(format!("{{{}}}", crowd.join(",")).as_bytes()), None);
    }

    #[test]
    fn what_is_not_read_may_be_anything() {
        let names = &["a", "b"];
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let crowd: Vec<String> = (0..=MEMBERS).map(|index| format!("\"{index}\":{{}}")).collect();
        let text = format!(
            r#"{{"a":"x","deep":{deep},{},"same":1,"same":2,"crowd":{{{}}}}}"#,
            crowd.join(","),
            crowd.join(",")
        );
        let object = Object::read_members(text.as_bytes(), names).unwrap();
        assert_eq!(object.names().collect::<Vec<_>>(), ["a"]);
        for bad in
            [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"{"b":{"c":1,"c":1}}"#, r#"{"c":x}"#, r#"{"c":1"#, "[]"]
        {
            assert_eq!(Object::read_members(bad.as_bytes(), names), None, "{bad}");
        }
    }

    #[test]
    fn whole_numbers_alone_are_numbers() {
        let text =
            br#"{"a":12,"b":1.0,"c":1e3,"d":-1,"e":true,"f":18446744073709551615,"g":18446744073709551616,"h":-0}"#;
        let object = Object::read(text).unwrap();
        let wholes: Vec<_> = object.names().map(|name| object.whole(name)).collect();
        assert_eq!(wholes, [Some(12), None, None, None, None, Some(u64::MAX), None, None]);
    }

    #[test]
    fn members_are_found_by_the_name_that_is_meant() {
        let object = Object::read(br#" {"\u0069ss":"a\u00e9","o":{"l":["x",null]}} "#).unwrap();
        assert_eq!(object.text("iss"), Some("aé"));
        assert_eq!(object.object("o").unwrap().list("l").unwrap().first().unwrap().as_text(), Some("x"));
        assert_eq!(object.names().collect::<Vec<_>>(), ["iss", "o"]);
    }
}
