//! Who is calling, for a server: keys are fetched, signatures verified and STS is asked as the rules of `xacct-sign-identity` say.

#[cfg(feature = "manifest")]
mod manifest;
mod signature;
mod verifier;

#[cfg(feature = "manifest")]
pub use manifest::FromManifestError;
pub use verifier::{CheckError, Verifier};
pub use xacct_sign_identity::{
    CALLERS_SCHEMA, Caller, Callers, CallersError, CallersErrorKind, Development, Refusal, RefusalKind, Via,
};
