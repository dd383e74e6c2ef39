//! What this crate wants of the machine it runs on, as one value: a test gives another.

mod process;
pub(crate) mod threads;
pub(crate) mod variables;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use xacct_sign::Error;

use crate::patience::Patience;
use crate::transport::Transport;

pub use crate::transport::{Addresses, Content, HeadListener, Incoming, Route, Sending, heads_told};
pub use process::Output;
pub use threads::begin;
pub use variables::Variables;

/// The clock, the environment, files, processes and HTTP.
pub trait Host: fmt::Debug + Send + Sync {
    /// What the clock says.
    fn now(&self) -> SystemTime;

    /// Waits.
    ///
    /// # Errors
    ///
    /// As [`Patience::check`].
    fn sleep(&self, duration: Duration, patience: &Patience) -> Result<(), Error>;

    /// A variable of the environment; one that is set to nothing is not set.
    fn variable(&self, name: &str) -> Option<String>;

    /// Several of them, in their order; of one moment where the host can say so.
    fn variables(&self, names: &[&str]) -> Vec<Option<String>> {
        names.iter().map(|name| self.variable(name)).collect()
    }

    /// A file's content.
    ///
    /// # Errors
    ///
    /// The system's.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Puts a file that only its owner may read in the place of another, at once.
    ///
    /// # Errors
    ///
    /// The system's.
    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Runs a program without a shell, and waits for its end. Its standard input is empty.
    ///
    /// # Errors
    ///
    /// The system's where it cannot be run; as [`Patience::check`], and the program is ended.
    fn run(&self, program: &str, arguments: &[String], patience: &Patience) -> Result<Output, Error>;

    /// Sends a request and reads the answer to its end. A redirect is an answer.
    ///
    /// # Errors
    ///
    /// Those of the transport: `Transport`, `Timeout`, `ResponseTooLarge`.
    fn send(
        &self,
        request: &http::Request<&[u8]>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error>;

    /// As [`Host::send`], up to the answer's head, whose body is still to be read; the patience is for the head. `content`, if
    /// there is any, is the body in the place of the request's.
    ///
    /// A host that does not know better sends everything at once.
    ///
    /// # Errors
    ///
    /// As [`Host::send`].
    fn open(
        &self,
        request: &http::Request<&[u8]>,
        content: Option<&mut Content>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Incoming>, Error> {
        let mut body = Vec::new();
        if let Some(content) = content {
            content.rewind()?;
            content.read_all(&mut body)?;
        }
        let mut whole = request.clone();
        if !body.is_empty() {
            *whole.body_mut() = &body;
        }
        Ok(self.send(&whole, sending, patience)?.map(Incoming::of))
    }

    /// Closes connections that are idle.
    fn close(&self) {}
}

/// The machine as it is.
#[derive(Debug, Default)]
pub struct Machine(Transport);

impl Machine {
    /// The machine as it is, but for where the environment's variables are read: proxies and certificates, too.
    #[must_use]
    pub fn with_variables(variables: impl Variables + 'static) -> Self {
        Self(Transport::new(variables))
    }
}

impl Host for Machine {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration, patience: &Patience) -> Result<(), Error> {
        let nap = patience.at_most(duration);
        while let Some(left) = nap.left().filter(|left| !left.is_zero()) {
            thread::sleep(nap.slice().map_or(left, |slice| slice.min(left)));
            patience.check()?;
        }
        Ok(())
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables(&[name]).pop().flatten()
    }

    fn variables(&self, names: &[&str]) -> Vec<Option<String>> {
        let Ok(values) = self.0.variables().values(names) else { return vec![None; names.len()] };
        let text = |value: OsString| value.into_string().ok().filter(|value| !value.is_empty());
        values.into_iter().map(|value| value.and_then(text)).collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        // The number parts those that this process writes at once.
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let (beside, mut file) = loop {
            let mut beside = path.as_os_str().to_owned();
            beside.push(format!(".{}.{}", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed)));
            match options.open(&beside) {
                // It is another's, such as that of a process that broke off under this number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => break (beside, file?),
            }
        };
        let written = io::Write::write_all(&mut file, content).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            // What is half there is of no use to anybody.
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn run(&self, program: &str, arguments: &[String], patience: &Patience) -> Result<Output, Error> {
        process::run(program, arguments, self.0.variables(), patience)
    }

    fn send(
        &self,
        request: &http::Request<&[u8]>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        self.0.send(request, sending, patience)
    }

    fn open(
        &self,
        request: &http::Request<&[u8]>,
        content: Option<&mut Content>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Incoming>, Error> {
        self.0.open(request, content, sending, patience)
    }

    fn close(&self) {
        self.0.close();
    }
}

/// The user's home.
pub(crate) fn home(host: &dyn Host) -> Option<PathBuf> {
    host.variable("HOME").or_else(|| host.variable("USERPROFILE")).map(PathBuf::from)
}

/// The region that the environment says.
pub(crate) fn region_of_environment(host: &dyn Host) -> Option<String> {
    host.variable("AWS_REGION").or_else(|| host.variable("AWS_DEFAULT_REGION"))
}
