//! `xacct-sign man`.

use std::fs;

use clap::CommandFactory as _;

use crate::arguments::{Arguments, ManArguments};
use crate::failure::Failure;
use crate::output;

/// Writes a page for the command and one for each of its commands.
pub(crate) fn run(arguments: &ManArguments) -> Result<(), Failure> {
    let failed = |source| Failure::Unwritable { path: arguments.folder.clone(), source };
    fs::create_dir_all(&arguments.folder).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), &arguments.folder).map_err(failed)?;
    output::note(&[format!("wrote pages to `{}`: read one with `man -l FILE`", arguments.folder.display())]);
    Ok(())
}
