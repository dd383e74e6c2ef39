//! A blocking client around `xacct-sign`: sockets, the system clock and the environment live here.
//!
//! [`RoleProvider`] assumes a role and keeps its credentials fresh, one STS call at a time however many threads share it;
//! [`Session`] signs requests with them and sends them.
//!
//! ```no_run
//! use std::sync::Arc;
//! use xacct_sign_client::{Base, Request, RoleOptions, RoleProvider, Session, Source};
//!
//! let role = RoleProvider::new(
//!     RoleOptions::new("arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag", "ap-northeast-1"),
//!     Base::Environment,
//! )?;
//! let session = Session::new(Source::Role(Arc::new(role)), "ap-northeast-1", "execute-api")?;
//! let answer = session.send(Request::new("GET", "https://server.stag.foo.example.com/hoge"))?;
//! assert_eq!(answer.status, 200);
//! # Ok::<(), xacct_sign::Error>(())
//! ```

mod base;
mod role;
mod session;
mod transport;
mod url;

pub use base::Base;
pub use role::{RoleOptions, RoleProvider};
pub use session::{Request, Session, Source};
pub use transport::{Response, Timeouts};
pub use url::check_private;
pub use xacct_sign as core;

/// The system's clock: the only place where this crate reads it.
pub(crate) fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
