//! Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, `${*}`.
//!
//! Source: [Policy variables](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).

use super::context;
use super::pattern::Token;

/// Whether `*` and `?` of a policy's value are wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wildcards {
    Yes,
    No,
}

/// Whether `${...}` is a variable: since version 2012-10-17 of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variables {
    Yes,
    No,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Token(Token),
    Variable { key: String, default: Option<String> },
}

/// A value of a policy, in which variables are still to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Reads a value; variables that are unknown are added to `unsupported`.
    pub(super) fn parse(text: &str, wildcards: Wildcards, variables: Variables, unsupported: &mut Vec<String>) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if variables == Variables::Yes
                && let Some(after) = rest.strip_prefix("${")
            {
                let Some((inner, after)) = after.split_once('}') else {
                    unsupported.push(format!("policy variable `{rest}`, which lacks its `}}`"));
                    break;
                };
                match variable(inner) {
                    Some(part) => parts.push(part),
                    None => unsupported.push(format!("policy variable `${{{inner}}}`")),
                }
                rest = after;
                continue;
            }
            parts.push(Part::Token(match (c, wildcards) {
                ('*', Wildcards::Yes) => Token::AnyMany,
                ('?', Wildcards::Yes) => Token::AnyOne,
                _ => Token::Char(c),
            }));
            let mut chars = rest.chars();
            chars.next();
            rest = chars.as_str();
        }
        Self { parts }
    }

    /// Fills in the variables; `None` when the request has no value for one that has no default.
    ///
    /// What is filled in holds no wildcards: a tag `*` does not open everything.
    pub(super) fn resolve<'a>(&self, lookup: &dyn Fn(&str) -> Option<&'a str>) -> Option<Vec<Token>> {
        let mut tokens = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            match part {
                Part::Token(token) => tokens.push(*token),
                Part::Variable { key, default } => {
                    let value = lookup(key).or(default.as_deref())?;
                    tokens.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(tokens)
    }

    /// The tokens, unless variables are to be filled in.
    pub(super) fn constant(&self) -> Option<Vec<Token>> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Token(token) => Some(*token),
                Part::Variable { .. } => None,
            })
            .collect()
    }
}

fn variable(inner: &str) -> Option<Part> {
    if let "*" | "?" | "$" = inner {
        return inner.chars().next().map(|c| Part::Token(Token::Char(c)));
    }
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key.trim(), Some(default.to_owned()))
        }
    };
    // A list has no one value to fill in.
    (context::is_known(key) && !context::is_multivalued(key)).then(|| Part::Variable { key: key.to_owned(), default })
}
