//! How far a long transfer is, for whoever watches.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// What is done within it is not worth a line.
const LONG: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(200);

/// One line on the terminal, written again and again.
pub(super) struct Progress {
    expected: Option<u64>,
    done: u64,
    started: Instant,
    shown: Option<Instant>,
}

impl Progress {
    /// None where nobody sees it.
    pub(super) fn on_terminal(is_wanted: bool) -> Option<Self> {
        let is_seen = is_wanted && io::stderr().is_terminal();
        is_seen.then(|| Self { expected: None, done: 0, started: Instant::now(), shown: None })
    }

    pub(super) fn expect(&mut self, length: Option<u64>) {
        self.expected = length;
    }

    pub(super) fn add(&mut self, count: usize) {
        self.done = self.done.saturating_add(count as u64);
        let now = Instant::now();
        let last = self.shown.unwrap_or(self.started);
        let pause = if self.shown.is_some() { PAUSE } else { LONG };
        if now.duration_since(last) >= pause {
            self.shown = Some(now);
            let text = line(self.done, self.expected, now.duration_since(self.started));
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// `12.3 MB of 100.0 MB, 12 %, 3.1 MB/s`
fn line(done: u64, expected: Option<u64>, time: Duration) -> String {
    let of = expected.filter(|expected| *expected > 0).map_or(String::new(), |expected| {
        let percent = u128::from(done).saturating_mul(100).checked_div(u128::from(expected)).unwrap_or_default();
        format!(" of {}, {percent} %", megabytes(expected))
    });
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let speed = done.saturating_mul(1000).checked_div(milliseconds).unwrap_or_default();
    format!("{}{of}, {}/s", megabytes(done), megabytes(speed))
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_of_how_much_and_how_fast() {
        let time = Duration::from_secs(4);
        assert_eq!(line(12_345_678, Some(100_000_000), time), "12.3 MB of 100.0 MB, 12 %, 3.0 MB/s");
        assert_eq!(line(12_345_678, None, time), "12.3 MB, 3.0 MB/s");
        assert_eq!(line(0, Some(0), Duration::ZERO), "0.0 MB, 0.0 MB/s");
    }
}
