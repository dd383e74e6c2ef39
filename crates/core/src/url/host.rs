//! Hosts: what a client sends as `Host`, and which hosts are this machine.

use super::split_at_first;
use crate::encode::is_unreserved;

/// What a client sends as `Host` for an authority: no user info, no default port.
pub(super) fn host_header(authority: &str, default_port: u32) -> Option<&str> {
    let user_info = authority.bytes().rposition(|byte| byte == b'@').map_or(0, |at| at + 1);
    let host_and_port = authority.get(user_info..)?;
    let (host, port) = if host_and_port.starts_with('[') {
        let end = host_and_port.find(']')? + 1;
        let (host, port) = host_and_port.split_at_checked(end)?;
        let inner = host.get(1..host.len().checked_sub(1)?)?;
        if !inner.contains(':') || !inner.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')) {
            return None;
        }
        (host, port.strip_prefix(':').or(port.is_empty().then_some(""))?)
    } else {
        let (host, port) = split_at_first(host_and_port, |byte| byte == b':');
        let port = port.strip_prefix(':').unwrap_or(port);
        // The unreserved characters but the tilde.
        if host.is_empty() || !host.bytes().all(|byte| is_unreserved(byte) && byte != b'~') {
            return None;
        }
        (host, port)
    };
    if port.is_empty() {
        return Some(host);
    }
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u32 = port.parse::<u16>().ok()?.into();
    Some(if number == default_port { host } else { host_and_port })
}

/// Whether a host (as in a `Host` header) is this machine's loopback: `localhost` and what is in it (RFC 6761, section 6.3),
/// `127.0.0.0/8`, `[::1]`.
pub(super) fn is_loopback(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        // Zeros in any number, and a one: what is no address at all cannot be reached either.
        let (zeros, one) =
            rest.split_once(']').and_then(|(inner, _)| inner.rsplit_once(':')).unwrap_or(("no address", ""));
        return one.trim_start_matches('0') == "1" && zeros.bytes().all(|byte| matches!(byte, b'0' | b':'));
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let is_octet = |text: &str| text.parse::<u8>().is_ok_and(|_| text == "0" || !text.starts_with(['0', '+']));
    is_localhost(name)
        || name
            .strip_prefix("127.")
            .is_some_and(|octets| octets.split('.').count() == 3 && octets.split('.').all(is_octet))
}

fn is_localhost(name: &str) -> bool {
    // JavaScript's runtimes ask the system's resolver for what is in `localhost`, and that may ask anybody.
    if cfg!(target_family = "wasm") {
        return name.eq_ignore_ascii_case("localhost");
    }
    let (domain, last) = name.rsplit_once('.').unwrap_or(("of its own", name));
    last.eq_ignore_ascii_case("localhost") && !domain.is_empty()
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn c12_what_is_in_localhost_is_loopback() {
        for name in ["localhost", "api.localhost", "a.b.LocalHost", "localhost.localhost"] {
            assert!(is_loopback(name) && is_loopback(&format!("{name}:8080")), "{name}");
        }
        for name in
            [".localhost", "notlocalhost", "localhost.example.com", "api.localhost.com", "localhost.", "local.host"]
        {
            assert!(!is_loopback(name) && !is_loopback(&format!("{name}:8080")), "{name}");
        }
    }

    #[test]
    fn loopback_is_what_the_library_takes_for_it() {
        for name in [
            "127.0.0.1",
            "127.255.0.9",
            "127.0.0.256",
            "127.0.0",
            "127.0.0.1.1",
            "127.0.0.01",
            "127.+1.0.1",
            "127.0..1",
            "128.0.0.1",
            "10.127.0.1",
            "127.example.com",
            "127.0.0.1.example.com",
            "",
        ] {
            let expected = name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
            assert_eq!(is_loopback(name), expected, "{name}");
            assert_eq!(is_loopback(&format!("{name}:8080")), expected, "{name}");
        }
        for name in [
            "::1",
            "0:0:0:0:0:0:0:1",
            "::0001",
            "0::1",
            "::",
            "::2",
            "::10",
            "1::1",
            "::ffff:127.0.0.1",
            "fd00:ec2::23",
            "1",
        ] {
            let expected = name.parse::<std::net::Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
            assert_eq!(is_loopback(&format!("[{name}]")), expected, "{name}");
            assert_eq!(is_loopback(&format!("[{name}]:8080")), expected, "{name}");
        }
        assert!(is_loopback("LocalHost:1") && !is_loopback("localhost.example.com") && !is_loopback("["));
    }
}
