//! Starts the command, in a folder with a manifest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[cfg(unix)]
pub(crate) use running::Emulator;

/// The least that a manifest holds: for tests that change it.
pub(crate) const MANIFEST: &str = r#"[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.stag]
api_id = "f6g7h8i9j0"
[callers.shop]
account = "000000000000"
roles = { stag = "LambdaRoleDeve" }
"#;

/// The folder of the demo, with a manifest that has several stages: for all others. Nothing may be written there.
pub(crate) fn demo() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo"))
}

/// A folder of the test's own, with a manifest in it.
pub(crate) fn folder(name: &str, manifest: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("xacct.toml"), manifest).unwrap();
    path
}

/// A manifest's callers `c00` to `c59`, who do not fit into one role.
pub(crate) fn sixty_callers() -> String {
    let caller = |i| format!("[callers.c{i:02}]\naccount = \"{:012}\"\nroles = {{ stag = \"LambdaRole\" }}\n", i + 1);
    (0..60).map(caller).collect()
}

pub(crate) fn command<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xacct-sign"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

/// Exit code, stdout and stderr of a command that ends by itself.
pub(crate) fn run(folder: &Path, arguments: &str) -> (i32, String, String) {
    run_words(folder, &arguments.split_whitespace().collect::<Vec<_>>())
}

/// The same for arguments with white space in them.
pub(crate) fn run_words(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(folder, arguments.iter().copied()).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[cfg(unix)]
mod running {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Child, ChildStderr, ChildStdout};
    use std::time::{Duration, Instant};

    use super::*;

    /// The command `emulator` while it runs; killed when it is dropped.
    pub(crate) struct Emulator {
        process: Child,
        stdout: BufReader<ChildStdout>,
        stderr: Option<BufReader<ChildStderr>>,
    }

    impl Emulator {
        pub(crate) fn spawn(folder: &Path, arguments: &str) -> Self {
            let mut command = command(folder, ["emulator"].into_iter().chain(arguments.split_whitespace()));
            let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let stdout = BufReader::new(process.stdout.take().unwrap());
            Self { process, stdout, stderr: None }
        }

        /// As it is, with what it says read too.
        pub(crate) fn spawn_command(mut command: Command) -> Self {
            let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let stdout = BufReader::new(process.stdout.take().unwrap());
            let stderr = process.stderr.take().map(BufReader::new);
            Self { process, stdout, stderr }
        }

        /// The next line of stderr with this in it, with its end.
        pub(crate) fn said(&mut self, part: &str) -> String {
            let stderr = self.stderr.as_mut().unwrap();
            let mut line = String::new();
            while !line.contains(part) {
                line.clear();
                assert!(stderr.read_line(&mut line).unwrap() > 0, "it never said `{part}`");
            }
            line
        }

        pub(crate) fn signal(&self, signal: &str) {
            let mut kill = Command::new("kill");
            assert!(kill.args([signal, &self.process.id().to_string()]).status().unwrap().success());
        }

        /// Waits for its end: the exit code, and what else it printed.
        pub(crate) fn end(mut self) -> (Option<i32>, String) {
            let mut rest = String::new();
            self.stdout.read_to_string(&mut rest).unwrap();
            (self.process.wait().unwrap().code(), rest)
        }

        /// The next line of stdout, with its end.
        pub(crate) fn line(&mut self) -> String {
            self.line_if_any().unwrap()
        }

        /// The same; none where it has ended.
        pub(crate) fn line_if_any(&mut self) -> Option<String> {
            let mut line = String::new();
            (self.stdout.read_line(&mut line).unwrap() > 0).then_some(line)
        }

        /// Ends it by a signal, within its grace; gives what else it printed.
        pub(crate) fn stop(mut self, signal: &str) -> String {
            let started = Instant::now();
            self.signal(signal);
            assert_eq!(self.process.wait().unwrap().code(), Some(0));
            assert!(started.elapsed() < Duration::from_secs(2));
            let mut rest = String::new();
            self.stdout.read_to_string(&mut rest).unwrap();
            rest
        }
    }

    impl Drop for Emulator {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
