//! The little of XML that an answer of STS is made of.
//!
//! A reader of our own, because a general one took a quarter of the WebAssembly module. It knows elements, text, character
//! data, comments, processing instructions, the predefined entities and character references (XML 1.0, sections 2.4 to 2.7,
//! 3.1, 4.1, 4.6). A document type, which an answer has no use for, is refused, and so is whatever is not well-formed as far as
//! that can be told from what is read.

use zeroize::Zeroizing;

use crate::small::text::cut;

/// How deep elements may be nested.
const DEPTH: usize = 32;

/// The elements of a document in the order in which they end: the parent's name, the name, the text between its tags without
/// that of the elements within. Names are without their prefixes. The texts, of which one is a secret, are overwritten at the end.
pub(crate) struct Elements<'t>(Vec<(&'t str, &'t str, Zeroizing<String>)>);

impl<'t> Elements<'t> {
    /// The text of the first element of this name in a parent of that.
    pub(crate) fn text(&self, parent: &str, name: &str) -> Option<&str> {
        self.0.iter().find(|(p, n, _)| *p == parent && *n == name).map(|(_, _, text)| text.trim())
    }

    /// Reads a document; `None` if it is none.
    pub(crate) fn read(body: &'t [u8]) -> Option<Self> {
        let mut rest = std::str::from_utf8(body).ok()?;
        rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
        if !rest.chars().all(is_character) {
            return None;
        }
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
    open: Vec<(&'t str, Zeroizing<String>)>,
    ended: Vec<(&'t str, &'t str, Zeroizing<String>)>,
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
        let (_, open) = self.open.last_mut()?;
        let length = open.len() + text.len();
        if length > open.capacity() {
            // Growing would leave what there is behind.
            let mut larger = Zeroizing::new(String::with_capacity(length * 2));
            larger.push_str(open);
            *open = larger;
        }
        open.push_str(text);
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
        self.open.push((name, Zeroizing::default()));
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

/// What a document may hold (XML 1.0, section 2.2), but for what no UTF-8 is.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// The character that `&name;` stands for.
fn referred(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?).filter(|c| is_character(*c));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use quick_xml::events::Event;

    use super::*;

    type Read = Vec<(String, String, String)>;

    /// The same elements, by quick-xml.
    fn oracle(text: &str) -> Option<Read> {
        let mut reader = quick_xml::Reader::from_str(text);
        let mut open: Vec<(String, String)> = Vec::new();
        let mut ended = Vec::new();
        let parent = |open: &[(String, String)]| open.last().map_or_else(String::new, |(name, _)| name.clone());
        loop {
            let more = match reader.read_event().ok()? {
                Event::Eof => return (open.is_empty() && !ended.is_empty()).then_some(ended),
                Event::Start(start) => {
                    open.push((start.local_name().as_ref().to_owned(), String::new()));
                    continue;
                }
                Event::Empty(start) => {
                    ended.push((parent(&open), start.local_name().as_ref().to_owned(), String::new()));
                    continue;
                }
                Event::End(_) => {
                    let (name, text) = open.pop()?;
                    ended.push((parent(&open), name, text));
                    continue;
                }
                Event::Text(text) => text.to_string(),
                Event::CData(data) => data.to_string(),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference)?.to_owned(),
                },
                _ => continue,
            };
            if let Some((_, text)) = open.last_mut() {
                text.push_str(&more);
            }
        }
    }

    fn read(text: &str) -> Option<Read> {
        let owned = |(parent, name, text): &(&str, &str, Zeroizing<String>)| {
            ((*parent).to_owned(), (*name).to_owned(), text.to_string())
        };
        Elements::read(text.as_bytes()).map(|elements| elements.0.iter().map(owned).collect())
    }

    const DOCUMENTS: [&str; 4] = [
        "<?xml version=\"1.0\"?>\n<a xmlns=\"urn:x\" b='>'>\n <c>t&amp;&#x41;&#66;&lt;</c><d/>\
         <!-- <e> --><c><![CDATA[<&]]> u</c></a>\n",
        "<s:A xmlns:s='u'><s:B>é</s:B><s:B></s:B>text</s:A>",
        "<a><b><c><d>deep</d></c></b>&quot;&apos;&gt;</a>",
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code></Error><RequestId>1</RequestId></ErrorResponse>",
    ];

    #[test]
    fn documents_are_read_as_quick_xml_reads_them() {
        for document in DOCUMENTS {
            assert!(read(document).is_some(), "{document}");
            assert_eq!(read(document), oracle(document), "{document}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for bad in ["\0", "\u{1}", "\u{1b}", "&#0;", "&#x1B;", "&#xFFFE;", "&#xD800;"] {
            assert_eq!(read(&format!("<a>{bad}</a>")), None, "{bad:?}");
        }
        for good in ["\t", "\r\n", "&#10;", "\u{7f}", "\u{fffd}", "\u{10ffff}"] {
            assert!(read(&format!("<a>{good}</a>")).is_some(), "{good:?}");
        }
    }

    /// What is broken anywhere is refused by one of the two, or read alike: never as something else.
    #[test]
    fn broken_documents_are_not_read_as_others() {
        let mut read_at_all = 0;
        for document in DOCUMENTS {
            for (at, _) in document.char_indices() {
                let (before, rest) = document.split_at(at);
                let mut after = rest.chars();
                after.next();
                let variants =
                    ["<", ">", "/", "&", ";", "\"", "]", "!", "x", " "].map(|with| [with, after.as_str()].concat());
                for tail in variants.iter().map(String::as_str).chain(["", after.as_str()]) {
                    let broken = format!("{before}{tail}");
                    if let (Some(ours), Some(theirs)) = (read(&broken), oracle(&broken)) {
                        read_at_all += 1;
                        assert_eq!(ours, theirs, "{broken}");
                    }
                }
            }
        }
        assert!(read_at_all > 500, "{read_at_all} of them were read by both");
    }
}
