//! Instants as AWS writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, ErrorKind};
use crate::small::time::{SECONDS_PER_DAY, civil, numbers, seconds_of};

/// 9999-12-31T23:59:59Z: the last instant that has four digits for its year.
const LAST_SECOND: u64 = 253_402_300_799;

/// An instant in the basic format of ISO 8601, `20150830T123600Z`, without an allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AmzDate {
    text: [u8; 16],
    days: u64,
}

impl AmzDate {
    /// # Errors
    ///
    /// [`ErrorKind::InvalidTime`] before 1970 or after 9999.
    pub(crate) fn new(at: SystemTime) -> Result<Self, Error> {
        let seconds = at
            .duration_since(UNIX_EPOCH)
            .ok()
            .map(|since| since.as_secs())
            .filter(|seconds| *seconds <= LAST_SECOND)
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidTime, "the time is before 1970 or after 9999")
                    .with_hint("check the clock; a signature carries its time with a four-digit year")
            })?;
        let days = seconds / SECONDS_PER_DAY;
        let rest = seconds % SECONDS_PER_DAY;
        let (year, month, day) = civil(days);
        // A remainder of a division by ten is one digit.
        let digit = |value: u64| b'0' + (value % 10) as u8;
        let two = |value: u64| [digit(value / 10), digit(value)];
        let ([y1, y2], [y3, y4]) = (two(year / 100), two(year));
        let ([m1, m2], [d1, d2]) = (two(month), two(day));
        let ([h1, h2], [i1, i2], [s1, s2]) = (two(rest / 3600), two(rest / 60 % 60), two(rest % 60));
        let text = [y1, y2, y3, y4, m1, m2, d1, d2, b'T', h1, h2, i1, i2, s1, s2, b'Z'];
        Ok(Self { text, days })
    }

    /// `20150830T123600Z`.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// [`AmzDate::as_str`] as bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// `20150830`.
    pub(crate) fn date(&self) -> &str {
        self.as_str().get(..8).unwrap_or_default()
    }

    /// Days since 1970-01-01: equal for two instants exactly if they share a signing key.
    pub(crate) fn days(&self) -> u64 {
        self.days
    }
}

/// Reads an instant of 1970 or later as signatures write it: `20150830T123600Z`, in this very form.
#[must_use]
pub fn parse_amz_date(text: &str) -> Option<SystemTime> {
    let (date, rest) = numbers(text.as_bytes(), [4, 2, 2], b"")?;
    let (time, rest) = numbers(rest.strip_prefix(b"T")?, [2, 2, 2], b"")?;
    let seconds = seconds_of(date, time)?;
    (rest == b"Z").then(|| UNIX_EPOCH.checked_add(Duration::from_secs(seconds))).flatten()
}

/// Reads an RFC 3339 instant of 1970 or later, with or without fractions of a second, as AWS writes expiries. What is finer than a
/// nanosecond is dropped; a leap second is none.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let (date, rest) = numbers(text.as_bytes(), [4, 2, 2], b"-")?;
    let rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b"t"))?;
    let (time, rest) = numbers(rest, [2, 2, 2], b":")?;
    let (nanoseconds, rest) = fraction(rest)?;
    at(date, time, nanoseconds, rest)
}

/// Reads an instant of 1970 or later as the conditions of policies write it: as [`parse_rfc3339`] does, and dates without a time
/// or times without seconds (`2026-01-31`, `2026-01-31T12:00Z`)
/// ([W3C's note on ISO 8601](https://www.w3.org/TR/NOTE-datetime)).
#[must_use]
pub fn parse_iso8601(text: &str) -> Option<SystemTime> {
    let (date, rest) = numbers(text.as_bytes(), [4, 2, 2], b"-")?;
    if rest.is_empty() {
        return at(date, [0; 3], 0, b"Z");
    }
    let ([hour, minute], zone) = numbers(rest.strip_prefix(b"T")?, [2, 2], b":")?;
    if zone.starts_with(b":") { parse_rfc3339(text) } else { at(date, [hour, minute, 0], 0, zone) }
}

/// The nanoseconds of `.123456789`, and the rest; none where there is no fraction.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(fraction) = text.strip_prefix(b".") else { return Some((0, text)) };
    let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = fraction.split_at_checked(length).filter(|(digits, _)| !digits.is_empty())?;
    // Nine digits, zeros where there are fewer.
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0'));
    Some((padded.take(9).fold(0, |value, byte| value * 10 + u32::from(byte - b'0')), rest))
}

