//! Issued credentials, and whom they stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use xacct_sign::Credentials;
use xacct_sign_provider::iam::{
    Context, Decision, Effect, PolicyDocument, PrincipalIdentity, Request, evaluate, folded_key,
};

use crate::iam::entropy::Entropy;
use crate::iam::roles::ProviderRole;
use crate::log::LogEntry;

/// How long an expired session is remembered, so that it is reported as expired rather than as unknown.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// How many sessions of AssumeRole are kept at once; then the one that expires first goes.
const MAX_SESSIONS: usize = 50_000;

/// A session of a role.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) credentials: Credentials,
    pub(crate) principal: PrincipalIdentity,
    /// The caller in the manifest that it is of, be it in a role of its own or in one that it assumed.
    pub(crate) caller: Option<String>,
    /// `AROA...:session`, what AWS calls user id and caller id.
    pub(crate) user_id: String,
    /// What the role may do.
    pub(crate) policies: Vec<Arc<PolicyDocument>>,
    /// What the role may do at most, if a permissions boundary limits it.
    pub(crate) boundary: Option<Arc<PolicyDocument>>,
    /// What the session may do at most, if it was limited when it was made.
    pub(crate) session_policy: Option<PolicyDocument>,
    /// The tags of the role itself.
    pub(crate) role_tags: BTreeMap<String, String>,
    /// The tags that were passed when the session was made, and those that it inherited.
    pub(crate) tags: Vec<(String, String)>,
    /// The keys of those tags that go on to the sessions that this one makes.
    pub(crate) transitive_tag_keys: Vec<String>,
    pub(crate) source_identity: Option<String>,
    /// The organization that the session's account is in.
    pub(crate) organization: Option<String>,
}

impl Session {
    pub(crate) fn is_expired(&self, now: SystemTime) -> bool {
        self.credentials.expires_at().is_some_and(|at| at <= now)
    }

    /// Says in the log who signed, now that it is proven.
    pub(crate) fn noted_in(&self, log: &mut LogEntry) {
        log.principal = Some(self.principal.arn().to_owned());
        log.caller.clone_from(&self.caller);
    }

    /// The tags that go on to the sessions that this one makes
    /// ([Chaining roles with session tags](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining)).
    pub(crate) fn transitive_tags(&self) -> impl Iterator<Item = &(String, String)> {
        self.tags.iter().filter(|(key, _)| self.transitive_tag_keys.iter().any(|transitive| same_key(transitive, key)))
    }

    /// What is known about a request of this session, whatever it asks for.
    ///
    /// `aws:SecureTransport` is true: the emulator stands for endpoints that speak https only.
    pub(crate) fn context(&self, region: &str, now: SystemTime) -> Context {
        let mut context = request_context(region, now);
        context.set("aws:userid", &self.user_id);
        // A session's tag takes the place of the role's tag with the same key
        // ([Session tags](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html)).
        for (key, value) in self.role_tags.iter().chain(self.tags.iter().map(|(key, value)| (key, value))) {
            context.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        if let Some(identity) = &self.source_identity {
            context.set("aws:SourceIdentity", identity);
        }
        if let Some(id) = &self.organization {
            context.set("aws:PrincipalOrgID", id);
        }
        context
    }

    /// Whether the session's own side allows it: the role's policies, and the session policy as well if there is one
    /// ([Session policies](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session)).
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) fn may(&self, action: &str, resource: &str, context: Context) -> Result<(), String> {
        let request = Request { principal: Some(self.principal.clone()), action, resource, context };
        allowed("the role's policy", self.own(&request))?;
        self.limited(&request)
    }

    /// The same where a policy of something in the session's own account names its role: that allows, if nothing of the session's
    /// side denies or limits it
    /// ([Permissions boundaries](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html)).
    ///
    /// # Errors
    ///
    /// What does.
    pub(crate) fn may_as_named(&self, action: &str, resource: &str, context: Context) -> Result<(), String> {
        let request = Request { principal: Some(self.principal.clone()), action, resource, context };
        let own = self.own(&request);
        if own.effect() == Effect::ExplicitDeny {
            allowed("the role's policy", own)?;
        }
        self.limited(&request)
    }

    fn own<'a>(&'a self, request: &'a Request<'_>) -> Decision<'a> {
        let policies: Vec<&PolicyDocument> = self.policies.iter().map(Arc::as_ref).collect();
        evaluate(&policies, request)
    }

    fn limited(&self, request: &Request<'_>) -> Result<(), String> {
        if let Some(boundary) = &self.boundary {
            allowed("the permissions boundary", evaluate(&[boundary.as_ref()], request))?;
        }
        match &self.session_policy {
            Some(policy) => allowed("the session policy", evaluate(&[policy], request)),
            None => Ok(()),
        }
    }
}

/// Whether two keys of tags are the same: case does not count.
pub(crate) fn same_key(a: &str, b: &str) -> bool {
    folded_key(a) == folded_key(b)
}

