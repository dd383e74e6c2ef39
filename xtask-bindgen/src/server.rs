//! What js/xacct-sign-server has in common with the Rust crates.

use xacct_sign::refresh::GRACE;
use xacct_sign_identity::{CallersErrorKind, EVENT_MEMBERS, KEYS_LIMIT, METHOD_OVERRIDES, PLACES, RefusalKind};

use crate::constants::Constants;

pub(crate) fn constants() -> Constants {
    let mut file = Constants::new();
    file.union(
        "RefusalCode",
        "Why a request is refused: the codes that every language has, see docs/identity.md.",
        RefusalKind::ALL.iter().map(|kind| kind.code()),
    );
    file.union(
        "CallersErrorCode",
        "What is wrong with a `callers.json`: the codes that every language has, see docs/identity.md.",
        CallersErrorKind::ALL.iter().map(|kind| kind.code()),
    );
    file.list("METHOD_OVERRIDES", "Headers by which frameworks take another method.", &METHOD_OVERRIDES);
    file.list("EVENT_MEMBERS", "The members of an event that are read.", &EVENT_MEMBERS);
    file.number("ANSWER_LIMIT", "How many bytes of keys, or of an answer of STS, are read.", KEYS_LIMIT);
    file.number("PLACES", "How many checks may wait in one line.", PLACES);
    file.number("GRACE_SECONDS", "How long a check waits for new keys where those at hand serve.", GRACE.as_secs());
    file
}
