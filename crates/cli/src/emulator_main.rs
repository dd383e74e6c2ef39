//! The emulator alone, for a wheel that is half as large as that of the whole command.

use std::process::ExitCode;

fn main() -> ExitCode {
    xacct_sign_cli::run_emulator()
}
