//! The `Date` header, where it stands in for `x-amz-date`
//! ([Elements of a request signature](https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html)).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::aws::time::parse_amz_date;
use crate::small::time::{number, numbers, seconds_of};

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Reads `Sun, 30 Aug 2015 12:36:00 GMT` (RFC 9110, section 5.6.7, the form that is not obsolete), or `20150830T123600Z`.
pub(super) fn parse_date_header(text: &str) -> Option<SystemTime> {
    parse_amz_date(text).or_else(|| parse_http_date(text.as_bytes()))
}

fn parse_http_date(text: &[u8]) -> Option<SystemTime> {
    // The day of the week says nothing that the date does not say.
    let (_weekday, text) = text.split_at_checked(3)?;
    let (day, text) = number(text.strip_prefix(b", ")?, 2)?;
    let (name, text) = text.strip_prefix(b" ")?.split_at_checked(3)?;
    let month = (1_u64..).zip(MONTHS).find(|(_, month)| *month == name).map(|(month, _)| month)?;
    let (year, text) = number(text.strip_prefix(b" ")?, 4)?;
    let (time, text) = numbers(text.strip_prefix(b" ")?, [2, 2, 2], b":")?;
    let seconds = seconds_of([year, month, day], time)?;
    (text == b" GMT").then(|| UNIX_EPOCH.checked_add(Duration::from_secs(seconds))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_and_of_aws_are_read() {
        let at = UNIX_EPOCH.checked_add(Duration::from_secs(1_440_938_160));
        assert_eq!(parse_date_header("Sun, 30 Aug 2015 12:36:00 GMT"), at);
        assert_eq!(parse_date_header("20150830T123600Z"), at);
        for text in ["", "Sun", "Sun, 30 Aug 2015 12:36:00", "Sun, 31 Feb 2015 12:36:00 GMT", "2015-08-30T12:36:00Z"] {
            assert_eq!(parse_date_header(text), None, "{text}");
        }
    }
}
