//! The XML of an answer, read strictly.
//!
//! A lenient reader found an identity in what STS had said back of a request (CVE-2020-16250). This one reads the few forms that an
//! answer has: a declaration, elements without attributes but for the root's namespace, texts. A document type, a comment, CDATA, an
//! instruction, a prefix, a second root: nothing of it is XML here. A text with references or line breaks, such as the message of a
//! refusal, is no text that anybody can have.

/// How deep elements may be nested.
const DEPTH: usize = 6;

/// An element: its name, and what is in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element<'t> {
    pub(super) name: &'t str,
    pub(super) content: Content<'t>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content<'t> {
    Text(&'t str),
    /// A text that is not what it says as it stands.
    Escaped,
    Elements(Vec<Element<'t>>),
}

impl<'t> Element<'t> {
    /// The text of the one element of this name in it; `None` if there is none, or another.
    pub(super) fn text(&self, name: &str) -> Option<&'t str> {
        match self.only(name)?.content {
            Content::Text(text) => Some(text),
            Content::Escaped | Content::Elements(_) => None,
        }
    }

    /// The one element of this name in it.
    pub(super) fn only(&self, name: &str) -> Option<&Element<'t>> {
        let Content::Elements(elements) = &self.content else { return None };
        let mut found = elements.iter().filter(|element| element.name == name);
        let only = found.next();
        if found.next().is_some() { None } else { only }
    }

    /// Whether it holds elements of these names alone.
    pub(super) fn holds_only(&self, names: &[&str]) -> bool {
        matches!(&self.content, Content::Elements(elements) if elements.iter().all(|element| names.contains(&element.name)))
    }
}

/// Reads a document whose root has this namespace.
pub(super) fn read<'t>(body: &'t [u8], namespace: &str) -> Option<Element<'t>> {
    let mut rest = std::str::from_utf8(body).ok()?;
    if let Some(declaration) = rest.strip_prefix("<?xml ") {
        let (said, after) = declaration.split_once("?>")?;
        rest = (!said.contains('<')).then_some(after)?;
    }
    let tag = blank(rest).strip_prefix('<')?;
    let (name, attributes) = name(tag)?;
    let attributes = attributes.strip_prefix(" xmlns=")?;
    let quote = attributes.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inner = attributes.strip_prefix(quote)?.strip_prefix(namespace)?.strip_prefix(quote)?.strip_prefix('>')?;
    let (content, rest) = content(inner, name, DEPTH)?;
    blank(rest).is_empty().then_some(Element { name, content })
}

/// What stands up to the end of an element that has begun, and what follows it.
fn content<'t>(text: &'t str, name: &str, depth: usize) -> Option<(Content<'t>, &'t str)> {
    let depth = depth.checked_sub(1)?;
    let (said, markup) = text.split_once('<')?;
    if let Some(rest) = end(markup, name) {
        let is_text = !said.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n'));
        let is_plain = !said.contains(['&', '>', '\t', '\r', '\n']);
        return is_text.then_some((if is_plain { Content::Text(said) } else { Content::Escaped }, rest));
    }
    let mut elements = Vec::new();
    let mut text = text;
    loop {
        let markup = blank(text).strip_prefix('<')?;
        if let Some(rest) = end(markup, name) {
            return Some((Content::Elements(elements), rest));
        }
        let (name, after) = self::name(markup)?;
        let (content, rest) = content(after.strip_prefix('>')?, name, depth)?;
        elements.push(Element { name, content });
        text = rest;
    }
}

/// What follows the end of an element of this name.
fn end<'t>(markup: &'t str, name: &str) -> Option<&'t str> {
    markup.strip_prefix('/')?.strip_prefix(name)?.strip_prefix('>')
}

/// A name without a prefix, and what follows it.
fn name(markup: &str) -> Option<(&str, &str)> {
    let end = markup.find(|c: char| !c.is_ascii_alphanumeric())?;
    markup.split_at_checked(end).filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn an_answers_few_forms_are_read() {
        for head in ["", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"] {
            let root =
                read(format!("{head}<A xmlns=\"urn:x\">\n <B>\n  <C>t</C><D></D>\n </B>\n</A>\n").as_bytes(), "urn:x")
                    .map(|root| format!("{root:?}"))
                    .unwrap();
            assert_eq!(
                root,
                "Element { name: \"A\", content: Elements([Element { name: \"B\", content: Elements([Element { name: \"C\", \
                 content: Text(\"t\") }, Element { name: \"D\", content: Text(\"\") }]) }]) }"
            );
        }
        assert!(read(b"<A xmlns='urn:x'><B>t</B></A>", "urn:x").is_some());
    }

    #[test]
    fn nothing_else_is_xml_here() {
        for bad in [
            "",
            "{}",
            "<A><B>t</B></A>",
            "<A xmlns=\"urn:y\"><B>t</B></A>",
            "<A xmlns=\"urn:x\"/>",
            "<A xmlns=\"urn:x\" a=\"b\"><B>t</B></A>",
            "<A  xmlns=\"urn:x\"><B>t</B></A>",
            "<a:A xmlns:a=\"urn:x\"><a:B>t</a:B></a:A>",
            "<!DOCTYPE A><A xmlns=\"urn:x\"><B>t</B></A>",
            "<A xmlns=\"urn:x\"><!-- c --><B>t</B></A>",
            "<A xmlns=\"urn:x\"><B><![CDATA[t]]></B></A>",
            "<A xmlns=\"urn:x\"><B x=\"y\">t</B></A>",
            "<A xmlns=\"urn:x\"><B>t</B>text</A>",
            "<A xmlns=\"urn:x\">text<B>t</B></A>",
            "<A xmlns=\"urn:x\"><B>t</C></A>",
            "<A xmlns=\"urn:x\"><B>t</B>",
            "<A xmlns=\"urn:x\"><B>t</B></A><A xmlns=\"urn:x\"><B>t</B></A>",
            "<A xmlns=\"urn:x\"><B>t</B></A>x",
            "x<A xmlns=\"urn:x\"><B>t</B></A>",
            "\u{feff}<A xmlns=\"urn:x\"><B>t</B></A>",
            "<A xmlns=\"urn:x\"><B>a\0b</B></A>",
        ] {
            assert_eq!(read(bad.as_bytes(), "urn:x"), None, "{bad}");
        }
        let deep = format!("<A xmlns=\"urn:x\">{}{}</A>", "<B>".repeat(DEPTH), "</B>".repeat(DEPTH));
        assert_eq!(read(deep.as_bytes(), "urn:x"), None);
    }

    #[test]
    fn a_text_that_is_not_what_it_says_is_read_past() {
        for text in ["a&amp;b", "a&lt;C&gt;", "a > b", "a\nb", "a\r\n\tb", " \n"] {
            let document = format!("<A xmlns='u'><B>{text}</B><C>3</C></A>");
            let root = read(document.as_bytes(), "u").unwrap();
            assert_eq!((root.text("B"), root.text("C")), (None, Some("3")), "{text:?}");
            assert!(root.holds_only(&["B", "C"]) && !root.holds_only(&["C"]));
        }
    }

    #[test]
    fn what_stands_twice_is_not_found() {
        let root = read(b"<A xmlns='u'><B>1</B><B>2</B><C>3</C></A>", "u").unwrap();
        assert_eq!((root.text("B"), root.text("C"), root.text("D")), (None, Some("3"), None));
        assert!(root.holds_only(&["B", "C"]) && !root.holds_only(&["B"]));
    }
}
