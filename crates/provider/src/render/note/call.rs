//! The call that the note shows: values, not yet quoted for any language.

use crate::manifest::Caller;

/// A call that the caller may make.
pub(super) struct Call<'a> {
    pub(super) arn: &'a str,
    pub(super) region: &'a str,
    /// The stage's URL, without a slash at its end.
    pub(super) url: &'a str,
    pub(super) method: &'a str,
    pub(super) path: String,
    pub(super) external_id: Option<&'a str>,
    pub(super) session_name: Option<String>,
    caller: &'a Caller,
}

impl<'a> Call<'a> {
    pub(super) fn new(arn: &'a str, region: &'a str, url: &'a str, caller: &'a Caller) -> Self {
        let (method, path) = request(caller);
        let external_id = caller.external_id.as_deref();
        Self { arn, region, url, method, path, external_id, session_name: session_name(caller), caller }
    }

    /// A session name in any case: STS wants one, and one letter is too short for it.
    pub(super) fn any_session_name(&self) -> String {
        let name = self.session_name.as_ref().unwrap_or(&self.caller.name);
        if name.len() < 2 { format!("{name}-caller") } else { name.clone() }
    }
}

/// A name that the trust policy takes, where it asks for one: patterns without their wildcards.
fn session_name(caller: &Caller) -> Option<String> {
    let pattern = caller.session_names.first()?;
    let name = pattern.replace('*', "").replace('?', "x");
    // A session name has two characters at least, and what a `*` stands for may be anything.
    Some(if name.len() < 2 { pattern.replace('*', "caller").replace('?', "x") } else { name })
}

/// A method and a path that the caller may use: those of its first route, or the root.
fn request(caller: &Caller) -> (&str, String) {
    let Some(route) = caller.routes.iter().flatten().next() else {
        return ("GET", "/".to_owned());
    };
    let segment =
        |segment: &str| if segment.starts_with('{') || segment == "*" { "1".to_owned() } else { segment.to_owned() };
    let method = if route.method() == "ANY" { "GET" } else { route.method() };
    (method, route.path().split('/').map(segment).collect::<Vec<_>>().join("/"))
}
