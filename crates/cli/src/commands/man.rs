//! `xacct-sign man`.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::arguments::{Arguments, ManArguments};
use crate::failure::Failure;
use crate::{files, output};

/// Writes a page for the command and one for each of its commands.
pub(crate) fn run(arguments: &ManArguments) -> Result<(), Failure> {
    let folder = arguments.folder.as_path();
    fs::create_dir_all(folder).map_err(|source| Failure::Unwritable { path: folder.to_path_buf(), source })?;
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    write(command, folder)?;
    output::note(&[format!("wrote pages to `{}`: read one with `man -l FILE`", folder.display())]);
    Ok(())
}

/// As `clap_mangen::generate_to`, which would leave half a page behind where there is no room.
fn write(command: clap::Command, folder: &Path) -> Result<(), Failure> {
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        write(command.clone(), folder)?;
    }
    let page = Man::new(command);
    let path = folder.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text).map_err(|source| Failure::Unwritable { path: path.clone(), source })?;
    files::write(&path, &String::from_utf8_lossy(&text))
}
