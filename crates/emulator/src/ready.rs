//! What a running emulator tells: where it is, and with which credentials to call it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};
use xacct_sign::{Credentials, escaped};
use xacct_sign_provider::targets::TargetKind;

use crate::emulator::Emulator;
use crate::environment::{self, Environment};
use crate::iam::callers::CallerAccess;
use crate::issuer;
use crate::servers::for_development;

/// The URLs of a running emulator, without a trailing `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// STS.
    pub sts: String,
    /// Each stage's API, by the stage's name.
    pub stages: BTreeMap<String, String>,
}

impl Addresses {
    /// The URL of STS, and those of the stages by their names.
    #[must_use]
    pub fn new(sts: impl Into<String>, stages: BTreeMap<String, String>) -> Self {
        Self { sts: sts.into(), stages }
    }
}

/// Everything needed to call a running emulator: it holds secrets, though none that is worth anything elsewhere.
///
/// [`Ready::to_json`] is for programs, `Display` for people.
#[derive(Clone)]
pub struct Ready {
    region: String,
    addresses: Addresses,
    stages: BTreeMap<String, StageFacts>,
    servers: BTreeMap<String, ServerFacts>,
    callers: Vec<CallerAccess>,
    outsider: CallerAccess,
    more: Environment,
}

/// What is told of a stage beside its URL.
#[derive(Clone)]
struct StageFacts {
    api_id: String,
    target: TargetKind,
    service: &'static str,
}

/// What is told of a stage that is a server.
#[derive(Clone)]
struct ServerFacts {
    audience: String,
    /// `callers.json` for development, for a server that has its own verifier.
    callers: Value,
}

impl Ready {
    /// Of an emulator that is reached at these addresses. To those of the stages their path is added: the name of the stage in
    /// API Gateway, unless it is `$default`.
    #[must_use]
    pub fn new(emulator: &Emulator, mut addresses: Addresses) -> Self {
        for (name, url) in &mut addresses.stages {
            url.push_str(&emulator.base_path(name));
        }
        let stages = emulator.stages().map(|(name, api)| {
            let service = emulator.service(name).unwrap_or_default();
            (name.to_owned(), StageFacts { api_id: api.api_id.clone(), target: api.target, service })
        });
        let servers = emulator.servers().map(|(name, server)| {
            let callers = json!(for_development(&server.callers, &addresses.sts));
            (name.to_owned(), ServerFacts { audience: server.audience.clone(), callers })
        });
        Self {
            region: emulator.region().to_owned(),
            addresses: addresses.clone(),
            stages: stages.collect(),
            servers: servers.collect(),
            callers: emulator.callers().to_vec(),
            outsider: emulator.outsider().clone(),
            more: Environment::new(),
        }
    }

    /// The same with more variables in every caller's environment.
    #[must_use]
    pub fn with_variables(mut self, more: Environment) -> Self {
        self.more.extend(more);
        self
    }

    /// The region of the manifest.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The text of `callers.json` of a stage that is a server, with this emulator's issuers: for a server's own verifier. `None` for
    /// any other stage.
    #[must_use]
    pub fn callers_json(&self, stage: &str) -> Option<String> {
        self.servers.get(stage).map(|server| server.callers.to_string())
    }

    /// The callers' roles with their credentials, by caller and role.
    #[must_use]
    pub fn callers(&self) -> &[CallerAccess] {
        &self.callers
    }

    /// The role of a caller that may assume one of this stage, or call it directly; the first, if it has several.
    #[must_use]
    pub fn caller(&self, name: &str, stage: &str) -> Option<&CallerAccess> {
        self.callers.iter().find(|access| access.caller == name && access.is_on(stage))
    }

    /// A valid identity that nobody trusts.
    #[must_use]
    pub fn outsider(&self) -> &CallerAccess {
        &self.outsider
    }

    /// The environment that makes a program this caller at this stage: its credentials and region, where STS is, and as
    /// `XACCT_URL`, `XACCT_SERVICE` and `XACCT_ROLE_ARN` the URL of the API, what requests are signed for, and the role to
    /// assume for it; no role where the caller calls directly. Of a server it is `XACCT_AUDIENCE`, what tokens and proofs are for,
    /// in place of service and role. What must not be there, since it would lead elsewhere, has no
    /// value. `None` if the caller is not on that stage.
    #[must_use]
    pub fn environment(&self, caller: &str, stage: &str) -> Option<Environment> {
        let mut variables = self.own_environment(self.caller(caller, stage)?, stage)?;
        variables.extend(self.common_environment());
        Some(variables)
    }

    fn common_environment(&self) -> Environment {
        let mut variables = environment::of_all(&self.region, &self.addresses.sts);
        variables.extend(self.more.iter().cloned());
        variables
    }

    /// What of the environment is one caller's at one stage alone.
    fn own_environment(&self, access: &CallerAccess, stage: &str) -> Option<Environment> {
        let url = self.addresses.stages.get(stage)?;
        let (api, server) = (self.stages.get(stage), self.servers.get(stage));
        let credentials = credential_variables(&access.credentials).into_iter();
        let mut variables: Environment = credentials.map(|(name, value)| (name, Some(value))).collect();
        variables.extend([
            ("XACCT_URL", Some(url.clone())),
            ("XACCT_SERVICE", api.map(|facts| facts.service.to_owned())),
            ("XACCT_AUDIENCE", server.map(|facts| facts.audience.clone())),
            ("XACCT_ROLE_ARN", access.may_assume.get(stage).cloned()),
        ]);
        Some(variables)
    }

