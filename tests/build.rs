//! The Rust programs of the documents, as they stand, made into modules of the program `documents`: only the API's address is asked
//! of the environment, where it is the emulator's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "what fails here fails the build of the tests, and cargo is told by printing"
)]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const DOCUMENTS: [(&str, &str); 4] = [
    ("readme", "../README.md"),
    ("credentials", "../docs/credentials.md"),
    ("emulator", "../docs/emulator.md"),
    ("rust", "../docs/rust.md"),
];
const API: &str = "\"https://server.stag.foo.example.com";

fn main() {
    let mut out = String::new();
    let mut list = String::new();
    for (name, path) in DOCUMENTS {
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(path).expect(path);
        for (index, block) in text.split("```rust\n").skip(1).enumerate() {
            let (program, _) = block.split_once("```").expect("an end");
            let id = format!("{name}_{}", index + 1);
            writeln!(out, "mod {id} {{\n{}\n}}", runnable(program)).unwrap();
            let calls = match (program.contains(API), program.contains("of_identity")) {
                (false, _) => "nobody",
                (true, false) => "api",
                (true, true) => "server",
            };
            writeln!(list, "    (\"{id}\", \"{calls}\", || Ok({id}::main()?)),").unwrap();
        }
    }
    writeln!(out, "const PROGRAMS: &[(&str, &str, Program)] = &[\n{list}];").unwrap();
    let out_dir = env::var_os("OUT_DIR").unwrap();
    fs::write(Path::new(&out_dir).join("documents.rs"), out).unwrap();
    fs::write(Path::new(&out_dir).join("axum_page.rs"), axum_page()).unwrap();
}

/// The program for axum of the page about identity, for development: a test gives it its list of callers.
fn axum_page() -> String {
    const PAGE: &str = "../docs/identity.md";
    println!("cargo::rerun-if-changed={PAGE}");
    let text = fs::read_to_string(PAGE).expect(PAGE);
    let mut programs = text.split("```rust\n").skip(1).filter_map(|block| Some(block.split_once("```")?.0));
    let program = programs.find(|program| program.contains("use axum::")).expect("a program for axum");
    assert!(program.contains("std::fs::read(\"callers.json\")?") && program.contains("Development::No"));
    program
        .replace("std::fs::read(\"callers.json\")?", "super::callers_json()")
        .replace("Development::No", "Development::Yes")
}

/// The program with `main` to be called from outside, and each text that begins with the API's address made of the
/// environment's.
fn runnable(program: &str) -> String {
    let mut parts = program.replace("\nfn main()", "\npub(super) fn main()");
    while let Some((before, rest)) = parts.split_once(API) {
        let (path, after) = rest.split_once('"').expect("an end of the text");
        parts = format!("{before}crate::api(\"{path}\").as_str(){after}");
    }
    parts
}
