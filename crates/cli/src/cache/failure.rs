//! What may be wrong with the cache.

use std::io;
use std::path::PathBuf;

/// Why the cache is not used, or not cleared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheFailure {
    #[error("the cache is not used: `{}` {what}", path.display())]
    Unsafe { path: PathBuf, what: &'static str },
    #[error("cannot clear the cache `{}`", path.display())]
    Uncleared {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl CacheFailure {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unsafe { .. } => "cache_unsafe",
            Self::Uncleared { .. } => "cache_uncleared",
        }
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unsafe { .. } => {
                "who can write there could give you other credentials, or read yours: make it your own with mode 0700, or delete it; `--no-cache` does without"
            }
            Self::Uncleared { .. } => {
                "delete the folder yourself: there is nothing in it but credentials that can be fetched again"
            }
        }
    }
}
