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
