//! `xacct-sign sign`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::absolute;

use serde::Serialize;
use xacct_sign::{Error, ErrorKind};

use crate::arguments::SignArguments;
use crate::failure::Failure;
use crate::request::Content;
use crate::signed::Ready;
use crate::{files, output, shell};

#[derive(Serialize)]
struct Signed<'s> {
    method: &'s str,
    url: &'s str,
    headers: BTreeMap<String, String>,
}

pub(crate) fn run(arguments: &SignArguments) -> Result<(), Failure> {
    let hint = "name a file, such as `--canonical canonical.txt`";
    files::refuse_dash(arguments.canonical.as_deref(), "--canonical", hint)?;
    let look = |body: &mut Content| if arguments.curl { curl_body(body) } else { Ok(None) };
    let (ready, body) = Ready::new(&arguments.request, &arguments.role, !arguments.unused.is_silent(), look)?;
    let (headers, canonical) = headers(&ready)?;
    if let Some(path) = &arguments.canonical {
        files::write_private(path, &canonical)?;
    }
    let (method, url) = (ready.method.as_str(), ready.url.as_str());
    if arguments.curl {
        return output::document(&format!("{}\n", curl_line(method, url, &headers, body)));
    }
    if arguments.json {
        let mut values = BTreeMap::new();
        for (name, value) in headers {
            let entry: &mut String = values.entry(name.to_ascii_lowercase()).or_default();
            // Two of one name are signed so.
            entry.push_str(if entry.is_empty() { "" } else { "," });
            entry.push_str(&value);
        }
        return output::json(&Signed { method, url, headers: values });
    }
    if url != arguments.request.url {
        output::note(&[format!("send it to this form of the URL: {url}")]);
    }
    output::print(&headers.iter().map(|(name, value)| line(name, value)).collect::<Vec<_>>())
}

/// The headers of the request and those that the signature adds; the canonical request.
fn headers(ready: &Ready) -> Result<(Vec<(String, String)>, String), Error> {
    let (added, canonical): (Vec<(String, String)>, _) = ready.with(|request| {
        let (signed, trace) = ready.signer.trace(request, ready.now)?;
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok((headers.collect(), trace.canonical_request))
    })?;
    let is_replaced = |name: &str| added.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let given = ready.headers.iter().filter(|(name, _)| !is_replaced(name)).map(|(name, value)| {
        let value = std::str::from_utf8(value).map_err(|error| {
            Error::new(ErrorKind::InvalidHeader, "a header's value is no text, and cannot be printed")
                .with_source(error)
        })?;
        Ok((name.clone(), value.to_owned()))
    });
    let mut all = given.collect::<Result<Vec<_>, Error>>()?;
    all.extend(added);
    Ok((all, canonical))
}

/// As `curl --header @file` reads it.
fn line(name: &str, value: &str) -> String {
    if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") }
}

/// What curl sends as a body: an option of its configuration.
fn curl_body(body: &mut Content) -> Result<Option<String>, Failure> {
    let unusable = |what: &str| {
        Error::new(ErrorKind::InvalidBody, format!("`--curl` cannot write down a body that {what}"))
            .with_hint("give it as a file: `--data-binary @FILE`")
    };
    if let Some(path) = body.path() {
        let path = absolute(path).map_err(|error| unusable("has no path").with_source(error))?;
        let path = path.to_str().ok_or_else(|| unusable("has a path which is no text"))?;
        return Ok(Some(format!("data-binary = {}", in_config(&format!("@{path}")))));
    }
    if let Content::Stream(stream, _) = body {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        read.map_err(|error| unusable("cannot be read").with_source(error))?;
        *body = Content::Bytes(bytes);
    }
    let Content::Bytes(bytes) = body else { return Ok(None) };
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| unusable("is no text"))?;
    Ok((!text.is_empty()).then(|| format!("data-raw = {}", in_config(text))))
}

/// A line for a shell that has curl send the request: the secrets go through a pipe, where no list of processes shows them.
fn curl_line(method: &str, url: &str, headers: &[(String, String)], body: Option<String>) -> String {
    let mut lines = vec![format!("url = {}", in_config(url)), "globoff".to_owned(), "path-as-is".to_owned()];
    lines.push(match method {
        // Told the method alone, curl would wait for a body.
        "HEAD" => "head".to_owned(),
        _ => format!("request = {}", in_config(method)),
    });
    lines.extend(headers.iter().map(|(name, value)| format!("header = {}", in_config(&line(name, value)))));
    let body = body.or_else(|| matches!(method, "POST" | "PUT" | "PATCH").then(|| "data-raw = \"\"".to_owned()));
    if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        // It would add one of its own.
        lines.push("header = \"content-type:\"".to_owned());
    }
    lines.extend(body);
    let words: Vec<String> = lines.iter().map(|line| shell::Shell::Sh.quote(line)).collect();
    format!("printf '%s\\n' {} | curl --config -", words.join(" "))
}

/// A value in curl's configuration.
fn in_config(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\u{b}' => quoted.push_str("\\v"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
