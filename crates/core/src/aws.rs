//! AWS's words, once, for every crate: an ARN, a partition and its regions, an account, the names of roles and sessions, an
//! instant.

mod account;
mod arn;
mod audience;
mod host;
mod name;
mod partition;
mod pattern;
pub(crate) mod time;

pub use account::{is_account_id, is_organization_id};
pub use arn::{Arn, RoleArn};
pub use audience::audience_problem;
pub use host::ApiHost;
pub use name::{RoleName, is_external_id, is_name_character, is_role_name, is_session_name};
pub(crate) use partition::check_region;
pub use partition::{Partition, check_identity_region, is_region};
pub use pattern::{RolePattern, WhichRole, is_like, may_be_same};
pub use time::{format_rfc3339, parse_amz_date, parse_iso8601, parse_rfc3339};

/// The methods that a route of API Gateway can have, and that its `ANY` stands for
/// ([Routes](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html)).
pub const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
