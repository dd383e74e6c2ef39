//! When a call is tried again.

use wasm_bindgen::prelude::*;
use xacct_sign::retry::Retry;
use xacct_sign::{Error, ErrorKind};

/// The tries of one call of STS; see `xacct_sign::retry::Retry`.
#[wasm_bindgen]
pub struct WasmRetry(Retry);

#[wasm_bindgen]
impl WasmRetry {
    /// A call that was not tried yet. The seed is any number that differs among calls.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(seed: u32) -> WasmRetry {
        Self(Retry::new(u64::from(seed)))
    }

    /// What may be tried again failed: how many milliseconds to wait before that, below zero if the failure stands.
    pub fn failed(&mut self, is_throttled: bool) -> f64 {
        let kind = if is_throttled { ErrorKind::StsThrottled } else { ErrorKind::Transport };
        self.0.failed(&Error::new(kind, "")).map_or(-1.0, |pause| pause.as_secs_f64() * 1000.0)
    }
}
