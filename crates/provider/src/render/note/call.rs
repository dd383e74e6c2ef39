//! The call that the note shows: values, not yet quoted for any language.

use crate::manifest::Caller;

/// A call that the caller may make.
pub(super) struct Call<'a> {
    /// The role to assume; `None` to sign as what the caller is already.
    pub(super) arn: Option<&'a str>,
    pub(super) region: &'a str,
    /// The service that requests are signed for.
    pub(super) service: &'a str,
    /// The stage's URL, without a slash at its end.
    pub(super) url: &'a str,
    /// Whether its host is not AWS's, and so does not say the region.
    pub(super) is_custom: bool,
    pub(super) method: &'a str,
    pub(super) path: String,
    pub(super) external_id: Option<&'a str>,
    pub(super) session_name: String,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        arn: Option<&'a str>,
        region: &'a str,
        service: &'a str,
        url: &'a str,
        caller: &'a Caller,
    ) -> Self {
        let (method, path) = request(caller);
        let external_id = caller.external_id.as_deref();
        Self {
            arn,
            region,
            service,
            url,
            is_custom: false,
            method,
            path,
            external_id,
            session_name: session_name(caller),
        }
    }

    /// The body of the request, for a method that has one.
    pub(super) fn json(&self) -> Option<&'static str> {
        json_of(self.method)
    }
}

/// The body of a request by this method.
pub(super) fn json_of(method: &str) -> Option<&'static str> {
    matches!(method, "PATCH" | "POST" | "PUT").then_some(r#"{"foo": "bar"}"#)
}

/// What is to be said of bodies where the call that is shown has none; in Markdown.
pub(super) fn without_body(caller: &Caller) -> Option<&'static str> {
    if json_of(request(caller).0).is_some() {
        return None;
    }
    Some(match &caller.routes {
        Some(routes) if routes.iter().all(|route| !route.is_any()) => "none of these routes takes one",
        _ => concat!(
            "with `PATCH`, `POST` or `PUT`, as JSON by `json={\"foo\": \"bar\"}` in Python, `body: JSON.stringify({\"foo\": \"bar\"})` ",
            "in JavaScript, `--json '{\"foo\": \"bar\"}'` with the command"
        ),
    })
}

/// A session name that the trust policy takes: a pattern without its wildcards, or where any is taken the caller's name.
fn session_name(caller: &Caller) -> String {
    let pattern = caller.session_names.first().unwrap_or(&caller.name);
    let name = pattern.replace('*', "").replace('?', "x");
    match (name.len() < 2, caller.session_names.is_empty()) {
        (false, _) => name,
        // A session name has two characters at least, and what a `*` stands for may be anything.
        (true, false) => pattern.replace('*', "caller").replace('?', "x"),
        (true, true) => format!("{name}-caller"),
    }
}

/// A method and a path that the caller may use: those of its first route with a body, else of its first, or the root.
pub(super) fn request(caller: &Caller) -> (&str, String) {
    let routes = || caller.routes.iter().flatten();
    let Some(route) = routes().find(|route| json_of(route.method()).is_some()).or(routes().next()) else {
        return ("GET", "/".to_owned());
    };
    let segment =
        |segment: &str| if segment.starts_with('{') || segment == "*" { "1".to_owned() } else { segment.to_owned() };
    let method = if route.method() == "ANY" { "GET" } else { route.method() };
    (method, route.path().split('/').map(segment).collect::<Vec<_>>().join("/"))
}
