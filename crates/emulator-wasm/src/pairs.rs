//! Pairs, which cross as texts in turns.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The pairs of texts in turns.
pub(crate) fn of(texts: Vec<String>) -> impl Iterator<Item = (String, String)> {
    let mut texts = texts.into_iter();
    std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
}

/// Headers, of which each character is a byte, as Node has them; `None` for what cannot be one.
pub(crate) fn headers(texts: Vec<String>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in of(texts) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(&bytes(&value)?).ok()?);
    }
    Some(headers)
}

/// The same the other way.
pub(crate) fn texts(headers: &HeaderMap) -> Vec<String> {
    let text = |value: &HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
    headers.iter().flat_map(|(name, value)| [name.as_str().to_owned(), text(value)]).collect()
}

/// The bytes that are characters here.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| u8::try_from(character).ok()).collect()
}
