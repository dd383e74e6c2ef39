//! The environment in which a program is a caller of the emulator.

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
    if ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].into_iter().all(|name| variable(name).is_none()) {
        return Vec::new();
    }
    let mut hosts = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    if hosts == "*" {
        return Vec::new();
    }
    for host in ["127.0.0.1", "localhost"] {
        if !hosts.is_empty() {
            hosts.push(',');
        }
        hosts.push_str(host);
    }
    vec![("no_proxy", Some(hosts.clone())), ("NO_PROXY", Some(hosts))]
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
