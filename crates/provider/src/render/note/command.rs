//! The call with the command `xacct-sign`, in a POSIX shell.

use super::call::Call;
use super::shell::word;

/// A value of the manifest behind its option. Joined by `=`, one that begins with `-` is no option of its own.
fn option(name: &str, value: &str) -> String {
    word(&format!("{name}={value}")).into_owned()
}

/// What the caller is already assumes the role; without one it signs as itself.
pub(super) fn snippet(call: &Call<'_>) -> String {
    let role = call.arn.map(|arn| {
        let mut words = vec![option("--role", arn), option("--session-name", &call.session_name)];
        words.extend(call.external_id.map(|id| option("--external-id", id)));
        words.join(" ")
    });
    let method = match call.method {
        "GET" => None,
        "HEAD" => Some("--head".to_owned()),
        other => Some(option("--request", other)),
    };
    let request: Vec<String> = method.into_iter().chain(call.json().map(|json| option("--json", json))).collect();
    let lines = [
        role,
        Some([option("--region", call.region), option("--service", call.service)].join(" ")),
        Some(request.join(" ")).filter(|request| !request.is_empty()),
        Some(word(&format!("{}{}", call.url, call.path)).into_owned()),
    ];
    format!("xacct-sign call {}\n", lines.into_iter().flatten().collect::<Vec<_>>().join(" \\\n  "))
}
