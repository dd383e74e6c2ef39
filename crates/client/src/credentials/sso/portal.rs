//! The two requests: a token for the one that ends, and a role's credentials for a token.

use std::time::{Duration, UNIX_EPOCH};

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use xacct_sign::aws::{Partition, is_region};
use xacct_sign::retry::TRY;
use xacct_sign::{CanonicalUrl, Credentials, Error, ErrorKind};
use zeroize::Zeroizing;

use super::cache::{Grant, Renewed};
use super::{Login, expired};
use crate::credentials::endpoint::{self, Said, Service};
use crate::credentials::metadata::is_transient;
use crate::credentials::shown;
use crate::credentials::tries::several;
use crate::host::{Host, Sending};
use crate::patience::Patience;

const PORTAL: Service = Service { name: "SSO", variable: "AWS_ENDPOINT_URL_SSO", block: "sso", label: "portal.sso" };
const OIDC: Service =
    Service { name: "SSO's OIDC", variable: "AWS_ENDPOINT_URL_SSO_OIDC", block: "sso_oidc", label: "oidc" };

/// An answer has a token or credentials, of a few kB at most.
const ANSWER_LIMIT: u64 = 1 << 20;

type Answer = http::Response<Zeroizing<Vec<u8>>>;

/// Renews a token ([`CreateToken`](https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html)).
pub(super) fn renew(
    host: &dyn Host,
    patience: &Patience,
    login: &Login,
    settings: &dyn Said,
    grant: &Grant<'_>,
) -> Result<Renewed, Error> {
    let url = url(host, OIDC, login, settings, "token")?;
    let body = json!({
        "grantType": "refresh_token",
        "clientId": grant.client_id,
        "clientSecret": grant.client_secret,
        "refreshToken": grant.refresh_token,
    });
    let body = Zeroizing::new(body.to_string().into_bytes());
    let request = http::Request::post(url).header(CONTENT_TYPE, "application/json").body(body.as_slice());
    let answer = ask(host, patience, OIDC, login, request)?;
    if !answer.status().is_success() {
        let what = format!("{} is not renewed", login.what());
        return Err(refused(&what, &answer, &[grant.client_secret, grant.refresh_token]));
    }
    let invalid = || invalid(OIDC, login);
    let value: Value = serde_json::from_slice(answer.body()).map_err(|_| invalid())?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(|text| Zeroizing::new(text.to_owned()));
    let expires_in = value.get("expiresIn").and_then(Value::as_u64).ok_or_else(invalid)?;
    Ok(Renewed {
        access_token: text("accessToken").ok_or_else(invalid)?,
        expires_in,
        refresh_token: text("refreshToken"),
    })
}

/// The role's credentials
/// ([`GetRoleCredentials`](https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html)).
pub(super) fn role_credentials(
    host: &dyn Host,
    patience: &Patience,
    login: &Login,
    settings: &dyn Said,
    token: &str,
) -> Result<Credentials, Error> {
    let (role, account) = (escape(&login.role_name), escape(&login.account_id));
    let path = format!("federation/credentials?role_name={role}&account_id={account}");
    let url = url(host, PORTAL, login, settings, &path)?;
    let mut header = HeaderValue::from_str(token).map_err(|_| {
        let message = format!("{} has a token that no header can hold", login.what());
        Error::new(ErrorKind::InvalidConfig, message).with_hint(login.hint())
    })?;
    header.set_sensitive(true);
    let request = http::Request::get(url).header("x-amz-sso_bearer_token", header).body(&[][..]);
    let answer = ask(host, patience, PORTAL, login, request)?;
    if answer.status() == StatusCode::UNAUTHORIZED {
        return Err(expired(login));
    }
    if !answer.status().is_success() {
        let (role, account) = (shown::name(&login.role_name), shown::name(&login.account_id));
        let what = format!("SSO does not give the role {role} of the account {account}");
        return Err(refused(&what, &answer, &[token])
            .with_hint("check `sso_role_name` and `sso_account_id`, and that the role is assigned to you there"));
    }
    let value: Value = serde_json::from_slice(answer.body()).map_err(|_| invalid(PORTAL, login))?;
    read(&value).ok_or_else(|| invalid(PORTAL, login))
}

