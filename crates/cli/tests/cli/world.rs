//! An emulator, and the command as its caller.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use xacct_sign_emulator::server::{Running, seed};
use xacct_sign_emulator::{Emulator, Options};
use xacct_sign_provider::Manifest;

use crate::command::MANIFEST;

pub(crate) const ROLE: &str = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";

/// A caller named `shop`, who may assume [`ROLE`]; an API, and a home that is empty.
pub(crate) struct World {
    pub(crate) emulator: Running,
    /// Where the command runs.
    pub(crate) folder: PathBuf,
    pub(crate) url: String,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let stderr = String::from_utf8(output.stderr).unwrap();
        Self { code: output.status.code(), stdout: output.stdout, stderr }
    }
}

impl World {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, MANIFEST, Options { explain: true, ..Options::default() })
    }

    pub(crate) fn with(name: &str, manifest: &str, options: Options) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("home")).unwrap();
        let manifest = Manifest::parse(manifest, "xacct.toml").unwrap();
        let emulator = Running::start(Emulator::new(&manifest, options, seed().unwrap()).unwrap()).unwrap();
        let url = emulator.ready().addresses().stages["stag"].clone();
        Self { emulator, folder, url }
    }

    /// The command in an environment that has the caller's keys, and nothing else of AWS's.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let ready = self.emulator.ready();
        let keys = &ready.caller("shop", "stag").unwrap().credentials;
        let mut command = Command::new(env!("CARGO_BIN_EXE_xacct-sign"));
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null()).env_clear();
        for name in ["PATH", "SystemRoot", "TEMP", "TMPDIR"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.folder.join("home")).env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ENDPOINT_URL_STS", &ready.addresses().sts).env("AWS_REGION", "ap-northeast-1");
        command.env("AWS_ACCESS_KEY_ID", keys.access_key_id());
        command.env("AWS_SECRET_ACCESS_KEY", keys.secret_access_key());
        command.envs(keys.session_token().map(|token| ("AWS_SESSION_TOKEN", token)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments.iter().copied()).output().unwrap().into()
    }

    /// `call --role` of the path, with more arguments before it.
    pub(crate) fn call(&self, path: &str, arguments: &[&str]) -> Ran {
        self.call_with(b"", path, arguments)
    }

    /// The same, with a standard input.
    pub(crate) fn call_with(&self, input: &[u8], path: &str, arguments: &[&str]) -> Ran {
        let url = format!("{}{path}", self.url);
        let all = ["call", "--role", ROLE].into_iter().chain(arguments.iter().copied()).chain([url.as_str()]);
        with_input(self.command(all), input)
    }
}

/// Runs a command that reads this, or leaves it unread.
pub(crate) fn with_input(mut command: Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap();
    output.into()
}
