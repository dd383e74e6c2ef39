//! What may go wrong with the emulator's own options.

use std::path::PathBuf;

use xacct_sign::Error;
use xacct_sign_emulator::NoAccess;

/// Why the emulator did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmulatorFailure {
    #[error(transparent)]
    NoAccess(#[from] NoAccess),
    #[error("the credentials `{name}` in `{}` cannot be used", path.display())]
    Credentials {
        name: String,
        path: PathBuf,
        #[source]
        source: Error,
    },
    #[error("`{}` is there already, and nothing that the emulator wrote", .0.display())]
    NotAnEnvFile(PathBuf),
    #[error("`{}` is that of another emulator, which runs", .0.display())]
    EnvFileInUse(PathBuf),
}

impl EmulatorFailure {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoAccess(error) => error.code(),
            Self::Credentials { source, .. } => source.code(),
            Self::NotAnEnvFile(_) => "not_an_env_file",
            Self::EnvFileInUse(_) => "env_file_in_use",
        }
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NoAccess(NoAccess::NotOnStage { .. }) => {
                "give one of these with `--stage`, or add the stage to `roles` or `stages` of the caller"
            }
            Self::NoAccess(error) => error.hint(),
            Self::Credentials { .. } => {
                "write it as AWS's tools read it: [NAME], then lines `aws_access_key_id = ...` and `aws_secret_access_key = ...`"
            }
            Self::EnvFileInUse(_) => "give another path with `--env-file`, or end the other emulator",
            Self::NotAnEnvFile(_) => "give another path with `--env-file`, or delete the file",
        }
    }
}
