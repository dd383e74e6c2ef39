//! What a program may want to know of, and nobody asks for: for logs and metrics.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use xacct_sign::Error;

/// What happened. No part of it is secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'e> {
    /// New credentials of a role are there.
    #[non_exhaustive]
    Refreshed {
        /// The role's ARN.
        role: &'e str,
        /// The call of STS that they are from, such as `AssumeRole`.
        action: &'static str,
        /// When they expire.
        expires_at: Option<SystemTime>,
        /// How long it took to get them, the base credentials included.
        duration: Duration,
    },
    /// New credentials of a role could not be had.
    #[non_exhaustive]
    RefreshFailed {
        /// The role's ARN.
        role: &'e str,
        /// The call of STS that they should have been from, such as `AssumeRole`.
        action: &'static str,
        /// Whether the old credentials still serve: then nobody hears of the error but here.
        is_early: bool,
        /// Why.
        error: &'e Error,
        /// How long it took to find that out.
        duration: Duration,
    },
    /// A new web identity token is there.
    #[non_exhaustive]
    TokenMade {
        /// For whom it is.
        audience: &'e str,
        /// When it expires.
        expires_at: SystemTime,
        /// How long it took to get it, the base credentials included.
        duration: Duration,
    },
    /// A new web identity token could not be had.
    #[non_exhaustive]
    TokenFailed {
        /// For whom it should have been.
        audience: &'e str,
        /// Whether the old token still serves: then nobody hears of the error but here.
        is_early: bool,
        /// Why.
        error: &'e Error,
        /// How long it took to find that out.
        duration: Duration,
    },
    /// The keys of a server's issuer could not be had.
    #[non_exhaustive]
    KeysFailed {
        /// The issuer's URL for them.
        url: &'e str,
        /// Whether those at hand still serve: then nobody hears of the error but here. Else whoever is refused for it is told.
        is_early: bool,
        /// Why.
        error: &'e Error,
        /// How long it took to find that out.
        duration: Duration,
    },
    /// A session has made a request, redirects included.
    #[non_exhaustive]
    Request {
        /// The method, as it was given.
        method: &'e str,
        /// Where it went, without user info and query.
        url: &'e str,
        /// The answer's status, or why there is none.
        outcome: Result<u16, &'e Error>,
        /// How long it took.
        duration: Duration,
    },
    /// Signed requests go to a host over plain http, because it was named as safe for that: told once for each.
    #[non_exhaustive]
    PlainHttp {
        /// Host and port.
        host: &'e str,
    },
    /// This machine's clock is off, as an answer showed: what is signed from now on takes that into account.
    #[non_exhaustive]
    ClockSkew {
        /// By how much AWS's clock is ahead of it; below zero, behind.
        seconds: i64,
    },
}

/// Is told each [`Event`], on the thread where it happens. It should not take long, and must not panic.
#[derive(Clone)]
pub struct Listener(Arc<dyn Fn(&Event<'_>) + Send + Sync>);

impl Listener {
    /// What calls a function.
    #[must_use]
    pub fn new(listen: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listen))
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        (self.0)(event);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}
