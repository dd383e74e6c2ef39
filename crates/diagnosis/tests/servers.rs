//! What servers without API Gateway say, in the words of their verifier.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use xacct_sign_diagnosis::{Code, Exchange, explain};
use xacct_sign_identity::RefusalKind;

#[test]
fn every_reason_of_a_verifier_comes_to_a_finding_of_its_status() {
    for kind in RefusalKind::ALL {
        let exchange = Exchange {
            status: Some(kind.status()),
            headers: BTreeMap::from([("x-xacct-reason".to_owned(), format!("{}: as it is", kind.code()))]),
            ..Exchange::default()
        };
        let found = explain(&exchange);
        let [finding] = found.as_slice() else { panic!("{kind:?}: {found:?}") };
        let is_right = match kind.status() {
            401 => matches!(
                finding.code,
                Code::IdentityWanted
                    | Code::AudienceWrong
                    | Code::CallerUnlisted
                    | Code::IdentityRefused
                    | Code::ClockOff
            ),
            403 => finding.code == Code::RouteRefused,
            _ => finding.code == Code::IdentityUnchecked,
        };
        assert!(is_right && finding.reason.contains(kind.code()), "{kind:?}: {finding:?}");
    }
}

/// What is known to have been signed is told of no token.
#[test]
fn a_server_is_thought_of_where_nobody_knows_what_was_shown() {
    let refused = |string_to_sign: Option<&str>| {
        let exchange = Exchange {
            method: Some("GET".to_owned()),
            url: Some("https://api.example.com/items".to_owned()),
            string_to_sign: string_to_sign.map(str::to_owned),
            status: Some(403),
            headers: BTreeMap::from([("server".to_owned(), "nginx".to_owned())]),
            body: Some(String::new()),
            ..Exchange::default()
        };
        explain(&exchange)
    };
    let signed = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/eu-west-1/execute-api/aws4_request\nabcd";
    for (string_to_sign, is_thought_of) in [(None, true), (Some(signed), false)] {
        let found = refused(string_to_sign);
        let [finding] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(finding.code, Code::NotTheApi);
        assert_eq!(finding.hint.contains("a token or a proof"), is_thought_of, "{finding:?}");
        assert_eq!(finding.hint == Code::NotTheApi.hint(), !is_thought_of, "{finding:?}");
    }
}
