//! A blocking client around `xacct-sign`: sockets, the system clock and the environment live here.
//!
//! A [`CredentialSource`] gives credentials: a [`DefaultChain`] finds them where the program runs, a [`RoleProvider`] assumes a
//! role and keeps its credentials fresh, one STS call at a time however many threads share it. [`Signing`] holds the signer for the
//! credentials of now, and a [`Session`] signs requests with it and sends them.
//!
//! ```no_run
//! use xacct_sign::PartialScope;
//! use xacct_sign_client::{Environment, Request, RoleOptions, RoleProvider, Session};
//!
//! let role = RoleProvider::new(
//!     RoleOptions::new("arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag", "ap-northeast-1"),
//!     Environment,
//! )?;
//! let session = Session::new(role, PartialScope::default());
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
//! | `XACCT_ALLOW_HTTP_HOSTS` | hosts to which plain http may go, an API's and STS's, between commas |
//! | `AWS_CA_BUNDLE`, else `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, `SSL_CERT_FILE` | a file of trusted certificates in place of the platform's |
//! | `SSL_CERT_DIR` | not on Windows and macOS: the folders of the platform's, with `:` between |
//! | `AWS_ENDPOINT_URL_STS`, else `AWS_ENDPOINT_URL` | where STS is; `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true` takes both away |
//! | `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT` | `true` takes STS's endpoint of this kind, where no URL is given |
//! | `AWS_ENDPOINT_URL_SSO`, `AWS_ENDPOINT_URL_SSO_OIDC` | where SSO's portal is, and what renews its logins |
//! | `AWS_PROFILE`, else `AWS_DEFAULT_PROFILE` | the profile of a [`DefaultChain`] that is given none |
//! | `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE` | its files, in place of `~/.aws/config` and `~/.aws/credentials`; `HOME`, else `USERPROFILE`, is `~` |
//! | `AWS_REGION`, else `AWS_DEFAULT_REGION` | the API's region, where neither its host says one nor the program |
//! | `AWS_REGION`, else `AWS_DEFAULT_REGION`, else `region` in the profile | whose STS gives a profile's role, or that of a web identity |
//! | `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`, `AWS_ROLE_SESSION_NAME`, `AWS_REGION` (else `AWS_DEFAULT_REGION`) | the role that the token in that file assumes, at the STS of that region |
//! | `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, else `AWS_CONTAINER_CREDENTIALS_FULL_URI` | where a container has its credentials: https, or plain http to this machine and to the agents of ECS and EKS, by their addresses |
//! | `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, else `AWS_CONTAINER_AUTHORIZATION_TOKEN` | what is sent there as `authorization` |
//! | `AWS_EC2_METADATA_DISABLED` | `true` leaves the metadata of an instance alone |
//! | `AWS_EC2_METADATA_SERVICE_ENDPOINT`, else `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` | where that is: a URL; `IPv4` or `IPv6` |
//! | `XACCT_SIGN_DEPTH` | how many programs that give credentials have started one another: set for those that are run, so that none starts itself without end |
//!
//! The proxies are those of curl and requests, the lower case first. A proxy that cannot be used is an error. `HTTP_PROXY` says
//! nothing here: plain http goes to this machine, to what gives credentials next to it and to hosts that were named, none of which
//! is reached through a proxy.

mod clock;
mod credentials;
mod events;
pub mod host;
mod http_hosts;
mod identity;
mod patience;
mod per_process;
#[cfg(feature = "aws-credential-types")]
pub mod sdk;
mod sent;
pub mod server;
mod session;
mod signing;
mod transport;
mod whose;

pub use clock::Clock;
pub use credentials::{CredentialSource, DefaultChain, Environment, Kept, RoleOptions, RoleProvider};
pub use events::{Event, Listener};
pub use http_hosts::http_hosts_of;
pub use identity::{Bearer, Identity, IdentityProof, IdentityToken, TokenOptions, identity_header};
pub use patience::{Patience, Watch};
pub use sent::Sent;
pub use session::{Body, Request, Session, Streamed};
pub use signing::Signing;
pub use transport::{Link, Response, broken_link};
pub use whose::{caller_identity, sts_region};
