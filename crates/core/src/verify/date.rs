//! The `Date` header, where it stands in for `x-amz-date`
//! ([Elements of a request signature](https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html)).

use std::time::SystemTime;

use crate::aws::time::parse_amz_date;
use crate::small::time::parse_http_date;

/// Reads `Sun, 30 Aug 2015 12:36:00 GMT` (RFC 9110, section 5.6.7, the form that is not obsolete), or `20150830T123600Z`.
pub(super) fn parse_date_header(text: &str) -> Option<SystemTime> {
    parse_amz_date(text).or_else(|| parse_http_date(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

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
