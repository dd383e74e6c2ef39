//! Who calls: credentials of the callers' roles, as Lambda gives them to a function.

use std::collections::BTreeMap;
use std::sync::Arc;

use xacct_sign::Credentials;
use xacct_sign_provider::iam::{PolicyDocument, PolicyKind, PrincipalIdentity};
use xacct_sign_provider::{CallerRole, Deployment, concrete_roles};

use crate::iam::entropy::Entropy;
use crate::iam::roles;
use crate::iam::sessions::{self, Session, Sessions};
use crate::options::{CallerCredentials, Options, SetupError};

/// An identity that the emulator issued credentials to at start-up, as Lambda does to a function.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallerAccess {
    /// The caller's name in the manifest.
    pub caller: String,
    /// The caller's account, 12 digits.
    pub account: String,
    /// The ARN of the caller's role.
    pub role: String,
    /// The ARN of the role that it may assume, by stage.
    pub may_assume: BTreeMap<String, String>,
    /// The ARN of what it may call directly, by stage.
    pub may_call: BTreeMap<String, String>,
    /// What its tokens and proofs are for, by stage that is a server.
    pub audiences: BTreeMap<String, String>,
    /// Temporary credentials of a session of the caller's role. They do not expire while the emulator runs.
    pub credentials: Credentials,
}

impl CallerAccess {
    /// Whether it may assume a role of this stage, call it directly, or show it who it is.
    pub(crate) fn is_on(&self, stage: &str) -> bool {
        self.stages().any(|on| on == stage)
    }

    /// The stages that it is on, however it comes in.
    pub(crate) fn stages(&self) -> impl Iterator<Item = &String> {
        self.may_assume.keys().chain(self.may_call.keys()).chain(self.audiences.keys())
    }
}

/// Sessions of the callers' roles, and of an outsider's.
pub(crate) fn issue(
    deployment: &Deployment,
    options: &Options,
    seed: [u8; 32],
    sessions: &mut Sessions,
) -> Result<(Vec<CallerAccess>, CallerAccess), SetupError> {
    if let Some(name) =
        options.caller_policies.keys().find(|name| deployment.callers.iter().all(|c| c.caller != **name))
    {
        return Err(SetupError::UnknownCaller(name.clone()));
    }
    let (outsider_account, roles) = concrete_roles(&deployment.callers, &deployment.partition, &deployment.account);

    // One role may serve several callers of the manifest; then it bears the policies of all of them.
    let mut policies: BTreeMap<&str, Vec<Arc<PolicyDocument>>> = BTreeMap::new();
    for role in &roles {
        let rendered = || role.caller.policy.to_json();
        let text = options.caller_policies.get(&role.caller.caller).cloned().unwrap_or_else(rendered);
        let policy = roles::read(&role.arn, &text, PolicyKind::Identity)?;
        policies.entry(role.arn.as_str()).or_default().push(Arc::new(policy));
    }
    let mut callers = Vec::new();
    for role in &roles {
        let policies = policies.get(role.arn.as_str()).cloned().unwrap_or_default();
        let organization = options.organizations.get(&role.account).cloned().or(role.caller.organization.clone());
        let issued = Issued { role: &role.arn, name: &role.caller.caller, is_caller: true, policies, organization };
        callers.push(CallerAccess {
            credentials: issued.session(seed, given(role.caller, options)?, sessions)?,
            caller: role.caller.caller.clone(),
            account: role.account.clone(),
            role: role.arn.clone(),
            may_assume: role.caller.may_assume.clone(),
            may_call: role.caller.may_call.clone(),
            audiences: role.caller.audiences.clone(),
        });
    }

    let role = format!("arn:{}:iam::{outsider_account}:role/Outsider", deployment.partition);
    // Its own account lets it do everything, so it is the trust policy alone that refuses it.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let policy = Arc::new(roles::read(&role, policy, PolicyKind::Identity)?);
    let organization = options.organizations.get(&outsider_account).cloned();
    let issued = Issued { role: &role, name: "outsider", is_caller: false, policies: vec![policy], organization };
    let outsider = CallerAccess {
        credentials: issued.session(seed, None, sessions)?,
        caller: "outsider".to_owned(),
        account: outsider_account,
        role,
        may_assume: BTreeMap::new(),
        may_call: BTreeMap::new(),
        audiences: BTreeMap::new(),
    };
    Ok((callers, outsider))
}

/// The credentials that the options give to a caller's role; `None` where they are to be made.
fn given<'o>(caller: &CallerRole, options: &'o Options) -> Result<Option<&'o Credentials>, SetupError> {
    let CallerCredentials::Given(given) = &options.caller_credentials else { return Ok(None) };
    let names = credential_names(caller);
    match names.iter().find_map(|name| given.get(name)) {
        Some(credentials) => Ok(Some(credentials)),
        None => Err(SetupError::NoCredentials { caller: caller.caller.clone(), names }),
    }
}

/// The names that the credentials of a caller's role may have where they are given, the first before the others: with the
/// role, with each stage that it is on, and the caller's alone.
#[must_use]
pub fn credential_names(caller: &CallerRole) -> Vec<String> {
    let with_stage = caller.stages().map(|stage| format!("{}-{stage}", caller.caller));
    let with_role = format!("{}-{}", caller.caller, caller.role_name);
    let with_role = Some(with_role).filter(|name| !name.contains('*'));
    with_role.into_iter().chain(with_stage).chain([caller.caller.clone()]).collect()
}

/// A session of a caller's role.
struct Issued<'i> {
    role: &'i str,
    name: &'i str,
    /// Whether the name is one of the manifest's.
    is_caller: bool,
    policies: Vec<Arc<PolicyDocument>>,
    organization: Option<String>,
}

impl Issued<'_> {
    fn session(
        self,
        seed: [u8; 32],
        given: Option<&Credentials>,
        sessions: &mut Sessions,
    ) -> Result<Credentials, SetupError> {
        let Self { role, name, is_caller, policies, organization } = self;
        let session_name = session_name(name);
        let principal = PrincipalIdentity::assumed_role(role, &session_name)
            .map_err(|source| SetupError::Policy { role: role.to_owned(), source })?;
        let credentials = match given {
            // Those of callers do not expire while the emulator runs.
            Some(given) => Credentials::new(
                given.access_key_id(),
                given.secret_access_key(),
                given.session_token().map(str::to_owned),
                None,
            )?,
            None => sessions::issue(&mut Entropy::of(seed, &["session", role, name]), None)?,
        };
        if given.is_some() && sessions.find(credentials.access_key_id()).is_some() {
            return Err(SetupError::SharedCredentials { caller: name.to_owned() });
        }
        let session = sessions.add(Session {
            credentials,
            principal,
            caller: is_caller.then(|| name.to_owned()),
            user_id: format!("{}:{session_name}", roles::role_id(seed, role)),
            policies,
            boundary: None,
            session_policy: None,
            role_tags: BTreeMap::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            organization,
        });
        Ok(session.credentials.clone())
    }
}

/// The name of a caller's session: the caller's, which may be a letter, while a session's has two characters at least.
fn session_name(caller: &str) -> String {
    if caller.len() < 2 { format!("{caller}-caller") } else { caller.to_owned() }
}
