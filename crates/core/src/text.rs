//! Texts of files, as editors and shells write them: the shell of Windows, PowerShell 5, writes `>` as UTF-16.

/// The text of a file's bytes: UTF-8, or UTF-16 that begins with a byte order mark; without the mark. `None` for everything else,
/// and where it holds a NUL, as UTF-16 without a mark and UTF-32 do: neither TOML nor JSON has one.
///
/// ```
/// use xacct_sign::file_text;
///
/// assert_eq!(file_text(b"\xef\xbb\xbf{}").as_deref(), Some("{}"));
/// assert_eq!(file_text(b"\xff\xfe{\0}\0").as_deref(), Some("{}"));
/// assert_eq!(file_text(b"{\0}\0"), None);
/// ```
#[must_use]
pub fn file_text(bytes: &[u8]) -> Option<String> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).ok().map(str::to_owned),
        _ => std::str::from_utf8(bytes).ok().map(str::to_owned),
    };
    text.filter(|text| !text.contains('\0'))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let units: Result<Vec<u16>, _> = bytes.chunks(2).map(|pair| pair.try_into().map(unit)).collect();
    String::from_utf16(&units.ok()?).ok()
}
