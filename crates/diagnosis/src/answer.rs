//! An answer, read: who gave it, its code and its text.

use serde_json::{Map, Value};

use crate::exchange::Exchange;

/// What an answer says.
pub(crate) struct Answer {
    /// AWS's code, without a namespace and without `Exception` at its end: `ExpiredToken`. Empty if there is none.
    pub(crate) code: String,
    /// The text, with its line breaks.
    pub(crate) message: String,
    /// Whether the body is a page for a browser.
    pub(crate) is_page: bool,
    /// Whether it was read and says nothing at all, not even by its headers.
    is_empty: bool,
    /// Whether nobody knows what it says: its body was not read, and no header tells.
    is_unread: bool,
    /// Whether the text stands as AWS writes it.
    pub(crate) is_in_aws_form: bool,
}

/// What stands in a refusal of AWS's own beside its text: the last two are a WebSocket API's. Frameworks of applications say
/// `Forbidden` with a status, a path or a time beside it, or as plain text.
const FIELDS: [&str; 5] = ["message", "Message", "__type", "requestId", "connectionId"];

/// What API Gateway and function URLs say without more words, whole, and the status that they say it with. What an application says
/// may begin alike.
const SENTENCES: [(&str, u16); 13] = [
    ("Forbidden", 403),
    ("Unauthorized", 401),
    ("Missing Authentication Token", 403),
    ("Not Found", 404),
    ("Method Not Allowed", 405),
    ("Request Too Long", 413),
    ("Request Entity Too Large", 413),
    ("Too Many Requests", 429),
    ("Limit Exceeded", 429),
    ("Internal Server Error", 500),
    ("Internal server error", 500),
    ("Service Unavailable", 503),
    ("Endpoint request timed out", 504),
];

/// Those that go on. What a Lambda authorizer refuses, and a key that is none, has not come as far as IAM.
const BEGINNINGS: [(&str, u16); 4] = [
    ("Forbidden. For troubleshooting Function URL", 403),
    ("User is not authorized to access this resource", 401),
    ("Invalid API Key identifier specified", 401),
    ("Rate exceeded", 429),
];

impl Answer {
    pub(crate) fn read(exchange: &Exchange) -> Self {
        let body = exchange.text();
        let typed = exchange.header("x-amzn-errortype").map(ToOwned::to_owned);
        let is_page = is_page(exchange, body);
        let has_mark = has_mark_of_a_framework(exchange);
        let is_in_aws_form = is_in_aws_form(exchange, body) && !has_mark;
        let (code, message) = read_json(body).or_else(|| read_xml(body)).unwrap_or_else(|| (None, plain(body)));
        // What has no text may have such a mark all the same, as the answer to a HEAD.
        let is_empty = !has_mark && (exchange.has_no_text() || is_null(body));
        let code = typed.or(code).map(|code| short(&code)).unwrap_or_default();
        let is_unread = !has_mark && !is_empty && exchange.body.is_none();
        Self { code, message, is_page, is_empty, is_unread, is_in_aws_form }
    }

    /// The status that belongs to a sentence of AWS's, where a body was saved without it.
    pub(crate) fn kind(&self) -> Option<u16> {
        if !self.is_in_aws_form {
            return None;
        }
        let text = self.message.trim();
        let whole = SENTENCES.iter().find(|(sentence, _)| text == *sentence);
        let begun = || BEGINNINGS.iter().find(|(start, _)| text.starts_with(start));
        whole.or_else(begun).map(|(_, status)| *status)
    }

    /// Whether it is a text, and none of AWS's: what AWS denies with a code of its own may be a sentence that is not known here.
    pub(crate) fn is_somebody_elses(&self) -> bool {
        !self.is_empty && !self.is_unread && !self.is_denied() && self.kind().is_none()
    }

    /// Whether it carries AWS's code of a denial.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.code.as_str(), "AccessDenied" | "Forbidden" | "Unauthorized") && self.is_in_aws_form
    }

    /// Whether all it says is `Forbidden`, or nothing.
    pub(crate) fn is_bare(&self) -> bool {
        self.is_empty || self.message.trim() == "Forbidden"
    }

    /// Whether it may be so: what nobody read may say more.
    pub(crate) fn may_be_bare(&self) -> bool {
        self.is_bare() || self.is_unread
    }

    /// `the answer was 403: `Forbidden``.
    pub(crate) fn said(&self, exchange: &Exchange) -> String {
        let text = self.first_line_of(exchange.text());
        match (exchange.status, text.as_str()) {
            (Some(status), _) if self.is_page => format!("the answer was {status}: a page"),
            (Some(status), "") => format!("the answer was {status}{}", without_text(exchange)),
            (Some(status), text) => format!("the answer was {status}: `{text}`"),
            (None, text) => format!("the answer was `{text}`"),
        }
    }

    /// The first line of the text, as it may be shown: what follows may be a canonical request.
    pub(crate) fn first_line(&self) -> String {
        cut(&self.message)
    }

    /// The same, or that of the body where there is no such text.
    fn first_line_of(&self, body: &str) -> String {
        if self.message.is_empty() { cut(body) } else { self.first_line() }
    }
}

/// What is said of a text that is not there: nothing, where nobody read it.
fn without_text(exchange: &Exchange) -> &'static str {
    if exchange.has_no_text() { " without a text" } else { "" }
}

fn cut(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let line = line.split("Authorization=").next().unwrap_or_default().trim();
    let shown: String = line.chars().take(300).collect();
    if shown.len() < line.len() { format!("{shown}…") } else { shown }
}

/// `{"message":null}` is API Gateway's, with a capital a function URL's.
fn is_null(body: &str) -> bool {
    let value = serde_json::from_str::<Value>(body).ok();
    let is_message = |all: &Map<String, Value>| {
        all.len() == 1 && all.iter().all(|(key, value)| key.eq_ignore_ascii_case("message") && value.is_null())
    };
    value.as_ref().and_then(Value::as_object).is_some_and(is_message)
}

/// Whether nothing stands in it that an application would have put there. A text alone is AWS's where it was taken out of its answer:
/// with a status it is the whole answer, and AWS answers in JSON.
fn is_in_aws_form(exchange: &Exchange, body: &str) -> bool {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(all)) => all.keys().all(|key| FIELDS.contains(&key.as_str())),
        _ => exchange.status.is_none() || body.is_empty() || read_xml(body).is_some(),
    }
}

/// Whether a header says that a framework wrote the answer: API Gateway and Lambda name no charset, no tag and no cookie.
fn has_mark_of_a_framework(exchange: &Exchange) -> bool {
    let kind = exchange.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let has_parameter = kind.starts_with("application/json") && kind.contains(';');
    has_parameter || ["x-powered-by", "etag", "set-cookie"].iter().any(|name| exchange.header(name).is_some())
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
            // `code` is what applications call theirs: AWS's stands in a header here, or in `__type`.
            Some((text(&["__type"]), text(&["message", "Message", "errorMessage"]).unwrap_or_default()))
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
