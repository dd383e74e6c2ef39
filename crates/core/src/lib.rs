//! Assume a role in another AWS account and sign requests with AWS Signature Version 4.
//!
//! The crate is sans-IO: it opens no socket, reads no clock, file or environment variable, and draws no random number.
//! Time is an argument, requests and responses are values of the `http` crate. Any HTTP client will do; the crate
//! `xacct-sign-client` has one.
//!
//! - [`Signer`] signs requests and URLs; [`canonical_url`] makes a URL ready to be signed and sent.
//! - [`verify`] checks signatures as a service does, and says why one is refused.
//! - [`sts::AssumeRole`] builds the STS request and reads the answer; [`refresh::RoleCredentials`] says when to ask again.
//! - [`Error`] has a stable code, a sentence and a hint.

mod canonical;
mod credentials;
mod encode;
mod error;
mod key;
mod payload;
pub mod refresh;
mod settings;
mod signer;
mod small;
pub mod sts;
mod url;
pub mod verify;

pub use credentials::Credentials;
pub use error::{AwsAnswer, Error, ErrorClass, ErrorKind};
pub use key::check_region;
pub use payload::{Payload, sha256_hex};
pub use settings::{
    HeaderSelection, PathNormalization, PayloadHeader, PercentEncoding, SessionToken, SigningSettings, UnsignedPayload,
    is_left_unsigned,
};
pub use signer::{MAX_EXPIRES_IN, QUERY_PARAMETERS, Request, Signed, Signer, SigningTrace};
pub use small::time::{format_rfc3339, parse_rfc3339};
pub use url::{Origin, canonical_url, is_loopback, origin};