/// The decision as a result, with the policy that made it.
pub(crate) fn allowed(policy: &str, decision: Decision<'_>) -> Result<(), String> {
    if decision.is_allowed() { Ok(()) } else { Err(format!("{policy}: {decision}")) }
}

fn request_context(region: &str, now: SystemTime) -> Context {
    let mut context = Context::new();
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if let Some(now) = xacct_sign::aws::format_rfc3339(now) {
        context.set("aws:CurrentTime", now);
    }
    context.set("aws:EpochTime", seconds.to_string());
    context.set("aws:RequestedRegion", region);
    context.set("aws:SecureTransport", "true");
    context
}

/// Every session by its access key id.
#[derive(Default)]
pub(crate) struct Sessions {
    by_key: BTreeMap<String, Arc<Session>>,
    by_expiry: BTreeSet<(SystemTime, String)>,
}

impl Sessions {
    pub(crate) fn find(&self, access_key_id: &str) -> Option<Arc<Session>> {
        self.by_key.get(access_key_id).cloned()
    }

    /// Adds a session; one without an expiry stays as long as the emulator.
    pub(crate) fn add(&mut self, session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        let key = session.credentials.access_key_id().to_owned();
        if let Some(expires_at) = session.credentials.expires_at() {
            self.by_expiry.insert((expires_at, key.clone()));
        }
        self.by_key.insert(key, Arc::clone(&session));
        session
    }

    /// Takes on the sessions of AssumeRole whose roles are still there, with the policies that these have now.
    pub(crate) fn go_on(&mut self, before: &Self, roles: &BTreeMap<String, Arc<ProviderRole>>) {
        for (_, key) in &before.by_expiry {
            let session = before.find(key);
            let role = session.as_ref().and_then(|session| roles.get(session.principal.role_arn()?));
            if let (Some(session), Some(role)) = (session, role) {
                let mut session = Session::clone(&session);
                session.policies.clone_from(&role.policies);
                session.boundary.clone_from(&role.boundary);
                session.role_tags.clone_from(&role.tags);
                self.add(session);
            }
        }
    }

    /// Forgets what expired long ago, and makes room for one more.
    pub(crate) fn tidy(&mut self, now: SystemTime) {
        while let Some((expires_at, _)) = self.by_expiry.first() {
            let is_old = now.duration_since(*expires_at).is_ok_and(|age| age > REMEMBERED);
            if !is_old && self.by_expiry.len() < MAX_SESSIONS {
                return;
            }
            if let Some((_, key)) = self.by_expiry.pop_first() {
                self.by_key.remove(&key);
            }
        }
    }
}

/// New temporary credentials: `ASIA...`, a secret of 40 characters and a token.
///
/// # Errors
///
/// As [`Credentials::new`], which takes everything that [`Entropy`] makes.
pub(crate) fn issue(entropy: &mut Entropy, expires_at: Option<SystemTime>) -> Result<Credentials, xacct_sign::Error> {
    Credentials::new(entropy.id("ASIA", 16), entropy.secret(), Some(entropy.session_token()), expires_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(entropy: &mut Entropy, expires_at: SystemTime) -> Result<Session, Box<dyn std::error::Error>> {
        Ok(Session {
            credentials: issue(entropy, Some(expires_at))?,
            principal: PrincipalIdentity::assumed_role("arn:aws:iam::111111111111:role/R", "s")?,
            caller: None,
            user_id: String::new(),
            policies: Vec::new(),
            boundary: None,
            session_policy: None,
            role_tags: BTreeMap::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            organization: None,
        })
    }

    #[test]
    fn sessions_are_forgotten_an_hour_after_they_expire() -> Result<(), Box<dyn std::error::Error>> {
        let mut sessions = Sessions::default();
        let end = UNIX_EPOCH + Duration::from_secs(1_000);
        let key = sessions.add(session(&mut Entropy::new([1; 32]), end)?).credentials.access_key_id().to_owned();
        sessions.tidy(end + REMEMBERED);
        assert!(sessions.find(&key).is_some_and(|session| session.is_expired(end)));
        sessions.tidy(end + REMEMBERED + Duration::from_secs(1));
        assert!(sessions.find(&key).is_none());
        assert!(sessions.by_expiry.is_empty());
        Ok(())
    }

    #[test]
    fn their_number_is_bounded() -> Result<(), Box<dyn std::error::Error>> {
        let mut sessions = Sessions::default();
        let mut entropy = Entropy::new([2; 32]);
        for second in 0..60_u64 {
            sessions.add(session(&mut entropy, UNIX_EPOCH + Duration::from_secs(100 + second))?);
        }
        for number in 0..MAX_SESSIONS {
            sessions.by_expiry.insert((UNIX_EPOCH + Duration::from_secs(1_000), number.to_string()));
        }
        sessions.tidy(UNIX_EPOCH);
        assert!(sessions.by_expiry.len() < MAX_SESSIONS);
        assert_eq!(sessions.by_key.len(), 0);
        Ok(())
    }
}
