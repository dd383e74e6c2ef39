//! STS: its actions, each with its form, its request, its answer and its errors; every limit checked before anything is sent.
//!
//! Source: [AWS STS API Reference](https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html), its actions and "Common
//! Errors".
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use xacct_sign::Credentials;
//! use xacct_sign::sts::{Action, Endpoint, GetCallerIdentity};
//!
//! let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None)?;
//! let endpoint = Endpoint::new("ap-northeast-1", None)?;
//! let request = GetCallerIdentity.request(&credentials, &endpoint, UNIX_EPOCH + Duration::from_secs(1_440_938_160))?;
//! assert_eq!(request.uri(), "https://sts.ap-northeast-1.amazonaws.com/");
//! # Ok::<(), xacct_sign::Error>(())
//! ```

mod action;
mod assume_role;
mod assumed_role;
mod endpoint;
mod fault;
mod get_caller_identity;
mod get_web_identity_token;
mod limits;
mod parts;
mod web_identity;

/// How many bytes of an answer a driver reads: they are a few kB, and whatever is longer is none of STS's.
pub const ANSWER_LIMIT: u32 = 1 << 20;

pub use action::{Action, RequestParts};
pub use assume_role::{AssumeRole, Mfa};
pub use assumed_role::AssumedRole;
pub use endpoint::Endpoint;
pub use get_caller_identity::{CallerIdentity, GetCallerIdentity};
pub use get_web_identity_token::{GetWebIdentityToken, TokenAlgorithm, WebIdentityToken};
pub use web_identity::AssumeRoleWithWebIdentity;
