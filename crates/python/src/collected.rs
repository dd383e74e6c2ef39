//! What happens while a thread of Python's waits without the GIL: it writes that to the log itself, once it has the GIL again.

use std::cell::Cell;

/// A line for the log.
pub(crate) struct Line {
    pub(crate) level: u8,
    pub(crate) text: String,
    /// Whether it is told even where nobody logs: by `warnings`.
    pub(crate) is_loud: bool,
}

thread_local! {
    /// What happened on this thread while it waits without the GIL, where it will write that itself.
    static COLLECTED: Cell<Option<Vec<Line>>> = const { Cell::new(None) };
}

/// What a call gives, and what it has to tell: to be written once this thread has the GIL again, without asking for it just for
/// that.
pub(crate) fn collect<T>(call: impl FnOnce() -> T) -> (T, Vec<Line>) {
    let outer = COLLECTED.replace(Some(Vec::new()));
    let result = call();
    (result, COLLECTED.replace(outer).unwrap_or_default())
}

/// Whether this is a thread of Python's, which waits in [`collect`].
pub(crate) fn is_collected() -> bool {
    let lines = COLLECTED.take();
    let is_some = lines.is_some();
    COLLECTED.set(lines);
    is_some
}

/// Takes out what is loud, to be told at once.
pub(crate) fn take_loud() -> Vec<Line> {
    let Some(lines) = COLLECTED.take() else { return Vec::new() };
    let (loud, others) = lines.into_iter().partition(|line| line.is_loud);
    COLLECTED.set(Some(others));
    loud
}

/// Adds a line to what this thread will write; gives it back where it waits for nothing.
pub(crate) fn add(line: Line) -> Option<Line> {
    let Some(mut lines) = COLLECTED.take() else { return Some(line) };
    lines.push(line);
    COLLECTED.set(Some(lines));
    None
}
