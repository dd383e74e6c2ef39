//! What js/xacct-sign-cdk has in common with the Rust crates.

use xacct_sign_provider::targets::HttpApi;
use xacct_sign_provider::{FindingCode, Level, ManifestErrorKind, ProviderRole};

use crate::constants::Constants;

pub(crate) fn constants() -> Constants {
    let mut file = Constants::new();
    file.text("SERVICE", "The service that requests are signed for.", HttpApi::SIGNING_NAME);
    file.text("INVOKE", "The action that a route takes of its caller.", HttpApi::INVOKE);
    file.text("DEFAULT_STAGE", "The API's stage whose name is in no URL.", HttpApi::DEFAULT_STAGE);
    file.text("POLICY_NAME", "The name of a role's inline policy.", ProviderRole::INVOKE_POLICY_NAME);
    let levels = [Level::Note, Level::Warning, Level::Error].map(|level| level.to_string());
    file.union("Level", "How much a finding matters.", levels.iter().map(String::as_str));
    // What the check calls an error stops the construct as well.
    let findings = FindingCode::ALL.iter().filter(|code| code.level() == Level::Error).map(|code| code.code());
    file.union(
        "ManifestErrorCode",
        "What is wrong with a manifest: the codes of `xacct-sign check`, see docs/provider.md.",
        ManifestErrorKind::ALL.iter().map(|kind| kind.code()).chain(findings),
    );
    file
}
