//! What js/xacct-sign-emulator has in common with the Rust crates.

use xacct_sign_provider::ManifestErrorKind;

use crate::constants::Constants;

pub(crate) fn constants() -> Constants {
    let mut file = Constants::new();
    file.union(
        "ManifestErrorCode",
        "What is wrong with a manifest: the codes of `xacct-sign check`, see docs/provider.md.",
        ManifestErrorKind::ALL.iter().map(|kind| kind.code()),
    );
    file
}
