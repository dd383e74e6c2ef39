//! Who signed a request.

use std::sync::Arc;
use std::time::SystemTime;

use http::request::Parts;
use xacct_sign::verify::{Presented, Refusal, Rules};

use crate::iam::sessions::{Session, Sessions};
use crate::log::LogEntry;
use crate::reason::{Kind, Reason};

/// Why a request's signer is not known.
pub(crate) enum Unauthenticated {
    Refused(Refusal),
    UnknownKey(Reason),
    /// The signature is right, but its time is over.
    Expired(Arc<Session>, Reason),
}

impl Unauthenticated {
    /// The reason, with what else is known put into the log.
    pub(crate) fn into_reason(self, log: &mut LogEntry) -> Reason {
        match self {
            Self::UnknownKey(reason) => reason,
            Self::Expired(session, reason) => {
                session.noted_in(log);
                reason
            }
            Self::Refused(refusal) => {
                let reason = Reason::from(&refusal);
                if let Refusal::Mismatch(computed) = refusal {
                    log.computed = Some(computed);
                }
                reason
            }
        }
    }
}

/// Who signed: the signature is checked first, then whether the credentials have expired.
pub(crate) fn authenticate(
    sessions: &Sessions,
    rules: &Rules,
    parts: &Parts,
    body: &[u8],
    now: SystemTime,
) -> Result<Arc<Session>, Unauthenticated> {
    let (presented, session) = identify(sessions, parts)?;
    presented.check(&session.credentials, rules, body, now).map_err(Unauthenticated::Refused)?;
    if session.is_expired(now) {
        let at = session.credentials.expires_at().and_then(xacct_sign::aws::format_rfc3339).unwrap_or_default();
        let reason = Reason::new(Kind::Expired, format!("the credentials expired at {at}"));
        return Err(Unauthenticated::Expired(session, reason));
    }
    Ok(session)
}

/// What is wrong with a signature whatever the body is.
pub(crate) fn authenticate_head(
    sessions: &Sessions,
    rules: &Rules,
    parts: &Parts,
    now: SystemTime,
) -> Result<(), Unauthenticated> {
    let (presented, session) = identify(sessions, parts)?;
    presented.check_head(&session.credentials, rules, now).map_err(Unauthenticated::Refused)
}

/// The signature as presented, and whose it says it is.
fn identify<'p>(sessions: &Sessions, parts: &'p Parts) -> Result<(Presented<'p>, Arc<Session>), Unauthenticated> {
    let presented = Presented::read(parts.method.as_str(), parts.uri.path(), parts.uri.query(), &parts.headers)
        .map_err(Unauthenticated::Refused)?;
    match sessions.find(presented.access_key_id()) {
        Some(session) => Ok((presented, session)),
        None => Err(Unauthenticated::UnknownKey(unknown_key(presented.access_key_id()))),
    }
}

/// Shows the key id only if it looks like one: key and secret get swapped.
fn unknown_key(access_key_id: &str) -> Reason {
    let looks_like_one = access_key_id.len() <= 128
        && access_key_id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let shown = if looks_like_one { format!("`{access_key_id}`") } else { "that was presented".to_owned() };
    Reason::new(Kind::UnknownKey, format!("the access key id {shown} was not issued here, or expired long ago"))
}
