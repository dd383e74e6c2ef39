//! The form of the shared files: sections, `key = value`, comments, values that go on.
//!
//! As AWS's SDKs read it ([format of the files](https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html)); where botocore
//! takes more than they do, so does this: indented keys, names in quotes, a program with `#` or `;` in it.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// Keys in lower case, and their values, which may be secret.
pub(super) type Keys = BTreeMap<String, Zeroizing<String>>;

/// `[header]` and what stands below it.
pub(super) struct Section {
    pub(super) header: String,
    pub(super) keys: Keys,
}

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) what: &'static str,
}

const BLANK: [char; 3] = [' ', '\t', '\r'];
const COMMENT: [char; 2] = ['#', ';'];

/// The key whose value is taken whole: a program's arguments may hold what looks like a comment.
const WHOLE: &str = "credential_process";

/// The sections in their order; those of the same header one after the other.
pub(super) fn parse(text: &str) -> Result<Vec<Section>, Mistake> {
    let mut sections: Vec<Section> = Vec::new();
    // The key that a deeper line goes on with, and how deep it stands itself.
    let mut open: Option<(String, usize)> = None;
    // Notepad puts it there.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let mistake = |what| Mistake { line: index + 1, what };
        let depth = line.len() - line.trim_start_matches(BLANK).len();
        let line = line.trim_matches(BLANK);
        if line.is_empty() || line.starts_with(COMMENT) {
            continue;
        }
        let deeper = open.as_ref().filter(|(_, from)| depth > *from);
        match (deeper, sections.last_mut()) {
            (Some((key, _)), Some(section)) => {
                let value = section.keys.entry(key.clone()).or_default();
                if value.is_empty() || value.starts_with('\n') {
                    // A block of keys below a key, such as `s3 =`.
                    pair(line).map_err(mistake)?;
                }
                value.push('\n');
                value.push_str(line);
            }
            (None, section) => {
                if let Some(rest) = line.strip_prefix('[') {
                    sections.push(Section { header: header(rest).map_err(mistake)?, keys: Keys::new() });
                    open = None;
                    continue;
                }
                let (key, value) = pair(line).map_err(mistake)?;
                let Some(section) = section else {
                    return Err(mistake("the line stands before every section"));
                };
                let key = key.to_ascii_lowercase();
                let value = if key == WHOLE { value } else { without_comment(value) };
                section.keys.insert(key.clone(), Zeroizing::new(value.to_owned()));
                open = Some((key, depth));
            }
            // There is no key without a section.
            (Some(_), None) => {}
        }
    }
    Ok(sections)
}

/// The keys of a block: `s3 =`, and deeper lines below it.
pub(super) fn nested<'v>(value: &'v str, key: &str) -> Option<&'v str> {
    let mut pairs = value.lines().filter_map(|line| pair(line).ok());
    pairs.find(|(name, _)| *name == key).map(|(_, value)| without_comment(value)).filter(|value| !value.is_empty())
}

fn header(rest: &str) -> Result<String, &'static str> {
    let (header, after) = rest.split_once(']').ok_or("the section's `]` is missing")?;
    let after = after.trim_matches(BLANK);
    if after.is_empty() || after.starts_with(COMMENT) {
        Ok(header.trim_matches(BLANK).to_owned())
    } else {
        Err("something stands behind the section's `]`")
    }
}

fn pair(line: &str) -> Result<(&str, &str), &'static str> {
    let (key, value) = line.split_once('=').ok_or("the line is neither a section nor `key = value`")?;
    let (key, value) = (key.trim_matches(BLANK), value.trim_matches(BLANK));
    if key.is_empty() { Err("the key before `=` is missing") } else { Ok((key, value)) }
}

