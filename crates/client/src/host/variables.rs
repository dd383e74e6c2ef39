//! Where the variables of the environment are read.

use std::env;
use std::ffi::OsString;
use std::fmt;

use xacct_sign::{Error, ErrorKind};

/// The environment's variables. A program that may change them while others read them has to say how they are read: the system's
/// own have no lock.
pub trait Variables: fmt::Debug + Send + Sync {
    /// The values of these, in their order and of one moment.
    ///
    /// # Errors
    ///
    /// Where nobody can say.
    fn values(&self, names: &[&str]) -> Result<Vec<Option<OsString>>, Error>;

    /// All that a program which is run is given; `None` for those of the process.
    ///
    /// # Errors
    ///
    /// As [`Variables::values`].
    fn all(&self) -> Result<Option<Vec<(OsString, OsString)>>, Error>;

    /// Runs what reads the process's own, as libraries do, while nobody changes them.
    ///
    /// # Errors
    ///
    /// As [`Variables::values`]; then it was not run.
    fn hold(&self, reader: &mut dyn FnMut()) -> Result<(), Error>;
}

/// Those of the process. The standard library's lock protects them from what sets them through it.
#[derive(Debug)]
pub(crate) struct OfProcess;

impl Variables for OfProcess {
    fn values(&self, names: &[&str]) -> Result<Vec<Option<OsString>>, Error> {
        Ok(names.iter().map(env::var_os).collect())
    }

    fn all(&self) -> Result<Option<Vec<(OsString, OsString)>>, Error> {
        Ok(None)
    }

    fn hold(&self, reader: &mut dyn FnMut()) -> Result<(), Error> {
        reader();
        Ok(())
    }
}

/// What a library makes of the process's variables: see [`Variables::hold`].
pub(crate) fn held<T>(variables: &dyn Variables, make: impl Fn() -> T) -> Result<T, Error> {
    let mut made = None;
    variables.hold(&mut || made = Some(make()))?;
    made.ok_or_else(|| Error::new(ErrorKind::Interrupted, "nobody could read the environment"))
}

/// The first of these that is set, and its value. One that is set to nothing is not set.
pub(crate) fn first_set<'n>(
    variables: &dyn Variables,
    names: &[&'n str],
) -> Result<Option<(&'n str, OsString)>, Error> {
    let mut all = names.iter().zip(variables.values(names)?);
    Ok(all.find_map(|(name, value)| value.filter(|value| !value.is_empty()).map(|value| (*name, value))))
}
