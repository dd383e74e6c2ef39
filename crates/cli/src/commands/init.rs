//! `xacct-sign init`.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use xacct_sign_provider::Manifest;

use crate::arguments::InitArguments;
use crate::failure::Failure;
use crate::output;

const TEMPLATE: &str = include_str!("init.toml");

/// Writes a manifest that is valid as it stands; a file that is there is not touched.
pub(crate) fn run(arguments: &InitArguments) -> Result<(), Failure> {
    let text = TEMPLATE.replace("111111111111", &arguments.account).replace("us-east-1", &arguments.region);
    let path = &arguments.manifest;
    Manifest::parse(&text, &path.to_string_lossy())?;
    let written = OpenOptions::new().write(true).create_new(true).open(path);
    match written.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            output::note(&[format!("wrote `{}`: edit it, then run `xacct-sign check`", path.display())]);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::Exists(path.clone())),
        Err(source) => Err(Failure::Unwritable { path: path.clone(), source }),
    }
}
