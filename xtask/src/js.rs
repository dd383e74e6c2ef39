//! The npm packages tried and checked, in their workspace and as they are packed.

use std::env;
use std::fs;
use std::path::Path;

use crate::not_run;
use crate::npm::{self, PACKAGES, RUNTIMES};
use crate::run::{is_ci, root, system_packages};

/// Tests of the packed packages, each of which is packed already.
pub(crate) fn test(cfn_lint: &Path) -> Result<(), String> {
    // Elsewhere the tests say that they did not run.
    if is_ci() && env::var_os("CHROMIUM").is_none() && !Path::new("/usr/bin/chromium").exists() {
        system_packages(&["chromium"])?;
    }
    npm::with_tarballs(npm::npm(PACKAGES, ["test", "--silent"]))?
        .env("XACCT_SIGN_BIN", crate::cli())
        .env("XACCT_SIGN_CFN_LINT", cfn_lint)
        .run()?;
    npm::install(RUNTIMES)?;
    npm::with_tarballs(npm::npm(RUNTIMES, ["test", "--silent"]))?
        .env("XACCT_SIGN_BIN", crate::cli())
        .env("XACCT_SIGN_JUDGE", crate::judge())
        .env("XACCT_SIGN_NOT_RUN", not_run::file())
        .without_env("NODE_EXTRA_CA_CERTS")
        .run()
}

/// Formatting, lints and types; the packages are built first, because the modules' types are made.
pub(crate) fn lint() -> Result<(), String> {
    npm::pack_all()?;
    npm::install(RUNTIMES)?;
    npm::npm(PACKAGES, ["run", "--silent", "lint"]).run()?;
    npm::npm(PACKAGES, ["run", "--silent", "typecheck"]).run()?;
    npm::npm(RUNTIMES, ["run", "--silent", "lint"]).run()?;
    npm::npm(RUNTIMES, ["run", "--silent", "typecheck"]).run()?;
    [PACKAGES, RUNTIMES].into_iter().try_for_each(names_no_registry)
}

/// A lock file names versions and digests, not the registry of whoever wrote it.
fn names_no_registry(folder: &str) -> Result<(), String> {
    let lock = root().join(folder).join("package-lock.json");
    let text = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    if text.contains("\"resolved\": \"http") {
        return Err(format!("{} names a registry: write it where .npmrc is", lock.display()));
    }
    Ok(())
}
