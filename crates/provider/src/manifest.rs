//! The manifest, `xacct.toml`: who may call what.

mod raw;
mod validate;

use std::collections::BTreeMap;

use crate::error::ManifestError;
use crate::names::{RoleName, partition_of};
use crate::route::Route;

/// A manifest that has been read and checked.
///
/// ```toml
/// [api]
/// account = "111111111111"
/// region = "ap-northeast-1"
///
/// [stages.stag]
/// api_id = "f6g7h8i9j0"
///
/// [callers.shop]
/// account = "000000000000"
/// roles = { stag = "LambdaRoleDeve" }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// What holds for the whole API.
    pub api: Api,
    /// The stages by name.
    pub stages: BTreeMap<String, Stage>,
    /// The callers by name.
    pub callers: BTreeMap<String, Caller>,
}

/// The table `[api]`.
///
/// # Defaults
///
/// `role_name` is `ApiAllowByIamRole`, `max_session_duration` is 3600.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Api {
    /// The account of the API, 12 digits.
    pub account: String,
    /// The region of the API.
    pub region: String,
    /// What the names of all roles begin with, and their path.
    pub role_name: RoleName,
    /// The longest session that the roles give, in seconds, 3600 to 43200.
    pub max_session_duration: u32,
}

impl Api {
    /// The partition of the region: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
    ///
    /// The callers are in the same one: AWS lets nobody assume a role across partitions.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        partition_of(&self.region)
    }
}

/// A table `[stages.NAME]`.
///
/// # Defaults
///
/// `api_stage` is `$default`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stage {
    /// The stage's name in the manifest.
    pub name: String,
    /// The id of the API in API Gateway.
    pub api_id: String,
    /// The name of the API's stage in API Gateway.
    pub api_stage: String,
}

/// A table `[callers.NAME]`.
///
/// # Defaults
///
/// `external_id` is none, `routes` is every route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The caller's name in the manifest.
    pub name: String,
    /// The account that the caller's roles are in, 12 digits.
    pub account: String,
    /// The role that the caller runs as, by stage.
    pub roles: BTreeMap<String, RoleName>,
    /// What the caller has to send as external id, if anything
    /// ([The confused deputy problem](https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html)).
    pub external_id: Option<String>,
    /// The routes that the caller may use, in the order of the manifest; `None` for every route.
    pub routes: Option<Vec<Route>>,
}

impl Manifest {
    /// Reads a manifest and checks it.
    ///
    /// `file_name` is for messages only, nothing is opened.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: text that is not TOML, keys that are unknown or missing, and
    /// everything that [`ManifestErrorKind`](crate::ManifestErrorKind) names.
    ///
    /// ```
    /// use xacct_sign_provider::Manifest;
    ///
    /// let error = Manifest::parse("[api]\naccount = 111111111111\nregion = \"eu-west-1\"", "xacct.toml")
    ///     .unwrap_err();
    /// assert_eq!(error.code(), "invalid_account_id");
    /// assert_eq!(error.line(), 2);
    /// ```
    pub fn parse(text: &str, file_name: &str) -> Result<Self, ManifestError> {
        validate::manifest(text, file_name)
    }

    /// The ARN of a stage's API, to which `/{METHOD}/{path}` is appended.
    #[must_use]
    pub fn stage_arn(&self, stage: &Stage) -> String {
        format!(
            "arn:{}:execute-api:{}:{}:{}/{}",
            self.api.partition(),
            self.api.region,
            self.api.account,
            stage.api_id,
            stage.api_stage
        )
    }
}
