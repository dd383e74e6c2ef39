//! When to fetch a role's credentials again. The credentials themselves stay in JavaScript: here they have a number.

use std::time::Duration;

use wasm_bindgen::prelude::*;
use xacct_sign::refresh::{Poll, RoleCredentials};
use xacct_sign::{Credentials, Error, ErrorKind};

use crate::constants::{REFRESH, USE, USE_AND_REFRESH, WAIT};
use crate::error::to_js;
use crate::instant;

/// See `xacct_sign::refresh::RoleCredentials`.
#[wasm_bindgen]
pub struct WasmRefresh(RoleCredentials);

#[wasm_bindgen]
impl WasmRefresh {
    /// Nothing fetched yet. The seed is any number that differs among processes.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(seed: u32) -> WasmRefresh {
        Self(RoleCredentials::new(u64::from(seed)))
    }

    /// What to do at `now`: one of [`crate::constants::POLLS`].
    pub fn poll(&mut self, now: f64) -> Result<u8, JsValue> {
        Ok(match self.0.poll(instant(now)?) {
            Poll::Use(_) => USE,
            Poll::UseAndRefresh(_) => USE_AND_REFRESH,
            Poll::Refresh => REFRESH,
            Poll::Wait => WAIT,
        })
    }

    /// The fetch gave credentials that expire at `expires_at`, in milliseconds since 1970.
    pub fn succeeded(&mut self, expires_at: f64, now: f64) -> Result<(), JsValue> {
        let now = instant(now)?;
        let expires_at = instant(expires_at).unwrap_or(now + Duration::from_secs(0));
        let stand_in = Credentials::new("stand-in", "stand-in", None, Some(expires_at));
        self.0.succeeded(stand_in.map_err(|error| to_js(&error))?, now);
        Ok(())
    }

    /// The fetch failed. Whether the old credentials still serve.
    pub fn failed(&mut self, now: f64) -> Result<bool, JsValue> {
        let error = Error::new(ErrorKind::AssumeRoleFailed, "the fetch failed");
        Ok(self.0.failed(error, instant(now)?).is_none())
    }
}
