//! Who is calling: IAM identities for any HTTP server, without API Gateway in front.
//!
//! A server has a list of callers, `callers.json`, which comes from the provider's manifest. A caller sends a web identity token of its
//! account's issuer (`sts:GetWebIdentityToken`), or a proof: the values of a signed `GetCallerIdentity`. A [`Verifier`] says which
//! caller of the list it is, or why it is none.
//!
//! The crate opens no socket and reads no clock. A [`Check`] says what it needs: the keys of an issuer, whether a bare signature is right,
//! STS's answer to one request. Everything else is judged here, once, for every language. `docs/identity.md` has the reasons.
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use xacct_sign::Credentials;
//! use xacct_sign_identity::{Callers, Development, Need, Step, Verifier, make_proof};
//!
//! let callers = r#"{
//!   "version": 1, "stage": "prod", "target": "server", "partition": "aws",
//!   "audience": "https://api.example.com", "algorithm": "ES384", "max_duration_seconds": 3600,
//!   "regions": ["ap-northeast-1"],
//!   "callers": [{"name": "shop", "account": "000000000000", "role": "LambdaRoleProd"}]
//! }"#;
//! let seed = [7; 16]; // drawn at random
//! let verifier = Verifier::new(Callers::parse(callers.as_bytes(), Development::No)?, seed);
//! let now = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
//!
//! // The caller:
//! let credentials = Credentials::new("ASIAIOSFODNN7EXAMPLE", "secret", Some("IQoJb3JpZ2lu".to_owned()), None)?;
//! let proof = make_proof(&credentials, "ap-northeast-1", "https://api.example.com", now)?;
//!
//! // The server:
//! let header = format!("Bearer {proof}");
//! let mut check = verifier.check(&[header.as_bytes()], &["GET"], &["/items"]);
//! let Step::Need(Need::Sts(request)) = check.step(now) else { panic!() };
//! assert_eq!(request.url, "https://sts.ap-northeast-1.amazonaws.com/");
//! // The driver sends it, and reports the answer:
//! let answer = r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
//!   <Arn>arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders</Arn><UserId>AROAEXAMPLE:orders</UserId>
//!   <Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"#;
//! check.sts(Some((200, answer.as_bytes())), now);
//! let Step::Passed(caller) = check.step(now) else { panic!() };
//! assert_eq!((caller.name.as_str(), caller.session.as_deref()), ("shop", Some("orders")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod authorization;
mod caller;
mod callers;
mod event;
mod issuer;
mod json;
mod keys;
mod memory;
mod proof;
mod refusal;
mod route;
mod seen;
mod token;
mod verifier;

pub use address::is_public;
pub use caller::{Caller, Via};
pub use callers::{Algorithm, CALLERS_SCHEMA, Callers, CallersError, CallersErrorKind, Development};
pub use event::{EVENT_MEMBERS, METHOD_OVERRIDES};
pub use keys::{KEYS_LIMIT, PublicKey};
pub use proof::{StsRequest, make_proof, sts_in_place};
pub use refusal::{Refusal, RefusalKind};
pub use seen::{Seen, paths};
pub use verifier::{Check, Line, Need, PLACES, Step, Verifier};
