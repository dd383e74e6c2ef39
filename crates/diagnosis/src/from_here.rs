//! What can be checked from the caller's side, where an answer says nothing.

use std::time::SystemTime;

use xacct_sign::Skew;

use crate::answer::Answer;
use crate::exchange::{Exchange, host_of, instant};
use crate::explain::Shown;
use crate::finding::{Code, Finding};
use crate::scope::Signed;

/// How far a clock may be off: what API Gateway takes.
pub(crate) const TOLERATED_SECONDS: u64 = 300;

/// Something else than the API answered: a CDN, or a proxy.
pub(crate) fn not_the_api(exchange: &Exchange, answer: &Answer, shown: Shown) -> Option<Finding> {
    if is_aws(exchange) {
        return None;
    }
    let from = sender(exchange);
    // RFC 6585, 6: no server says that of itself.
    if exchange.status == Some(511) {
        return Some(Finding::new(Code::NotTheApi, format!("the answer was 511: a network wants a login first{from}")));
    }
    let cache = exchange.header("x-cache").unwrap_or_default();
    if cache.starts_with("Error from") || cache.starts_with("LambdaGeneratedResponse") {
        let reason = format!("CloudFront answered itself (`x-cache: {cache}`), and not the API behind it");
        return Some(Finding::new(Code::NotTheApi, reason));
    }
    let is_silent = answer.message.is_empty() && answer.code.is_empty() && exchange.has_no_text();
    if exchange.status == Some(407) || (is_silent && !from.is_empty() && exchange.status == Some(403)) {
        let finding = Finding::new(Code::NotTheApi, format!("the answer has no text and no mark of AWS{from}"));
        let hint = format!(
            "{}; or it is a server that was shown a token or a proof, and its caller may not make this call",
            finding.hint
        );
        let may_be_a_servers = exchange.status == Some(403) && shown == Shown::Unknown;
        return Some(if may_be_a_servers { finding.hint(hint) } else { finding });
    }
    None
}

/// A page that neither API Gateway nor Lambda has sent: a login page comes as a success, too.
pub(crate) fn page_instead(exchange: &Exchange, answer: &Answer) -> Option<Finding> {
    if is_aws(exchange) || !answer.is_page {
        return None;
    }
    let reason = format!("the answer is a page for a browser{}", sender(exchange));
    Some(Finding::new(Code::NotTheApi, reason))
}

fn sender(exchange: &Exchange) -> String {
    let server = exchange.header("server").filter(|server| !server.is_empty());
    server.map(|server| format!(", sent by `{server}`")).unwrap_or_default()
}

/// A redirect to another host that neither API Gateway nor Lambda has sent: a login page, most often.
pub(crate) fn led_away(exchange: &Exchange) -> Option<Finding> {
    if is_aws(exchange) {
        return None;
    }
    let place = exchange.header("location")?;
    let (host, there) = (exchange.host()?, host_of(place)?);
    let reason = format!("the answer leads to another host, `{there}`, and has no mark of API Gateway or Lambda");
    (!there.eq_ignore_ascii_case(host)).then(|| Finding::new(Code::NotTheApi, reason))
}

/// Whether API Gateway, Lambda or STS has given the answer.
pub(crate) fn is_aws(exchange: &Exchange) -> bool {
    ["apigw-requestid", "x-amzn-requestid", "x-amz-apigw-id"].iter().any(|name| exchange.header(name).is_some())
}

/// What is certainly wrong.
pub(crate) fn certain(exchange: &Exchange) -> Vec<Finding> {
    let scope = Signed::of(exchange).and_then(|signed| signed.contradicted(exchange));
    [expired(exchange), clock(exchange, "the API"), scope].into_iter().flatten().collect()
}

fn expired(exchange: &Exchange) -> Option<Finding> {
    let (expires_at, answered_at) = (exchange.expires_at?, exchange.answered_at?);
    let over = answered_at.checked_sub(expires_at).filter(|over| *over >= 0)?;
    Some(Finding::new(Code::CredentialsExpired, format!("the credentials that signed expired {over} s ago")))
}

/// This machine's against that of who answered.
pub(crate) fn clock(exchange: &Exchange, whose: &str) -> Option<Finding> {
    clock_off(exchange.header("date")?, exchange.answered_at()?, whose)
}

/// By an answer's `Date`.
pub(crate) fn clock_off(date: &str, answered_at: SystemTime, whose: &str) -> Option<Finding> {
    let seconds = Skew::of_date(date, answered_at)?.as_seconds();
    (seconds.unsigned_abs() > TOLERATED_SECONDS).then(|| clock_off_by(seconds, whose))
}

/// By so many seconds that AWS's clock is ahead.
pub(crate) fn clock_off_by(seconds: i64, whose: &str) -> Finding {
    let direction = if seconds > 0 { "behind" } else { "ahead of" };
    let reason = format!("this machine's clock is {} s {direction} that of {whose}", seconds.unsigned_abs());
    Finding::new(Code::ClockOff, reason)
}

/// What has passed the request on, by the marks that it left on the answer.
pub(crate) fn proxy(exchange: &Exchange) -> Option<Finding> {
    let marks = ["via", "x-cache", "x-served-by", "x-forwarded-server", "cf-ray", "x-squid-error"];
    let seen = marks.iter().find_map(|name| Some((name, exchange.header(name)?)))?;
    let (name, value) = seen;
    let cut: String = value.chars().take(80).collect();
    Some(Finding::new(Code::ProxyBetween, format!("the answer passed something on its way: `{name}: {cut}`")))
}

/// Whether an instant has passed.
pub(crate) fn has_passed(expires_at: i64, now: SystemTime) -> bool {
    instant(expires_at).is_some_and(|at| at <= now)
}
