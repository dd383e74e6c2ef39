//! Why a call was refused, and who can change that.
//!
//! Sans-IO: what was sent and answered, and what was seen on the way, is data that others gather. [`explain`] reads one answer,
//! a 403 above all; [`diagnose`] judges a whole chain from credentials to answer, and names its broken link. Both give
//! [`Finding`]s, whose codes are stable and whose texts hold no secret.
//!
//! ```
//! use xacct_sign_diagnosis::{Exchange, Side, explain};
//!
//! let exchange = Exchange {
//!     status: Some(403),
//!     body: Some(r#"{"message":"The security token included in the request is expired"}"#.to_owned()),
//!     ..Exchange::default()
//! };
//! let findings = explain(&exchange);
//! assert_eq!((findings[0].code(), findings[0].side), ("credentials_expired", Side::Caller));
//! ```

mod answer;
mod denial;
mod diagnose;
mod emulated;
mod evidence;
mod exchange;
mod explain;
mod fields;
mod finding;
mod forbidden;
mod from_here;
mod mismatch;
mod scope;
mod server;
mod verifier;

pub use diagnose::{diagnose, has_judged, may_be_unasked, needs_another_form};
pub use evidence::{
    AssumeRoleEvidence, BaseEvidence, BearerEvidence, CallEvidence, ClockEvidence, Evidence, Failure, IdentityEvidence,
    PlaceEvidence,
};
pub use exchange::Exchange;
pub use explain::explain;
pub use fields::InvalidInput;
pub use finding::{Code, Finding, Side, to_json};
pub use server::is_login_page;
