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

/// A method and a path that the caller may use: those of its first route, or the root.
pub(super) fn request(caller: &Caller) -> (&str, String) {
    let Some(route) = caller.routes.iter().flatten().next() else {
        return ("GET", "/".to_owned());
    };
    let segment =
        |segment: &str| if segment.starts_with('{') || segment == "*" { "1".to_owned() } else { segment.to_owned() };
    let method = if route.method() == "ANY" { "GET" } else { route.method() };
    (method, route.path().split('/').map(segment).collect::<Vec<_>>().join("/"))
}
