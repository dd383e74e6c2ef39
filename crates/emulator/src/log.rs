//! What the emulator notes about a request.

use std::fmt;
use std::time::SystemTime;

use serde_json::json;
use xacct_sign::verify::Computed;

use crate::reason::{Kind, Reason, one_line};

/// One request in the log. It holds no secret: the query stays out, because presigned URLs carry their signature there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Which of a server's requests it is, from 1 on in the order in which they came. What is noted later of the same one takes the
    /// place of what was before. 0 where no server counts them.
    pub number: u64,
    /// When the request came.
    pub at: SystemTime,
    /// `sts`, or the stage's name.
    pub target: String,
    /// The method.
    pub method: String,
    /// The path as it stood on the wire, without the query.
    pub path: String,
    /// The status of the answer; `None` as long as there is none, and for good where the connection ended before.
    pub status: Option<u16>,
    /// The ARN of who signed, once that is proven.
    pub principal: Option<String>,
    /// The name in the manifest of the caller whose credentials signed, or assumed the role whose credentials did, once that is
    /// proven.
    pub caller: Option<String>,
    /// What was done, if it was: for STS the action and the role.
    pub done: Option<String>,
    /// Why the request was refused, if it was.
    pub reason: Option<Reason>,
    /// For a signature that does not match: what was computed here, without values that may be secret.
    pub computed: Option<Box<Computed>>,
}

impl LogEntry {
    pub(crate) fn new(at: SystemTime, target: &str, method: &http::Method, path: &str) -> Self {
        Self {
            number: 0,
            at,
            target: target.to_owned(),
            method: method.as_str().to_owned(),
            path: path.to_owned(),
            status: None,
            principal: None,
            caller: None,
            done: None,
            reason: None,
            computed: None,
        }
    }

    /// Whether it may yet be answered.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.status.is_none() && self.reason.is_none()
    }

    /// Notes that the connection ended before there was an answer.
    pub fn break_off(&mut self) {
        let reason = Reason::new(Kind::BrokenOff, "the connection ended before there was an answer");
        self.reason = Some(reason);
    }

    /// One line of JSON: `number`, `at`, `target`, `method`, `path`, `status`, `caller`, `principal`, `done`, and as `reason` null or `code`
    /// and `detail`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| json!({ "code": reason.code(), "detail": reason.detail() }));
        json!({
            "number": self.number,
            "at": xacct_sign::aws::format_rfc3339(self.at),
            "target": self.target,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "caller": self.caller,
            "principal": self.principal,
            "done": self.done,
            "reason": reason,
        })
        .to_string()
    }
}

/// One line: time, target, method, path, status, then the reason or what was done and by whom.
impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = xacct_sign::aws::format_rfc3339(self.at).unwrap_or_else(|| "-".to_owned());
        write!(f, "{at} ")?;
        one_line(f, &self.target)?;
        write!(f, " {} ", self.method)?;
        one_line(f, &self.path)?;
        match self.status {
            Some(status) => write!(f, " {status}")?,
            None => f.write_str(" -")?,
        }
        if let Some(reason) = &self.reason {
            write!(f, " {reason}")?;
        }
        if let Some(done) = &self.done {
            f.write_str(" ")?;
            one_line(f, done)?;
        }
        if let Some(principal) = &self.principal {
            f.write_str(" by ")?;
            one_line(f, principal)?;
        }
        Ok(())
    }
}
