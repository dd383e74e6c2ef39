//! The request as its arguments have it, by curl's rules.

mod body;
mod file;
mod headers;
mod multipart;

use xacct_sign::{CanonicalUrl, Error, ErrorKind};

use crate::arguments::{DataKind, RequestArguments};
use crate::failure::Failure;

pub(crate) use body::Content;
use headers::Headers;

/// A request, whose files are open and not read yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) method: String,
    pub(crate) url: CanonicalUrl,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Content,
}

impl Prepared {
    /// # Errors
    ///
    /// For files that cannot be read, and what is no URL, header or combination.
    pub(crate) fn new<const JSON: bool>(arguments: &RequestArguments<JSON>) -> Result<Self, Failure> {
        let (data, is_head) = (&arguments.data.0, arguments.head);
        let has_body = !(arguments.get || data.is_empty() && arguments.form.is_empty());
        if is_head && has_body {
            let error = Error::new(ErrorKind::InvalidOption, "a HEAD has no body").with_hint(
                "leave `--head` out, or put the data into the URL with `--get`; `--include` prints the headers of any answer",
            );
            return Err(error.into());
        }
        if standard_inputs(arguments)? > 1 {
            return Err(Failure::Usage {
                text: "standard input is to be read twice, and is empty the second time".to_owned(),
                hint: Some("take one of the two from a file: `@FILE`"),
            });
        }
        let mut headers = Headers::read(&arguments.headers)?;
        let mut url = arguments.url.clone();
        let mut body = Content::Bytes(Vec::new());
        if !arguments.form.is_empty() {
            let (kind, parts) = multipart::read(&arguments.form)?;
            headers.add_missing("content-type", &kind);
            body = parts;
        } else if arguments.get {
            url = with_query(&url, &body::read_all(data)?)?;
        } else if let Some((kind, _)) = data.first() {
            if *kind == DataKind::Json {
                headers.add_missing("content-type", "application/json");
                headers.add_missing("accept", "application/json");
            } else {
                headers.add_missing("content-type", "application/x-www-form-urlencoded");
            }
            body = body::read(data)?;
        }
        let method = match (&arguments.method, is_head, has_body) {
            (Some(method), ..) => method.as_str(),
            (None, true, _) => "HEAD",
            (None, false, true) => "POST",
            (None, false, false) => "GET",
        };
        let typed = url;
        let url = CanonicalUrl::resolve(None, &typed, &[])?;
        refuse_user_info(&typed)?;
        Ok(Self { method: method.to_owned(), url, headers: headers.finish(), body })
    }
}

/// How often the arguments want standard input.
fn standard_inputs<const JSON: bool>(arguments: &RequestArguments<JSON>) -> Result<usize, Error> {
    let data = arguments.data.0.iter().filter(|(kind, piece)| *kind != DataKind::Raw && piece == "@-");
    let headers = arguments.headers.iter().filter(|line| *line == "@-");
    let simple = data.count().saturating_add(headers.count());
    Ok(simple.saturating_add(multipart::standard_inputs(&arguments.form)?))
}

/// A user or a password before the host, as in `https://user:password@host/`, is refused: it would go nowhere, or where it is read.
fn refuse_user_info(url: &str) -> Result<(), Error> {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    if !authority.is_some_and(|authority| authority.contains('@')) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::InvalidUrl, "the URL has a user or a password, which nothing would be done with");
    Err(error.with_hint("leave it out of the URL: AWS credentials say who calls"))
}

/// The URL with data behind its query, as it was typed.
fn with_query(url: &str, data: &[u8]) -> Result<String, Error> {
    let data = std::str::from_utf8(data).map_err(|error| {
        Error::new(ErrorKind::InvalidUrl, "the data that `--get` puts into the URL is not text").with_source(error)
    })?;
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let delimiter = match (data.is_empty(), url.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    Ok(format!("{url}{delimiter}{data}"))
}
