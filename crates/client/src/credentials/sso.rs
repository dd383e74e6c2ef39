//! IAM Identity Center: a role's credentials, by the login that `aws sso login` left behind
//! ([IAM Identity Center credential provider](https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html)).

mod cache;
mod portal;

use std::time::Duration;

use xacct_sign::{Credentials, Error, ErrorKind, escaped};

use super::endpoint::Said;
use super::shown;
use crate::clock::Clock;
use crate::patience::Patience;
use cache::{Cache, Token};

/// A token that has so little left is renewed, where it can be.
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// A login, and the role that it is used for.
pub(super) struct Login {
    pub(super) profile: String,
    /// The name of the `[sso-session x]`; without one the old keys are in the profile itself.
    pub(super) session: Option<String>,
    pub(super) start_url: String,
    pub(super) region: String,
    pub(super) account_id: String,
    pub(super) role_name: String,
}

impl Login {
    fn what(&self) -> String {
        format!("the SSO login of the profile {}", shown::name(&self.profile))
    }

    fn hint(&self) -> String {
        format!("log in: `aws sso login --profile {}`", escaped(&self.profile))
    }
}

/// The role's credentials.
pub(super) fn load(
    clock: &Clock,
    patience: &Patience,
    login: &Login,
    settings: &dyn Said,
) -> Result<Credentials, Error> {
    let host = &**clock.host();
    let token = token(clock, patience, login, settings)?;
    portal::role_credentials(host, patience, login, settings, token.access_token())
}

/// A token that is valid now: the one that is there, or a new one in its place.
fn token(clock: &Clock, patience: &Patience, login: &Login, settings: &dyn Said) -> Result<Token, Error> {
    let host = &**clock.host();
    let cache = Cache::of(host, login)?;
    let token = cache.read(host, login)?;
    let now = clock.now();
    let is_over = token.expires_at() <= now;
    let lasts = now.checked_add(WINDOW).is_some_and(|then| token.expires_at() > then);
    if lasts {
        return Ok(token);
    }
    // The old keys have nothing to renew a token with.
    let grant = login.session.as_ref().and_then(|_| token.grant(now));
    let Some(grant) = grant else {
        return if is_over { Err(expired(login)) } else { Ok(token) };
    };
    match portal::renew(host, patience, login, settings, &grant) {
        Ok(renewed) => {
            let token = token.renewed(renewed, login, clock.now());
            // Who cannot write has the token all the same; the next program renews its own.
            let _ = cache.write(host, &token);
            Ok(token)
        }
        Err(_) if !is_over => Ok(token),
        Err(error) => {
            // A grant is good for one renewal: another program may have had it in the meantime.
            let anew = cache.read(host, login)?;
            if anew.expires_at() > clock.now() {
                return Ok(anew);
            }
            let is_refusal = error.kind() == ErrorKind::CredentialsRefused;
            Err(if is_refusal { expired(login).with_source(error) } else { error })
        }
    }
}

fn expired(login: &Login) -> Error {
    Error::new(ErrorKind::CredentialsExpired, format!("{} has expired", login.what())).with_hint(login.hint())
}
