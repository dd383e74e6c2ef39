//! The accounts' issuers of web identity tokens: their keys, what they publish, and what is done to them on command
//! ([Outbound identity federation](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html)).

mod http;
mod keys;
mod signature;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use xacct_sign::sts::TokenAlgorithm;

use crate::issuer::keys::Keys;

pub(crate) use crate::issuer::http::answer;
pub(crate) use crate::issuer::keys::NotSigned;
pub(crate) use crate::issuer::signature::is_right;

/// What stands between STS's URL and the account, in the URL of an issuer.
const FOLDER: &str = "/issuers/";

/// How long the keys of before a rotation are published: until the last token that they signed has expired.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// Where STS is, as long as nobody has said so.
const NOWHERE: &str = "http://127.0.0.1";

/// The issuers of all accounts that there are.
pub(crate) struct Issuers {
    seed: [u8; 32],
    sts_url: String,
    by_account: BTreeMap<String, Issuer>,
}

/// An account's. Its keys are made when they are first needed, since that takes a moment.
#[derive(Default)]
pub(crate) struct Issuer {
    is_switched_off: bool,
    generation: u32,
    keys: Option<Arc<Keys>>,
    /// Those of before, and until when they are published.
    before: Option<(Arc<Keys>, SystemTime)>,
}

impl Issuers {
    pub(crate) fn new(seed: [u8; 32], accounts: impl IntoIterator<Item = String>) -> Self {
        let by_account = accounts.into_iter().map(|account| (account, Issuer::default())).collect();
        Self { seed, sts_url: NOWHERE.to_owned(), by_account }
    }

    /// Where STS is reached: the beginning of every issuer's URL.
    pub(crate) fn reached_at(&mut self, sts_url: &str) {
        sts_url.trim_end_matches('/').clone_into(&mut self.sts_url);
    }

    /// Goes on with the issuers that were there before, for accounts that are still there.
    pub(crate) fn go_on(&mut self, mut before: Self) {
        for (account, issuer) in &mut self.by_account {
            if let Some(known) = before.by_account.remove(account) {
                *issuer = known;
            }
        }
        self.sts_url = before.sts_url;
    }

    /// Where that is.
    pub(crate) fn sts_url(&self) -> &str {
        &self.sts_url
    }

    /// What the issuer of this URL publishes as its keys; `None` for one that is not here.
    pub(crate) fn published(&mut self, url: &str, now: SystemTime) -> Option<String> {
        let account = url.strip_prefix(&self.sts_url)?.strip_prefix(FOLDER)?.to_owned();
        self.key_set(&account, now).map(|set| set.to_string())
    }

    /// The URL of an account's issuer.
    pub(crate) fn url(&self, account: &str) -> String {
        url(&self.sts_url, account)
    }

    /// Whether the account lets tokens be made.
    pub(crate) fn is_switched_on(&self, account: &str) -> bool {
        self.by_account.get(account).is_some_and(|issuer| !issuer.is_switched_off)
    }

    /// A signed token of an account that is there.
    ///
    /// # Errors
    ///
    /// [`NotSigned`] if it is not there, or the key does not sign.
    pub(crate) fn sign(
        &mut self,
        account: &str,
        algorithm: TokenAlgorithm,
        claims: &Value,
    ) -> Result<String, NotSigned> {
        self.keys(account).ok_or(NotSigned)?.sign(algorithm, claims)
    }

    fn keys(&mut self, account: &str) -> Option<Arc<Keys>> {
        let issuer = self.by_account.get_mut(account)?;
        if issuer.keys.is_none() {
            issuer.keys = Some(Arc::new(Keys::of(self.seed, account, issuer.generation)?));
        }
        issuer.keys.clone()
    }

    /// What is published as `jwks.json`.
    fn key_set(&mut self, account: &str, now: SystemTime) -> Option<Value> {
        let keys = self.keys(account)?;
        let before = &self.by_account.get(account)?.before;
        let before = before.iter().filter(|(_, until)| now < *until).map(|(keys, _)| keys);
        let published: Vec<Value> = [&keys].into_iter().chain(before).flat_map(|keys| keys.published()).collect();
        Some(json!({ "keys": published }))
    }

    /// What is published as `openid-configuration`.
    fn configuration(&self, account: &str) -> Option<Value> {
        self.by_account.get(account)?;
        let issuer = self.url(account);
        Some(json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES384"],
            "claims_supported": ["aud", "exp", "iat", "iss", "jti", "sub"],
        }))
    }

    /// New keys, under new names; those of before are published as long as their tokens live.
    fn rotate(&mut self, account: &str, now: SystemTime) -> Option<()> {
        let keys = self.keys(account)?;
        let issuer = self.by_account.get_mut(account)?;
        issuer.before = now.checked_add(REMEMBERED).map(|until| (keys, until));
        issuer.keys = None;
        issuer.generation = issuer.generation.saturating_add(1);
        Some(())
    }

    fn switch(&mut self, account: &str, is_on: bool) -> Option<()> {
        self.by_account.get_mut(account)?.is_switched_off = !is_on;
        Some(())
    }
}

/// The URL of an account's issuer, below that of STS.
pub(crate) fn url(sts_url: &str, account: &str) -> String {
    format!("{}{FOLDER}{account}", sts_url.trim_end_matches('/'))
}

/// The accounts that have an issuer: those of callers, of the outsider, and of the API.
pub(crate) fn accounts<'a>(all: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    all.into_iter().map(str::to_owned).collect()
}
