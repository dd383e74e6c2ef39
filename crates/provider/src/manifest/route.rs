//! Routes of the API, and what each is in an ARN.

use std::fmt;

use xacct_sign::aws::METHODS;

use super::foreign;

/// What stands for every method.
const ANY: &str = "ANY";

/// A route that a caller may use: `METHOD /path`.
///
/// `ANY` stands for the seven methods, `{name}` for one segment, and `{name+}` or `*` at the end for the
/// rest of the path, be it empty, which a server takes for `/*` alone. In an ARN a variable becomes `*`
/// ([Control access for invoking an API](https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html)).
/// IAM's `*` spans `/`: `GET /items/{id}` also allows `GET /items/1/secret`, if the API has such a
/// route. So `ANY` is no `*`: `*/items` would allow `GET /admin/items`.
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
    /// route; with the one that was probably meant, where it is one of another framework's.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|reason| match Self::meant_by(text) {
            Some(meant) => format!("{reason}; did you mean `{meant}`?"),
            None => reason,
        })
    }

    /// The route that was probably meant, where the text is one of another framework's.
    pub(crate) fn meant_by(text: &str) -> Option<Self> {
        Self::read(&foreign::translated(text)?).ok()
    }

    fn read(text: &str) -> Result<Self, String> {
        let Some((method, path)) = text.split_once(' ') else {
            return Err("has no space between method and path".to_owned());
        };
        if method != ANY && !METHODS.contains(&method) {
            return Err(format!("has the method `{method}` instead of one of {ANY}, {}", METHODS.join(", ")));
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

    /// The ends of the ARNs that it is in a policy, from the method on: `GET/items/*`; seven for `ANY`.
    #[must_use]
    pub fn arn_suffixes(&self) -> Vec<String> {
        let path = self.arn_path();
        self.methods().iter().map(|method| format!("{method}{path}")).collect()
    }

    /// The one end with IAM's wildcard for the method, which spans `/`: shorter than seven, and open to more.
    pub(crate) fn wildcard_suffix(&self) -> String {
        format!("*{}", self.arn_path())
    }

    /// A request that [`Self::wildcard_suffix`] opens and the route does not mean; none where the route is every path.
    pub(crate) fn wildcard_example(&self) -> Option<String> {
        let is_every_path = self.arn_path() == "/*";
        let path = self.path.split('/').map(|segment| if is_variable(segment) { "1" } else { segment });
        (!is_every_path).then(|| format!("GET /admin{}", path.collect::<Vec<_>>().join("/")))
    }

    /// Whether it is of every method.
    pub(crate) fn is_any(&self) -> bool {
        self.method == ANY
    }

    /// Whether it is that of a request, where no policy but the function reads it: `{name}` is then one segment, and the rest of a
    /// path is not empty, but for the route of every path. The path is one reading of it, without its leading `/`.
    pub(crate) fn is_of(&self, method: &str, path: &str) -> bool {
        let mut given = path.split('/');
        for (index, segment) in self.path.split('/').skip(1).enumerate() {
            let found = given.next();
            if segment == "*" || segment.ends_with("+}") {
                let is_there = index == 0 || found.is_some_and(|found| !found.is_empty() || given.next().is_some());
                return is_there && self.methods().contains(&method);
            }
            let is_same = |found: &str| if is_variable(segment) { !found.is_empty() } else { found == segment };
            if !found.is_some_and(is_same) {
                return false;
            }
        }
        given.next().is_none() && self.methods().contains(&method)
    }

    fn methods(&self) -> Vec<&str> {
        if self.is_any() { METHODS.to_vec() } else { vec![&self.method] }
    }

    fn arn_path(&self) -> String {
        let path: Vec<&str> =
            self.path.split('/').map(|segment| if is_variable(segment) { "*" } else { segment }).collect();
        path.join("/")
    }

    /// Whether it opens more than API Gateway's own notation says: `{name}`, one segment, becomes IAM's `*`, which spans
    /// `/`; and so does a `*`, which many take for one segment. `{name+}` says what it does, and so does `/*` alone.
    pub(crate) fn spans_segments(&self) -> bool {
        self.path != "/*" && self.path.split('/').any(|segment| is_variable(segment) && !segment.ends_with("+}"))
    }

    /// A path that is opened too, as one segment is not one to IAM.
    pub(crate) fn deeper_example(&self) -> String {
        let segments = self.path.split('/').map(|segment| if is_variable(segment) { "1/secret" } else { segment });
        segments.collect::<Vec<_>>().join("/")
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Whether a segment stands for others: `{name}`, `{name+}` or `*`.
fn is_variable(segment: &str) -> bool {
    segment == "*" || segment.starts_with('{')
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_route_that_the_function_enforces_is_read_as_a_server_of_ours_reads_it() {
        for (route, path, is_of) in [
            ("GET /items/{id}", "items/1", true),
            ("GET /items/{id}", "items/1/secret", false),
            ("GET /items/{id}", "items/", false),
            ("GET /items/{id}", "items", false),
            ("GET /items/*", "items/1/2", true),
            ("GET /items/{rest+}", "items/", false),
            ("GET /items/{rest+}", "items", false),
            ("GET /*", "", true),
            ("GET /{proxy+}", "a/b", true),
            ("GET /", "", true),
            ("GET /", "a", false),
            ("GET /a/", "a/", true),
            ("GET /a/", "a", false),
            ("ANY /a", "a", true),
            ("POST /a", "a", false),
            ("POST /*", "a", false),
        ] {
            assert_eq!(Route::parse(route).unwrap().is_of("GET", path), is_of, "{route} {path}");
        }
    }
}
