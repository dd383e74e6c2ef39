//! TypeScript of Rust's constants.

use std::fmt::{Display, Write};

/// A file of constants as it grows.
pub(crate) struct Constants(String);

impl Constants {
    pub(crate) fn new() -> Self {
        Self("// Made from the Rust crates by xtask-bindgen.\n".to_owned())
    }

    /// A type that users see: one of these texts.
    pub(crate) fn union<'a>(&mut self, name: &str, about: &str, texts: impl IntoIterator<Item = &'a str>) {
        let texts: String = texts.into_iter().map(|text| format!("\n  | {}", quoted(text))).collect();
        self.add(about, format_args!("type {name} ={texts}"));
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str, about: &str, text: &str) {
        self.add_value(name, about, quoted(text));
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &str, about: &str, number: impl Display) {
        self.add_value(name, about, number);
    }

    /// Numbers by their names, which become JavaScript's: `TAG_KEY` is `tagKey`.
    pub(crate) fn numbers(&mut self, name: &str, about: &str, numbers: &[(&str, u8)]) {
        let numbers: String =
            numbers.iter().map(|(name, number)| format!("\n  {}: {number},", camel_case(name))).collect();
        self.add_value(name, about, format_args!("{{{numbers}\n}} as const"));
    }

    /// Several texts.
    pub(crate) fn list(&mut self, name: &str, about: &str, texts: &[&str]) {
        self.add_value(name, about, format_args!("{texts:?}"));
    }

    /// Texts by their names.
    pub(crate) fn texts<T: AsRef<str>>(&mut self, name: &str, about: &str, texts: &[(&str, T)]) {
        let texts: String =
            texts.iter().map(|(name, text)| format!("\n  {name}: {},", quoted(text.as_ref()))).collect();
        self.add_value(name, about, format_args!("{{{texts}\n}} as const"));
    }

    pub(crate) fn text_of_file(self) -> String {
        self.0
    }

    /// Values are the package's own: they are left out of its declarations.
    fn add_value(&mut self, name: &str, about: &str, value: impl Display) {
        self.add(format_args!("@internal {about}"), format_args!("const {name} = {value}"));
    }

    fn add(&mut self, about: impl Display, what: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "\n/** {about} */\nexport {what};\n");
    }
}

/// In quotes: the texts are codes and words of ASCII, in which nothing needs escaping but what `{:?}` escapes.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_').map(str::to_lowercase);
    let first = words.next().unwrap_or_default();
    words.fold(first, |all, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        all + &capital.into_iter().chain(letters).collect::<String>()
    })
}
