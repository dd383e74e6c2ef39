//! What is half-written when a signal ends the command: it is removed first.

use std::io;
use std::path::Path;

/// Has a file removed when Ctrl-C or SIGTERM ends the command, as these do anyway. Once it has another name, nothing is.
#[cfg(unix)]
pub(crate) fn remove_on_signal(path: &Path) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let path = path.to_path_buf();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().spawn(move || {
        for signal in signals.forever() {
            // It may be gone, or never have been there.
            let _ = std::fs::remove_file(&path);
            // The command ends by the signal, so that a shell knows.
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn remove_on_signal(_: &Path) -> io::Result<()> {
    Ok(())
}
