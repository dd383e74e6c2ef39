//! Patterns with IAM's wildcards: `*` for any characters, none and `/` included, `?` for one.

use xacct_sign::aws::Arn;

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// This character and no other.
    Char(char),
    /// `?`.
    AnyOne,
    /// `*`.
    AnyMany,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Sensitive,
    Insensitive,
}

/// Whether the pattern covers the whole text.
///
/// Goes back to the last `*` only, so hostile patterns cost at most length times length.
pub(super) fn matches(pattern: &[Token], text: &str, case: Case) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut in_text) = (0_usize, 0_usize);
    // Where to go on when the last `*` takes one character more.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(c) = text.get(in_text) {
        match pattern.get(at) {
            Some(Token::AnyMany) => {
                at += 1;
                retry = Some((at, in_text));
            }
            Some(token) if covers(*token, *c, case) => {
                at += 1;
                in_text += 1;
            }
            _ => match retry {
                Some((after_star, taken)) => {
                    at = after_star;
                    in_text = taken + 1;
                    retry = Some((after_star, in_text));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|token| *token == Token::AnyMany)
}

fn covers(token: Token, c: char, case: Case) -> bool {
    match (token, case) {
        (Token::Char(expected), Case::Sensitive) => expected == c,
        // The Kelvin sign is no `k`, whatever its lower case is.
        (Token::Char(expected), Case::Insensitive) => {
            expected.is_ascii() == c.is_ascii() && expected.to_lowercase().eq(c.to_lowercase())
        }
        (Token::AnyOne | Token::AnyMany, _) => true,
    }
}

/// Whether the pattern covers the ARN, each of its six sections by itself: a `*` does not reach over
/// a colon into the next section, save in the last one, the resource. `None` where one of them is no ARN.
pub(super) fn matches_arn(pattern: &[Token], text: &str) -> Option<bool> {
    let sections = arn_sections(pattern)?;
    Arn::parse(text).filter(|arn| !arn.partition.is_empty() && !arn.service.is_empty() && !arn.resource.is_empty())?;
    Some(sections.iter().zip(text.splitn(6, ':')).all(|(section, text)| matches(section, text, Case::Sensitive)))
}

/// The six sections of a pattern for ARNs; `None` where it could cover none.
pub(super) fn arn_sections(pattern: &[Token]) -> Option<Vec<&[Token]>> {
    let sections: Vec<&[Token]> = pattern.splitn(6, |token| *token == Token::Char(':')).collect();
    let [arn, partition, service, _, _, resource] = sections.as_slice() else { return None };
    let is_arn = matches(arn, "arn", Case::Sensitive) && ![partition, service, resource].iter().any(|s| s.is_empty());
    is_arn.then_some(sections)
}
