//! Gets a check what it needs, from the emulator itself.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Request};
use xacct_sign_identity::{Caller, Check, Need, Refusal, Step, StsRequest};

use crate::iam::Iam;
use crate::issuer::is_right;
use crate::log::LogEntry;
use crate::options::Options;
use crate::sts::{self, Sts};

/// How many needs a check has at most: keys, again where one is new, and a signature; or STS.
const NEEDS: usize = 8;

/// Who calls, or why nobody is let in; nothing where the check goes on for ever.
pub(crate) fn drive(
    mut check: Check,
    iam: &mut Iam,
    options: &Options,
    now: SystemTime,
) -> Result<Arc<Caller>, Option<Refusal>> {
    for _ in 0..NEEDS {
        match check.step(now) {
            Step::Passed(caller) => return Ok(caller),
            Step::Refused(refusal) => return Err(Some(refusal)),
            Step::Need(Need::Keys { issuer, .. }) => {
                let set = iam.issuers.published(&issuer, now);
                check.keys(set.as_deref().map(str::as_bytes), now);
            }
            Step::Need(Need::Signature { key, message, signature }) => {
                check.signature(is_right(&key, message.as_bytes(), &signature), now);
            }
            Step::Need(Need::Sts(request)) => {
                let answer = ask(&request, iam, options, now);
                check.sts(answer.as_ref().map(|(status, body)| (*status, body.as_ref())), now);
            }
            // Nobody else gets anything meanwhile, and there are no other needs.
            Step::Wait | Step::Need(_) => break,
        }
    }
    Err(None)
}

/// STS's answer to a proof, as the STS of the region that it is signed for gives it.
fn ask(request: &StsRequest, iam: &mut Iam, options: &Options, now: SystemTime) -> Option<(u16, Bytes)> {
    let region = request.url.strip_prefix("https://sts.")?.split('.').next()?;
    let rules = sts::rules(region).ok()?;
    let mut built = Request::post("/");
    for (name, value) in &request.headers {
        built = built.header(*name, value);
    }
    let (parts, ()) = built.body(()).ok()?.into_parts();
    // The request in the log is the caller's own.
    let mut log = LogEntry::new(now, "sts", &Method::POST, "/");
    let body = Bytes::from_static(request.body.as_bytes());
    let answer = Sts { iam, options, rules: &rules }.answer(&parts, &body, now, &mut log);
    Some((answer.status().as_u16(), answer.into_body()))
}
