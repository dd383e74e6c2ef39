//! `xacct-sign init`.

use xacct_sign_provider::Manifest;

use crate::arguments::InitArguments;
use crate::failure::Failure;
use crate::{files, output};

const TEMPLATE: &str = include_str!("init.toml");

/// Writes a manifest that is valid as it stands; a file that is there is not touched.
pub(crate) fn run(arguments: &InitArguments) -> Result<(), Failure> {
    let text = TEMPLATE.replace("111111111111", &arguments.account).replace("us-east-1", &arguments.region);
    let path = &arguments.manifest;
    Manifest::parse(&text, &path.to_string_lossy())?;
    files::create(path, &text)?;
    output::note(&[format!("wrote `{}`: edit it, then run `xacct-sign check`", path.display())]);
    Ok(())
}
