//! How callers of a server show who they are: the table `[identity]`, the issuers of the callers, and who can show it at all.

use std::collections::BTreeMap;

use toml::Spanned;
use xacct_sign::aws::{Partition, audience_problem, is_region};
use xacct_sign::sts::TokenAlgorithm;

use crate::manifest::error::ManifestErrorKind as Kind;
use crate::manifest::names::{is_dev_issuer, is_issuer};
use crate::manifest::raw;
use crate::manifest::source::{Mistake, Source};
use crate::manifest::table::Key;
use crate::manifest::types::{Api, Caller, CallerPrincipals, Identity};

/// STS's limits of a token's life, in seconds.
const MIN_DURATION: u32 = 60;
const MAX_DURATION: u32 = 3_600;

/// The issuer that each account has, with the caller that says so first.
pub(super) type IssuersOfAccounts = BTreeMap<String, (String, String)>;

impl Identity {
    /// What an API of this region has without the table: tokens and proofs as STS gives them there.
    pub(crate) fn of_region(region: Option<&str>) -> Self {
        Self {
            audience: None,
            algorithm: TokenAlgorithm::Es384,
            max_duration_seconds: MAX_DURATION,
            regions: region.map(str::to_owned).into_iter().collect(),
            dev_issuers: Vec::new(),
            line: None,
        }
    }
}

impl Source<'_> {
    /// The table; what it does not say is what tokens and proofs of the API's region are.
    pub(super) fn identity(&self, raw: Option<(Key, raw::Identity)>, api: Option<&Api>) -> Identity {
        let mut identity = Identity::of_region(api.map(|api| api.region.as_str()));
        let Some((key, raw)) = raw else { return identity };
        identity.line = Some(self.line(key.span().start));
        identity.audience = raw.audience.and_then(|text| self.note(self.audience(text)));
        if let Some(algorithm) = raw.algorithm.and_then(|text| self.note(self.algorithm(&text))) {
            identity.algorithm = algorithm;
        }
        if raw.max_duration_seconds.is_some() {
            let (what, unit) = ("a token's longest life", "seconds");
            let seconds = raw.max_duration_seconds;
            let seconds = self.number_in(seconds, what, unit, Kind::InvalidDuration, MIN_DURATION, MAX_DURATION);
            identity.max_duration_seconds = self.note(seconds).unwrap_or(MAX_DURATION);
        }
        if let Some(regions) = raw.regions {
            let read = |region| self.note(self.region_of_proofs(region, api));
            identity.regions = each_once(regions.into_inner().into_iter().filter_map(read));
        }
        if let Some(issuers) = raw.dev_issuers {
            let what = "an issuer on this machine, such as `http://127.0.0.1:4100/issuers/000000000000`";
            let read = |issuer| self.note(self.text_that(is_dev_issuer, Kind::InvalidIssuer, what, issuer));
            identity.dev_issuers = each_once(issuers.into_inner().into_iter().filter_map(read));
        }
        identity
    }

    pub(super) fn audience(&self, text: Spanned<String>) -> Result<String, Mistake> {
        // It is not shown: it may hold a password, of which every caller would be told.
        match audience_problem(text.get_ref()) {
            Some(problem) => Err(self.error(Kind::InvalidAudience, text.span(), format!("the audience {problem}"))),
            None => Ok(text.into_inner()),
        }
    }

    fn algorithm(&self, text: &Spanned<String>) -> Result<TokenAlgorithm, Mistake> {
        TokenAlgorithm::named(text.get_ref()).map_err(|_| {
            let message = format!("`{}` is not an algorithm of tokens: write `ES384` or `RS256`", text.get_ref());
            self.error(Kind::InvalidAlgorithm, text.span(), message)
        })
    }

    /// STS is asked there: of another partition it would know nobody.
    fn region_of_proofs(&self, region: Spanned<String>, api: Option<&Api>) -> Result<String, Mistake> {
        let place = region.span();
        let region = self.text_that(is_region, Kind::InvalidRegion, "a region", region)?;
        match api.map(Api::partition).filter(|partition| *partition != Partition::of_region(&region).name()) {
            Some(partition) => {
                let message = format!("region `{region}` is not in the API's partition, `{partition}`");
                Err(self.error(Kind::InvalidRegion, place, message))
            }
            None => Ok(region),
        }
    }

    /// The issuer of the caller's account: AWS's, or one of those on this machine that `[identity]` has.
    pub(super) fn issuer(
        &self,
        caller: &Caller,
        text: Spanned<String>,
        identity: &Identity,
        partition: Option<&str>,
        known: &mut IssuersOfAccounts,
    ) -> Result<String, Mistake> {
        let (issuer, name) = (text.get_ref(), &caller.name);
        let refuse = |message: String| Err(self.error(Kind::InvalidIssuer, text.span(), message));
        let account = match &caller.principals {
            CallerPrincipals::Roles { account, .. } if account != "*" => account,
            _ => {
                return refuse(format!(
                    "caller `{name}` is of several accounts, each of which has an issuer of its own"
                ));
            }
        };
        if is_dev_issuer(issuer) {
            if !identity.dev_issuers.contains(issuer) {
                return refuse(format!(
                    "issuer `{issuer}` of caller `{name}` is on this machine, and not among `dev_issuers` of `[identity]`"
                ));
            }
        } else if issuer.starts_with("http://") {
            return refuse(format!("issuer `{issuer}` of caller `{name}` is over plain http: who listens is anybody"));
        } else if !is_issuer(issuer, partition.unwrap_or("aws")) {
            return refuse(format!("issuer `{issuer}` of caller `{name}` is none of AWS's"));
        }
        let (first, of) = known.entry(account.clone()).or_insert_with(|| (issuer.clone(), name.clone()));
        if first != issuer {
            return refuse(format!("caller `{name}` has another issuer than caller `{of}` of the same account"));
        }
        Ok(text.into_inner())
    }

    /// Whom neither a token nor a proof tells.
    pub(super) fn check_identity(&self, caller: &Caller, stage: &str, place: std::ops::Range<usize>) {
        let who = match &caller.principals {
            CallerPrincipals::Organization { .. } => "an organization",
            CallerPrincipals::Roles { account, .. } if account == "*" => "every account",
            CallerPrincipals::Roles { .. } => return,
        };
        let message = format!(
            "caller `{}` is {who}, and stage `{stage}` is a server, which is told an account and a role",
            caller.name
        );
        self.note::<()>(Err(self.error(Kind::IdentityImpossible, place, message)));
    }
}

/// In the order of the list.
fn each_once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in texts {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all
}
