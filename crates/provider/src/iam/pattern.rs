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

/// Whether a text with wildcards, and without variables, covers the whole of another.
pub(crate) fn is_covered(pattern: &str, text: &str) -> bool {
    let token = |c| match c {
        '*' => Token::AnyMany,
        '?' => Token::AnyOne,
        c => Token::Char(c),
    };
    matches(&pattern.chars().map(token).collect::<Vec<_>>(), text, Case::Sensitive)
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

/// Whether some text fits both patterns, with `*` for any characters and `?` for one.
pub(crate) fn may_be_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // Whether what is left of `one`, from its end, and what is left of `other` from each place may be the same.
    let mut below: Vec<bool> = Vec::new();
    for at in (0..=one.len()).rev() {
        let mine = one.get(at);
        let mut row = vec![false; other.len().saturating_add(1)];
        for place in (0..=other.len()).rev() {
            let theirs = other.get(place);
            let right = || row.get(place.saturating_add(1)).copied().unwrap_or_default();
            let under = |place: usize| below.get(place).copied().unwrap_or_default();
            let is_so = match (mine, theirs) {
                (None, None) => true,
                // A star is of nothing, or of what the other has next.
                (Some(b'*'), _) => under(place) || (theirs.is_some() && right()),
                (_, Some(b'*')) => right() || (mine.is_some() && under(place)),
                (Some(a), Some(b)) => (a == b || *a == b'?' || *b == b'?') && under(place.saturating_add(1)),
                (None, Some(_)) | (Some(_), None) => false,
            };
            if let Some(cell) = row.get_mut(place) {
                *cell = is_so;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::may_be_same;

    #[test]
    fn two_patterns_may_be_of_one_text() {
        for (one, other, are) in [
            ("shop", "shop", true),
            ("shop", "Shop", false),
            ("shop-*", "shop-1", true),
            ("shop-*", "mall-*", false),
            ("shop-*", "*-1", true),
            ("shop-*", "*", true),
            ("a*b", "a*c", false),
            ("a*b", "*bb", true),
            ("a?c", "abc", true),
            ("a?c", "ab", false),
            ("a?", "?b", true),
            ("*a*", "*b*", true),
            ("a*", "a", true),
            ("a**", "a", true),
            ("?*", "*?", true),
        ] {
            assert_eq!(may_be_same(one, other), are, "{one} {other}");
            assert_eq!(may_be_same(other, one), are, "{other} {one}");
        }
    }
}
