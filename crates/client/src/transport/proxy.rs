//! The proxy environment, read as curl and requests read it.

use std::net::IpAddr;

use xacct_sign::{Error, ErrorKind};

use crate::host::variables::Variables;

/// Those that say what is reached without a proxy, and those that name one.
const NAMES: [&str; 6] = ["no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXEMPT: usize = 2;

/// The proxy through which `host` is reached over https, if there is one. `HTTP_PROXY` is for plain http, which never leaves this
/// machine.
///
/// # Errors
///
/// [`ErrorKind::InvalidOption`] where a proxy is named that cannot be used: the request must not go past it.
pub(super) fn proxy(variables: &dyn Variables, host: &str, port: u16) -> Result<Option<ureq::Proxy>, Error> {
    // All at once: whoever asks may have to wait for each answer.
    let values = NAMES.into_iter().zip(variables.values(&NAMES)?);
    let mut set = values.map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    let exempt = set.by_ref().take(EXEMPT).fold(None, Option::or);
    if let Some((name, list)) = exempt {
        let list = list.to_str().ok_or_else(|| unusable(name, "is no UTF-8"))?;
        if is_exempt(list, host, port) {
            return Ok(None);
        }
    }
    let Some((name, url)) = set.flatten().next() else { return Ok(None) };
    let url = url.to_str().ok_or_else(|| unusable(name, "is no UTF-8"))?;
    // The URL is not shown: it may hold a password.
    let proxy = ureq::Proxy::new(url.trim()).map_err(|error| unusable(name, "is no proxy's URL").with_source(error))?;
    if proxy.protocol() != ureq::ProxyProtocol::Http && proxy.protocol() != ureq::ProxyProtocol::Https {
        return Err(unusable(name, "names a SOCKS proxy"));
    }
    if proxy.host().is_empty() || !has_sound_port(&proxy) {
        return Err(unusable(name, "is no proxy's URL"));
    }
    Ok(Some(proxy))
}

/// Whether the port, if one is given, is one: ureq would take another in its place.
fn has_sound_port(proxy: &ureq::Proxy) -> bool {
    let authority = proxy.uri().authority().map_or("", |authority| authority.as_str());
    let behind = authority.rsplit('@').next().and_then(|place| place.strip_prefix(proxy.host())).unwrap_or_default();
    behind.is_empty() || behind.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn unusable(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidOption, format!("the environment variable `{name}` {what}"))
        .with_hint("give `http://host:port` or `https://host:port`, or list the host in NO_PROXY")
}

/// Whether a list, of entries between commas or white space, covers a host. An entry is a name, which stands for its subdomains
/// too, with a leading dot or `*.` or without; an address; a network such as `10.0.0.0/8`; each but the last with or without a
/// port; or `*`.
fn is_exempt(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let entries = list.split(|c: char| c == ',' || c.is_ascii_whitespace());
    entries.filter(|entry| !entry.is_empty()).any(|entry| covers(&entry.to_ascii_lowercase(), &host, port))
}

fn covers(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return match entry.split_once('/') {
            Some((network, length)) => is_within(address, network, length),
            None => of_port(entry, port).is_some_and(|entry| entry.parse() == Ok(address)),
        };
    }
    let Some(name) = of_port(entry, port) else { return false };
    let name = name.strip_prefix('*').unwrap_or(name).trim_matches('.');
    let subdomain = |rest: &str| rest.is_empty() || rest.ends_with('.');
    !name.is_empty() && host.strip_suffix(name).is_some_and(subdomain)
}

/// An entry without its port and brackets, if it is for `port` or for all.
fn of_port(entry: &str, port: u16) -> Option<&str> {
    if entry.parse::<IpAddr>().is_ok() {
        return Some(entry);
    }
    let (name, its_port) = match entry.rsplit_once(':') {
        Some((name, its_port)) if !its_port.ends_with(']') => (name, Some(its_port)),
        _ => (entry, None),
    };
    let is_for_port = its_port.is_none_or(|its| its.parse() == Ok(port));
    is_for_port.then(|| name.trim_start_matches('[').trim_end_matches(']'))
}

fn is_within(address: IpAddr, network: &str, length: &str) -> bool {
    let Ok(length) = length.parse::<u32>() else { return false };
    let network = network.trim_start_matches('[').trim_end_matches(']');
    // The bits that differ are all behind the network's.
    match (address, network.parse()) {
        (IpAddr::V4(address), Ok(IpAddr::V4(network))) => {
            length <= 32 && (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
        }
        (IpAddr::V6(address), Ok(IpAddr::V6(network))) => {
            length <= 128 && (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_exempt;

    #[test]
    fn c5_no_proxy_is_read_as_curl_and_requests_read_it() {
        for (list, host) in [
            ("amazonaws.com", "sts.eu-west-1.amazonaws.com"),
            ("amazonaws.com", "amazonaws.com"),
            (".amazonaws.com", "sts.amazonaws.com"),
            (".amazonaws.com", "amazonaws.com"),
            ("*.amazonaws.com", "sts.amazonaws.com"),
            ("AmazonAWS.com", "STS.amazonaws.com"),
            ("amazonaws.com.", "sts.amazonaws.com"),
            ("amazonaws.com", "sts.amazonaws.com."),
            ("example.com, amazonaws.com", "sts.amazonaws.com"),
            ("example.com amazonaws.com", "sts.amazonaws.com"),
            ("example.com,\tamazonaws.com ,", "sts.amazonaws.com"),
            ("amazonaws.com:443", "sts.amazonaws.com"),
            ("*", "sts.amazonaws.com"),
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1:443", "10.0.0.1"),
            ("10.0.0.0/8", "10.255.0.1"),
            ("0.0.0.0/0", "10.255.0.1"),
            ("fd00::1", "[fd00:0::1]"),
            ("[fd00::1]", "[fd00::1]"),
            ("[fd00::1]:443", "[fd00::1]"),
            ("fd00::/8", "[fdff::1]"),
        ] {
            assert!(is_exempt(list, host, 443), "{list} and {host}");
        }
        for (list, host) in [
            ("", "sts.amazonaws.com"),
            (",", "sts.amazonaws.com"),
            (".", "sts.amazonaws.com"),
            ("amazonaws.com", "notamazonaws.com"),
            ("amazonaws.com", "amazonaws.com.example.com"),
            ("sts.amazonaws.com", "amazonaws.com"),
            ("amazonaws.com:8443", "sts.amazonaws.com"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/33", "10.0.0.1"),
            ("0.0.1", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.1.example.com"),
            ("10.0.0.0/8", "10.example.com"),
            ("fd00::/8", "[fe00::1]"),
            ("fd00::/129", "[fd00::]"),
        ] {
            assert!(!is_exempt(list, host, 443), "{list} and {host}");
        }
    }
}