/// The instant of a date and a time in a zone: `Z`, or an offset such as `+09:00`.
fn at(date: [u64; 3], time: [u64; 3], nanoseconds: u32, zone: &[u8]) -> Option<SystemTime> {
    let seconds = seconds_of(date, time)?;
    let seconds = match zone {
        b"Z" | b"z" => seconds,
        [sign @ (b'+' | b'-'), offset @ ..] => {
            let ([hours, minutes], b"") = numbers(offset, [2, 2], b":")? else { return None };
            let offset = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
            if *sign == b'+' { seconds.checked_sub(offset)? } else { seconds + offset }
        }
        _ => return None,
    };
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

/// Writes an instant in RFC 3339 to the second, `2015-08-30T12:36:00Z`; `None` outside 1970..=9999.
pub fn format_rfc3339(at: SystemTime) -> Option<String> {
    let date = AmzDate::new(at).ok()?;
    let [y1, y2, y3, y4, m1, m2, d1, d2, _, h1, h2, i1, i2, s1, s2, _] = date.text.map(char::from);
    Some(format!("{y1}{y2}{y3}{y4}-{m1}{m2}-{d1}{d2}T{h1}{h2}:{i1}{i2}:{s1}{s2}Z"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn days_agree_with_the_time_crate() {
        for days in (0..2_932_896_u64).step_by(17).chain([0, 59, 60, 365, 11_016, 11_017, 2_932_896]) {
            let date = AmzDate::new(UNIX_EPOCH + Duration::from_secs(days * SECONDS_PER_DAY + 3_723)).unwrap();
            let at = ::time::OffsetDateTime::from_unix_timestamp((days * SECONDS_PER_DAY) as i64).unwrap();
            let expected = format!("{:04}{:02}{:02}T010203Z", at.year(), u8::from(at.month()), at.day());
            assert_eq!(date.as_str(), expected);
            assert_eq!(AmzDate::new(parse_amz_date(&expected).unwrap()).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn instants_outside_four_digit_years_are_refused() {
        assert!(AmzDate::new(UNIX_EPOCH - Duration::from_secs(1)).is_err());
        assert!(AmzDate::new(UNIX_EPOCH + Duration::from_secs(LAST_SECOND)).is_ok());
        assert!(AmzDate::new(UNIX_EPOCH + Duration::from_secs(LAST_SECOND + 1)).is_err());
    }

    #[test]
    fn malformed_dates_are_refused() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "20150230T000000Z",
            "20150830T126000Z",
            "2015083xT123600Z",
            "20150830 123600Z",
            "2015-08-30T12:36:00Z",
            "20150830T123600Z0",
        ] {
            assert!(parse_amz_date(text).is_none(), "{text}");
        }
    }

    #[test]
    fn instants_are_read_as_the_time_crate_reads_them() {
        let texts = [
            "1970-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2000-02-29T12:34:56z",
            "2000-02-29t12:34:56Z",
            "1900-02-29T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T23:60:00Z",
            "2026-11-24T23:59:61Z",
            "2026-11-24T08:09:10.5Z",
            "2026-11-24T08:09:10.123456789+09:00",
            "2026-11-24T08:09:10.1234567899Z",
            "2026-11-24T08:09:10.Z",
            "2026-11-24T08:09:10+0900",
            "2026-11-24T08:09:10+24:00",
            "2026-11-24T08:09:10-12:30",
            "2026-11-24T08:09:10",
            "2026-11-24T08:09Z",
            "2026-11-24T08:09:10Z ",
            "26-11-24T08:09:10Z",
            "9999-12-31T23:59:59Z",
            "",
        ];
        for text in texts {
            let known = ::time::OffsetDateTime::parse(text, &::time::format_description::well_known::Rfc3339).ok();
            let expected = known.and_then(|at| u128::try_from(at.unix_timestamp_nanos()).ok());
            let actual = parse_rfc3339(text).map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_nanos());
            assert_eq!(actual, expected, "{text}");
        }
    }

    #[test]
    fn conditions_may_leave_the_time_out() {
        let seconds = |text: &str| parse_iso8601(text).map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("2000-02-29"), Some(951_782_400));
        assert_eq!(seconds("2000-02-29T00:01Z"), Some(951_782_460));
        assert_eq!(seconds("2000-02-29T09:00+09:00"), Some(951_782_400));
        assert_eq!(seconds("2000-02-29T00:00:01.5Z"), Some(951_782_401));
        for text in [
            "2000-02-30",
            "2000-02-29Z",
            "2000-02-29T",
            "2000-02-29T00Z",
            "2000-02-29T00:00",
            "1969-12-31",
            "29-02-2000",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn expiries_come_with_and_without_fractions() {
        let whole = parse_rfc3339("2026-11-23T10:00:00Z").unwrap();
        let fraction = parse_rfc3339("2026-11-23T10:00:00.250Z").unwrap();
        assert_eq!(fraction.duration_since(whole).unwrap(), Duration::from_millis(250));
        assert_eq!(format_rfc3339(fraction).unwrap(), "2026-11-23T10:00:00Z");
    }
}