fn read(value: &Value) -> Option<Credentials> {
    let fields = value.get("roleCredentials")?;
    let text = |key: &str| Some(fields.get(key)?.as_str()?.to_owned());
    let expires_at = UNIX_EPOCH.checked_add(Duration::from_millis(fields.get("expiration")?.as_u64()?))?;
    let (key_id, secret, token) = (text("accessKeyId")?, text("secretAccessKey")?, text("sessionToken")?);
    Credentials::new(key_id, secret, Some(token), Some(expires_at)).ok()
}

/// A value as it stands in a query.
fn escape(value: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let escape = |byte: u8| if is_plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(escape).collect()
}

/// Where a service is, with a path on it.
fn url(host: &dyn Host, service: Service, login: &Login, settings: &dyn Said, path: &str) -> Result<String, Error> {
    let region = &login.region;
    if !is_region(region) {
        let message = format!("the profile {} has an `sso_region` that is no region", shown::name(&login.profile));
        return Err(Error::new(ErrorKind::InvalidConfig, message));
    }
    if let Some(url) = endpoint::given(host, service, settings)? {
        let unusable = |what| {
            Error::new(ErrorKind::InvalidEndpoint, format!("the endpoint that is given for {} {what}", service.name))
                .with_hint("give a URL such as `https://portal.sso.us-east-1.amazonaws.com`")
        };
        let parsed = CanonicalUrl::parse(&url).map_err(|error| unusable("is no usable URL").with_source(error))?;
        if url.contains(['?', '#', '@']) {
            return Err(unusable("has a query, a fragment or user info"));
        }
        if !parsed.as_url().origin().is_private() {
            let message = format!("the endpoint that is given for {} is plain http", service.name);
            return Err(Error::new(ErrorKind::InsecureUrl, message));
        }
        return Ok(format!("{}/{path}", parsed.as_str().trim_end_matches('/')));
    }
    if let Some(url) = endpoint::of_kind(host, service, region, settings)? {
        return Ok(format!("{url}{path}"));
    }
    let partition = Partition::of_region(region);
    let suffix = partition.dns_suffix().ok_or_else(|| {
        let message = format!("no endpoint of {} is known for partition `{}`", service.name, partition.name());
        Error::new(ErrorKind::UnknownPartition, message)
    })?;
    Ok(format!("https://{}.{region}.{suffix}/{path}", service.label))
}

/// Sends, up to three times where trying again may help. Every answer that stands is one.
fn ask(
    host: &dyn Host,
    patience: &Patience,
    service: Service,
    login: &Login,
    request: Result<http::Request<&[u8]>, http::Error>,
) -> Result<Answer, Error> {
    let what = format!("{}, for {}", service.name, login.what());
    let request = request.map_err(|error| {
        Error::new(ErrorKind::InvalidEndpoint, format!("{what}: it cannot be called")).with_source(error)
    })?;
    several(host, patience, || {
        let sending = Sending { limit: ANSWER_LIMIT, ..Sending::default() };
        let answer =
            host.send(&request, sending, &patience.at_most(TRY)).map_err(|error| shown::about(&what, error))?;
        if is_transient(answer.status()) {
            let message = format!("{what}: it answered with status {}", answer.status().as_u16());
            return Err(Error::new(ErrorKind::Transport, message));
        }
        Ok(answer.map(Zeroizing::new))
    })
}

/// A refusal, with AWS's reason, which is text of a line. It does not show what was secret in the request.
fn refused(what: &str, answer: &Answer, secrets: &[&str]) -> Error {
    let value: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let text = |keys: [&str; 2]| keys.into_iter().find_map(|key| value.get(key)?.as_str()).unwrap_or_default();
    // OIDC says `error` and `error_description`, the portal `message` and the code in a header.
    let header = answer.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let code = header.and_then(|value| value.split(':').next()).unwrap_or_else(|| text(["error", "__type"]));
    let message = text(["error_description", "message"]);
    let said: Vec<&str> = [code, message].into_iter().filter(|text| !text.is_empty()).collect();
    let said = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(said.join(": "), |said, secret| said.replace(secret, "[redacted]"));
    let said = shown::ending(said.lines().next().unwrap_or_default());
    let status = answer.status().as_u16();
    let said = if said.is_empty() { format!("status {status}") } else { said };
    Error::new(ErrorKind::CredentialsRefused, format!("{what}: {said}"))
}

fn invalid(service: Service, login: &Login) -> Error {
    let message = format!("{}, for {}: the answer cannot be read", service.name, login.what());
    Error::new(ErrorKind::InvalidResponse, message)
        .with_hint("something else may have answered: check the endpoint and the proxy")
}
