//! The emulator while it runs: ports, files that change, signals, a command.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::thread;

use tokio::process::Child;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};
use xacct_sign_emulator::server::{Control, Server, ServerError};
use xacct_sign_emulator::{Emulator, Environment, LogEntry, Ready};

use super::changes::{LOOK, Watched};
use super::env_file::{EnvFile, quoted};
use super::signals::{Signals, pass_on};
use super::{child, load};
use crate::arguments::EmulatorArguments;
use crate::failure::Failure;
use crate::{output, report};

/// Runs until it is told to stop, or until the command has ended.
pub(super) fn serve(
    arguments: &EmulatorArguments,
    files: Watched,
    emulator: Emulator,
    address: SocketAddr,
    log: impl Fn(&LogEntry) + Send + Sync + 'static,
) -> Result<(), Failure> {
    let started = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = started.map_err(|error| Failure::Server(ServerError::Start(error)))?;
    let ended = runtime.block_on(async {
        let signals = Signals::catch(!arguments.command.is_empty());
        let signals = signals.map_err(|error| Failure::Server(ServerError::Start(error)))?;
        let server = Server::bind(emulator, address, log).await?;
        let mut running = Running {
            arguments,
            files,
            ready: server.ready().clone().with_variables(child::of_this_machine()),
            control: server.control(),
            env_file: arguments.env_file.clone().map(EnvFile::new),
            child: None,
            signals,
            input: arguments.until_eof.then(end_of_input).transpose()?,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(server.serve(async { drop(stopped.await) }));
        let ended = match running.begin() {
            Ok(()) => running.until_the_end().await,
            Err(failure) => Err(failure),
        };
        drop(stop);
        // It has a second for requests under way.
        let _ = served.await;
        ended
    });
    runtime.shutdown_background();
    ended
}

struct Running<'a> {
    arguments: &'a EmulatorArguments,
    files: Watched,
    ready: Ready,
    control: Control,
    env_file: Option<EnvFile>,
    child: Option<Child>,
    signals: Signals,
    /// Resolves when standard input has ended, where that is to end the emulator.
    input: Option<oneshot::Receiver<()>>,
}

impl Running<'_> {
    /// Tells where the emulator is, to whom it may concern.
    fn begin(&mut self) -> Result<(), Failure> {
        self.write_env_file()?;
        let Some((program, arguments)) = self.arguments.command.split_first() else { return self.announce() };
        let variables = self.environment().unwrap_or_default();
        self.child = Some(child::start(program, arguments, &variables)?);
        Ok(())
    }

    async fn until_the_end(&mut self) -> Result<(), Failure> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                status = ended(&mut self.child) => {
                    return child::ended(status.map_err(|error| Failure::Server(ServerError::Start(error)))?);
                }
                signal = self.signals.next() => match (&self.child, signal) {
                    (Some(child), Some(signal)) => pass_on(signal, child.id()),
                    (None, _) => return Ok(()),
                    (Some(_), None) => {}
                },
                () = input_ended(&mut self.input) => return Ok(()),
                _ = looks.tick() => {
                    if self.files.have_changed() {
                        self.read_again().await;
                    }
                }
            }
        }
    }

    /// What cannot be used changes nothing. No failure here ends the emulator: each is said, and it goes on.
    async fn read_again(&mut self) {
        let shown = self.files.first().map(|path| path.display().to_string()).unwrap_or_default();
        let before = match self.redeploy().await {
            Ok(ready) => std::mem::replace(&mut self.ready, ready),
            Err(failure) => {
                let _ = report::report(&failure);
                return output::note(&[format!("`{shown}` as it was before still counts")]);
            }
        };
        output::note(&[format!("`{shown}` was read again, and counts from now on")]);
        if before.to_json() != self.ready.to_json() {
            // Who sees the one may read the other.
            let written = self.write_env_file();
            let announced = if self.child.is_none() { self.announce() } else { Ok(()) };
            for failure in [written, announced].into_iter().filter_map(Result::err) {
                let _ = report::report(&failure);
            }
        }
    }

    async fn redeploy(&mut self) -> Result<Ready, Failure> {
        let (deployment, options) = load(self.arguments)?;
        Ok(match self.control.redeploy(&deployment, options).await {
            Err(ServerError::Setup(error)) => return Err(Failure::Setup(error)),
            other => other?.with_variables(child::of_this_machine()),
        })
    }

    /// The environment of the caller that was named.
    fn environment(&self) -> Option<Environment> {
        let (caller, stage) = (self.arguments.caller.as_ref()?, self.arguments.stage.as_ref()?);
        self.ready.environment(caller, stage)
    }

    /// Those of its variables that have a value.
    fn variables(&self) -> Option<Vec<(&'static str, String)>> {
        Some(self.environment()?.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    fn write_env_file(&mut self) -> Result<(), Failure> {
        let variables = self.variables();
        match (&mut self.env_file, variables) {
            (Some(file), Some(variables)) => file.write(&variables),
            _ => Ok(()),
        }
    }

    /// Tells on stdout where the emulator is. Whoever waits for the line gets it at once.
    fn announce(&self) -> Result<(), Failure> {
        if self.arguments.json {
            return output::document(&format!("{}\n", self.ready.to_json()));
        }
        let Some(variables) = self.variables() else { return output::document(&self.ready.to_string()) };
        let mut lines =
            vec!["The emulator runs, for development and tests only. Ctrl-C ends it.".to_owned(), String::new()];
        if let Some(file) = &self.arguments.env_file {
            lines.push(format!("The caller's environment is in `{}`.", file.display()));
            return output::print(&lines);
        }
        lines.extend(variables.iter().map(|(name, value)| format!("export {name}={}", quoted(value))));
        output::print(&lines)
    }
}

/// Resolves when the command has ended; never without one.
async fn ended(child: &mut Option<Child>) -> io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => future::pending().await,
    }
}

/// Reads standard input on a thread of its own, which nothing can break off: it goes with the process.
fn end_of_input() -> Result<oneshot::Receiver<()>, Failure> {
    let (ended, end) = oneshot::channel();
    let read = move || {
        // One that cannot be read has ended, too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = ended.send(());
    };
    let thread = thread::Builder::new().name("input".to_owned()).spawn(read);
    thread.map_err(|error| Failure::Server(ServerError::Start(error)))?;
    Ok(end)
}

/// Resolves when the input has ended; never where nobody asks.
async fn input_ended(input: &mut Option<oneshot::Receiver<()>>) {
    match input {
        Some(end) => drop(end.await),
        None => future::pending().await,
    }
}
