//! Assume a role in another AWS account and sign requests with AWS Signature Version 4.
//!
//! The crate is sans-IO: it opens no socket, reads no clock, file or environment variable, and draws no random number.
//! Time is an argument, requests and responses are values of the `http` crate. Any HTTP client will do; the crate
//! `xacct-sign-client` has one.
//!
//! - [`Signer`] signs requests and URLs for a [`Scope`]; a [`CanonicalUrl`] is ready to be signed and sent.
//! - [`call::Call`] is what a session does with one request: where it may go, what a redirect changes, what is signed anew.
//! - [`sts`] builds requests to STS and reads its answers; [`refresh::Refresh`] says when to ask again, [`retry::Retry`]
//!   when to try again.
//! - [`verify`] checks signatures as a service does, and says why one is refused.
//! - [`aws`] has AWS's words: ARNs, partitions, names, instants.
//! - [`Error`] has a stable code, a sentence and a hint.

pub mod aws;
pub mod call;
mod canonical;
mod credentials;
pub mod encode;
mod error;
mod escape;
mod key;
mod payload;
pub mod refresh;
pub mod retry;
mod scope;
mod settings;
mod signer;
mod skew;
mod small;
pub mod sts;
mod text;
mod url;
pub mod verify;

pub use credentials::Credentials;
pub use error::{AwsAnswer, Error, ErrorClass, ErrorKind};
pub use escape::escaped;
pub use payload::{Payload, UNSIGNED_PAYLOAD, sha256_hex};
pub use scope::{PartialScope, Scope};
pub use settings::{
    HeaderSelection, PathNormalization, PayloadHeader, PercentEncoding, SessionToken, SigningSettings, Strictness,
    UnsignedPayload,
};
pub use signer::{QUERY_PARAMETERS, Request, Signed, Signer, SigningTrace};
pub use skew::Skew;
pub use text::file_text;
pub use url::{CanonicalUrl, Origin, Url, canonical_url, path_readings, without_dot_segments};
