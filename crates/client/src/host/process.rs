//! Programs that are run.

use std::fmt;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use xacct_sign::{Error, ErrorKind, escaped};

use super::threads::begin;
use super::variables::{Variables, first_set};
use crate::patience::{Patience, SLICE};

/// What a program left behind. Its output may hold secrets, which `Debug` does not show.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Output {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("code", &self.code).finish_non_exhaustive()
    }
}

/// How many programs were started by one another to give credentials: a profile's may look into the same profile, and would start
/// itself without end.
const DEPTH: &str = "XACCT_SIGN_DEPTH";
const DEEPEST: u32 = 4;

pub(super) fn run(
    program: &str,
    arguments: &[String],
    variables: &dyn Variables,
    patience: &Patience,
) -> Result<Output, Error> {
    let depth = first_set(variables, &[DEPTH])?.and_then(|(_, depth)| depth.to_str()?.parse().ok()).unwrap_or(0_u32);
    if depth >= DEEPEST {
        return Err(endless(program));
    }
    let mut command = Command::new(program);
    if let Some(all) = variables.all()? {
        command.env_clear().envs(all);
    }
    command.env(DEPTH, depth.saturating_add(1).to_string());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running(command.spawn().map_err(|error| {
        Error::new(ErrorKind::CredentialsNotFound, format!("`{}` cannot be run: {error}", escaped(program)))
            .with_source(error)
    })?);
    // Both are read at once: a program that fills one of them would wait forever.
    let (stdout, stderr) = (reader(child.0.stdout.take())?, reader(child.0.stderr.take())?);
    let (stdout, stderr) = (finished(&stdout, patience)?, finished(&stderr, patience)?);
    let status = ended(&mut child.0, patience)?;
    // One of those that it started has said so. It is told once, as if it were found here, and not as what each says of the next.
    if !status.success() && stderr.windows(ENDLESS.len()).any(|part| part == ENDLESS.as_bytes()) {
        return Err(endless(program));
    }
    Ok(Output { code: status.code(), stdout, stderr })
}

const ENDLESS: &str = "would start itself again and again";

fn endless(program: &str) -> Error {
    let message = format!("`{}` {ENDLESS}: it looks for credentials where it is named itself", escaped(program));
    Error::new(ErrorKind::InvalidConfig, message)
        .with_hint("give it another profile than the one that names it, with an option of its own such as `--profile`")
}

fn not_run(error: io::Error) -> Error {
    Error::new(ErrorKind::CredentialsNotFound, format!("it cannot be run: {error}")).with_source(error)
}

/// Reads to the end in a thread.
fn reader(from: Option<impl Read + Send + 'static>) -> Result<Receiver<Vec<u8>>, Error> {
    let (sender, receiver) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            // What came before an error is what there is.
            let _ = from.read_to_end(&mut bytes);
        }
        // Whoever waited may be gone.
        let _ = sender.send(bytes);
    };
    begin(read).map_err(not_run)?;
    Ok(receiver)
}

fn finished(reader: &Receiver<Vec<u8>>, patience: &Patience) -> Result<Vec<u8>, Error> {
    loop {
        match reader.recv_timeout(patience.slice().unwrap_or(SLICE)) {
            Ok(bytes) => return Ok(bytes),
            Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
            Err(RecvTimeoutError::Timeout) => patience.check()?,
        }
    }
}

/// Most programs end when they close their output.
fn ended(child: &mut Child, patience: &Patience) -> Result<ExitStatus, Error> {
    let mut pause = SLICE / 25;
    loop {
        if let Some(status) = child.try_wait().map_err(not_run)? {
            return Ok(status);
        }
        patience.check()?;
        thread::sleep(pause);
        pause = (pause * 2).min(SLICE);
    }
}

/// A program that ends with whoever started it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both are without effect where it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
