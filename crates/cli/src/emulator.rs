//! `xacct-sign emulator`.

use std::io::{self, Write as _};
use std::time::Duration;

use xacct_sign_emulator::server::{run as serve, seed};
use xacct_sign_emulator::{Emulator, LogEntry, Options, Ready};

use crate::arguments::EmulatorArguments;
use crate::failure::Failure;
use crate::manifest;

pub(crate) fn run(arguments: EmulatorArguments) -> Result<(), Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    for finding in manifest.check() {
        let (role, characters, limit) = (finding.role, finding.characters, finding.limit);
        note(&format!(
            "warning: a policy of `{role}` has {characters} characters, IAM takes {limit}\nhint: {}",
            finding.hint
        ));
    }
    let options = Options {
        upstream: arguments.upstream,
        explain: arguments.explain,
        allow_origins: arguments.allow_origin,
        credential_lifetime: arguments.credential_lifetime.map(Duration::from_secs),
    };
    let emulator = Emulator::new(&manifest, options, seed()?)?;
    let (is_json, is_explained) = (arguments.json, arguments.explain);
    serve(emulator, arguments.port, |ready| announce(ready, is_json), move |entry| log(entry, is_explained))?;
    Ok(())
}

/// Tells where the emulator is. Whoever waits for the line gets it at once.
fn announce(ready: &Ready, is_json: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if is_json {
        writeln!(stdout, "{}", ready.to_json())?;
    } else {
        write!(stdout, "{ready}")?;
    }
    stdout.flush()
}

fn log(entry: &LogEntry, is_explained: bool) {
    let mut text = entry.to_string();
    if let (true, Some(computed)) = (is_explained, &entry.computed) {
        for (title, lines) in
            [("canonical request", &computed.canonical_request), ("string to sign", &computed.string_to_sign)]
        {
            text.push_str(&format!("\n  the {title} computed here:"));
            for line in lines.lines() {
                text.push_str(&format!("\n    {}", line.escape_default()));
            }
        }
    }
    note(&text);
}

/// Writes to stderr in one piece. If nobody reads it, the emulator goes on.
fn note(text: &str) {
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
