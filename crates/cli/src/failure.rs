//! How the command ends when it fails.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use xacct_sign::{Error, ErrorKind};
use xacct_sign_emulator::SetupError;
use xacct_sign_emulator::server::ServerError;
use xacct_sign_provider::{DeployedError, ManifestError, RenderError};

use crate::cache::CacheFailure;
use crate::commands::emulator::EmulatorFailure;
use crate::counted::counted;
use crate::exit;

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot read {what} `{}`", path.display())]
    Unreadable {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{what} `{}` is not text in UTF-8", path.display())]
    NotText { what: &'static str, path: PathBuf },
    #[error("the manifest has no {kind} `{name}`; it has {}", known.join(", "))]
    NotInManifest { kind: &'static str, name: String, known: Vec<String> },
    #[error("cannot write `{}`", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is a link, or something else that is no file", .0.display())]
    NotAFile(PathBuf),
    #[error("`{}` is there already", .0.display())]
    Exists(PathBuf),
    #[error("`{}` cannot be used", path.display())]
    Deployed {
        path: PathBuf,
        #[source]
        source: DeployedError,
    },
    #[error("`{}` is outdated", .0.display())]
    LockOutdated(PathBuf),
    #[error("{} not accepted", counted(*.0, "finding is", "findings are"))]
    Findings(usize),
    #[error("{}: nothing is printed", counted(*.0, "error", "errors"))]
    Errors(usize),
    #[error("{}", counted(*.0, "role differs", "roles differ"))]
    Different(usize),
    #[error("a link is broken")]
    Broken,
    #[error("the policy differs")]
    PolicyDiffers,
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
    #[error("cannot read {}", named(path))]
    BodyUnreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the answer cannot be written")]
    Answer(#[source] io::Error),
    #[error("the answer cannot be written to `{}`", path.display())]
    AnswerFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the answer is no text, and could upset the terminal")]
    BinaryOnTerminal,
    #[error("cannot run `{}`", program.display())]
    Program {
        program: OsString,
        #[source]
        source: io::Error,
    },
    /// A program that was run ended like this, and has said why.
    #[error("the program ended with {0}")]
    Ended(u8),
    /// Of which nothing is said.
    #[error(transparent)]
    Silent(Box<Failure>),
    #[error(transparent)]
    Client(#[from] Error),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Emulator(#[from] EmulatorFailure),
    #[error(transparent)]
    Cache(#[from] CacheFailure),
}

/// A file by its path; `-` is standard input.
fn named(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { format!("the file `{}`", path.display()) }
}

impl Failure {
    /// The same, of which nothing is said.
    pub(crate) fn silent(self) -> Self {
        Failure::Silent(Box::new(self))
    }

    /// The stable code of what is wrong with a file or a name, as documented in `docs/provider.md`, or of an error, as in
    /// `docs/errors.md`.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Failure::Client(error) => Some(error.code()),
            Failure::Deployed { source, .. } => Some(source.code()),
            Failure::Render(error) => Some(error.code()),
            Failure::Setup(SetupError::Target { .. }) => Some("target_not_served"),
            Failure::Setup(SetupError::UnknownStage(_)) | Failure::NotInManifest { kind: "stage", .. } => {
                Some("unknown_stage")
            }
            Failure::NotInManifest { .. } => Some("unknown_caller"),
            Failure::Emulator(failure) => Some(failure.code()),
            Failure::Cache(failure) => Some(failure.code()),
            _ => None,
        }
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Failure::Client(error) if error.kind() == ErrorKind::InsecureUrl => {
                Some("use https; plain http is for this machine, and for hosts that XACCT_ALLOW_HTTP_HOSTS names")
            }
            Failure::Client(error) => error.hint(),
            Failure::BinaryOnTerminal => {
                Some("write it to a file with `--output FILE`, or here all the same with `--output -`")
            }
            Failure::Render(error) => Some(error.hint()),
            Failure::NotInManifest { kind: "stage", .. } => {
                Some("give the name of a table `[stages.NAME]` with `--stage`")
            }
            Failure::NotInManifest { .. } => Some("give the name of a table `[callers.NAME]` with `--caller`"),
            Failure::Unreadable { what: "the manifest", .. } => Some(
                "give the path of a manifest, a file such as `xacct.toml`, with `--manifest`; `xacct-sign init` writes one",
            ),
            Failure::NotText { .. } => Some(
                "save it as UTF-8, in PowerShell with `| Out-File -Encoding utf8`; UTF-16 is read where it begins with a byte order mark",
            ),
            Failure::NotAFile(_) => Some(
                "nothing is written through a link: delete it, or give the path of the manifest to where it leads with `--manifest`",
            ),
            Failure::Exists(_) => Some("give another path with `--manifest`, or delete the file"),
            Failure::Deployed { source, .. } => Some(source.hint()),
            Failure::LockOutdated(_) => Some("run the command without `--locked`, and commit the lock file"),
            Failure::Setup(SetupError::Target { .. }) => {
                Some("take the stage out of a copy of the manifest to try the others, and try this one in AWS")
            }
            Failure::Setup(SetupError::NotOfTarget { .. }) => {
                Some("give it for a stage whose `target` has such a thing, a REST API or a function URL")
            }
            Failure::Setup(SetupError::UnknownStage(_)) => {
                Some("give the name of a table `[stages.NAME]` before the `=`")
            }
            Failure::Setup(SetupError::Upstream(_)) => Some("give a URL of http or https, without a query"),
            Failure::Setup(SetupError::Origin(_)) => {
                Some("give scheme, host and port as the browser shows them, without a path")
            }
            Failure::Setup(SetupError::NoCredentials { .. }) => {
                Some("add a section with that name to the file of `--credentials-file`")
            }
            Failure::Setup(SetupError::SharedCredentials { .. }) => Some(
                "the access key id says which role calls: give each role its own, in a section [CALLER-STAGE] where a caller has several",
            ),
            Failure::Emulator(failure) => Some(failure.hint()),
            Failure::Cache(failure) => Some(failure.hint()),
            Failure::Server(ServerError::Bind { .. } | ServerError::Ports(_)) => {
                Some("choose other ports with `--port`, or leave it out for any free ones")
            }
            _ => None,
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Client(error) => exit::code_of(error),
            Failure::Silent(failure) => failure.exit_code(),
            Failure::Answer(_) | Failure::AnswerFile { .. } | Failure::BinaryOnTerminal => 23,
            Failure::BodyUnreadable { .. } => 26,
            // As a shell has it.
            Failure::Program { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            Failure::Program { .. } => 126,
            Failure::Ended(code) => *code,
            Failure::Unreadable { .. }
            | Failure::NotText { .. }
            | Failure::NotInManifest { .. }
            | Failure::NotAFile(_)
            | Failure::Exists(_)
            | Failure::Deployed { .. }
            | Failure::Manifest(_)
            | Failure::Setup(_)
            | Failure::Emulator(_) => 2,
            Failure::Unwritable { .. }
            | Failure::LockOutdated(_)
            | Failure::Findings(_)
            | Failure::Errors(_)
            | Failure::Render(_)
            | Failure::Different(_)
            | Failure::Broken
            | Failure::PolicyDiffers
            | Failure::Server(_)
            | Failure::Output(_)
            | Failure::Cache(_) => 1,
        }
    }
}
