//! When a fetch is tried again.

use wasm_bindgen::prelude::*;
use xacct_sign::retry::Retry;
use xacct_sign::{Error, ErrorKind};

/// The tries of one fetch; see `xacct_sign::retry::Retry`.
#[wasm_bindgen]
pub struct WasmRetry(Retry);

#[wasm_bindgen]
impl WasmRetry {
    /// A fetch that was not tried yet. The seed is any number that differs among fetches.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(seed: u32) -> WasmRetry {
        Self(Retry::new(u64::from(seed)))
    }

    /// A connection failed: how many milliseconds to wait before the next try, below zero if the failure stands.
    pub fn failed(&mut self) -> f64 {
        self.0.failed(&Error::new(ErrorKind::Transport, "")).map_or(-1.0, |pause| pause.as_secs_f64() * 1000.0)
    }
}
