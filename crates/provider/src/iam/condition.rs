//! Conditions: operators, keys and values.

use std::cmp::Ordering;
use std::time::SystemTime;

use serde_json::Value;

use super::context::{self, Values};
use super::date;
use super::decision::{Asked, FailedCondition, Quoted};
use super::error::PolicyError;
use super::pattern::{self, Case, Token};
use super::variables::{Template, Variables, Wildcards};

/// One key under one operator, with all its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    /// The operator as written, prefix and suffix included.
    operator: String,
    key: String,
    /// The values as written, for what is told of it.
    written: Vec<String>,
    quantifier: Quantifier,
    holds_if_absent: bool,
    is_negated: bool,
    test: Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    /// None written: the key holds one value.
    Single,
    AnyValue,
    AllValues,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Text(Vec<Template>, Case),
    Arn(Vec<Template>),
    Bool(Vec<bool>),
    Number(Comparison, Vec<f64>),
    Date(Comparison, Vec<SystemTime>),
    /// `Null`: whether the key has to be absent.
    Absent(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// The comparison of `NumericLessThan` and the like, and whether it is negated.
    fn named(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "Equals" => (Self::Equal, false),
            "NotEquals" => (Self::Equal, true),
            "LessThan" => (Self::Less, false),
            "LessThanEquals" => (Self::LessOrEqual, false),
            "GreaterThan" => (Self::Greater, false),
            "GreaterThanEquals" => (Self::GreaterOrEqual, false),
            _ => return None,
        })
    }
}

/// Reads the element `Condition`; what is unknown in it is added to `unsupported`.
pub(super) fn parse(
    value: &Value,
    variables: Variables,
    unsupported: &mut Vec<String>,
) -> Result<Vec<Condition>, PolicyError> {
    let not_an_object = |what: &str| PolicyError::new(format!("{what} is not an object"));
    let Value::Object(operators) = value else {
        return Err(not_an_object("`Condition`"));
    };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else {
            return Err(not_an_object(&format!("condition `{operator}`")));
        };
        for (key, values) in keys {
            let written = values_as_texts(operator, key, values)?;
            let before = unsupported.len();
            if !context::is_known(key) {
                unsupported.push(format!("condition key `{key}`"));
            }
            let condition = operator_of(operator, key, written, variables, unsupported);
            match condition {
                Some(condition) => conditions.push(condition),
                // Whatever did not become a condition must not vanish silently.
                None if unsupported.len() == before => {
                    unsupported.push(format!("condition `{operator}` of `{key}`"));
                }
                None => {}
            }
        }
    }
    Ok(conditions)
}

fn values_as_texts(operator: &str, key: &str, value: &Value) -> Result<Vec<String>, PolicyError> {
    let values = match value {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    };
    let texts: Option<Vec<String>> = values
        .into_iter()
        .map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(value) => Some(value.to_string()),
            _ => None,
        })
        .collect();
    texts.ok_or_else(|| PolicyError::new(format!("condition {operator} {key} is neither a value nor a list of values")))
}

fn operator_of(
    operator: &str,
    key: &str,
    written: Vec<String>,
    variables: Variables,
    unsupported: &mut Vec<String>,
) -> Option<Condition> {
    let (quantifier, rest) = if let Some(rest) = operator.strip_prefix("ForAnyValue:") {
        (Quantifier::AnyValue, rest)
    } else if let Some(rest) = operator.strip_prefix("ForAllValues:") {
        (Quantifier::AllValues, rest)
    } else {
        (Quantifier::Single, operator)
    };
    let (name, holds_if_absent) = match rest.strip_suffix("IfExists") {
        Some(name) => (name, true),
        None => (rest, false),
    };
    if quantifier == Quantifier::Single && context::is_multivalued(key) && name != "Null" {
        unsupported.push(format!(
            "condition operator `{operator}` without `ForAnyValue:` or `ForAllValues:` on the list `{key}`"
        ));
        return None;
    }
    let mut templates = |wildcards| {
        written.iter().map(|text| Template::parse(text, wildcards, variables, unsupported)).collect::<Vec<_>>()
    };
    let (test, is_negated) = match name {
        "StringEquals" | "StringNotEquals" => {
            (Test::Text(templates(Wildcards::No), Case::Sensitive), name == "StringNotEquals")
        }
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => {
            (Test::Text(templates(Wildcards::No), Case::Insensitive), name == "StringNotEqualsIgnoreCase")
        }
        "StringLike" | "StringNotLike" => {
            (Test::Text(templates(Wildcards::Yes), Case::Sensitive), name == "StringNotLike")
        }
        "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => {
            let templates = templates(Wildcards::Yes);
            let is_arn =
                |template: &Template| template.constant().is_none_or(|tokens| pattern::arn_sections(&tokens).is_some());
            if !templates.iter().all(is_arn) {
                return value_unsupported(operator, key, &written, unsupported);
            }
            (Test::Arn(templates), name == "ArnNotEquals" || name == "ArnNotLike")
        }
        "Bool" => match written.iter().map(|text| boolean(text)).collect() {
            Some(values) => (Test::Bool(values), false),
            None => return value_unsupported(operator, key, &written, unsupported),
        },
        "Null" => {
            let wanted: Option<Vec<bool>> = written.iter().map(|text| boolean(text)).collect();
            match wanted.as_deref() {
                Some([wanted]) if quantifier == Quantifier::Single && !holds_if_absent => {
                    (Test::Absent(*wanted), false)
                }
                _ => return value_unsupported(operator, key, &written, unsupported),
            }
        }
        _ => {
            let numeric = name.strip_prefix("Numeric").and_then(Comparison::named);
            let dated = name.strip_prefix("Date").and_then(Comparison::named);
            let parsed = match (numeric, dated) {
                (Some((comparison, is_negated)), _) => {
                    let values: Option<Vec<f64>> = written.iter().map(|v| number(v)).collect();
                    values.map(|values| (Test::Number(comparison, values), is_negated))
                }
                (None, Some((comparison, is_negated))) => {
                    let values: Option<Vec<SystemTime>> = written.iter().map(|v| date::parse(v)).collect();
                    values.map(|values| (Test::Date(comparison, values), is_negated))
                }
                (None, None) => {
                    unsupported.push(format!("condition operator `{operator}`"));
                    return None;
                }
            };
            match parsed {
                Some(parsed) => parsed,
                None => return value_unsupported(operator, key, &written, unsupported),
            }
        }
    };
    Some(Condition {
        operator: operator.to_owned(),
        key: key.to_owned(),
        written,
        quantifier,
        holds_if_absent,
        is_negated,
        test,
    })
}

