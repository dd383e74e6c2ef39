//! `xacct-sign init`.

use xacct_sign_provider::{Imported, Manifest};

use crate::arguments::InitArguments;
use crate::failure::Failure;
use crate::{files, manifest, output};

const TEMPLATE: &str = include_str!("init.toml");

/// Writes a manifest that is valid as it stands; a file that is there is not touched.
pub(crate) fn run(arguments: &InitArguments) -> Result<(), Failure> {
    files::refuse_dash(Some(&arguments.manifest), "--manifest", "name a file, such as `--manifest xacct.toml`")?;
    if !arguments.from.is_empty() {
        return from_deployed(arguments);
    }
    let text = TEMPLATE.replace("111111111111", &arguments.account).replace("us-east-1", &arguments.region);
    let path = &arguments.manifest;
    Manifest::parse(&text, &path.to_string_lossy())?;
    files::create(path, &text)?;
    output::note(&[format!("wrote `{}`: edit it, then run `xacct-sign check`", path.display())]);
    Ok(())
}

/// Writes the manifest of roles that are there already, and the lock file that keeps callers where they are.
fn from_deployed(arguments: &InitArguments) -> Result<(), Failure> {
    let path = &arguments.manifest;
    let texts = arguments.from.iter().map(|path| files::read(path)).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let imported = Imported::read(&texts, &path.to_string_lossy())
        .map_err(|source| Failure::of_documents(&arguments.from, source))?;
    let lock = manifest::lock_path(path);
    if path.symlink_metadata().is_ok() {
        return Err(Failure::Exists(path.clone()));
    }
    // First what says nothing without the other.
    files::create(&lock, &imported.lock)?;
    files::create(path, &imported.manifest)?;
    output::note(&imported.notes);
    let written =
        format!("wrote `{}` and `{}`: look them over, then run `xacct-sign check`", path.display(), lock.display());
    output::note(&[written]);
    Ok(())
}
