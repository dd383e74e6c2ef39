//! Names of the manifest's: its stages and callers, their words, and the roles' names that are made of them.

use xacct_sign::aws::is_name_character;

/// Whether a stage's or a caller's name can become part of a role's name.
pub(crate) fn is_label(name: &str) -> bool {
    name.len() <= 64
        && name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// `pre-prod` becomes `PreProd`: words are parted by `-` and `_`, and the rest of a word stays.
pub(crate) fn title_case(name: &str) -> String {
    name.split(['-', '_'])
        .flat_map(|word| {
            let mut rest = word.chars();
            let first = rest.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(rest)
        })
        .collect()
}

/// Whether it can stand for a stage or a caller in a role's name, as their names in title case do: without a hyphen, which
/// parts the number of a shared role from the rest.
pub(crate) fn is_role_part(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Whether a stage of this name is a production stage, unless the manifest says so itself.
pub(crate) fn is_production(stage: &str) -> bool {
    let words: Vec<String> = stage.split(['-', '_']).map(str::to_ascii_lowercase).collect();
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    has(&["prod", "prd", "production", "live"]) && !has(&["pre", "non"])
}

/// The words of a name, in lower case, parted by signs, case and digits: `LambdaRoleDeve01` has `lambda`, `role`, `deve`,
/// `01`, and `APIProd` has `api`, `prod`.
pub(crate) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last = '-';
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        if parts_words(last, c, rest.peek().copied()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
        last = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a word ends before a character, which has others on both sides.
fn parts_words(last: char, c: char, next: Option<char>) -> bool {
    let ends_acronym = last.is_ascii_uppercase() && next.is_some_and(|next| next.is_ascii_lowercase());
    !c.is_ascii_alphanumeric()
        || (c.is_ascii_uppercase() && (last.is_ascii_lowercase() || ends_acronym))
        || (c.is_ascii_digit() != last.is_ascii_digit())
}

/// Whether a name can be cut there without cutting one of its [words](words_of); at its ends, too.
pub(crate) fn is_between_words(name: &str, at: usize) -> bool {
    let (Some(before), Some(after)) = (name.get(..at), name.get(at..)) else { return false };
    let mut rest = after.chars();
    match (before.chars().next_back(), rest.next()) {
        (Some(last), Some(c)) => !last.is_ascii_alphanumeric() || parts_words(last, c, rest.next()),
        _ => true,
    }
}

/// Every run of neighbouring words of a name, without what parts them; longer ones first.
pub(crate) fn runs_of_words(name: &str) -> Vec<String> {
    let words = words_of(name);
    (1..=words.len()).rev().flat_map(|length| words.windows(length).map(<[String]>::concat)).collect()
}

/// What `RoleSessionName` and `SourceIdentity` take, and wildcards
/// ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).
pub(crate) fn is_session_name_pattern(text: &str) -> bool {
    // A name has 2 characters at least: of patterns of one, only `*` could match.
    (text == "*" || (2..=64).contains(&text.len()))
        && text.chars().all(|c| is_name_character(c) || c == '*' || c == '?')
}

/// Whether it is the name of a managed policy, after its path if it has one
/// ([CreatePolicy](https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html)).
pub(crate) fn is_policy_name(text: &str) -> bool {
    let (path, name) = text.rsplit_once('/').map_or((None, text), |(path, name)| (Some(path), name));
    (1..=128).contains(&name.len())
        && name.chars().all(is_name_character)
        && path.is_none_or(|path| {
            path.len() <= 510
                && path.split('/').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic()))
        })
}

/// Whether it is the key of a role's tag: letters, digits, spaces and `_.:/=+-@`
/// ([Tagging IAM resources](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html)).
pub(crate) fn is_role_tag_key(text: &str) -> bool {
    (1..=128).contains(&text.chars().count())
        && text.chars().all(is_tag_character)
        && !text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// Whether it is the value of a role's tag: of the same characters, 256 at most, or none.
pub(crate) fn is_role_tag_value(text: &str) -> bool {
    text.chars().count() <= 256 && text.chars().all(is_tag_character)
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

/// The key of a session tag, without the white space and the letters beyond ASCII that AWS takes as well: policies'
/// sizes are counted without white space, and keys are compared in several places.
pub(crate) fn is_tag_key(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c))
        && !text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// Whether it is an issuer of web identity tokens of AWS's. What those of other partitions end in is not documented: there it is
/// a host's name.
pub(crate) fn is_issuer(text: &str, partition: &str) -> bool {
    let Some(host) = text.strip_prefix("https://").filter(|_| text.len() <= 255) else { return false };
    if partition == "aws" {
        return host.strip_suffix(".tokens.sts.global.api.aws").is_some_and(is_uuid);
    }
    let is_label = |label: &str| {
        let is_edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        (1..=63).contains(&label.len())
            && label.starts_with(is_edge)
            && label.ends_with(is_edge)
            && label.chars().all(|c| is_edge(c) || c == '-')
    };
    let top = host.rsplit('.').next().unwrap_or_default();
    host.contains('.') && host.split('.').all(is_label) && top.starts_with(|c: char| c.is_ascii_lowercase())
}

fn is_uuid(text: &str) -> bool {
    let is_hexadecimal = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| is_hexadecimal(part))
}

/// Whether it is an issuer on this machine, as an emulator has them: with a port and a path, if it likes.
pub(crate) fn is_dev_issuer(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest.filter(|_| text.len() <= 255) else { return false };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let names = ["localhost", "127.0.0.1", "[::1]"];
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    let is_here = names.into_iter().filter_map(|name| authority.strip_prefix(name)).any(|after| match after {
        "" => true,
        after => after.strip_prefix(':').is_some_and(is_port),
    });
    let is_segment =
        |segment: &str| !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    is_here && path.is_none_or(|path| path.split('/').all(is_segment))
}
