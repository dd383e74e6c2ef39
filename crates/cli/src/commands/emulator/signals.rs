//! Signals, and who gets them.

pub(super) use kind::{Signals, pass_on};

#[cfg(unix)]
mod kind {
    use std::fs;
    use std::io;

    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use rustix::termios::tcgetpgrp;
    use tokio::signal::unix::{self, SignalKind};
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    /// What ends the emulator where it runs by itself.
    const ENDS: [Signal; 2] = [Signal::INT, Signal::TERM];

    /// What a command gets that runs in it.
    const PASSED_ON: [Signal; 6] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

    /// Signals as they come.
    pub(in super::super) struct Signals(UnboundedReceiver<Signal>);

    impl Signals {
        /// From now on they do nothing by themselves.
        pub(in super::super) fn catch(with_command: bool) -> io::Result<Self> {
            let (sender, receiver) = unbounded_channel();
            let caught: &[Signal] = if with_command { &PASSED_ON } else { &ENDS };
            for signal in caught {
                let mut stream = unix::signal(SignalKind::from_raw(signal.as_raw()))?;
                let (signal, sender) = (*signal, sender.clone());
                tokio::spawn(async move { while stream.recv().await.is_some() && sender.send(signal).is_ok() {} });
            }
            Ok(Self(receiver))
        }

        pub(in super::super) async fn next(&mut self) -> Option<Signal> {
            self.0.recv().await
        }
    }

    /// Gives a signal to the command, unless the terminal has done so.
    pub(in super::super) fn pass_on(signal: Signal, command: Option<u32>) {
        if is_of_the_terminal(signal) {
            return;
        }
        if let Some(command) = command.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // It may have ended just now.
            let _ = kill_process(command, signal);
        }
    }

    /// A terminal sends what is typed to all processes in its foreground: the command has it already, and twice is more than was meant.
    fn is_of_the_terminal(signal: Signal) -> bool {
        matches!(signal, Signal::INT | Signal::QUIT)
            && fs::File::open("/dev/tty").is_ok_and(|terminal| tcgetpgrp(terminal) == Ok(getpgrp()))
    }
}

/// Elsewhere there is Ctrl-C, and everybody at the console gets it.
#[cfg(not(unix))]
mod kind {
    use std::io;

    use tokio::signal::ctrl_c;

    pub(in super::super) struct CtrlC;

    pub(in super::super) struct Signals;

    impl Signals {
        pub(in super::super) fn catch(_with_command: bool) -> io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) async fn next(&mut self) -> Option<CtrlC> {
            ctrl_c().await.ok().map(|()| CtrlC)
        }
    }

    pub(in super::super) fn pass_on(_: CtrlC, _command: Option<u32>) {}
}
