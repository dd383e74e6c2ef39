//! What changes from run to run, by the name of what it is.

/// The text without ports, times, signatures and what is drawn.
pub(super) fn masked(text: &str) -> String {
    text.lines().map(|line| words(&cut(line))).collect::<Vec<_>>().join("\n")
}

/// What the system or the emulator add, whose wording is theirs.
fn cut(line: &str) -> String {
    for (start, mask) in [
        ("failed to lookup address information: ", "WHAT THE SYSTEM SAYS"),
        ("answered with headers that are too long: ", "WHICH LIMIT WAS MET"),
        ("it ends with the credentials, in ", "SECONDS"),
    ] {
        if let Some((before, _)) = line.split_once(start) {
            return format!("{before}{start}{mask}");
        }
    }
    if let Some((before, _)) = line.split_once(" (request id ") {
        return before.to_owned();
    }
    line.to_owned()
}

/// The line with each word masked that changes.
fn words(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | ':');
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if length == 0 {
            let end = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else {
            out.push_str(&word(&rest[..length]));
            rest = &rest[length..];
        }
    }
    out
}

fn word(word: &str) -> String {
    let (start, end) = word.split_at(word.trim_end_matches(['.', ':']).len());
    if let Some((host, port)) = start.split_once(':')
        && matches!(host, "127.0.0.1" | "localhost")
        && port.parse::<u16>().is_ok_and(|port| port > 1)
    {
        return format!("{host}:PORT{end}");
    }
    let shape: String = start
        .chars()
        .map(|c| match c {
            '0'..='9' => '9',
            'a'..='f' => 'f',
            'A'..='Z' => 'Z',
            'g'..='z' => 'z',
            other => other,
        })
        .collect();
    let is_hex = |text: &str| text.chars().all(|c| matches!(c, '9' | 'f'));
    let mask = match shape.as_str() {
        "99999999Z999999Z" => "TIME",
        "9999-99-99Z99:99:99Z" => "TIME",
        "99999999" => "DAY",
        "9Z99999999" => "2FDAY",
        _ if start.starts_with("eyJ") || start.starts_with("xacct1.") => "TOKEN",
        text if text.len() == 64 && is_hex(text) => "64-HEX",
        text if text.len() == 36 && text.matches('-').count() == 4 => "UUID",
        _ => "",
    };
    if !mask.is_empty() {
        return format!("{mask}{end}");
    }
    let (id, name) = start.split_once(':').unwrap_or((start, ""));
    if id.len() > 15 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return if name.is_empty() { format!("ID{end}") } else { format!("ID:{name}{end}") };
    }
    // A header in a canonical request.
    if let Some((name, value)) = start.split_once(':')
        && ["host", "x-amz-date"].contains(&name)
    {
        return format!("{name}:{}{end}", self::word(value));
    }
    word.to_owned()
}
