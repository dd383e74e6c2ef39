//! The table of errors in `docs/errors.md`, written from the core's table and from `tests/errors.toml`.

use std::collections::BTreeMap;
use std::fs;

use crate::run::root;

const PAGE: Page = Page { path: "docs/errors.md", table: || table(&read(KINDS)?, &read(FACES)?) };
const KINDS: &str = "crates/core/src/error/kind.rs";
const FACES: &str = "tests/errors.toml";

const START: &str = "<!-- written by `cargo xtask errors` -->\n";
const END: &str = "<!-- end -->\n";

/// Compares the page with the tables.
pub(crate) fn check() -> Result<(), String> {
    PAGE.check()
}

/// Writes the page's table anew.
pub(crate) fn write() -> Result<(), String> {
    PAGE.write()
}

/// A page of the docs with a table that is made.
pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) table: fn() -> Result<String, String>,
}

impl Page {
    /// Compares the page with its table.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (old, new) = self.old_and_new()?;
        let path = self.path;
        if old == new { Ok(()) } else { Err(format!("{path} is not what the tables say: run `cargo xtask errors`")) }
    }

    /// Writes the table anew.
    pub(crate) fn write(&self) -> Result<(), String> {
        let (_, new) = self.old_and_new()?;
        fs::write(root().join(self.path), new).map_err(|error| format!("{}: {error}", self.path))
    }

    /// The page as it is, and as it should be.
    fn old_and_new(&self) -> Result<(String, String), String> {
        let (path, old) = (self.path, read(self.path)?);
        let (head, rest) = old.split_once(START).ok_or_else(|| format!("{path} has no line `{}`", START.trim()))?;
        let (_, tail) = rest.split_once(END).ok_or_else(|| format!("{path} has no line `{}`", END.trim()))?;
        let new = format!("{head}{START}\n{}\n{END}{tail}", (self.table)()?);
        Ok((old, new))
    }
}

pub(crate) fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

fn table(kinds: &str, faces: &str) -> Result<String, String> {
    let faces = parse_faces(faces)?;
    let kinds = parse_kinds(kinds)?;
    if kinds.len() != faces.len() {
        return Err(format!("{KINDS} has {} errors, {FACES} {}", kinds.len(), faces.len()));
    }
    let mut lines = vec![
        "| code | what it means | what to do | Python | Rust | again? |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for kind in kinds {
        let face = faces.get(&kind.code).ok_or_else(|| format!("{FACES} has no `{}`", kind.code))?;
        let said = |key: &str| face.get(key).map(String::as_str).ok_or_else(|| format!("`{}` has no {key}", kind.code));
        if said("kind")? != kind.variant || said("js")? != kind.code {
            return Err(format!("`{}` is called otherwise in {FACES}", kind.code));
        }
        let again = match said("retryable")? {
            "never" => "no",
            "always" => "yes",
            "server_errors" => "if the status is 500 or more",
            other => return Err(format!("{FACES}: `{other}` is nothing that `retryable` may be")),
        };
        lines.push(format!(
            "| `{}` | {} | {} | `{}` | `{}` | {again} |",
            kind.code,
            kind.meaning,
            kind.hint,
            said("python")?,
            kind.variant,
        ));
    }
    Ok(lines.join("\n") + "\n")
}

/// A row of the core's table.
struct Kind {
    variant: String,
    code: String,
    hint: String,
    meaning: String,
}

/// The rows between `kinds! {` and the brace at the start of a line: a name, a code, two names, a hint, a meaning.
fn parse_kinds(text: &str) -> Result<Vec<Kind>, String> {
    let rows = text.split_once("\nkinds! {\n").and_then(|(_, rest)| rest.split_once("\n}\n")).map(|(rows, _)| rows);
    let rows = rows.ok_or_else(|| format!("{KINDS} has no `kinds!`"))?;
    rows.split(";\n")
        .map(|row| row.trim_end_matches(';').trim())
        .filter(|row| !row.is_empty())
        .map(parse_kind)
        .collect()
}

fn parse_kind(row: &str) -> Result<Kind, String> {
    let failed = || format!("{KINDS}: `{row}` is no row with three texts");
    if row.contains(['\\', '|']) {
        return Err(format!("{KINDS}: `{row}` has a character that this step cannot read or a table cannot have"));
    }
    let mut parts = row.split('"');
    let variant = parts.next().ok_or_else(failed)?.trim().trim_end_matches(',').to_owned();
    // Every other part is within quotation marks.
    let texts: Vec<&str> = parts.step_by(2).collect();
    let [code, hint, meaning] = texts[..] else { return Err(failed()) };
    Ok(Kind { variant, code: code.to_owned(), hint: hint.to_owned(), meaning: meaning.to_owned() })
}

type Faces = BTreeMap<String, BTreeMap<String, String>>;

/// The tables `[[error]]` by their codes: of TOML, what they are made of.
fn parse_faces(text: &str) -> Result<Faces, String> {
    let mut faces = Faces::new();
    for table in text.split("[[error]]\n").skip(1) {
        let pairs = table.lines().filter_map(|line| line.split_once(" = "));
        let face: BTreeMap<String, String> =
            pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned())).collect();
        let code = face.get("code").ok_or_else(|| format!("{FACES}: `{table}` has no code"))?.clone();
        faces.insert(code, face);
    }
    Ok(faces)
}
