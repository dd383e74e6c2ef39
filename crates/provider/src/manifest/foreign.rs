//! Routes as other frameworks write them, in the manifest's syntax: what was probably meant.

/// What was probably meant, where the text is a route of another framework's. It need not be a route.
pub(super) fn translated(text: &str) -> Option<String> {
    let (method, path) = text.trim().split_once(char::is_whitespace)?;
    let method = match method {
        "*" | "ALL" | "all" | "any" => "ANY".to_owned(),
        method => method.to_ascii_uppercase(),
    };
    let path = path.trim_start();
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    let last = segments.len().saturating_sub(1);
    let translated: Vec<String> = segments
        .iter()
        .enumerate()
        .map(|(index, segment)| segment_of(segment, index == last).unwrap_or_else(|| (*segment).to_owned()))
        .collect();
    let meant = format!("{method} /{}", translated.join("/"));
    (meant != text).then_some(meant)
}

/// A segment that is a variable elsewhere; `None` where it is none, or is one here too.
fn segment_of(segment: &str, is_last: bool) -> Option<String> {
    let one = |name: &str| Some(format!("{{{}}}", name_of(name, "id")));
    let rest = |name: &str| match is_last {
        true => Some(format!("{{{}+}}", name_of(name, "proxy"))),
        false => one(name),
    };
    let within = |start: &str, end: &str| segment.strip_prefix(start)?.strip_suffix(end);
    // Next.js: `[id]`, `[...path]`, `[[...path]]`.
    if let Some(name) = within("[[...", "]]").or_else(|| within("[...", "]")) {
        return rest(name);
    }
    if let Some(name) = within("[", "]") {
        return one(name);
    }
    // Flask and Django: `<id>`, `<int:id>`, `<path:rest>`.
    if let Some(inner) = within("<", ">") {
        let (kind, name) = inner.split_once(':').unwrap_or(("", inner));
        return if kind == "path" { rest(name) } else { one(name) };
    }
    // Go: `{path...}`; ASP.NET: `{*path}`, `{id:int}`, `{id?}`; Starlette: `{path:path}`.
    if let Some(inner) = within("{", "}") {
        if let Some(name) = inner.strip_suffix("...").or_else(|| inner.strip_prefix('*')) {
            return rest(name);
        }
        if let Some((name, kind)) = inner.split_once(':') {
            return if kind == "path" { rest(name) } else { one(name) };
        }
        return inner.strip_suffix('?').and_then(one);
    }
    // Express, Rails, gin: `:id`, `:id?`, `:id(\\d+)`, `:rest*`, `*rest`; SvelteKit and others: `**`; Remix: `$id`.
    if let Some(name) = segment.strip_prefix(':') {
        return if name.ends_with(['*', '+']) { rest(name) } else { one(name) };
    }
    if let Some(name) = segment.strip_prefix('$') {
        return if name.is_empty() { rest(name) } else { one(name) };
    }
    match segment {
        "*" if is_last => None,
        "(.*)" | ".*" => rest(""),
        _ => segment.strip_prefix('*').and_then(rest),
    }
}

/// The letters, digits and signs that a name begins with.
fn name_of<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    let text = text.trim_start_matches('*');
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
    text.get(..end).filter(|name| !name.is_empty()).unwrap_or(otherwise)
}