    /// Where the emulator is.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// One line of JSON: `region`, `sts_url`, `stages` (by name: `url`, `api_id`, `target`, `service`; of a server `url`, `target`,
    /// `audience` and `callers`, its `callers.json` for development), `callers` (a list of `caller`, `account`, `issuer` of its web
    /// identity tokens, `role`, `may_assume` by stage, `may_call` by stage, `audiences` by stage, `credentials`, `environment` by
    /// stage), `outsider` (`account`, `role`, `credentials`), `environment`, `proxy`. Credentials are `access_key_id`,
    /// `secret_access_key`, `session_token`. The environment is as [`Ready::environment`] has it, null for what must not be
    /// there: that of a caller at a stage, and beside it what all have alike. For who has another by now, where one of
    /// `variables` of `proxy` names a proxy, all of `exempt` are the first of them that has a value, unless that is `*`, and `hosts`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut stages = Map::new();
        for (name, url) in &self.addresses.stages {
            if let Some(ServerFacts { audience, callers }) = self.servers.get(name) {
                let facts = json!({ "url": url, "target": "server", "audience": audience, "callers": callers });
                stages.insert(name.clone(), facts);
            }
            let Some(StageFacts { api_id, target, service }) = self.stages.get(name) else { continue };
            let facts = json!({ "url": url, "api_id": api_id, "target": target.name(), "service": service });
            stages.insert(name.clone(), facts);
        }
        let callers: Vec<Value> = self
            .callers
            .iter()
            .map(|access| {
                let stages = access.stages();
                let own = |stage: &String| Some((stage.clone(), variables(self.own_environment(access, stage)?)));
                json!({
                    "caller": access.caller,
                    "account": access.account,
                    "issuer": issuer::url(&self.addresses.sts, &access.account),
                    "role": access.role,
                    "may_assume": access.may_assume,
                    "may_call": access.may_call,
                    "audiences": access.audiences,
                    "credentials": credentials(&access.credentials),
                    "environment": stages.filter_map(own).collect::<Map<_, _>>(),
                })
            })
            .collect();
        json!({
            "environment": variables(self.common_environment()),
            "proxy": environment::proxy_names(),
            "region": self.region,
            "sts_url": self.addresses.sts,
            "stages": stages,
            "callers": callers,
            "outsider": {
                "account": self.outsider.account,
                "role": self.outsider.role,
                "credentials": credentials(&self.outsider.credentials),
            },
        })
        .to_string()
    }
}

fn variables(environment: Environment) -> Value {
    environment.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<Map<_, _>>().into()
}

fn credentials(credentials: &Credentials) -> Value {
    json!({
        "access_key_id": credentials.access_key_id(),
        "secret_access_key": credentials.secret_access_key(),
        "session_token": credentials.session_token(),
    })
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The emulator runs, for development and tests only. Ctrl-C ends it.\n")?;
        writeln!(f, "Region  {}", word(&self.region))?;
        writeln!(f, "STS     {}", self.addresses.sts)?;
        for (name, url) in &self.addresses.stages {
            let how = match self.stages.get(name) {
                Some(StageFacts { target: TargetKind::FunctionUrl, service, .. }) => {
                    format!(", a function URL, signed for {service}")
                }
                Some(StageFacts { target: TargetKind::RestApi, .. }) => ", a REST API".to_owned(),
                Some(_) => String::new(),
                None => match self.servers.get(name) {
                    Some(facts) => format!(", a server for {}", word(&facts.audience)),
                    None => String::new(),
                },
            };
            writeln!(f, "API     {url}  (stage {}{how})", word(name))?;
        }
        for access in &self.callers {
            writeln!(f, "\n# To be the caller {}, the role {}:", word(&access.caller), word(&access.role))?;
            exports(f, &access.credentials)?;
            for (stage, role) in &access.may_assume {
                writeln!(f, "#   may assume for {}: {}", word(stage), word(role))?;
            }
            for stage in access.may_call.keys() {
                writeln!(f, "#   calls {} directly, as itself", word(stage))?;
            }
            for (stage, audience) in &access.audiences {
                writeln!(f, "#   shows {} who it is, by a token or a proof for {}", word(stage), word(audience))?;
            }
        }
        let first = |access: &CallerAccess| access.stages().next().cloned();
        if let Some((caller, stage)) = self.callers.iter().find_map(|access| Some((&access.caller, first(access)?))) {
            let (caller, stage) = (word(caller), word(&stage));
            writeln!(f, "\n# To run one command as a caller, with all of this in its environment:")?;
            writeln!(f, "#   xacct-sign emulator --as {caller} --stage {stage} -- COMMAND")?;
        }
        writeln!(f, "\n# To call this STS instead of AWS's:\nexport AWS_ENDPOINT_URL_STS='{}'", self.addresses.sts)?;
        writeln!(f, "\n# To be somebody nobody trusts, the role {}:", word(&self.outsider.role))?;
        exports(f, &self.outsider.credentials)
    }
}

/// A name from a manifest or a template, which people paste into a shell along with the lines around it: one line of text, and
/// one word of the shell, since not every shell takes `#` for the beginning of a comment.
fn word(text: &str) -> String {
    // Nothing else than a NUL is an error, and that one is escaped.
    shlex::try_quote(&escaped(text)).unwrap_or_default().into_owned()
}

/// Lines for a POSIX shell. What is made here is base 64, which single quotes hold; what was given may hold some itself.
fn exports(f: &mut fmt::Formatter<'_>, credentials: &Credentials) -> fmt::Result {
    for (name, value) in credential_variables(credentials) {
        writeln!(f, "export {name}='{}'", value.replace('\'', r"'\''"))?;
    }
    Ok(())
}

fn credential_variables(credentials: &Credentials) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id().to_owned()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key().to_owned()),
        ("AWS_SESSION_TOKEN", credentials.session_token().unwrap_or_default().to_owned()),
    ]
}
