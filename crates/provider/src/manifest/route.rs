//! Routes of the API, and what each is in an ARN.

use std::fmt;

/// The methods of an HTTP API, and `ANY` for all of them.
const METHODS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// A route that a caller may use: `METHOD /path`.
///
/// `ANY` stands for every method, `{name}` for one segment, and `{name+}` or `*` at the end for the
/// rest of the path. In an ARN each becomes `*`
/// ([Control access for invoking an API](https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html)).
/// IAM's `*` spans `/`: `GET /items/{id}` also allows `GET /items/1/secret`, if the API has such a
/// route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    method: String,
    path: String,
}

impl Route {
    /// Reads `METHOD /path`.
    ///
    /// # Errors
    ///
    /// One sentence without a subject, such as ``has the method `get` ...``, when the text is not a
    /// route.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((method, path)) = text.split_once(' ') else {
            return Err("has no space between method and path".to_owned());
        };
        if !METHODS.contains(&method) {
            return Err(format!("has the method `{method}` instead of one of {}", METHODS.join(", ")));
        }
        let Some(rest) = path.strip_prefix('/') else {
            return Err(format!("has the path `{path}`, which does not begin with `/`"));
        };
        let last = rest.split('/').count().saturating_sub(1);
        for (index, segment) in rest.split('/').enumerate() {
            check_segment(segment, index == last)?;
        }
        Ok(Self { method: method.to_owned(), path: path.to_owned() })
    }

    /// The method, in capitals; `ANY` for every method.
    #[must_use]
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// The path as the manifest writes it, with its leading slash.
    #[must_use]
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The end of the ARN, from the method on: `GET/items/*`.
    #[must_use]
    pub fn arn_suffix(&self) -> String {
        let method = if self.method == "ANY" { "*" } else { &self.method };
        let path: Vec<&str> =
            self.path.split('/').map(|segment| if segment.starts_with('{') { "*" } else { segment }).collect();
        format!("{method}{}", path.join("/"))
    }

    /// Whether it opens more than API Gateway's own notation says: `{name}`, one segment, becomes IAM's `*`, which spans
    /// `/`; and so does a `*`, which many take for one segment. `{name+}` says what it does, and so does `/*` alone.
    pub(crate) fn spans_segments(&self) -> bool {
        self.path != "/*"
            && self
                .path
                .split('/')
                .any(|segment| segment == "*" || (segment.starts_with('{') && !segment.ends_with("+}")))
    }

    /// A path that is opened too, as one segment is not one to IAM.
    pub(crate) fn deeper_example(&self) -> String {
        let segments = self.path.split('/').map(|segment| match segment {
            "*" => "1/secret",
            variable if variable.starts_with('{') => "1/secret",
            other => other,
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

fn check_segment(segment: &str, is_last: bool) -> Result<(), String> {
    if segment.is_empty() {
        // `/` alone and `/items/` end in an empty segment.
        return if is_last { Ok(()) } else { Err("has an empty segment in its path".to_owned()) };
    }
    if segment == "." || segment == ".." {
        return Err(format!("has `{segment}` in its path"));
    }
    if segment == "*" {
        return end_only(segment, is_last);
    }
    if let Some(inner) = segment.strip_prefix('{') {
        let Some(name) = inner.strip_suffix('}') else {
            return Err(format!("has the segment `{segment}`, which lacks its `}}`"));
        };
        let (name, is_greedy) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:$".contains(c));
        if !is_name {
            return Err(format!("has the segment `{segment}`, which names no variable"));
        }
        return if is_greedy { end_only(segment, is_last) } else { Ok(()) };
    }
    if segment.contains('%') {
        // Nothing says that API Gateway compares the raw path: an ARN with an escape may never match.
        return Err(format!("has `%` within the segment `{segment}`: escapes are not taken"));
    }
    // A `*` or a `?` would be a wildcard in the ARN, and `{` could begin a policy variable.
    match segment.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@".contains(*c))) {
        Some(c) => Err(format!("has `{c}` within the segment `{segment}`")),
        None => Ok(()),
    }
}

fn end_only(segment: &str, is_last: bool) -> Result<(), String> {
    if is_last { Ok(()) } else { Err(format!("has `{segment}` before the end of its path")) }
}
