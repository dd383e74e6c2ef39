//! The environment in which a program is a caller of the emulator.

use serde_json::{Value, json};

/// What else could say whose credentials are taken.
pub const OTHER_CREDENTIALS: [&str; 9] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// What would lead a program past the emulator, beside what would give it other credentials.
const PAST: [&str; 4] = [
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
];

/// What names a proxy for plain http.
const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
/// What names the hosts that are reached without one: the first that has a value counts.
const EXEMPT: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// This machine.
const HERE: [&str; 2] = ["127.0.0.1", "localhost"];

/// Variables with what they have to be; those without a value must not be there.
pub type Environment = Vec<(&'static str, Option<String>)>;

/// What every caller has alike.
pub(crate) fn of_all(region: &str, sts_url: &str) -> Environment {
    let set = [
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ENDPOINT_URL_STS", sts_url),
        // An instance has credentials, too.
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let unset = OTHER_CREDENTIALS.into_iter().chain(PAST).map(|name| (name, None));
    set.into_iter().map(|(name, value)| (name, Some(value.to_owned()))).chain(unset).collect()
}

/// What a caller's environment has besides where there is a proxy: one for plain http would get what is for the emulator, since not
/// every client goes past it to this machine. `variable` reads the environment as it is.
#[must_use]
pub fn past_the_proxy(variable: impl Fn(&str) -> Option<String>) -> Environment {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    if PROXIES.into_iter().all(|name| variable(name).is_none()) {
        return Vec::new();
    }
    let hosts = EXEMPT.into_iter().find_map(variable);
    if hosts.as_deref() == Some("*") {
        return Vec::new();
    }
    let hosts = hosts.iter().map(String::as_str).chain(HERE).collect::<Vec<_>>().join(",");
    EXEMPT.map(|name| (name, Some(hosts.clone()))).into()
}

/// What [`past_the_proxy`] goes by, for a program that changes its own environment, where a proxy may be by now.
pub(crate) fn proxy_names() -> Value {
    json!({ "variables": PROXIES, "exempt": EXEMPT, "hosts": HERE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_the_emulator_goes_past_a_proxy() {
        let with = |variables: &[(&str, &str)]| {
            let of =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            past_the_proxy(of).into_iter().find_map(|(_, hosts)| hosts)
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("https_proxy", "http://p:1")]), None);
        assert_eq!(with(&[("http_proxy", "http://p:1")]).as_deref(), Some("127.0.0.1,localhost"));
        let both = [("ALL_PROXY", "http://p:1"), ("no_proxy", "a.example"), ("NO_PROXY", "b.example")];
        assert_eq!(with(&both).as_deref(), Some("a.example,127.0.0.1,localhost"));
        assert_eq!(with(&[("HTTP_PROXY", "http://p:1"), ("NO_PROXY", "*")]), None);
    }
}
