//! Steps as JSON: `js/xacct-sign-server/src/module.ts` has the same types.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use xacct_sign_identity::{Caller, Line, Need, PublicKey, Refusal, Step};

#[derive(Serialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Told<'a> {
    Passed {
        caller: Passed<'a>,
    },
    Refused {
        code: &'a str,
        status: u16,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
    },
    Keys {
        url: &'a str,
        is_development: bool,
        is_early: bool,
        /// See `xacct_sign_identity::Check::waits`; a text, since no number of JavaScript is so large.
        on: String,
    },
    Signature {
        key: Jwk,
        message: &'a str,
        /// In base 64.
        signature: String,
    },
    Sts {
        url: &'a str,
        headers: &'a [(&'static str, String)],
        body: &'a str,
        on: String,
    },
    Wait {
        place: String,
        on: String,
    },
    Unknown,
}

#[derive(Serialize)]
struct Passed<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<&'a str>,
    via: &'static str,
}

/// A key as WebCrypto takes it (RFC 7517).
#[derive(Serialize)]
#[serde(tag = "kty")]
enum Jwk {
    #[serde(rename = "EC")]
    P384 { crv: &'static str, x: String, y: String },
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    /// One that this module does not know yet: no library takes it.
    #[serde(rename = "none")]
    Unknown,
}

pub(crate) fn to_json(step: Step, waits: Option<(Line, u64)>) -> String {
    let place = |(line, on): (Line, u64)| format!("{} {}", line.name(), line.place(on));
    let (place, on) = waits.map_or_else(Default::default, |waits| (place(waits), waits.1.to_string()));
    let told = match &step {
        Step::Passed(caller) => Told::Passed { caller: passed(caller) },
        Step::Refused(refusal) => refused(refusal),
        Step::Need(Need::Keys { url, is_development, is_early, .. }) => {
            Told::Keys { url, is_development: *is_development, is_early: *is_early, on }
        }
        Step::Need(Need::Signature { key, message, signature }) => {
            Told::Signature { key: jwk(key), message, signature: STANDARD.encode(signature) }
        }
        Step::Need(Need::Sts(request)) => {
            Told::Sts { url: &request.url, headers: &request.headers, body: request.body, on }
        }
        Step::Wait => Told::Wait { place, on },
        // One that this module does not know yet is never met: the driver refuses it.
        Step::Need(_) => Told::Unknown,
    };
    // What cannot be written is none of the steps: the driver refuses it.
    serde_json::to_string(&told).unwrap_or_default()
}

fn passed(caller: &Caller) -> Passed<'_> {
    Passed {
        name: &caller.name,
        account: caller.account.as_deref(),
        arn: &caller.arn,
        role: caller.role.as_deref(),
        session: caller.session.as_deref(),
        organization: caller.organization.as_deref(),
        via: caller.via.name(),
    }
}

fn refused(refusal: &Refusal) -> Told<'_> {
    Told::Refused { code: refusal.code(), status: refusal.status(), message: refusal.to_string(), hint: refusal.hint() }
}

fn jwk(key: &PublicKey) -> Jwk {
    match key {
        PublicKey::P384 { x, y } => {
            Jwk::P384 { crv: "P-384", x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
        }
        PublicKey::Rsa { n, e } => Jwk::Rsa { n: URL_SAFE_NO_PAD.encode(n), e: URL_SAFE_NO_PAD.encode(e) },
        _ => Jwk::Unknown,
    }
}
