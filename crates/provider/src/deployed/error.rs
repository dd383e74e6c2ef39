//! The one error of reading back what is deployed.

use xacct_sign::escaped;

use crate::targets::invoke;

/// How many things are named of which a document does not say enough.
const SHOWN: usize = 5;

/// Things parted by commas; of many the first.
pub(crate) fn listed(all: &[String]) -> String {
    let shown = all.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What is not a document that roles can be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DeployedError {
    code: &'static str,
    /// The code whose hint it has.
    hinted: &'static str,
    message: String,
    /// Of several documents, the number of the one that it is about.
    document: Option<usize>,
}

impl DeployedError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, hinted: code, message: escaped(&message.into()), document: None }
    }

    /// Of a stage that is a server: nothing of it is deployed in AWS.
    pub(crate) fn of_server(stage: &str) -> Self {
        Self::new("nothing_deployed", format!("stage `{stage}` is a server, of which nothing is deployed in AWS"))
    }

    pub(crate) fn no_role() -> Self {
        Self::new("no_role", "it holds neither a role nor a trust policy")
    }

    /// Of an object of policies by role ARN: whose each of them is, only its key says.
    pub(crate) fn by_role() -> Self {
        let message = "it is an object of policies by role ARN, as `policy trust` and `policy invoke` print those of several roles";
        Self { hinted: "by_role", ..Self::new("no_role", message) }
    }

    /// Of a document without a role that stands there, in which something else may make some.
    pub(crate) fn of_unread(unread: &[String]) -> Self {
        let what = "no role stands in it, and what may make one, or give one its rights, is not read";
        Self { hinted: "unread", ..Self::new("no_role", format!("{what}: {}", listed(unread))) }
    }

    /// The same, found in one of several documents.
    pub(crate) fn in_document(self, number: usize) -> Self {
        Self { document: Some(number), ..self }
    }

    /// Of a policy that says on what it is: no trust policy does.
    pub(crate) fn of_no_trust() -> Self {
        let message =
            "it is a policy with a `Resource`, as an API, a function or a role's own has it, and no trust policy";
        Self { hinted: "no_trust", ..Self::new("no_role", message) }
    }

    /// The same where the policy of an API or a function is read, and no role.
    pub(crate) fn of_resource_policy(self) -> Self {
        Self { hinted: "no_resource_policy", ..self }
    }

    /// The same where a manifest is made of the roles, for which not every form says enough.
    pub(crate) fn of_import(self) -> Self {
        match self.code {
            "not_json" | "no_role" | "terraform_state" => Self { hinted: "no_invoke_policies", ..self },
            "not_an_api" => Self { hinted: "another_place", ..self },
            _ => self,
        }
    }

    /// The stable code: `not_json`, `no_role`, `invalid_policy`, `role_unknown`, `not_an_api`,
    /// `policy_ignored`, `trust_by_exclusion`, `target_not_served`, `no_resource_policy`, `no_invoke_policies`, `no_api_role`,
    /// `not_expressible`, `truncated`, `terraform_state`, `nothing_deployed`, `another_account` or `duplicate`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Where several documents are read, the index of the one that it is about; `None` where it is about all of them.
    #[must_use]
    pub const fn document(&self) -> Option<usize> {
        self.document
    }

    /// What to do about it, one sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.hinted {
            "not_json" | "no_role" => {
                "give in JSON a trust policy, what `aws iam get-role`, `list-roles` or `get-account-authorization-details` print, or a rendered template"
            }
            "by_role" => {
                "give one trust policy by itself, of which `diff` takes by `--role` whose it is; what has all roles is a rendered template, or what `aws iam get-account-authorization-details` prints"
            }
            "unread" => {
                "give what AWS itself prints of the deployed roles: `aws iam get-account-authorization-details --filter Role`"
            }
            "no_trust" => {
                "give the trust policy of the stage's role; the policy of an API or a function is compared with a stage of it, which is no HTTP API's"
            }
            "no_resource_policy" => {
                "give the policy, what `aws lambda get-policy` or `aws apigateway get-rest-api` print, or a template with it"
            }
            "terraform_state" => {
                "give the configuration in Terraform's JSON syntax, or what AWS itself prints: `aws iam get-account-authorization-details --filter Role`, `aws lambda get-policy`, `aws apigateway get-rest-api`"
            }
            "truncated" => {
                "give the whole list: let the AWS CLI fetch all of its pages, without `--no-paginate` and `--max-items`"
            }
            "invalid_policy" => {
                "policies have to stand there in full: intrinsic functions such as `Fn::Sub`, and Terraform's expressions, are not resolved; give what AWS itself prints of it instead"
            }
            "no_invoke_policies" => {
                "give what `aws iam get-account-authorization-details --filter Role` prints, or a template, in JSON, with the roles' policies"
            }
            "no_api_role" => {
                "give a file whose roles trust somebody whom a manifest can name, and have inline policies that invoke an API; where a template has references, what `aws iam get-account-authorization-details --filter Role` prints of the deployed roles"
            }
            "another_place" => {
                "make a manifest for each account and region, of files with its roles: leave the others out, with `jq` or by hand"
            }
            "not_expressible" => {
                "leave the role out of the file, or change it in AWS first: a manifest that opened more, or moved a caller, would be no copy"
            }
            "nothing_deployed" => {
                "compare a stage whose target is an API or a function URL; what a server reads, `xacct-sign render callers` renders"
            }
            "another_account" => {
                "ask IAM with the credentials of the API's account: `aws sts get-caller-identity` says whose they are"
            }
            "role_unknown" => "say which role the policy hangs on with `--role`",
            "policy_ignored" => {
                "the emulator enforces a role's inline policies alone: write them into the role itself, and try boundaries, managed policies and conditions of a template in AWS"
            }
            "trust_by_exclusion" => {
                "name `Principal` and `Action` in the statement: from them the emulator tells who calls"
            }
            "target_not_served" => {
                "give it templates of HTTP APIs, REST APIs and function URLs, or a newer version of the emulator"
            }
            "duplicate" => {
                "give each stage and each role once, and a stage's name in the template's `Metadata.XacctSign.Stage`"
            }
            _ => concat!("the roles of the template have to allow `", invoke!(), "` on ARNs of one account and region"),
        }
    }
}
