//! `xacct-sign presign`.

use std::time::Duration;

use xacct_sign::{SigningSettings, UnsignedPayload, sha256_hex};

use crate::arguments::PresignArguments;
use crate::failure::Failure;
use crate::output;
use crate::signed::Ready;

pub(crate) fn run(arguments: &PresignArguments) -> Result<(), Failure> {
    let (ready, ()) = Ready::new(&arguments.request, &arguments.role, !arguments.unused.is_silent(), |_| Ok(()))?;
    let lifetime = Duration::from_secs(arguments.expires_in);
    let url = ready.with(|request| ready.signer.presign(request, lifetime, ready.now))?;
    let mut notes = Vec::new();
    if let Some(left) = ready.credentials().expires_at().and_then(|end| end.duration_since(ready.now).ok())
        && left < lifetime
    {
        notes.push(format!("it ends with the credentials, in {} seconds", left.as_secs()));
    }
    if !ready.headers.is_empty() {
        let names: Vec<&str> = ready.headers.iter().map(|(name, _)| name.as_str()).collect();
        notes.push(format!("it wants the same headers when it is used: {}", names.join(", ")));
    }
    if ready.method != "GET" {
        notes.push(format!("it is for {} alone", ready.method));
    }
    let has_body = ready.hash != sha256_hex(b"");
    let unsigned = SigningSettings::for_service(ready.signer.scope().service()).unsigned_payload;
    let is_bound = !matches!(unsigned, UnsignedPayload::AllowedAlwaysPresigned | UnsignedPayload::Always);
    if is_bound && has_body {
        notes.push("it is for the body that was given alone, to its last byte".to_owned());
    } else if !is_bound && (has_body || !["GET", "HEAD", "DELETE"].contains(&ready.method.as_str())) {
        let what = "it is for any body: what binds one at S3 are the headers `content-length` and `x-amz-checksum-sha256`, given here and sent as they are";
        notes.push(what.to_owned());
    }
    output::note(&notes);
    output::document(&format!("{url}\n"))
}
