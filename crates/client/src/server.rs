//! Who is calling, for a server: keys are fetched, signatures verified and STS is asked as the rules of `xacct-sign-identity` say.

#[cfg(feature = "axum")]
mod extractor;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "tower")]
mod lines;
#[cfg(feature = "manifest")]
mod manifest;
mod signature;
mod verifier;

#[cfg(feature = "axum")]
pub use extractor::Calling;
#[cfg(feature = "tower")]
pub use layer::{CallerLayer, CallerService};
#[cfg(feature = "manifest")]
pub use manifest::FromManifestError;
pub use verifier::{CheckError, Verifier};
pub use xacct_sign_identity::{
    CALLERS_SCHEMA, Caller, Callers, CallersError, CallersErrorKind, Development, EVENT_MEMBERS, Line,
    METHOD_OVERRIDES, PLACES, Refusal, RefusalKind, Seen, Via, paths,
};
