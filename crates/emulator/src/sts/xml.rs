//! STS's answers as XML ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// An element that may hold others.
pub(crate) enum Xml {
    Text(&'static str, String),
    Node(&'static str, Vec<Xml>),
}

impl Xml {
    pub(crate) fn text(name: &'static str, text: impl Into<String>) -> Self {
        Self::Text(name, text.into())
    }

    fn write(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        match self {
            Self::Text(name, text) => out.push_str(&format!("{indent}<{name}>{}</{name}>\n", escaped(text))),
            Self::Node(name, children) => {
                out.push_str(&format!("{indent}<{name}>\n"));
                for child in children {
                    child.write(depth.saturating_add(1), out);
                }
                out.push_str(&format!("{indent}</{name}>\n"));
            }
        }
    }
}

/// Text as it stands between two tags. A reader would make a line feed of a carriage return.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
    out
}

/// A response whose root element has the namespace of STS.
pub(crate) fn respond(status: StatusCode, root: &str, children: &[Xml], request_id: &str) -> Response<Bytes> {
    let mut body = format!("<{root} xmlns=\"{NAMESPACE}\">\n");
    for child in children {
        child.write(1, &mut body);
    }
    body.push_str(&format!("</{root}>\n"));
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

pub(crate) fn metadata(request_id: &str) -> Xml {
    Xml::Node("ResponseMetadata", vec![Xml::text("RequestId", request_id)])
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_keeps_its_meaning_between_tags() {
        assert_eq!(escaped("</Message>&amp;"), "&lt;/Message&gt;&amp;amp;");
        assert_eq!(escaped("a\r\nb \"c\" 'd' é"), "a&#13;\nb \"c\" 'd' é");
    }
}
