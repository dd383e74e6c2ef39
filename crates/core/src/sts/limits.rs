//! STS's limits on parameters, checked here so that a mistake costs no call.

use super::AssumeRole;
use crate::aws::{Arn, RoleArn, is_external_id, is_name_character, is_session_name};
use crate::error::{Error, ErrorKind, quote, quote_arn, quote_name};

pub(super) fn assume_role(call: &AssumeRole) -> Result<(), Error> {
    session(&call.role_arn, &call.session_name)?;
    if !(900..=43_200).contains(&call.duration_seconds) {
        return Err(Error::new(
            ErrorKind::InvalidDuration,
            format!("a duration of {} seconds is not allowed", call.duration_seconds),
        ));
    }
    if let Some(id) = call.external_id.as_ref().filter(|id| !is_external_id(id)) {
        let message = format!("the external id {} is not allowed", quote_name(id));
        return Err(Error::new(ErrorKind::InvalidExternalId, message));
    }
    policies(call)?;
    tags(call)?;
    if let Some(identity) = &call.source_identity {
        name(ErrorKind::InvalidSourceIdentity, "source identity", identity)?;
    }
    if let Some(mfa) = &call.mfa {
        let serial = (9..=256).contains(&mfa.serial_number.len())
            && mfa.serial_number.chars().all(|c| is_name_character(c) || matches!(c, ':' | '/'));
        if !serial {
            return Err(Error::new(
                ErrorKind::InvalidMfa,
                format!("{} is no MFA serial number", quote_arn(&mfa.serial_number)),
            )
            .with_hint("use the device's serial number or its ARN"));
        }
        if mfa.token_code.len() != 6 || !mfa.token_code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::new(ErrorKind::InvalidMfa, "an MFA token code is six digits"));
        }
    }
    Ok(())
}

/// What whichever action that assumes a role has.
pub(super) fn session(role_arn: &str, session_name: &str) -> Result<(), Error> {
    RoleArn::parse(role_arn)?;
    name(ErrorKind::InvalidSessionName, "session name", session_name)
}

fn name(kind: ErrorKind, what: &str, value: &str) -> Result<(), Error> {
    if is_session_name(value) {
        return Ok(());
    }
    Err(Error::new(kind, format!("the {what} {} is not allowed", quote_name(value))))
}

fn policies(call: &AssumeRole) -> Result<(), Error> {
    let refused = |message: String| Err(Error::new(ErrorKind::InvalidSessionPolicy, message));
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    let policy = call.policy.as_deref();
    if policy.is_some_and(str::is_empty) {
        return refused("the session policy is empty".to_owned());
    }
    if let Some(c) = policy.and_then(|policy| policy.chars().find(|c| !allowed(*c))) {
        return refused(format!("the session policy holds {}, which STS does not take", quote(&c.to_string())));
    }
    let length = policy.map_or(0, |policy| policy.chars().count());
    if length > 2048 {
        return refused(format!("the session policy has {length} characters; STS takes 2048"));
    }
    if call.policy_arns.len() > 10 {
        return refused(format!("{} managed policies are given; STS takes 10", call.policy_arns.len()));
    }
    let role = RoleArn::parse(&call.role_arn)?;
    for arn in &call.policy_arns {
        let is_policy = |of: &Arn<'_>| {
            of.partition == role.partition()
                && of.service == "iam"
                && of.region.is_empty()
                && of.resource.strip_prefix("policy/").is_some_and(|name| !name.is_empty())
                && (20..=2048).contains(&arn.len())
        };
        let Some(of) = Arn::parse(arn).filter(is_policy) else {
            return refused(format!("{} is no managed policy's ARN of the role's partition", quote_arn(arn)));
        };
        if of.account != "aws" && of.account != role.account() {
            return refused(format!("the managed policy {} is not in the role's account", quote(arn)));
        }
    }
    Ok(())
}

fn tags(call: &AssumeRole) -> Result<(), Error> {
    let refused = |message: String| Err(Error::new(ErrorKind::InvalidTag, message));
    if call.tags.len() > 50 {
        return refused(format!("{} session tags are given; STS takes 50", call.tags.len()));
    }
    if call.transitive_tag_keys.len() > 50 {
        return refused(format!("{} transitive tag keys are given; STS takes 50", call.transitive_tag_keys.len()));
    }
    // `\p{L}\p{Z}\p{N}`: letters, separators and numbers of every script.
    let allowed = |c: char| {
        c.is_alphanumeric()
            || (c.is_whitespace() && !c.is_control())
            || matches!(c, '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@')
    };
    for (index, (key, value)) in call.tags.iter().enumerate() {
        if !(1..=128).contains(&key.chars().count()) || !key.chars().all(allowed) {
            return refused(format!("the tag key {} is not allowed", quote(key)));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return refused(format!("the tag key {} begins with `aws:`, which is reserved", quote(key)));
        }
        if value.chars().count() > 256 || !value.chars().all(allowed) {
            return refused(format!("the value of the tag {} is not allowed", quote(key)));
        }
        if call.tags.iter().take(index).any(|(earlier, _)| same_key(earlier, key)) {
            return refused(format!(
                "the tag key {} is given twice; keys are compared without regard to case",
                quote(key)
            ));
        }
    }
    for key in &call.transitive_tag_keys {
        if !call.tags.iter().any(|(tag, _)| same_key(tag, key)) {
            return refused(format!("the transitive tag key {} names no tag", quote(key)));
        }
    }
    Ok(())
}

/// STS compares keys without regard to case. In WebAssembly letters beyond ASCII are left to it: their table would be a tenth of
/// the module.
fn same_key(a: &str, b: &str) -> bool {
    if cfg!(target_family = "wasm") {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}
