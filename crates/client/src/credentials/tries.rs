//! What is asked again where it failed and may succeed.

use std::hash::{BuildHasher, RandomState};

use xacct_sign::Error;
use xacct_sign::retry::Retry;

use crate::host::Host;
use crate::patience::Patience;

/// Asks until there is an answer or an error that stands, as [`Retry`] has it and the patience lets it.
pub(super) fn several<T>(host: &dyn Host, patience: &Patience, ask: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    // The hasher's keys are drawn at random for each process, and differ each time.
    let mut retry = Retry::new(RandomState::new().hash_one(()));
    loop {
        let error = match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Some(pause) = retry.failed(&error) else { return Err(error) };
        if patience.is_over_with(&error) || patience.left().is_some_and(|left| left <= pause) {
            return Err(error);
        }
        host.sleep(pause, patience)?;
    }
}
