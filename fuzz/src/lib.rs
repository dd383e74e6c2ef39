//! The functions that are fuzzed, as the tests of `xacct-sign-identity` have them.
//!
//! ```sh
//! cargo run --example corpus                  # in fuzz/: what each target begins with
//! cargo +nightly fuzz run --sanitizer none token
//! ```

#[path = "../../crates/identity/tests/identity/fuzzed.rs"]
mod fuzzed;
#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../../crates/identity/tests/identity/world.rs"]
mod world;

/// Runs the target of a name.
pub fn run(name: &str, data: &[u8]) {
    let target = fuzzed::TARGETS.iter().find(|target| target.name == name).expect("a target");
    (target.run)(data);
}

/// What each target begins with.
pub fn seeds() -> impl Iterator<Item = (&'static str, Vec<Vec<u8>>)> {
    fuzzed::TARGETS.iter().map(|target| (target.name, (target.seeds)()))
}
