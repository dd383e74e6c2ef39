//! STS and APIs with IAM authorization (HTTP APIs, REST APIs, function URLs), and servers whose callers show who they are, for
//! development and tests: the whole cross-account flow on one machine, without an AWS account. It is not a production gateway.
//!
//! The emulator enforces the IAM documents that get deployed: a manifest is rendered to JSON, and that JSON is what is
//! evaluated, the caller's policy, the trust policy (ExternalId and conditions included) and the invoke policy. Every
//! signature is verified from scratch.
//!
//! [`Emulator`] decides sans-IO: time is an argument of [`Emulator::handle`], randomness one of [`Emulator::new`],
//! requests and responses are values. So a test can move its clock. The module `server` (feature `server`) is the thin shell
//! that puts it on loopback ports; its `Running` is an emulator for a test in Rust.
//!
//! Where AWS's behaviour is documented it is followed to the status and the text; [`Reason`] adds what AWS does not
//! tell: why. What differs from AWS:
//!
//! - The stage is the port, whatever the `Host` header says: the header is verified as it was signed, not matched
//!   against a domain.
//! - CORS takes the origins of [`Options::allow_origins`], every method and every header; AWS lets one list these too.
//! - There is no route table, so no `404 {"message":"Not Found"}` for an unknown route: that is the upstream's to say.
//! - A caller that is an organization, a whole account or any account gets credentials of a role that is made up for it.
//! - An account is in an organization only if [`Options::organizations`] or the manifest says so.
//! - Every request comes from 127.0.0.1; a private REST API's by the VPC endpoint that the manifest or the options name.
//! - A function gets events by HTTP, and its answer is not streamed.
//! - Managed policies cannot be looked up: `PolicyArns` are refused.
//! - There are no MFA devices: a token code is refused.

mod access;
mod body;
mod cors;
mod emulator;
mod environment;
mod gateway;
mod iam;
mod issuer;
mod log;
mod options;
mod query;
mod ready;
mod reason;
mod sentences;
#[cfg(feature = "server")]
pub mod server;
mod servers;
mod sts;

pub use access::NoAccess;
pub use body::BodyFailure;
pub use emulator::{Answer, Emulator, Target};
pub use environment::{Environment, OTHER_CREDENTIALS, past_the_proxy};
pub use gateway::{Forward, Outcome, Reply, UpstreamFailure};
pub use iam::callers::{CallerAccess, credential_names};
pub use log::LogEntry;
pub use options::{CallerCredentials, Format, Options, SetupError};
pub use ready::{Addresses, Ready};
pub use reason::Reason;
