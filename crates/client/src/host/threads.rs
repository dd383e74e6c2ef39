//! Threads of our own.

use std::io;
use std::thread;

/// What the standard library gives a thread. It would ask the environment first, which has no lock: see [`super::Variables::hold`].
const STACK: usize = 2 << 20;

/// Does this in a thread of its own, which nobody waits for.
///
/// # Errors
///
/// The system's, where there is no thread to be had.
pub fn begin(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("xacct-sign".to_owned()).stack_size(STACK).spawn(work).map(drop)
}
