//! The emulator of the demo's manifest, in this process: the one way in which tests in Rust start it.

pub use xacct_sign_emulator::server::Running;
use xacct_sign_emulator::server::seed;
use xacct_sign_emulator::{Emulator, Options};
use xacct_sign_provider::Manifest;

use crate::data;

/// An emulator that says why it refuses.
pub fn start() -> Running {
    start_with(Options::default())
}

/// The same, with other options besides.
pub fn start_with(options: Options) -> Running {
    let manifest = Manifest::parse(&data("../demo/xacct.toml"), "xacct.toml").unwrap();
    let options = Options { explain: true, ..options };
    Running::start(Emulator::new(&manifest, options, seed().unwrap()).unwrap()).unwrap()
}
