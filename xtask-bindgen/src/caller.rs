//! What js/xacct-sign has in common with the Rust crates.

use xacct_sign::{Error, ErrorKind, Skew, UNSIGNED_PAYLOAD, call, refresh, retry, sts};

use crate::constants::Constants;

#[path = "../../crates/wasm/src/constants.rs"]
#[allow(dead_code, unreachable_pub, reason = "each number is the module's; here the tables of them count")]
mod module;

/// The kinds of which TypeScript makes errors itself that want the same hint.
const HINTS: [ErrorKind; 9] = [
    ErrorKind::InvalidMethod,
    ErrorKind::InvalidRegion,
    ErrorKind::InvalidExpiresIn,
    ErrorKind::InvalidRoleArn,
    ErrorKind::InvalidDuration,
    ErrorKind::RoleNotGiven,
    ErrorKind::ScopeMismatch,
    ErrorKind::InvalidResponse,
    ErrorKind::TooManyRedirects,
];

pub(crate) fn constants() -> Constants {
    let mut file = Constants::new();
    file.union("CoreErrorCode", "The codes that every language has.", ErrorKind::all().map(ErrorKind::code));
    let hint = |kind: ErrorKind| Error::new(kind, "").hint().unwrap_or_default().to_owned();
    file.texts("HINT", "What to do about an error, by its code.", &HINTS.map(|kind| (kind.code(), hint(kind))));
    file.numbers("OPTION", "What `WasmAssumeRole.set` sets.", module::OPTIONS);
    file.numbers("POLL", "What `WasmRefresh.poll` answers.", module::POLLS);
    file.text("UNSIGNED", "Stands for the hash of a body that is not signed.", UNSIGNED_PAYLOAD);
    file.number("MAX_REDIRECTS", "How many redirects are followed.", call::MAX_REDIRECTS);
    file.list("HTTP_HEADERS", "Headers that HTTP clients set themselves.", &call::HTTP_HEADERS);
    file.list("CLIENT_HEADERS", "Headers in which no identity stands.", &call::CLIENT_HEADERS);
    file.number("TIMEOUT_SECONDS", "How long a call may take.", call::TIMEOUT.as_secs());
    file.number("TRY_SECONDS", "How long one try of a call of STS may take.", retry::TRY.as_secs());
    file.number("TOLERATED_SKEW_SECONDS", "By how much a clock may be off.", Skew::TOLERATED.as_secs());
    file.number("ANSWER_LIMIT", "How many bytes of an answer of STS are read.", sts::ANSWER_LIMIT);
    file.number(
        "GRACE_SECONDS",
        "How long a caller who has valid credentials waits for the next ones.",
        refresh::GRACE.as_secs(),
    );
    file
}
