//! An answer, read: who gave it, its code and its text.

use serde_json::Value;

use crate::exchange::Exchange;

/// What an answer says.
pub(crate) struct Answer {
    /// AWS's code, without a namespace and without `Exception` at its end: `ExpiredToken`. Empty if there is none.
    pub(crate) code: String,
    /// The text, with its line breaks.
    pub(crate) message: String,
    /// Whether the body is a page for a browser.
    pub(crate) is_page: bool,
}

impl Answer {
    pub(crate) fn read(exchange: &Exchange) -> Self {
        let body = exchange.body.trim();
        let typed = exchange.header("x-amzn-errortype").map(ToOwned::to_owned);
        let is_page = is_page(exchange, body);
        let (code, message) = read_json(body).or_else(|| read_xml(body)).unwrap_or_else(|| (None, plain(body)));
        Self { code: typed.or(code).map(|code| short(&code)).unwrap_or_default(), message, is_page }
    }

    /// The first line of the text, as it may be shown: what follows may be a canonical request.
    pub(crate) fn first_line(&self) -> String {
        let line = self.message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        let line = line.split("Authorization=").next().unwrap_or_default().trim();
        let shown: String = line.chars().take(300).collect();
        if shown.len() < line.len() { format!("{shown}…") } else { shown }
    }
}

fn is_page(exchange: &Exchange, body: &str) -> bool {
    let is_html = exchange.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let start = body.get(..15).unwrap_or(body).to_ascii_lowercase();
    is_html || start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// `com.amazonaws#ExpiredTokenException:http://…` is `ExpiredToken`.
fn short(code: &str) -> String {
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().trim();
    code.strip_suffix("Exception").unwrap_or(code).to_owned()
}

fn read_json(body: &str) -> Option<(Option<String>, String)> {
    let value: Value = serde_json::from_str(body).ok()?;
    let text = |names: &[&str]| names.iter().find_map(|name| value.get(name)?.as_str()).map(str::to_owned);
    match &value {
        // A body that was saved as a string of JSON.
        Value::String(inner) => read_json(inner).or_else(|| Some((None, inner.clone()))),
        Value::Object(_) => {
            // Some APIs of Amazon's own put what API Gateway says into a list.
            if let Some(first) = value.get("errors").and_then(|errors| errors.get(0)) {
                return read_json(&first.to_string());
            }
            Some((text(&["__type", "code", "Code"]), text(&["message", "Message", "errorMessage"]).unwrap_or_default()))
        }
        _ => None,
    }
}

/// `Code` and `Message` of an `ErrorResponse`.
fn read_xml(body: &str) -> Option<(Option<String>, String)> {
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(unescaped(text.trim()))
    };
    let code = element("Code")?;
    Some((Some(code), element("Message").unwrap_or_default()))
}

fn unescaped(text: &str) -> String {
    let known = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#xA;", "\n"),
        ("&#10;", "\n"),
        ("&#xD;", ""),
        ("&amp;", "&"),
    ];
    known.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// A text as it stood in a log, where line breaks are often written as `\n`.
fn plain(body: &str) -> String {
    if body.contains('\n') || !body.contains("\\n") { body.to_owned() } else { body.replace("\\n", "\n") }
}
