//! The manifest's JSON Schema.

/// The manifest's [JSON Schema](https://json-schema.org/draft-07), with which editors complete and check it. What only
/// the parser can know (that a stage exists, that no caller stands twice) is not in it.
pub const JSON_SCHEMA: &str = include_str!("schema.json");
