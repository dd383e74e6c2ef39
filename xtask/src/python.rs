//! Virtual environments and the wheel.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Step, root, system_packages};

/// Writes the extension module's documentation into its stub.
pub(crate) const STUB_DOCS: &str = "python/harness/stub_docs.py";

/// A virtual environment with what a requirements file names.
pub(crate) struct Venv(PathBuf);

impl Venv {
    /// Makes the environment, or brings it up to date if the requirements have changed since.
    fn new(name: &str, requirements: &str) -> Result<Self, String> {
        let venv = Self(root().join(".venv").join(name));
        let wanted =
            fs::read_to_string(root().join(requirements)).map_err(|error| format!("{requirements}: {error}"))?;
        let stamp = venv.0.join("requirements.installed");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(venv);
        }
        if !venv.python().exists() {
            create(&venv.0)?;
        }
        venv.pip(["install", "--quiet", "--requirement", requirements])?;
        fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
        Ok(venv)
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.bin("python")
    }

    pub(crate) fn bin(&self, program: &str) -> PathBuf {
        if cfg!(windows) {
            self.0.join("Scripts").join(format!("{program}.exe"))
        } else {
            self.0.join("bin").join(program)
        }
    }

    fn pip<const N: usize>(&self, arguments: [&str; N]) -> Result<(), String> {
        Step::new(self.python()).args(["-m", "pip", "--disable-pip-version-check"]).args(arguments).run()
    }

    fn install(&self, wheel: &Path) -> Result<(), String> {
        self.pip(["install", "--quiet", "--force-reinstall", "--no-deps", &wheel.to_string_lossy()])
    }
}

/// The interpreter that environments are made with: `PYTHON`, else `python3`.
fn interpreter() -> String {
    env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn create(path: &Path) -> Result<(), String> {
    let new_enough = "import sys; sys.exit(sys.version_info < (3, 10))";
    if !Step::new(interpreter()).args(["-c", new_enough]).succeeds() {
        return Err(format!("`{}` is not Python 3.10 or newer: name one in PYTHON", interpreter()));
    }
    // Debian keeps ensurepip, which venv needs, in a package of its own.
    if !Step::new(interpreter()).args(["-c", "import ensurepip"]).succeeds() {
        system_packages(&["python3-venv"]).map_err(|error| format!("Python's module ensurepip is missing: {error}"))?;
    }
    Step::new(interpreter()).args(["-m", "venv"]).arg(path).run()
}

/// For wheels that have a limit of size: maturin's usual level takes 80 kB more.
const SMALL: [&str; 4] = ["--profile", "wheel", "--compression-level", "9"];

/// Builds the wheel into `dist/wheel/`.
pub(crate) fn wheel() -> Result<PathBuf, String> {
    build(&root(), "wheel", &SMALL)
}

/// Builds the wheel of the command into `dist/cli-wheel/`.
pub(crate) fn cli_wheel() -> Result<PathBuf, String> {
    program_wheel("crates/cli", "cli-wheel", &["--release"])
}

/// Builds the wheel of the emulator alone into `dist/emulator-wheel/`.
pub(crate) fn emulator_wheel() -> Result<PathBuf, String> {
    program_wheel("crates/cli/emulator-wheel", "emulator-wheel", &SMALL)
}

/// Builds a wheel that is a program. Its folder has the `pyproject.toml`.
fn program_wheel(folder: &str, out: &str, arguments: &[&str]) -> Result<PathBuf, String> {
    let folder = root().join(folder);
    for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
        fs::copy(root().join(license), folder.join(license)).map_err(|error| format!("{license}: {error}"))?;
    }
    build(&folder, out, arguments)
}

/// Builds the project of a folder into one of `dist/`, which then holds nothing else.
fn build(folder: &Path, out: &str, arguments: &[&str]) -> Result<PathBuf, String> {
    let build = Venv::new("build", "python/requirements/build.txt")?;
    let out = root().join("dist").join(out);
    // A wheel of an older version must not be taken for this one.
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    Step::new(build.bin("maturin"))
        .args(["build", "--locked", "--quiet"])
        .args(arguments)
        .arg("--out")
        .arg(&out)
        .in_directory(folder)
        .run()?;
    fs::read_dir(&out)
        .map_err(|error| format!("{}: {error}", out.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| "maturin built no wheel".to_owned())
}

/// The wheel alone, as a user has it.
pub(crate) fn demo_venv() -> Result<Venv, String> {
    let wheel = wheel()?;
    let venv = Venv::new("demo", "python/requirements/demo.txt")?;
    venv.install(&wheel)?;
    Ok(venv)
}

/// The wheel with the tests' peers and tools.
pub(crate) fn test_venv() -> Result<(Venv, PathBuf), String> {
    let wheel = wheel()?;
    let venv = Venv::new("test", "python/requirements/test.txt")?;
    venv.install(&wheel)?;
    Ok((venv, wheel))
}
