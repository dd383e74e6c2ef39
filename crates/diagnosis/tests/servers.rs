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
