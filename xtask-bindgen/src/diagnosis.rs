//! What `xacct-sign/explain` has in common with the Rust crates.

use xacct_sign_diagnosis::Code;

use crate::constants::Constants;

pub(crate) fn constants() -> Constants {
    let mut file = Constants::new();
    file.union(
        "FindingCode",
        "What is broken in a call: the codes that every language has, see docs/troubleshooting.md.",
        Code::ALL.iter().map(|code| code.code()),
    );
    file
}
