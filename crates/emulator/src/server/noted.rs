//! What becomes of one request, for the log: it is noted where its answer is not there at once, when there is one, and where the
//! connection ends before.

use std::sync::Arc;

use crate::log::LogEntry;

pub(super) type Log = Arc<dyn Fn(&LogEntry) + Send + Sync>;

/// A request that has come. Where it is dropped without an answer, its connection has ended.
pub(super) struct Noted {
    entry: LogEntry,
    log: Log,
    is_over: bool,
}

impl Noted {
    /// A request that has come, with its number. Nothing is noted yet.
    pub(super) fn new(entry: LogEntry, log: Log) -> Self {
        Self { entry, log, is_over: false }
    }

    /// Notes that it has no answer yet.
    pub(super) fn under_way(&self) {
        (self.log)(&self.entry);
    }

    /// Notes what is known of it since, and that it has no answer yet.
    pub(super) fn goes_on(&mut self, known: &LogEntry) {
        self.entry = LogEntry { number: self.entry.number, ..known.clone() };
        self.under_way();
    }

    /// Notes what came of it, and gives that with its number.
    pub(super) fn over(mut self, entry: LogEntry) -> LogEntry {
        self.is_over = true;
        let entry = LogEntry { number: self.entry.number, ..entry };
        (self.log)(&entry);
        entry
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if !self.is_over {
            self.entry.break_off();
            (self.log)(&self.entry);
        }
    }
}
