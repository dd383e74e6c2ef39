//! The time that a thread has had of a processor: what other programs do meanwhile is not in it.

use std::time::Duration;

/// Linux counts it for each thread (`Documentation/scheduler/sched-stats.rst`); elsewhere it is the time that has passed.
pub(crate) fn time() -> Duration {
    #[cfg(target_os = "linux")]
    {
        // It is brought up to date when the scheduler runs.
        std::thread::yield_now();
        let counted = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Duration::from_nanos(counted.split_whitespace().next().unwrap().parse().unwrap())
    }
    #[cfg(not(target_os = "linux"))]
    {
        static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
        START.elapsed()
    }
}
