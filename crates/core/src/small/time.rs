//! The calendar: days, dates and the digits of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Of a day.
pub(crate) const SECONDS_PER_DAY: u64 = 86_400;

/// Year, month and day of a day since 1970-01-01 in the proleptic Gregorian calendar.
///
/// The arithmetic counts days from a 1 March, so that the leap day ends the year.
pub(crate) fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// The day of a date since 1970-01-01, if there is one: the inverse of [`civil`].
fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let shifted_year = if month <= 2 { year.checked_sub(1)? } else { year };
    let year_of_era = shifted_year % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (shifted_year / 400 * 146_097 + day_of_era).checked_sub(719_468)?;
    (civil(days) == (year, month, day)).then_some(days)
}

/// Seconds since 1970 of a date and a time of day.
pub(crate) fn seconds_of(date: [u64; 3], [hour, minute, second]: [u64; 3]) -> Option<u64> {
    let [year, month, day] = date;
    let in_range = hour < 24 && minute < 60 && second < 60;
    Some(days_of(year, month, day)? * SECONDS_PER_DAY + in_range.then_some(hour * 3600 + minute * 60 + second)?)
}

/// The number that so many digits at the start of `text` give, and the rest.
pub(crate) fn number(text: &[u8], digits: usize) -> Option<(u64, &[u8])> {
    let (number, rest) = text.split_at_checked(digits)?;
    let digit = |value: u64, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + u64::from(*byte - b'0'));
    Some((number.iter().try_fold(0, digit)?, rest))
}

/// Two or three numbers with a separator, which may be empty, between each two.
pub(crate) fn numbers<'t, const N: usize>(
    mut text: &'t [u8],
    digits: [usize; N],
    separator: &[u8],
) -> Option<([u64; N], &'t [u8])> {
    let mut values = [0; N];
    for (index, (value, digits)) in values.iter_mut().zip(digits).enumerate() {
        if index > 0 {
            text = text.strip_prefix(separator)?;
        }
        (*value, text) = number(text, digits)?;
    }
    Some((values, text))
}

/// Reads `Sun, 30 Aug 2015 12:36:00 GMT` (RFC 9110, section 5.6.7, the form that is not obsolete).
pub(crate) fn parse_http_date(text: &[u8]) -> Option<SystemTime> {
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
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn days_agree_with_the_time_crate() {
        for days in (0..2_932_896_u64).step_by(17).chain([0, 59, 60, 365, 11_016, 11_017, 2_932_896]) {
            let at = ::time::OffsetDateTime::from_unix_timestamp((days * SECONDS_PER_DAY) as i64).unwrap();
            let date = (at.year() as u64, u64::from(u8::from(at.month())), u64::from(at.day()));
            assert_eq!(civil(days), date);
            assert_eq!(days_of(date.0, date.1, date.2), Some(days));
        }
    }
}
