//! What js/xacct-sign has in common with the Rust crates.

use xacct_sign::ErrorKind;

use crate::constants::Constants;

#[path = "../../crates/wasm/src/constants.rs"]
#[allow(dead_code, unreachable_pub, reason = "each number is the module's; here the tables of them count")]
mod module;

pub(crate) fn constants() -> Constants {
    let mut file = Constants::new();
    file.union("CoreErrorCode", "The codes that every language has.", ErrorKind::all().map(ErrorKind::code));
    file.numbers("OPTION", "What `WasmAssumeRole.set` sets.", module::OPTIONS);
    file.numbers("POLL", "What `WasmRefresh.poll` answers.", module::POLLS);
    file.text("UNSIGNED", "Stands for the hash of a body that is not signed.", module::UNSIGNED);
    file
}
