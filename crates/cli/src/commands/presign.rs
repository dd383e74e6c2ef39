//! `xacct-sign presign`.

use std::time::Duration;

use xacct_sign::sha256_hex;

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
    if ready.hash != sha256_hex(b"") {
        notes.push("it is for the body that was given alone, to its last byte".to_owned());
    }
    output::note(&notes);
    output::document(&format!("{url}\n"))
}
