//! The little of XML that an answer of STS is made of.
//!
//! A reader of our own, because a general one took a quarter of the WebAssembly module. It knows elements, text, character
//! data, comments, processing instructions, the predefined entities and character references (XML 1.0, sections 2.4 to 2.7,
//! 3.1, 4.1, 4.6). A document type, which an answer has no use for, is refused, and so is whatever is not well-formed as far as
//! that can be told from what is read.

use crate::small::text::cut;

/// How deep elements may be nested.
const DEPTH: usize = 32;

/// The elements of a document in the order in which they end: the parent's name, the name, the text between its tags without
/// that of the elements within. Names are without their prefixes.
pub(crate) struct Elements<'t>(Vec<(&'t str, &'t str, String)>);

impl<'t> Elements<'t> {
    /// The text of the first element of this name in a parent of that.
    pub(crate) fn text(&self, parent: &str, name: &str) -> Option<&str> {
        self.0.iter().find(|(p, n, _)| *p == parent && *n == name).map(|(_, _, text)| text.trim())
    }

    /// Reads a document; `None` if it is none.
    pub(crate) fn read(body: &'t [u8]) -> Option<Self> {
        let mut rest = std::str::from_utf8(body).ok()?;
        rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
        let mut document = Document::default();
        loop {
            let (text, markup) = cut(rest, "<").unwrap_or((rest, ""));
            document.text(text)?;
            if text.len() == rest.len() {
                return document.finished();
            }
            rest = if let Some(comment) = markup.strip_prefix("!--") {
                cut(comment, "-->")?.1
            } else if let Some(data) = markup.strip_prefix("![CDATA[") {
                let (data, rest) = cut(data, "]]>")?;
                document.push(data)?;
                rest
            } else if let Some(instruction) = markup.strip_prefix('?') {
                cut(instruction, "?>")?.1
            } else if let Some(end) = markup.strip_prefix('/') {
                let (name, rest) = cut(end, ">")?;
                document.end(name.trim_ascii_end())?;
                rest
            } else {
                document.start(markup)?
            };
        }
    }
}

#[derive(Default)]
struct Document<'t> {
    /// The elements that have begun and not ended: the name with its prefix, the text so far.
    open: Vec<(&'t str, String)>,
    ended: Vec<(&'t str, &'t str, String)>,
}

impl<'t> Document<'t> {
    /// Text with its references; between the tags of no element only white space.
    fn text(&mut self, text: &str) -> Option<()> {
        if self.open.is_empty() {
            return text.trim_ascii().is_empty().then_some(());
        }
        let mut rest = text;
        while let Some((plain, reference)) = cut(rest, "&") {
            self.push(plain)?;
            let (name, after) = cut(reference, ";")?;
            self.push(referred(name)?.encode_utf8(&mut [0; 4]))?;
            rest = after;
        }
        self.push(rest)
    }

    fn push(&mut self, text: &str) -> Option<()> {
        self.open.last_mut()?.1.push_str(text);
        Some(())
    }

    /// Begins an element, whose tag is the start of `markup`; gives what follows the tag.
    fn start(&mut self, markup: &'t str) -> Option<&'t str> {
        let mut quote = None;
        let end = markup.bytes().position(|byte| match (quote, byte) {
            (None, b'>') => true,
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                false
            }
            (Some(open), _) if open == byte => {
                quote = None;
                false
            }
            _ => false,
        })?;
        let (tag, rest) = markup.split_at_checked(end)?;
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split_ascii_whitespace().next()?;
        // No markup but a document type's begins with an exclamation mark here.
        if !tag.starts_with(name) || name.starts_with('!') || self.open.len() == DEPTH {
            return None;
        }
        self.open.push((name, String::new()));
        if is_empty {
            self.end(name)?;
        }
        rest.strip_prefix('>')
    }

    fn end(&mut self, name: &str) -> Option<()> {
        let (open, text) = self.open.pop()?;
        let parent = self.open.last().map_or("", |(name, _)| local(name));
        self.ended.push((parent, local(open), text));
        (open == name).then_some(())
    }

    fn finished(self) -> Option<Elements<'t>> {
        (self.open.is_empty() && !self.ended.is_empty()).then_some(Elements(self.ended))
    }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The character that `&name;` stands for.
fn referred(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}
