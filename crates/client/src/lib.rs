//! A blocking client around `xacct-sign`: sockets, the system clock and the environment live here.
//!
//! A [`CredentialSource`] gives credentials: a [`RoleProvider`] assumes a role and keeps its credentials fresh, one STS call at a
//! time however many threads share it. [`Signing`] holds the signer for the credentials of now, and a [`Session`] signs requests
//! with it and sends them.
//!
//! ```no_run
//! use xacct_sign::Scope;
//! use xacct_sign_client::{Environment, Request, RoleOptions, RoleProvider, Session};
//!
//! let role = RoleProvider::new(
//!     RoleOptions::new("arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag", "ap-northeast-1"),
//!     Environment,
//! )?;
//! let session = Session::new(role, Scope::new("ap-northeast-1", "execute-api")?);
//! let answer = session.send(Request::new("GET", "https://server.stag.foo.example.com/hoge"))?;
//! assert_eq!(answer.status, 200);
//! # Ok::<(), xacct_sign::Error>(())
//! ```
//!
//! # Environment
//!
//! Read when it is needed, and a variable that is set to nothing is not set.
//!
//! | variable | what it says |
//! |---|---|
//! | `HTTPS_PROXY`, else `ALL_PROXY` | the proxy for https: `http://` or `https://`, with `user:password@` where it wants that |
//! | `NO_PROXY` | what is reached without: names, which stand for their subdomains too, addresses, networks (`10.0.0.0/8`), `*` |
//! | `AWS_CA_BUNDLE`, else `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, `SSL_CERT_FILE` | a file of trusted certificates in place of the platform's |
//! | `AWS_ENDPOINT_URL_STS`, else `AWS_ENDPOINT_URL` | where STS is; `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true` takes both away |
//! | `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT` | `true` takes STS's endpoint of this kind, where no URL is given |
//!
//! The proxies are those of curl and requests, the lower case first. A proxy that cannot be used is an error. `HTTP_PROXY` says
//! nothing here: plain http goes to this machine only, and what goes to this machine goes through no proxy.

mod clock;
mod credentials;
mod events;
pub mod host;
mod patience;
mod session;
mod signing;
mod transport;

pub use credentials::{CredentialSource, DefaultChain, Environment, Kept, RoleOptions, RoleProvider};
pub use events::{Event, Listener};
pub use patience::{Patience, Watch};
pub use session::{Request, Session};
pub use signing::Signing;
pub use transport::Response;