/// A comment begins at `#` or `;` after a space.
fn without_comment(value: &str) -> &str {
    let mut before = ' ';
    for (index, c) in value.char_indices() {
        if COMMENT.contains(&c) && BLANK.contains(&before) {
            return value.get(..index).unwrap_or(value).trim_matches(BLANK);
        }
        before = c;
    }
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    type Read = Result<Vec<(String, Vec<(String, String)>)>, (usize, &'static str)>;

    fn read(text: &str) -> Read {
        let sections = parse(text).map_err(|mistake| (mistake.line, mistake.what))?;
        let keys = |keys: Keys| keys.into_iter().map(|(key, value)| (key, value.to_string())).collect();
        Ok(sections.into_iter().map(|section| (section.header, keys(section.keys))).collect())
    }

    fn one(header: &str, keys: &[(&str, &str)]) -> Read {
        let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Ok(vec![(header.to_owned(), keys)])
    }

    #[test]
    fn sections_and_keys_are_read_as_the_sdks_read_them() {
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read("\t \n# x\n; x\n[profile foo]\n"), one("profile foo", &[]));
        assert_eq!(read("[profile \tfoo \t]"), one("profile \tfoo", &[]));
        assert_eq!(read("[   foo    ]"), one("foo", &[]));
        for name in ["some-thing:long/the_one%only.foo@bar+", "foo bar", "\"foo bar\"", "ü"] {
            assert_eq!(read(&format!("[{name}]")), one(name, &[]));
        }
        for comment in ["", " # x", "# x", "; x ]", " \t; [x]"] {
            assert_eq!(read(&format!("[foo]{comment}\nname = value")), one("foo", &[("name", "value")]));
        }
        assert_eq!(read("[foo]\r\nname = value\r\n"), one("foo", &[("name", "value")]));
        assert_eq!(read("\u{feff}[foo]\nname = value"), one("foo", &[("name", "value")]));
        assert_eq!(read("[foo]\nname \t=  \tval=ue \t"), one("foo", &[("name", "val=ue")]));
        assert_eq!(read("[foo]\nname = 😂"), one("foo", &[("name", "😂")]));
        assert_eq!(read("[foo]\nname ="), one("foo", &[("name", "")]));
        assert_eq!(read("[foo]\nNaMe = Value\nname = value2"), one("foo", &[("name", "value2")]));
        assert_eq!(read("[foo]\n\"name\" = 'value'"), one("foo", &[("\"name\"", "'value'")]));
    }

    #[test]
    fn a_comment_in_a_value_begins_after_a_space() {
        for comment in ["# Comment with # sign", "; Comment with ; sign", ";", "#"] {
            assert_eq!(read(&format!("[foo]\nname = value {comment}")), one("foo", &[("name", "value")]));
            assert_eq!(
                read(&format!("[foo]\nname = value{comment}")),
                one(
                    "foo",
                    &[("name", format!("value{comment}").split(" #").next().unwrap().split(" ;").next().unwrap())]
                )
            );
        }
        assert_eq!(read("[foo]\nname = # all of it"), one("foo", &[("name", "")]));
        let program = "sh -c \"a ; b # c\" # d";
        assert_eq!(
            read(&format!("[foo]\ncredential_process = {program}")),
            one("foo", &[("credential_process", program)])
        );
    }

    #[test]
    fn a_value_goes_on_in_deeper_lines() {
        assert_eq!(
            read("[foo]\nname = value\n \t -continued \t \n\n # no\n -more # Comment"),
            one("foo", &[("name", "value\n-continued\n-more # Comment")])
        );
        assert_eq!(
            read("[foo]\ns3 =\n name = value\n\t \n other= # x\nlast = 1"),
            one("foo", &[("last", "1"), ("s3", "\nname = value\nother= # x")])
        );
        assert_eq!(nested("\nname = value ; x\nother= # x", "name"), Some("value"));
        assert_eq!(nested("\nname = value\nother= # x", "other"), None);
        assert_eq!(nested("\nname = value", "none"), None);
    }

    #[test]
    fn keys_may_be_indented_as_botocore_lets_them() {
        assert_eq!(
            read("[foo]\n  name = value\n  other = value2\n    -continued\n last = value3\n[bar]\n a = b"),
            Ok([
                one("foo", &[("last", "value3"), ("name", "value"), ("other", "value2\n-continued")]).unwrap(),
                one("bar", &[("a", "b")]).unwrap()
            ]
            .concat())
        );
        assert_eq!(read("[foo]\nname = value\n [bar]"), one("foo", &[("name", "value\n[bar]")]));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (text, line, what) in [
            ("# x\n[profile foo", 2, "the section's `]` is missing"),
            ("[profile foo # ]x", 1, "something stands behind the section's `]`"),
            ("name = value", 1, "the line stands before every section"),
            (" -continued", 1, "the line is neither a section nor `key = value`"),
            (" name = value", 1, "the line stands before every section"),
            ("[foo]\n = value", 2, "the key before `=` is missing"),
            ("[foo]\nkey : value", 2, "the line is neither a section nor `key = value`"),
            ("[foo]\nname = value\n[foo]\n -continued", 4, "the line is neither a section nor `key = value`"),
            ("[foo]\ns3 =\n invalid", 3, "the line is neither a section nor `key = value`"),
            ("[foo]\r\ns3 =\r\n\r\n = value", 4, "the key before `=` is missing"),
        ] {
            assert_eq!(read(text), Err((line, what)), "{text:?}");
        }
    }
}
