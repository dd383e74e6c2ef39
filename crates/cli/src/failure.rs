//! How the command ends when it fails.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use xacct_sign::Error;
use xacct_sign_emulator::SetupError;
use xacct_sign_emulator::server::ServerError;
use xacct_sign_provider::{AccessError, DeployedError, ManifestError, RenderError, names_there_are};

use crate::cache::failure::CacheFailure;
use crate::commands::emulator::failure::EmulatorFailure;
use crate::counted::counted;
use crate::{exit, hints};

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What was typed makes no sense.
    #[error("{text}")]
    Usage { text: String, hint: Option<&'static str> },
    #[error("cannot read {what} `{}`", path.display())]
    Unreadable {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{what} `{}` is not text in UTF-8", path.display())]
    NotText { what: &'static str, path: PathBuf },
    #[error("the manifest has no {kind} `{name}`; {}", names_there_are(name, known))]
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
    #[error("`{}` is no page, and stays", .0.display())]
    NoPage(PathBuf),
    #[error("{} cannot be used", quoted(.paths))]
    Deployed {
        paths: Vec<PathBuf>,
        #[source]
        source: DeployedError,
    },
    #[error("`{}` is {}", path.display(), if *is_there { "outdated" } else { "not there" })]
    LockOutdated { path: PathBuf, is_there: bool },
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
    /// The answer is no.
    #[error("no")]
    No,
    #[error(transparent)]
    Question(#[from] AccessError),
    /// What a caller's command reads: a body, headers, an answer.
    #[error("cannot read {}", named(path))]
    InputUnreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is not text in UTF-8", named(.0))]
    InputNotText(PathBuf),
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

fn quoted(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}

impl Failure {
    /// What is wrong with the documents of these files: with the one that the error is about, or with all together.
    pub(crate) fn of_documents(paths: &[PathBuf], source: DeployedError) -> Self {
        let one = source.document().and_then(|number| paths.get(number));
        Failure::Deployed { paths: one.map_or_else(|| paths.to_vec(), |path| vec![path.clone()]), source }
    }

    /// The same, of which nothing is said.
    pub(crate) fn silent(self) -> Self {
        Failure::Silent(Box::new(self))
    }

    /// The stable code: the command's own and those of errors are in `docs/errors.md`, those of manifests in `docs/provider.md`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Failure::Usage { .. } => "wrong_usage",
            Failure::Unreadable { .. } | Failure::InputUnreadable { .. } => "file_unreadable",
            Failure::NotText { .. } | Failure::InputNotText(_) => "file_not_text",
            Failure::Unwritable { .. } => "file_unwritable",
            Failure::NotAFile(_) => "not_a_file",
            Failure::Exists(_) | Failure::NoPage(_) => "file_exists",
            Failure::Output(_) => "output_unwritable",
            Failure::No => "answer_is_no",
            Failure::Question(error) => error.code(),
            Failure::Answer(_) | Failure::AnswerFile { .. } => "answer_unwritable",
            Failure::BinaryOnTerminal => "answer_not_text",
            Failure::Program { .. } => "program_not_run",
            Failure::Ended(_) => "program_ended",
            Failure::LockOutdated { .. } => "lock_outdated",
            Failure::Findings(_) | Failure::Errors(_) => "not_accepted",
            Failure::Different(_) | Failure::PolicyDiffers => "different",
            Failure::Broken => "link_broken",
            Failure::NotInManifest { kind: "stage", .. } => "unknown_stage",
            Failure::NotInManifest { .. } => "unknown_caller",
            Failure::Silent(failure) => failure.code(),
            Failure::Client(error) => error.code(),
            Failure::Deployed { source, .. } => source.code(),
            Failure::Render(error) => error.code(),
            Failure::Manifest(error) => error.code(),
            Failure::Setup(error) | Failure::Server(ServerError::Setup(error)) => error.code(),
            Failure::Server(ServerError::Bind { .. } | ServerError::Ports(_)) => "port_unusable",
            Failure::Server(_) => "emulator_failed",
            Failure::Emulator(failure) => failure.code(),
            Failure::Cache(failure) => failure.code(),
        }
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Failure::Usage { hint, .. } => *hint,
            Failure::Client(error) => hints::of(error),
            Failure::BinaryOnTerminal => {
                Some("write it to a file with `--output FILE`, or here all the same with `--output -`")
            }
            Failure::Render(error) => Some(error.hint()),
            Failure::Question(error) => Some(error.hint()),
            Failure::Unwritable { .. } => Some("give a path in a folder that can be written to and has room"),
            Failure::Output(_) => Some("see that there is room, and a reader, where standard output goes"),
            Failure::NotInManifest { kind: "stage", .. } => {
                Some("give the name of a table `[stages.NAME]` of the manifest")
            }
            Failure::NotInManifest { .. } => Some("give the name of a table `[callers.NAME]` of the manifest"),
            Failure::Unreadable { what: "the manifest", .. } => Some(
                "give the path of a manifest, a file such as `xacct.toml`, with `--manifest`; `xacct-sign init` writes one",
            ),
            Failure::InputUnreadable { path, .. } if path == Path::new("-") => None,
            Failure::Unreadable { .. } | Failure::InputUnreadable { .. } => {
                Some("give the path of a file that is there and can be read")
            }
            Failure::NotText { .. } => Some(
                "save it as UTF-8, in PowerShell with `| Out-File -Encoding utf8`; UTF-16 is read where it begins with a byte order mark",
            ),
            Failure::NotAFile(_) => {
                Some("nothing is written through a link: delete it, or give the path of the file to which it leads")
            }
            Failure::Exists(_) => Some("give another path with `--manifest`, or delete the file"),
            Failure::NoPage(_) => {
                Some("give another path with `--html`, or delete the file: nothing but an earlier page is written over")
            }
            Failure::Deployed { source, .. } => Some(source.hint()),
            Failure::LockOutdated { .. } => Some("run the command without `--locked`, and commit the lock file"),
            Failure::Setup(SetupError::Callers { .. })
            | Failure::Server(ServerError::Setup(SetupError::Callers { .. })) => Some(
                "the emulator's issuers serve verifiers on this machine alone: leave `--host` out, or take the stage out of a copy of the manifest",
            ),
            Failure::Setup(SetupError::Policy { .. }) => {
                Some("give the document in JSON as IAM takes it, with every statement in full")
            }
            Failure::Setup(SetupError::Target { .. }) => {
                Some("take the stage out of a copy of the manifest to try the others, and try this one in AWS")
            }
            Failure::Setup(SetupError::NotOfTarget { .. }) => {
                Some("give it for a stage whose `target` has such a thing, a REST API or a function URL")
            }
            Failure::Setup(SetupError::NotPrivate(_)) => {
                Some("leave the option out, or give the stage its `vpc_endpoints` in the manifest")
            }
            Failure::Setup(SetupError::VpcEndpoint { .. }) => {
                Some("write the id of an interface endpoint for `execute-api`, `vpce-` and 8 or 17 hexadecimal digits")
            }
            Failure::Setup(SetupError::ForeignPolicy { .. }) => {
                Some("give the policy of this stage's own API: `xacct-sign policy resource --stage STAGE` prints one")
            }
            Failure::Setup(SetupError::UnknownStage(_)) => {
                Some("give the name of a table `[stages.NAME]` before the `=`")
            }
            Failure::Setup(SetupError::UnknownPolicy(_)) => {
                Some("give the ARN that `permissions_boundary` has in the manifest before the `=`")
            }
            Failure::Setup(SetupError::Upstream(_)) => Some("give a URL of http or https, without a query"),
            Failure::Setup(SetupError::Origin(_)) => {
                Some("give scheme, host and port as the browser shows them, without a path")
            }
            Failure::Setup(SetupError::HeaderName(_)) => {
                Some("give a name of your own before the `=`, such as `x-caller`")
            }
            Failure::Setup(SetupError::HeaderTwice { .. }) => Some("give one of the two"),
            Failure::Setup(SetupError::HeadersOfFunction) => Some("leave `--header` out, or `--format lambda-event`"),
            Failure::Setup(SetupError::Variable { .. }) => {
                Some("in a shell, write it in single quotes: --header 'x-caller=$context.identity.userArn'")
            }
            Failure::Setup(SetupError::NoCredentials { .. }) => {
                Some("add a section with that name to the file of `--credentials-file`")
            }
            Failure::Setup(SetupError::SharedCredentials { .. }) => Some(
                "the access key id says which role calls: give each role its own, in a section [CALLER-STAGE] or [CALLER-ROLE] where a caller has several",
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
            // Whatever it is that cannot be written, and whoever writes it.
            Failure::Answer(_)
            | Failure::AnswerFile { .. }
            | Failure::BinaryOnTerminal
            | Failure::Output(_)
            | Failure::Unwritable { .. } => 23,
            Failure::InputUnreadable { .. } | Failure::InputNotText(_) => 26,
            // As a shell has it.
            Failure::Program { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            Failure::Program { .. } => 126,
            Failure::Ended(code) => *code,
            Failure::Usage { .. }
            | Failure::Unreadable { .. }
            | Failure::NotText { .. }
            | Failure::NotInManifest { .. }
            | Failure::Question(_)
            | Failure::NotAFile(_)
            | Failure::Exists(_)
            | Failure::NoPage(_)
            | Failure::Deployed { .. }
            | Failure::Manifest(_)
            | Failure::Setup(_)
            | Failure::Emulator(_) => 2,
            Failure::LockOutdated { .. }
            | Failure::Findings(_)
            | Failure::Errors(_)
            | Failure::Render(_)
            | Failure::Different(_)
            | Failure::Broken
            | Failure::No
            | Failure::PolicyDiffers
            | Failure::Server(_)
            | Failure::Cache(_) => 1,
        }
    }
}
