//! The npm package: wasm, TypeScript, tarball.

use std::fs;
use std::path::PathBuf;

use crate::run::{Step, root};
use crate::wasm;

/// Builds the package and leaves its tarball in `dist/npm/`.
pub(crate) fn package() -> Result<PathBuf, String> {
    let folder = wasm::build()?;
    npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).run()?;
    let module = folder.join("xacct_sign_bg.wasm");
    // No feature flags: with them it makes modules that Node 20 cannot load.
    Step::new(root().join("js/node_modules/.bin/wasm-opt")).arg("-O3").arg(&module).arg("-o").arg(&module).run()?;
    npm(["run", "build", "--workspace", "xacct-sign"]).run()?;
    let out = root().join("dist/npm");
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    npm(["pack", "--workspace", "xacct-sign", "--loglevel=error", "--pack-destination"]).arg(&out).run()?;
    fs::read_dir(&out)
        .map_err(|error| format!("{}: {error}", out.display()))?
        .find_map(|entry| entry.ok().map(|entry| entry.path()))
        .ok_or_else(|| "npm packed nothing".to_owned())
}

/// `npm` in the JavaScript workspace.
pub(crate) fn npm<const N: usize>(arguments: [&str; N]) -> Step {
    Step::new("npm").args(arguments).in_directory(root().join("js"))
}
