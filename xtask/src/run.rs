//! Running programs, with the step shown before it runs.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// One program with its arguments, run in the repository's root.
pub(crate) struct Step {
    command: Command,
    shown: String,
}

impl Step {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&program);
        command.current_dir(root()).stdin(Stdio::null());
        Self { command, shown: program.as_ref().to_string_lossy().into_owned() }
    }

    pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Self {
        Self::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))).args(arguments)
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&argument.as_ref().to_string_lossy());
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Step::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Lets the program ask whoever sits there.
    pub(crate) fn on_terminal(mut self) -> Self {
        self.command.stdin(Stdio::inherit());
        self
    }

    /// Becomes the program, where the system can: it may have to clean up after a signal, while nobody waits. Then it returns
    /// only if there is no such program.
    #[cfg(unix)]
    pub(crate) fn become_it(mut self) -> Result<(), String> {
        use std::os::unix::process::CommandExt as _;
        eprintln!("+ {}", self.shown);
        let error = self.command.exec();
        Err(format!("`{}` cannot be run: {error}", self.shown))
    }

    #[cfg(not(unix))]
    pub(crate) fn become_it(self) -> Result<(), String> {
        self.run()
    }

    pub(crate) fn in_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs, and fails if the program does.
    pub(crate) fn run(mut self) -> Result<(), String> {
        eprintln!("+ {}", self.shown);
        let status = self.command.status().map_err(|error| format!("`{}` cannot be run: {error}", self.shown))?;
        if status.success() { Ok(()) } else { Err(format!("`{}` failed: {status}", self.shown)) }
    }

    /// Runs, and gives the program's exit code: for those that answer with it. What it prints is shown.
    pub(crate) fn code(mut self) -> Result<i32, String> {
        let status = self.command.status().map_err(|error| format!("`{}` cannot be run: {error}", self.shown))?;
        status.code().ok_or_else(|| format!("`{}` failed: {status}", self.shown))
    }

    /// Runs, and gives what the program printed.
    pub(crate) fn output(mut self) -> Result<String, String> {
        let output = self.command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("`{}` cannot be run: {error}", self.shown))?;
        if !output.status.success() {
            return Err(format!("`{}` failed: {}", self.shown, output.status));
        }
        String::from_utf8(output.stdout).map_err(|_| format!("`{}` printed no text", self.shown))
    }

    /// Whether the program runs and succeeds; what it prints is dropped.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// Whether this is a machine that is there for the checks alone.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Packages of Debian that are missing: installed where `CI` is set. On anybody else's machine they are asked for.
pub(crate) fn system_packages(packages: &[&str]) -> Result<(), String> {
    if !is_ci() {
        return Err(format!(
            "Debian's {} missing: run `apt-get install --yes --no-install-recommends {}`, or set CI to have it done",
            if packages.len() == 1 { format!("package {} is", packages.join(" ")) } else { "packages are".to_owned() },
            packages.join(" ")
        ));
    }
    Step::new("apt-get").args(["update", "--quiet"]).run()?;
    Step::new("apt-get").args(["install", "--yes", "--no-install-recommends"]).args(packages).run()
}
