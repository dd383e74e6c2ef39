//! The manifest, `xacct.toml`, and its lock file: who may call what.

mod error;
mod foreign;
mod lock;
pub(crate) mod names;
mod raw;
pub(crate) mod route;
mod schema;
mod similar;
mod source;
mod table;
pub(crate) mod types;
mod validate;

pub use error::{ManifestError, ManifestErrorKind};
pub use lock::Lock;
pub(crate) use lock::Told;
pub use route::Route;
pub use schema::JSON_SCHEMA;
pub use similar::names_there_are;
pub use xacct_sign::aws::{RolePattern, WhichRole};

pub use types::{
    Accepted, Access, Api, Caller, CallerPrincipals, Identity, Manifest, Permissions, RoutesEnforcedBy, Stage,
    StageTarget, TrustForm,
};
pub(crate) use validate::{DEFAULT_ROLE_NAME, MIN_SESSION_DURATION};
