//! What STS says to a proof.

use xacct_sign::aws::{Arn, is_role_name, is_session_name};

use super::xml;
use crate::refusal::{Refusal, RefusalKind as Kind};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// How long an answer may be.
const LONGEST: usize = 65_536;

/// The codes with which STS refuses who signed, and not the call
/// ([Common Errors](https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html)).
const REFUSED: [&str; 10] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// A role's session, as an ARN says it. The role's path is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) role: String,
    pub(crate) name: String,
}

/// Reads `arn:{partition}:sts::{account}:assumed-role/{role}/{session}`; refuses every other principal.
pub(crate) fn session_of(arn: &str, partition: &str) -> Result<Session, Refusal> {
    let refused = || Refusal::about(Kind::PrincipalRefused, arn);
    let parsed = Arn::parse(arn).ok_or_else(refused)?;
    let names = parsed.resource.strip_prefix("assumed-role/").and_then(|names| names.split_once('/'));
    let (role, name) = names.ok_or_else(refused)?;
    let is_session = parsed.partition == partition
        && parsed.service == "sts"
        && parsed.region.is_empty()
        && xacct_sign::aws::is_account_id(parsed.account)
        && is_role_name(role)
        && is_session_name(name);
    if !is_session {
        return Err(refused());
    }
    let (account, role, name) = (parsed.account.to_owned(), role.to_owned(), name.to_owned());
    Ok(Session { arn: arn.to_owned(), account, role, name })
}

/// Whom STS names, or why it names nobody.
pub(crate) fn read(status: u16, body: &[u8], partition: &str) -> Result<Session, Refusal> {
    let unheard = |what: &'static str| Refusal::with(Kind::StsAnswerRefused, what);
    if status >= 500 {
        return Err(Refusal::with(Kind::StsUnavailable, format!("status {status}")));
    }
    if status == 429 {
        return Err(Refusal::new(Kind::StsThrottled));
    }
    let body = Some(body).filter(|body| body.len() <= LONGEST).ok_or_else(|| unheard("its answer is too long"))?;
    let root = xml::read(body, NAMESPACE).ok_or_else(|| unheard("its answer is no XML of STS's"))?;
    if status != 200 {
        let code = root.only("Error").and_then(|error| error.text("Code")).filter(|_| root.name == "ErrorResponse");
        return Err(match code {
            Some(code) if REFUSED.contains(&code) => Refusal::about(Kind::ProofRefused, code),
            Some(code) if code.contains("Throttl") || code == "RequestLimitExceeded" => {
                Refusal::new(Kind::StsThrottled)
            }
            Some(code) => Refusal::about(Kind::StsUnavailable, code),
            None => unheard("its answer is neither an identity nor a refusal"),
        });
    }
    let result = root.only("GetCallerIdentityResult").filter(|_| {
        root.name == "GetCallerIdentityResponse" && root.holds_only(&["GetCallerIdentityResult", "ResponseMetadata"])
    });
    let result = result.filter(|result| result.holds_only(&["Arn", "UserId", "Account"]));
    let texts = result.and_then(|result| Some((result.text("Arn")?, result.text("Account")?, result.text("UserId")?)));
    let (arn, account, user) = texts.ok_or_else(|| unheard("its answer is not one identity"))?;
    let parsed = Arn::parse(arn).filter(|parsed| parsed.account == account && !user.is_empty());
    parsed.ok_or_else(|| unheard("the parts of the identity contradict each other"))?;
    session_of(arn, partition)
}