fn value_unsupported(
    operator: &str,
    key: &str,
    written: &[String],
    unsupported: &mut Vec<String>,
) -> Option<Condition> {
    unsupported.push(format!("value {} of condition {operator} {key}", Quoted(written.iter().map(String::as_str))));
    None
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Only what JSON, too, calls a number: Rust would also read `inf` and `nan`.
fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    is_plain.then(|| text.parse().ok()).flatten().filter(|number: &f64| number.is_finite())
}

/// What a condition asks of the request.
pub(super) trait Lookup {
    /// All values of a key; `None` when it is absent.
    fn values(&self, key: &str) -> Option<Values<'_>>;

    /// The value of a key that holds one.
    fn value(&self, key: &str) -> Option<&str> {
        self.values(key)?.single()
    }
}

impl Condition {
    /// Whether the condition holds, in a statement that allows or denies; if not, what it asked for and what there was.
    ///
    /// What cannot be decided (a number that is none, a negated operator with no value to differ from, or with a variable
    /// that the request has no value for) goes against the request: it does not hold in a statement that
    /// allows, and holds in one that denies.
    pub(super) fn holds<'a>(&'a self, request: &'a dyn Lookup, allows: bool) -> Result<(), FailedCondition<'a>> {
        let had = request.values(&self.key);
        if self.is_met(had, request, allows) {
            return Ok(());
        }
        let asked = match self.test {
            Test::Absent(true) => Asked::Absence,
            Test::Absent(false) => Asked::Presence,
            _ if self.is_negated => Asked::NoneOf(&self.written),
            _ => Asked::OneOf(&self.written),
        };
        Err(FailedCondition { operator: &self.operator, key: &self.key, asked, had })
    }

    fn is_met(&self, had: Option<Values<'_>>, request: &dyn Lookup, allows: bool) -> bool {
        if let Test::Absent(wanted) = self.test {
            return had.is_none() == wanted;
        }
        let Some(values) = had else {
            return self.holds_if_absent
                || match self.quantifier {
                    Quantifier::Single => self.is_negated,
                    Quantifier::AnyValue => false,
                    Quantifier::AllValues => true,
                };
        };
        let mut each = values
            .iter()
            .map(|value| self.matches(value, request).map_or(!allows, |matches| matches != self.is_negated));
        match self.quantifier {
            Quantifier::AnyValue => each.any(|holds| holds),
            Quantifier::AllValues => each.all(|holds| holds),
            // A key that should hold one value holds several: undecided, see above.
            Quantifier::Single if allows => each.all(|holds| holds),
            Quantifier::Single => each.any(|holds| holds),
        }
    }

    /// Whether one of the statement's values matches; `None` when it cannot be decided.
    fn matches(&self, value: &str, request: &dyn Lookup) -> Option<bool> {
        if self.written.is_empty() {
            return (!self.is_negated).then_some(false);
        }
        match &self.test {
            Test::Text(templates, case) => {
                self.any_template(templates, request, |tokens| Some(pattern::matches(tokens, value, *case)))
            }
            Test::Arn(templates) => self.any_template(templates, request, |tokens| pattern::matches_arn(tokens, value)),
            Test::Bool(wanted) => boolean(value).map(|value| wanted.contains(&value)),
            Test::Number(comparison, wanted) => number(value).map(|value| {
                wanted.iter().any(|wanted| value.partial_cmp(wanted).is_some_and(|ordering| comparison.holds(ordering)))
            }),
            Test::Date(comparison, wanted) => {
                date::parse(value).map(|value| wanted.iter().any(|wanted| comparison.holds(value.cmp(wanted))))
            }
            Test::Absent(_) => None,
        }
    }

    /// A variable without a value matches nothing, and neither does what is no ARN: that must not let a negated operator
    /// allow.
    fn any_template(
        &self,
        templates: &[Template],
        request: &dyn Lookup,
        matches: impl Fn(&[Token]) -> Option<bool>,
    ) -> Option<bool> {
        let mut is_undecided = false;
        for template in templates {
            match template.resolve(&|key| request.value(key)).and_then(|tokens| matches(&tokens)) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => is_undecided = self.is_negated,
            }
        }
        (!is_undecided).then_some(false)
    }
}
