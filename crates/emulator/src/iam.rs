//! Whom the emulator knows: the provider's roles, the callers, and the sessions of both.

pub(crate) mod callers;
pub(crate) mod entropy;
pub(crate) mod roles;
pub(crate) mod sessions;
