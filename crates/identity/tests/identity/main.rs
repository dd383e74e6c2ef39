//! Who is calling: attacks, keys and proofs through days of virtual time, and what must not be said.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod attacks;
mod callers;
mod fuzzed;
mod fuzzing;
mod garbage;
mod keys;
mod mutations;
mod paths;
mod proofs;
mod secrets;
mod world;

/// docs/identity.md has a row for every code.
#[test]
fn the_note_has_every_code() {
    let note = include_str!("../../../../docs/identity.md");
    let rows: Vec<&str> = note.lines().filter(|line| line.starts_with("| `")).collect();
    let refusals = xacct_sign_identity::RefusalKind::ALL.iter().map(|kind| (kind.code(), Some(kind.status())));
    let callers = xacct_sign_identity::CallersErrorKind::ALL.iter().map(|kind| (kind.code(), None));
    for (code, status) in refusals.chain(callers) {
        let row =
            rows.iter().find(|row| row.contains(&format!("`{code}`"))).unwrap_or_else(|| panic!("no row has `{code}`"));
        if let Some(status) = status {
            assert!(row.contains(&format!("| {status} |")), "{code} is {status}: {row}");
        }
    }
}
