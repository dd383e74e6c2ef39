//! The Rust programs of the documents: `documents` lists them, and whom they call: the `api`, a `server` that asks who
//! calls, or `nobody`; `documents NAME` runs one, with the
//! API where `API_URL` says.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_question_mark,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a helper of tests may panic: that fails the test; and the programs are of several types"
)]

use std::env;
use std::error::Error;

type Program = fn() -> Result<(), Box<dyn Error>>;

// What `build.rs` made of the documents.
include!(concat!(env!("OUT_DIR"), "/documents.rs"));

fn api(path: &str) -> String {
    format!("{}{path}", env::var("API_URL").expect("API_URL").trim_end_matches('/'))
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(wanted) = env::args().nth(1) else {
        PROGRAMS.iter().for_each(|(name, calls, _)| println!("{name} {calls}"));
        return Ok(());
    };
    let (_, _, program) = PROGRAMS.iter().find(|(name, ..)| *name == wanted).expect("a program of that name");
    program()
}
