//! Issuers of web identity tokens.

/// Where an issuer's keys are, below it.
///
/// They are fetched from there at once, without its discovery document: that names this very URL, and a document that is fetched first
/// to say where to fetch next could only name another.
const KEYS: &str = "/.well-known/jwks.json";

/// What an issuer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IssuerForm {
    /// `https://` and a host's name in lower case, and nothing else.
    Real,
    /// On this machine, over http or https, with a port and a path: an emulator's.
    Loopback,
    /// Over plain http from elsewhere.
    Insecure,
    /// Nothing of these.
    Malformed,
}

/// What an issuer's text is. It is compared as it stands with a token's `iss`; so there is one way to write it.
pub(crate) fn form(issuer: &str) -> IssuerForm {
    if issuer.len() > 255 {
        return IssuerForm::Malformed;
    }
    let (is_https, rest) = match (issuer.strip_prefix("https://"), issuer.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return IssuerForm::Malformed,
    };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let (host, port) = authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
        let is_segment = |segment: &str| {
            !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let is_sound = port.is_none_or(is_port) && path.is_none_or(|path| path.split('/').all(is_segment));
        return if is_sound { IssuerForm::Loopback } else { IssuerForm::Malformed };
    }
    if port.is_some() || path.is_some() || !is_host_name(host) {
        return IssuerForm::Malformed;
    }
    if is_https { IssuerForm::Real } else { IssuerForm::Insecure }
}

/// Whether it is a name of several labels, of which the last is no number: no address.
fn is_host_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let top = host.rsplit('.').next().unwrap_or_default();
    host.contains('.') && host.split('.').all(is_label) && top.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Where its keys are fetched.
pub(crate) fn keys_url(issuer: &str) -> String {
    format!("{issuer}{KEYS}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_way_to_write_an_issuer() {
        let real = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws";
        assert_eq!(form(real), IssuerForm::Real);
        for bad in ["/", ":443", "?x", "#x", "/path", ".", "@x", "\n", " "] {
            assert_eq!(form(&format!("{real}{bad}")), IssuerForm::Malformed, "{bad:?}");
        }
        for bad in [
            "",
            "https://",
            "HTTPS://a.example",
            "https://A.example",
            "https://user@a.example",
            "https://10.0.0.1",
            "https://[::2]",
            "https://0x7f.1",
            "https://a",
            "https://a..b",
            "https://-a.b",
            "https://é.example",
            "ftp://a.example",
            "http://localhost:0",
            "http://localhost:080",
            "http://localhost/",
            "http://localhost/a//b",
            "http://localhost/..",
        ] {
            assert_eq!(form(bad), IssuerForm::Malformed, "{bad}");
        }
        assert_eq!(form("http://a.example"), IssuerForm::Insecure);
        for loopback in ["http://127.0.0.1:4100/issuers/000000000000", "https://localhost:4100", "http://[::1]:1/a"] {
            assert_eq!(form(loopback), IssuerForm::Loopback, "{loopback}");
        }
        assert_eq!(form("http://127.0.0.1.evil.example"), IssuerForm::Insecure);
        assert_eq!(form("http://localhost@evil.example"), IssuerForm::Malformed);
    }
}
