//! A table of the manifest, read key by key: a value of another type and a key that is unknown or missing are noted, with the
//! table that they are of, and everything else is read all the same.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ManifestErrorKind as Kind;
use super::similar;
use super::source::{Scalar, Source};

/// A key, with its place.
pub(super) type Key = Spanned<String>;

/// The entries of a table whose keys are names, in the order of the file.
pub(super) type Table<T> = Vec<(Key, T)>;

/// A list with its place, and those of its texts.
pub(super) type Texts = Spanned<Vec<Spanned<String>>>;

/// A text, or a list of them.
pub(super) enum OneOrMany {
    One(Spanned<String>),
    Many(Texts),
}

pub(super) struct TableReader<'t> {
    source: &'t Source<'t>,
    /// As a sentence begins with it: `` `[callers.shop]` ``.
    name: String,
    place: Range<usize>,
    entries: BTreeMap<&'t str, (Range<usize>, &'t Spanned<DeValue<'t>>)>,
}

impl<'t> TableReader<'t> {
    pub(super) fn of_file(source: &'t Source<'t>, table: &'t DeTable<'t>, keys: &[&str]) -> Self {
        Self::new(source, "the manifest".to_owned(), 0..0, table).with_keys(keys)
    }

    fn new(source: &'t Source<'t>, name: String, place: Range<usize>, table: &'t DeTable<'t>) -> Self {
        let entries = table.iter().map(|(key, value)| (key.get_ref().as_ref(), (key.span(), value)));
        Self { source, name, place, entries: entries.collect() }
    }

    /// Notes every key that is none of these.
    pub(super) fn with_keys(self, keys: &[&str]) -> Self {
        for (key, (place, _)) in self.entries.iter().filter(|(key, _)| !keys.contains(*key)) {
            let list = || keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let advice = match similar::to(key, keys.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("its keys are {}", list()),
            };
            self.note(place.clone(), format!("{} has no key `{key}`: {advice}", self.name));
        }
        self
    }

    pub(super) fn require(&self, keys: &[&str]) {
        for key in keys.iter().filter(|key| !self.has(key)) {
            self.lacks(&format!("lacks the key `{key}`"));
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Which of these keys are there, and where.
    pub(super) fn places(&self, keys: &[&'static str]) -> BTreeMap<&'static str, Range<usize>> {
        keys.iter().filter_map(|key| Some((*key, self.entries.get(key)?.0.clone()))).collect()
    }

    /// Whether there is no such key, or nothing in its list or table.
    pub(super) fn is_empty(&self, key: &str) -> bool {
        self.value(key).is_none_or(|value| match value.get_ref() {
            DeValue::Array(list) => list.is_empty(),
            DeValue::Table(table) => table.is_empty(),
            _ => false,
        })
    }

    pub(super) fn lacks(&self, what: &str) {
        self.note(self.place.clone(), format!("{} {what}", self.name));
    }

    fn note(&self, place: Range<usize>, message: String) {
        self.source.note::<()>(Err(self.source.error(Kind::Schema, place, message)));
    }

    /// Notes that it is of another type than it should be.
    fn is_no<T>(&self, key: &str, value: &Spanned<DeValue<'_>>, what: &str) -> Option<T> {
        let message = format!("`{key}` of {} is {}, where {what} belongs", self.name, article(value.get_ref()));
        self.note(value.span(), message);
        None
    }

    fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.entries.get(key).map(|(_, value)| *value)
    }

    pub(super) fn text(&self, key: &str) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        text(value).or_else(|| self.is_no(key, value, "a text in quotes"))
    }

    pub(super) fn scalar(&self, key: &str) -> Option<Scalar> {
        let value = self.value(key)?;
        let (shown, is_text) = match value.get_ref() {
            DeValue::String(text) => (text.to_string(), true),
            DeValue::Integer(number) => (number.to_string(), false),
            other => (article(other).to_owned(), false),
        };
        Some(Scalar { text: Spanned::new(value.span(), shown), is_text })
    }

    pub(super) fn integer(&self, key: &str) -> Option<Spanned<i64>> {
        let value = self.value(key)?;
        let number = value.get_ref().as_integer();
        let number = number.and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        let number = number.map(|number| Spanned::new(value.span(), number));
        number.or_else(|| self.is_no(key, value, "a whole number"))
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        value.get_ref().as_bool().or_else(|| self.is_no(key, value, "`true` or `false`"))
    }

    pub(super) fn texts(&self, key: &str) -> Option<Texts> {
        let value = self.value(key)?;
        let Some(list) = value.get_ref().as_array() else {
            return self.is_no(key, value, "a list of texts");
        };
        let read = |entry: &Spanned<DeValue<'_>>| text(entry).or_else(|| self.is_no(key, entry, "a text in quotes"));
        let texts: Vec<_> = list.iter().filter_map(read).collect();
        // What is left of a list that is wrong is not looked at: it may be empty.
        (texts.len() == list.len()).then(|| Spanned::new(value.span(), texts))
    }

    /// A table whose keys are names, and its values texts.
    pub(super) fn table_of_texts(&self, key: &str) -> Option<Table<Spanned<String>>> {
        let (_, table) = self.table(key)?;
        let entries = table.in_file_order();
        Some(entries.filter_map(|key| Some((key.clone(), table.text(key.get_ref())?))).collect())
    }

    /// A table whose keys are names, and its values texts or lists of texts.
    pub(super) fn table_of_one_or_many(&self, key: &str) -> Option<Table<OneOrMany>> {
        let (_, table) = self.table(key)?;
        let read = |key: &Key| match table.value(key.get_ref())?.get_ref() {
            DeValue::Array(_) => table.texts(key.get_ref()).map(OneOrMany::Many),
            _ => table.text(key.get_ref()).map(OneOrMany::One),
        };
        let entries = table.in_file_order();
        Some(entries.filter_map(|key| read(&key).map(|value| (key, value))).collect())
    }

    /// A table whose keys are names, and its values tables.
    pub(super) fn tables<T>(&self, key: &str, read: impl Fn(TableReader<'t>) -> T) -> Table<T> {
        let Some((_, table)) = self.table(key) else { return Vec::new() };
        let one = |(name, inner): (Key, TableReader<'t>)| (name, read(inner));
        table.in_file_order().filter_map(|name| table.table(name.get_ref())).map(one).collect()
    }

    pub(super) fn table(&self, key: &str) -> Option<(Key, TableReader<'t>)> {
        let (place, value) = self.entries.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            return self.is_no(key, value, "a table");
        };
        let name = match (self.name.strip_prefix("`[").and_then(|name| name.strip_suffix("]`")), key) {
            (Some(_), "roles" | "accept" | "tags") => format!("`{key}` of {}", self.name),
            (Some(outer), _) => format!("`[{outer}.{key}]`"),
            (None, _) => format!("`[{key}]`"),
        };
        let inner = TableReader::new(self.source, name, place.clone(), table);
        Some((Spanned::new(place.clone(), key.to_owned()), inner))
    }

    /// The keys; the map has them by the alphabet.
    fn in_file_order(&self) -> impl Iterator<Item = Key> {
        let keys = self.entries.iter().map(|(key, (place, _))| Spanned::new(place.clone(), (*key).to_owned()));
        let mut keys: Vec<Key> = keys.collect();
        keys.sort_by_key(|key| key.span().start);
        keys.into_iter()
    }
}

fn text(value: &Spanned<DeValue<'_>>) -> Option<Spanned<String>> {
    value.get_ref().as_str().map(|text| Spanned::new(value.span(), text.to_owned()))
}

/// What a value is, for people.
fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
