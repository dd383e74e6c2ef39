//! The routes that a caller may use, and whether a request is on one of them.

use xacct_sign::aws::METHODS;
use xacct_sign::path_readings;

use crate::refusal::{Refusal, RefusalKind, quote};

/// What stands for every method of [`METHODS`].
const ANY: &str = "ANY";

/// A route of the list: `METHOD /path`, as the manifest writes it.
///
/// `{name}` is one segment, as in API Gateway. IAM's wildcard, which the same route becomes in a policy, spans segments; here it need
/// not. `{name+}` or `*` at the end is the rest of the path, which is not empty but for the route of every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    method: String,
    segments: Vec<Segment>,
    has_rest: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Same(String),
    /// One that is not empty.
    Any,
}

impl Route {
    /// `None` for what is no route.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (method, path) = text.split_once(" /")?;
        if method != ANY && !METHODS.contains(&method) {
            return None;
        }
        let mut segments: Vec<&str> = path.split('/').collect();
        let has_rest = segments.pop_if(|last| *last == "*" || is_rest(last)).is_some();
        let last = segments.len().checked_sub(1);
        let segments = segments.iter().enumerate().map(|(index, segment)| {
            if variable(segment).is_some_and(is_variable_name) {
                return Some(Segment::Any);
            }
            let is_text = segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@".contains(&b));
            let may_be_empty = Some(index) == last && !has_rest;
            let is_segment = is_text && !matches!(*segment, "." | "..") && (may_be_empty || !segment.is_empty());
            is_segment.then(|| Segment::Same((*segment).to_owned()))
        });
        Some(Self { method: method.to_owned(), segments: segments.collect::<Option<_>>()?, has_rest })
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let takes_method = if self.method == ANY { METHODS.contains(&method) } else { self.method == method };
        takes_method && self.matches_path(path)
    }

    /// Whether it is the path, given without its leading slash.
    fn matches_path(&self, path: &str) -> bool {
        if self.segments.is_empty() {
            return self.has_rest;
        }
        let mut rest = Some(path);
        for segment in &self.segments {
            let Some(at) = rest else { return false };
            let (found, after) = at.split_once('/').map_or((at, None), |(found, after)| (found, Some(after)));
            let is_same = match segment {
                Segment::Same(text) => text == found,
                Segment::Any => !found.is_empty(),
            };
            if !is_same {
                return false;
            }
            rest = after;
        }
        if self.has_rest { rest.is_some_and(|rest| !rest.is_empty()) } else { rest.is_none() }
    }
}

/// What stands between the braces.
fn variable(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Whether it is `{name+}`.
fn is_rest(segment: &str) -> bool {
    variable(segment).and_then(|name| name.strip_suffix('+')).is_some_and(is_variable_name)
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:$".contains(&b))
}

/// Refuses a request that a caller with these routes may not make: each of its methods on every reading of its path has to be on one
/// of them. The first method is the request's own; the others are what headers want in its place.
pub(crate) fn check(routes: &[Route], methods: &[String], path: &str) -> Result<(), Refusal> {
    let readings = path_readings(path).ok_or_else(|| Refusal::new(RefusalKind::PathUnreadable))?;
    for (index, method) in methods.iter().enumerate() {
        let is_on = |reading: &String| routes.iter().any(|route| route.matches(method, reading));
        if !readings.iter().all(is_on) {
            let kind = if index == 0 { RefusalKind::RouteRefused } else { RefusalKind::MethodOverrideRefused };
            return Err(Refusal::with(kind, format!("{} on {}", quote(method), quote(path))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn code(routes: &[&str], method: &str, path: &str) -> &'static str {
        let routes: Vec<Route> = routes.iter().map(|route| Route::parse(route).unwrap()).collect();
        check(&routes, &[method.to_owned()], path).map_or_else(|refusal| refusal.code(), |()| "")
    }

    #[test]
    fn a_variable_is_one_segment_and_the_rest_is_not_empty() {
        for (route, path, is_on) in [
            ("GET /items/{id}", "/items/1", true),
            ("GET /items/{id}", "/items/1/secret", false),
            ("GET /items/{id}", "/items/", false),
            ("GET /items/{id}", "/items/1/", false),
            ("GET /items/{id}", "/items", false),
            ("GET /items/*", "/items/1/2", true),
            ("GET /items/{rest+}", "/items/", false),
            ("GET /items/{rest+}", "/items", false),
            ("GET /*", "/", true),
            ("GET /{proxy+}", "/a/b", true),
            ("GET /", "/", true),
            ("GET /", "/a", false),
            ("GET /a/", "/a/", true),
            ("GET /a/", "/a", false),
            ("GET /a", "/A", false),
            ("ANY /a", "/a", true),
            ("POST /a", "/a", false),
        ] {
            assert_eq!(code(&[route], "GET", path).is_empty(), is_on, "{route} {path}");
        }
        for method in ["get", "TRACE", "", "ANY"] {
            assert_eq!(code(&["ANY /a", "GET /a"], method, "/a"), "route_refused", "{method}");
        }
    }

    #[test]
    fn every_reading_of_a_path_has_to_be_on_a_route() {
        let routes = ["GET /items/*"];
        for path in [
            "/items/../admin",
            "/items/%2e%2e/admin",
            "/items/..%2fadmin",
            "/items/..%252fadmin",
            "/items/..;x/admin",
            "//items/1",
            "/items//..//../admin",
            "/items\\..\\admin",
            "/items/..%3fx",
            "/items/x/../..",
        ] {
            assert_eq!(code(&routes, "GET", path), "route_refused", "{path}");
        }
        for path in ["/items/%zz", "/items/%ff", "/items/a%0ab", "items", "*", ""] {
            assert_eq!(code(&routes, "GET", path), "path_unreadable", "{path}");
        }
        for path in ["/items/a%20b", "/items/a.b", "/items/a;v=1", "/items/a%2Fb"] {
            assert_eq!(code(&routes, "GET", path), "", "{path}");
        }
    }

    #[test]
    fn what_is_no_route_is_none() {
        for text in [
            "",
            "GET",
            "GET items",
            "get /a",
            "GET /a//b",
            "GET /../a",
            "GET /*/a",
            "GET /a*",
            "GET /{",
            "GET /{}",
            "GET /a%20b",
            "GET /{a+}/b",
            "GET /{+}",
        ] {
            assert_eq!(Route::parse(text), None, "{text}");
        }
    }
}
