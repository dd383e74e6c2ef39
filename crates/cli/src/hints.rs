//! Hints of the libraries that speak of what a program does, as what somebody at a command can do.

use xacct_sign::Error;

/// What a library says, and what is said here; nothing where there is nothing to do.
const SAID: &[(&str, &str)] = &[
    (
        "use https; plain http is for loopback only, and for hosts that are named as safe for it, by an option or in XACCT_ALLOW_HTTP_HOSTS",
        "use https; plain http is for this machine, and for hosts that XACCT_ALLOW_HTTP_HOSTS names",
    ),
    (
        "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run where a role is attached, or pass credentials",
        "name a profile with `--profile` or AWS_PROFILE, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached",
    ),
    (
        "give what fetches new ones, such as an AssumeRole or the environment, or check the clock of this machine",
        "log in anew, or set new ones; a profile that fetches them itself is named with `--profile`. Or the clock of this machine is off",
    ),
    (
        "the base credentials have expired: fetch them anew for each refresh, for example by leaving them to the environment",
        "log in anew, or set new ones; a profile that fetches them itself is named with `--profile`",
    ),
    (
        "pass the value exactly as AWS issued it, without quotes, spaces or a line break",
        "set the value exactly as AWS issued it, without quotes, spaces or a line break",
    ),
    ("give the endpoint's URL as `sts_endpoint`", "name the URL of its STS in AWS_ENDPOINT_URL_STS"),
    (
        "share one AssumeRole among all that use the role, and try again later",
        "try again later; without `--no-cache` all commands of this user make one call of STS for a role",
    ),
    ("read it piece by piece, where the client offers that", ""),
    ("pass bytes, or an open file", "give it as a file: `--data-binary @FILE`"),
    (
        "give the API's region, such as `ap-northeast-1`, or set AWS_REGION",
        "give the API's region, such as `--region ap-northeast-1`, or set AWS_REGION",
    ),
    (
        "give a region, such as `ap-northeast-1`, or set AWS_REGION",
        "give a region, such as `--region ap-northeast-1`, or set AWS_REGION",
    ),
    ("leave region and service out: the host has them", "leave `--region` and `--service` out: the host has them"),
    (
        "a role can be assumed only from its own partition: give a region of it",
        "a role can be assumed only from its own partition: give a region of it with `--region`",
    ),
];

/// What to do about an error of a library.
pub(crate) fn of(error: &Error) -> Option<&str> {
    let hint = error.hint()?;
    let said = SAID.iter().find(|(theirs, _)| *theirs == hint).map_or(hint, |(_, ours)| ours);
    Some(said).filter(|hint| !hint.is_empty())
}

#[cfg(test)]
mod tests {
    use xacct_sign::ErrorKind;

    use super::*;

    /// What only a program can do.
    const WORDS: [&str; 8] = [
        "pass ",
        "AssumeRole",
        "`sts_endpoint`",
        "`credentials`",
        "session of its own",
        "piece by piece",
        "by an option",
        "refresh",
    ];

    #[test]
    fn no_hint_speaks_of_what_only_a_program_can_do() {
        for kind in ErrorKind::all() {
            // No command makes such an error without a hint of its own.
            if [ErrorKind::RoleNotGiven, ErrorKind::UnsignedPayload, ErrorKind::OriginMismatch].contains(&kind) {
                continue;
            }
            let error = Error::new(kind, "it failed");
            if let Some(hint) = of(&error) {
                assert!(WORDS.iter().all(|word| !hint.contains(word)), "{kind:?}: {hint}");
            }
        }
    }

    #[test]
    fn the_libraries_say_what_is_said_otherwise_here() {
        let sources = [
            include_str!("../../core/src/error/kind.rs"),
            include_str!("../../core/src/scope.rs"),
            include_str!("../../client/src/credentials/chain.rs"),
            include_str!("../../client/src/transport/stream.rs"),
            include_str!("../../client/src/whose.rs"),
        ];
        for (theirs, _) in SAID {
            let text = format!("\"{theirs}\"");
            assert!(sources.iter().any(|source| source.contains(&text)), "nobody says: {theirs}");
        }
    }
}
