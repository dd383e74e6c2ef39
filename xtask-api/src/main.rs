//! Prints the public API that a JSON of rustdoc's describes: `xtask-api crate.json`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a build tool prints")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(json) = std::env::args_os().nth(1) else {
        eprintln!("usage: xtask-api JSON");
        return ExitCode::FAILURE;
    };
    // What is derived, or implemented for every type, says nothing about these crates.
    let api = public_api::Builder::from_rustdoc_json(std::path::PathBuf::from(json))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build();
    match api {
        Ok(api) => {
            print!("{api}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("xtask-api: {error}");
            ExitCode::FAILURE
        }
    }
}
