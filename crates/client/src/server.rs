//! Who is calling, for a server: keys are fetched, signatures verified and STS is asked as the rules of `xacct-sign-identity` say.

mod signature;
mod verifier;

pub use verifier::{CheckError, Verifier};
pub use xacct_sign_identity::{
    Caller, Callers, CallersError, CallersErrorKind, Development, Line, Refusal, RefusalKind, Via,
};
