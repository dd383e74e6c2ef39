//! `GetCallerIdentity`
//! ([GetCallerIdentity](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)).

use crate::iam::sessions::Session;
use crate::sts::xml::Xml;

/// Who the caller is.
pub(crate) fn get_caller_identity(caller: &Session) -> Xml {
    Xml::Node(
        "GetCallerIdentityResult",
        vec![
            Xml::text("Arn", caller.principal.arn()),
            Xml::text("UserId", caller.user_id.as_str()),
            Xml::text("Account", caller.principal.account()),
        ],
    )
}
