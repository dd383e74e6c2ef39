//! The WebAssembly modules of the npm packages, by whichever toolchain there is.

use std::env;
use std::path::{Path, PathBuf};

use crate::run::{Step, root, system_packages, target};

const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's compiler with its sources, and a linker: for machines on which rustup cannot download.
const DEBIAN: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// Builds a crate's module and its JavaScript side into a folder.
pub(crate) fn build(crate_name: &str, folder: &Path) -> Result<PathBuf, String> {
    let module = compile(crate_name)?;
    let folder = root().join(folder);
    Step::cargo(["run", "--quiet", "--release", "--locked", "--package", "xtask-bindgen", "--"])
        .arg(module)
        .arg(&folder)
        .run()?;
    Ok(folder)
}

fn compile(crate_name: &str) -> Result<PathBuf, String> {
    let built =
        |folder: PathBuf| folder.join(TARGET).join("wasm").join(format!("{}.wasm", crate_name.replace('-', "_")));
    let arguments = ["build", "--quiet", "--locked", "--profile", "wasm", "--package", crate_name, "--target", TARGET];
    let has_target = || {
        let libraries = Step::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
        libraries.is_ok_and(|path| PathBuf::from(path.trim()).exists())
    };
    if has_target() || (Step::new("rustup").args(["target", "add", TARGET]).succeeds() && has_target()) {
        Step::cargo(arguments).run()?;
        return Ok(built(target()));
    }
    if !debian_toolchain() {
        system_packages(&DEBIAN).map_err(|error| {
            format!(
                "no Rust toolchain for {TARGET}: `rustup target add {TARGET}` failed, and {error} (or set PATH to a toolchain \
                 that has the target)"
            )
        })?;
    }
    // A folder of its own, or this compiler's builds and rustup's rebuild each other.
    let folder = target().join("debian");
    let path = format!("/usr/bin:{}", env::var("PATH").unwrap_or_default());
    Step::new("/usr/bin/cargo")
        .args(arguments)
        .args(["-Zbuild-std=std,panic_abort", "--target-dir"])
        .arg(&folder)
        .env("PATH", path)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-22")
        .run()?;
    Ok(built(folder))
}

fn debian_toolchain() -> bool {
    Step::new("wasm-ld-22").arg("--version").succeeds() && Step::new("/usr/bin/cargo").arg("--version").succeeds()
}
