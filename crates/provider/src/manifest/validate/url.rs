//! Where callers reach a stage's API: a custom domain.

use toml::Spanned;
use xacct_sign::canonical_url;

use crate::manifest::error::ManifestErrorKind as Kind;
use crate::manifest::source::{Mistake, Source};

impl Source<'_> {
    /// The URL without a slash at the end.
    pub(super) fn url(&self, text: Spanned<String>) -> Result<String, Mistake> {
        let refuse = |what: &str| {
            let message = format!("`{}` {what}", text.get_ref());
            Err(self.error(Kind::InvalidUrl, text.span(), message))
        };
        let Some(rest) = text.get_ref().strip_prefix("https://") else {
            return refuse("does not begin with `https://`");
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let shown = [('?', "a query"), ('#', "a fragment")].into_iter().find(|(sign, _)| rest.contains(*sign));
        if let Some((_, what)) = shown {
            return refuse(&format!("has {what}"));
        }
        if authority.contains('@') {
            return refuse("has a user");
        }
        // What another spelling of the same URL would be is for nobody to guess in a note.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:%".contains(c);
        let is_written_so = canonical_url(text.get_ref()).is_ok_and(|canonical| {
            let canonical = canonical.to_string();
            canonical.trim_end_matches('/') == text.get_ref().trim_end_matches('/')
        });
        if authority.is_empty() || path.starts_with('/') || !rest.chars().all(is_plain) || !is_written_so {
            return refuse("is not a URL as clients send it");
        }
        Ok(text.get_ref().trim_end_matches('/').to_owned())
    }
}
