//! When to fetch a role's credentials again. The credentials themselves stay in JavaScript.

use wasm_bindgen::prelude::*;
use xacct_sign::refresh::{Poll, Refresh};

use crate::constants::{FAILED, REFRESH, USE, USE_AND_REFRESH, WAIT};
use crate::instant::instant;

/// See `xacct_sign::refresh::Refresh`.
#[wasm_bindgen]
pub struct WasmRefresh(Refresh);

#[wasm_bindgen]
impl WasmRefresh {
    /// Nothing fetched yet. The seed is any number that differs among processes.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(seed: u32) -> WasmRefresh {
        Self(Refresh::new(u64::from(seed)))
    }

    /// What to do at `now`: one of [`crate::constants::POLLS`].
    pub fn poll(&mut self, now: f64) -> Result<u8, JsValue> {
        Ok(match self.0.poll(instant(now)?) {
            Poll::Use => USE,
            Poll::UseAndRefresh => USE_AND_REFRESH,
            Poll::Refresh => REFRESH,
            Poll::Wait => WAIT,
            Poll::Failed => FAILED,
        })
    }

    /// The fetch gave credentials that expire at `expires_at`, in milliseconds since 1970.
    pub fn succeeded(&mut self, expires_at: f64, now: f64) -> Result<(), JsValue> {
        self.0.succeeded(Some(instant(expires_at)?), instant(now)?);
        Ok(())
    }

    /// The fetch failed. Whether the old credentials still serve.
    pub fn failed(&mut self, now: f64) -> Result<bool, JsValue> {
        Ok(self.0.failed(instant(now)?))
    }

    /// Whoever was fetching is no longer counted on.
    pub fn abandoned(&mut self) {
        self.0.abandoned();
    }
}
