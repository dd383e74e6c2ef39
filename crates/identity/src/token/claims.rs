//! The claims of a token, judged.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use xacct_sign::aws::{Arn, RoleName, is_account_id, is_organization_id};

use crate::caller::{Caller, Via};
use crate::callers::{Callers, Identity, RolePath};
use crate::json::{Json, Object};
use crate::refusal::{Refusal, RefusalKind as Kind};

/// Under which STS's own claims stand.
const NAMESPACE: &str = "https://sts.amazonaws.com/";

/// What makes somebody else of the bearer, or binds the token to what is not looked at: a person's identity that is handed on, and a
/// key that the bearer would have to prove (RFC 7800).
const REFUSED: [&str; 2] = ["subject_mode", "cnf"];

/// How far a clock may be behind the issuer's. An expiry has no leeway: a token that lives on is let in.
const LEEWAY: Duration = Duration::from_secs(60);

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// Whose the token is, if its signature is right.
pub(super) struct Bearer {
    pub(super) issuer: usize,
    pub(super) expires_at: SystemTime,
    pub(super) listed: usize,
    pub(super) caller: Caller,
}

pub(super) fn judge(
    claims: &Object<'_>,
    callers: &Callers,
    identity: &Identity,
    now: SystemTime,
) -> Result<Bearer, Refusal> {
    let url = text(claims, "iss")?;
    // As it stands: an issuer that differs by a slash or by case is another.
    let known = identity.issuers.iter().enumerate().find(|(_, issuer)| issuer.url == url);
    let (issuer, known) = known.ok_or_else(|| Refusal::about(Kind::IssuerUnknown, url))?;
    let of_sts = claims.object(NAMESPACE).ok_or_else(|| malformed(NAMESPACE))?;
    if let Some(refused) = REFUSED.into_iter().find(|name| claims.has(name) || of_sts.has(name)) {
        return Err(Refusal::about(Kind::ClaimRefused, refused));
    }
    audience(claims, &identity.audience)?;
    let expires_at = times(claims, identity, now)?;

    let account = of_sts.text("aws_account").filter(|account| is_account_id(account));
    let account = account.ok_or_else(|| malformed("aws_account"))?;
    if account != known.account {
        return Err(Refusal::about(Kind::AccountDiffers, account));
    }
    let subject = text(claims, "sub")?;
    let refused = || Refusal::about(Kind::SubjectRefused, subject);
    let arn = Arn::parse(subject).filter(|arn| arn.service == "iam" && arn.region.is_empty()).ok_or_else(refused)?;
    if arn.partition != callers.partition() {
        return Err(refused());
    }
    let role = arn.resource.strip_prefix("role/").and_then(RoleName::parse).ok_or_else(refused)?;
    if arn.account != account {
        return Err(Refusal::about(Kind::AccountDiffers, subject));
    }
    let organization = match of_sts.get("org_id") {
        None => None,
        Some(Json::Text(id)) if is_organization_id(id) => Some(id.to_string()),
        Some(_) => return Err(malformed("org_id")),
    };
    let listed = callers.of_role(account, role.name(), RolePath::Said(role.path()))?;
    let name = callers.listed(listed).map(|listed| listed.name.clone()).unwrap_or_default();
    let caller = Caller {
        name,
        account: Some(account.to_owned()),
        arn: subject.to_owned(),
        role: Some(role.name().to_owned()),
        session: None,
        organization,
        via: Via::Token,
    };
    Ok(Bearer { issuer, expires_at, listed, caller })
}

/// One audience, and exactly ours: a token that serves elsewhere, too, could be handed on from there.
fn audience(claims: &Object<'_>, ours: &str) -> Result<(), Refusal> {
    let only = match claims.get("aud") {
        Some(Json::Text(text)) => Some(text.as_ref()),
        Some(Json::List(list)) => match list.as_slice() {
            [only] => only.as_text(),
            [] => None,
            several => {
                return Err(Refusal::with(Kind::AudienceRefused, format!("it is for {} audiences", several.len())));
            }
        },
        _ => None,
    };
    let only = only.ok_or_else(|| malformed("aud"))?;
    if only == ours { Ok(()) } else { Err(Refusal::about(Kind::AudienceRefused, only)) }
}

/// Whether it is its time; gives the instant from which on it is not.
fn times(claims: &Object<'_>, identity: &Identity, now: SystemTime) -> Result<SystemTime, Refusal> {
    let (issued_at, expires_at) = (instant(claims, "iat")?, instant(claims, "exp")?);
    if expires_at <= now {
        return Err(Refusal::new(Kind::TokenExpired));
    }
    let soonest = now.checked_add(LEEWAY).unwrap_or(now);
    if issued_at > soonest || (claims.has("nbf") && instant(claims, "nbf")? > soonest) {
        return Err(Refusal::new(Kind::TokenAhead));
    }
    match expires_at.duration_since(issued_at) {
        Ok(lifetime) if lifetime <= identity.max_duration => Ok(expires_at),
        Ok(lifetime) => Err(Refusal::with(Kind::LifetimeRefused, format!("{} seconds", lifetime.as_secs()))),
        Err(_) => Err(Refusal::with(Kind::LifetimeRefused, "it ends before it begins")),
    }
}

fn instant(claims: &Object<'_>, name: &str) -> Result<SystemTime, Refusal> {
    let seconds = claims.whole(name).filter(|seconds| *seconds <= LAST_SECOND);
    seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds))).ok_or_else(|| malformed(name))
}

fn text<'c>(claims: &'c Object<'_>, name: &str) -> Result<&'c str, Refusal> {
    claims.text(name).ok_or_else(|| malformed(name))
}

fn malformed(name: &str) -> Refusal {
    Refusal::with(Kind::ClaimsMalformed, format!("`{name}`"))
}
