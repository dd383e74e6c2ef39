//! Who is calling, driven: keys are fetched, signatures verified and STS is asked as the rules of `xacct-sign-identity` say. And what a
//! caller sends.

mod proof;
mod signature;
mod token;
mod verifier;

pub use proof::IdentityProof;
pub use token::IdentityToken;
pub use verifier::{CheckError, Verifier};
pub use xacct_sign::sts::{GetWebIdentityToken, SigningAlgorithm};
pub use xacct_sign_identity::{
    Caller, Callers, CallersError, CallersErrorKind, Development, Refusal, RefusalKind, Via,
};
