//! What a file of the cache is called.

use sha2::{Digest as _, Sha256};
use xacct_sign::sts::{AssumeRole, Endpoint};

/// Changes where what is kept changes its form.
const FORM: &str = "xacct-sign 1";

/// A SHA-256, in hexadecimal digits, of everything that decides whose credentials are given: the call with all its parameters, where
/// it goes, and whose credentials make it. None of that is a secret.
pub(super) fn key(call: &AssumeRole, endpoint: &Endpoint, base: &[String]) -> String {
    // `Debug` has every parameter there is, also one that is added, and of MFA the device without the code.
    let call = format!("{call:?}");
    let mut hash = Sha256::new();
    for part in
        [FORM, &call, endpoint.url(), endpoint.scope().region()].into_iter().chain(base.iter().map(String::as_str))
    {
        hash.update(part.len().to_string());
        hash.update(":");
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use xacct_sign::sts::Mfa;

    use super::*;

    const ROLE: &str = "arn:aws:iam::111111111111:role/Role";

    fn endpoint(region: &str, url: Option<&str>) -> Result<Endpoint, xacct_sign::Error> {
        Endpoint::new(region, url)
    }

    #[test]
    fn each_parameter_has_its_part_in_the_key() -> Result<(), xacct_sign::Error> {
        let here = endpoint("eu-north-1", None)?;
        let base = ["environment".to_owned(), "AKIA1".to_owned()];
        let with = |change: &dyn Fn(&mut AssumeRole)| {
            let mut call = AssumeRole::new(ROLE, "session");
            change(&mut call);
            key(&call, &here, &base)
        };
        let plain = AssumeRole::new(ROLE, "session");
        let device = |serial: &str, code: &str| Mfa { serial_number: serial.to_owned(), token_code: code.to_owned() };
        let mut keys = vec![
            with(&|_| {}),
            with(&|call| call.role_arn.push('2')),
            with(&|call| call.session_name.push('2')),
            with(&|call| call.duration_seconds = 900),
            with(&|call| call.external_id = Some("a".to_owned())),
            with(&|call| call.external_id = Some("b".to_owned())),
            with(&|call| call.policy = Some("a".to_owned())),
            with(&|call| call.policy_arns.push("a".to_owned())),
            with(&|call| call.tags.push(("a".to_owned(), "b".to_owned()))),
            with(&|call| call.tags.push(("a, b".to_owned(), String::new()))),
            with(&|call| call.transitive_tag_keys.push("a".to_owned())),
            with(&|call| call.source_identity = Some("a".to_owned())),
            with(&|call| call.mfa = Some(device("arn:aws:iam::1:mfa/a", "123456"))),
            key(&plain, &endpoint("eu-west-1", None)?, &base),
            key(&plain, &endpoint("eu-north-1", Some("http://127.0.0.1:1"))?, &base),
            key(&plain, &here, &["environment".to_owned(), "AKIA2".to_owned()]),
            key(&plain, &here, &["environmentAKIA1".to_owned()]),
            key(&plain, &here, &[]),
        ];
        let all = keys.len();
        keys.iter().for_each(|key| assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit())));
        // A code serves once, and the next one gets what it got.
        let next = with(&|call| call.mfa = Some(device("arn:aws:iam::1:mfa/a", "654321")));
        assert!(keys.contains(&next));
        keys.push(next);
        assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len(), all);
        Ok(())
    }
}
