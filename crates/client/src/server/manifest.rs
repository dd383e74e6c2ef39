//! A verifier of a stage of a manifest, without a `callers.json` between.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use xacct_sign::{Error, file_text};
use xacct_sign_identity::{Callers, CallersError, Development};
use xacct_sign_provider::{Lock, Manifest, ManifestError, RenderError};

use super::Verifier;

/// Why no verifier is made of a manifest.
#[derive(Debug)]
#[non_exhaustive]
pub enum FromManifestError {
    /// The manifest or its lock file cannot be read, or is no text.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest or its lock file is wrong.
    Manifest(ManifestError),
    /// It has no such stage.
    UnknownStage {
        /// What was asked for.
        stage: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A caller of the stage is one that no verifier tells.
    Render(RenderError),
    /// No verifier is made of these callers.
    Callers(CallersError),
    /// As [`Verifier::new`].
    Verifier(Error),
}

impl FromManifestError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::InvalidData => "file_not_text",
            Self::Unreadable { .. } => "file_unreadable",
            Self::Manifest(error) => error.code(),
            Self::UnknownStage { .. } => "unknown_stage",
            Self::Render(error) => error.code(),
            Self::Callers(error) => error.code(),
            Self::Verifier(error) => error.code(),
        }
    }

    /// What to do about it, where we know it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                Some("save it as UTF-8, in PowerShell with `| Out-File -Encoding utf8`")
            }
            Self::Unreadable { .. } => Some("give the path of a manifest, a file such as `xacct.toml`"),
            Self::Manifest(error) => Some(error.hint()),
            Self::UnknownStage { .. } => Some("give the name of a table `[stages.NAME]` of the manifest"),
            Self::Render(error) => Some(error.hint()),
            Self::Callers(error) => error.hint(),
            Self::Verifier(error) => error.hint(),
        }
    }
}

impl fmt::Display for FromManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, .. } => write!(f, "cannot read `{}`", path.display()),
            Self::Manifest(error) => error.fmt(f),
            Self::UnknownStage { stage, known } => {
                write!(f, "the manifest has no stage `{}`; it has {}", xacct_sign::escaped(stage), known.join(", "))
            }
            Self::Render(error) => error.fmt(f),
            Self::Callers(error) => error.fmt(f),
            Self::Verifier(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FromManifestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Verifier(error) => error.source(),
            _ => None,
        }
    }
}

impl Verifier {
    /// A verifier of a stage of a manifest, with the lock file beside it if there is one: that of what `xacct-sign render callers`
    /// prints. The feature `manifest` has it.
    ///
    /// # Errors
    ///
    /// [`FromManifestError`].
    ///
    /// ```no_run
    /// use xacct_sign_client::server::{Development, Verifier};
    ///
    /// let verifier = Verifier::from_manifest("xacct.toml", "prod", Development::No)?;
    /// # Ok::<(), xacct_sign_client::server::FromManifestError>(())
    /// ```
    pub fn from_manifest(
        path: impl AsRef<Path>,
        stage: &str,
        development: Development,
    ) -> Result<Self, FromManifestError> {
        Self::new(callers(path.as_ref(), stage, development)?).map_err(FromManifestError::Verifier)
    }
}

/// As the command reads them, in whatever form an editor or PowerShell wrote them.
fn read(path: &Path) -> io::Result<String> {
    let no_text =
        || io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8, nor in UTF-16 with a byte order mark");
    file_text(&fs::read(path)?).ok_or_else(no_text)
}

fn callers(path: &Path, stage: &str, development: Development) -> Result<Callers, FromManifestError> {
    let unreadable = |path: &Path, source| FromManifestError::Unreadable { path: path.to_owned(), source };
    let text = read(path).map_err(|source| unreadable(path, source))?;
    let manifest = Manifest::parse(&text, &path.to_string_lossy()).map_err(FromManifestError::Manifest)?;
    let lock_path = path.with_extension("lock.toml");
    let lock = match read(&lock_path) {
        Ok(text) => Lock::parse(&text, &lock_path.to_string_lossy()).map_err(FromManifestError::Manifest)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Lock::default(),
        Err(source) => return Err(unreadable(&lock_path, source)),
    };
    let unknown = || FromManifestError::UnknownStage {
        stage: stage.to_owned(),
        known: manifest.stages.keys().cloned().collect(),
    };
    let stage = manifest.stages.get(stage).ok_or_else(unknown)?;
    let rendered = manifest.plan(&lock).callers(stage).map_err(FromManifestError::Render)?;
    Callers::parse(rendered.to_json().as_bytes(), development).map_err(FromManifestError::Callers)
}
