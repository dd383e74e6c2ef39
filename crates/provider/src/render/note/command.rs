//! The call with the command `xacct-sign`, in a POSIX shell.

use super::call::Call;
use super::shell::word;

/// A value of the manifest behind its option. Joined by `=`, one that begins with `-` is no option of its own.
pub(super) fn option(name: &str, value: &str) -> String {
    word(&format!("{name}={value}")).into_owned()
}

/// What the caller is already assumes the role; without one it signs as itself.
pub(super) fn snippet(call: &Call<'_>) -> String {
    let role = call.arn.map(|arn| {
        let mut words = vec![option("--role", arn), option("--session-name", &call.session_name)];
        words.extend(call.external_id.map(|id| option("--external-id", id)));
        words.join(" ")
    });
    let lines = [
        role,
        Some([option("--region", call.region), option("--service", call.service)].join(" ")),
        request(call.method, call.json()),
        Some(word(&format!("{}{}", call.url, call.path)).into_owned()),
    ];
    format!("xacct-sign call {}\n", lines.into_iter().flatten().collect::<Vec<_>>().join(" \\\n  "))
}

/// Method and body, where there is anything to say of them.
pub(super) fn request(method: &str, json: Option<&str>) -> Option<String> {
    let method = match method {
        "GET" => None,
        "HEAD" => Some("--head".to_owned()),
        other => Some(option("--request", other)),
    };
    let words: Vec<String> = method.into_iter().chain(json.map(|json| option("--json", json))).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
