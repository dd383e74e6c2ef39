//! What js/xacct-sign-cdk has in common with the Rust crates.

use xacct_sign_provider::{FindingCode, Level, ManifestErrorKind};

use crate::constants::Constants;

pub(crate) fn constants() -> Constants {
    let mut file = Constants::new();
    // What the check calls an error stops the construct as well.
    let findings = FindingCode::ALL.iter().filter(|code| code.level() == Level::Error).map(|code| code.code());
    let codes = ManifestErrorKind::ALL.iter().map(|kind| kind.code()).chain(findings);
    file.union(
        "ManifestErrorCode",
        "What is wrong with a manifest: the codes of `xacct-sign check`, see docs/provider.md.",
        codes,
    );
    file
}
