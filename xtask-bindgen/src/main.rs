//! `xtask-bindgen MODULE.wasm FOLDER`: writes `xacct_sign.js`, its types and `xacct_sign_bg.wasm` into the folder, and
//! `constants.ts`, what the TypeScript of that module's package would else repeat of Rust's constants.

#![allow(clippy::print_stderr, reason = "a build tool talks to a person")]

mod caller;
mod constants;
mod construct;
mod diagnosis;
mod emulator;
mod server;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use constants::Constants;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(module), Some(folder)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: xtask-bindgen MODULE.wasm FOLDER");
        return ExitCode::from(2);
    };
    match bind(&module, &folder).and_then(|()| write_constants(&module, &folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask-bindgen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bind(module: &Path, folder: &Path) -> Result<(), String> {
    Bindgen::new()
        .input_path(module)
        .out_name("xacct_sign")
        // Without the default path no bundler goes looking for a file beside the script.
        .omit_default_module_path(true)
        .typescript(true)
        .remove_producers_section(true)
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder))
        .map_err(|error| format!("{error:#}"))
}

/// A module is called as its crate is.
fn write_constants(module: &Path, folder: &Path) -> Result<(), String> {
    let constants: fn() -> Constants = match module.file_stem().and_then(OsStr::to_str) {
        Some("xacct_sign_wasm") => caller::constants,
        Some("xacct_sign_diagnosis_wasm") => diagnosis::constants,
        // What it has in common with Rust, the caller's module has too.
        Some("xacct_sign_identity_wasm") => Constants::new,
        Some("xacct_sign_provider_wasm") => construct::constants,
        Some("xacct_sign_server_wasm") => server::constants,
        Some("xacct_sign_emulator_wasm") => emulator::constants,
        _ => return Err(format!("nothing is known of the module {}", module.display())),
    };
    let file = folder.join("constants.ts");
    fs::write(&file, constants().text_of_file()).map_err(|error| format!("{}: {error}", file.display()))
}
