//! The command `xacct-sign`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xacct_sign_cli::run()
}
