//! A machine that remembers what was answered.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use xacct_sign::call::header_text;
use xacct_sign::{Error, Skew};
use xacct_sign_client::Patience;
use xacct_sign_client::host::{Content, Host, Incoming, Output, Sending};
use xacct_sign_diagnosis::Exchange;

#[derive(Debug)]
pub(super) struct Recorded {
    host: Arc<dyn Host>,
    answers: Mutex<Vec<Answer>>,
}

#[derive(Debug)]
struct Answer {
    host: String,
    /// In seconds, where the answer has a `Date`: by how much its clock is ahead.
    ahead_seconds: Option<i64>,
    /// The same, where it is little, too.
    raw_seconds: Option<i64>,
    /// What was refused.
    refusal: Option<Exchange>,
}

impl Recorded {
    pub(super) fn new(host: Arc<dyn Host>) -> Self {
        Self { host, answers: Mutex::default() }
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, Vec<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many answers there were up to now.
    pub(super) fn count(&self) -> usize {
        self.answers().len()
    }

    /// The last answer after those, if it was a refusal.
    pub(super) fn refusal_since(&self, count: usize) -> Option<Exchange> {
        self.answers().iter().skip(count).next_back()?.refusal.clone()
    }

    /// Who answered.
    pub(super) fn hosts(&self) -> Vec<String> {
        self.answers().iter().map(|answer| answer.host.clone()).collect()
    }

    /// By how much AWS's clock is ahead of this machine's, by the answer that says the most, of all or of so many.
    pub(super) fn ahead_seconds(&self, until: Option<usize>) -> Option<i64> {
        let answers = self.answers();
        let counted = answers.iter().take(until.unwrap_or(usize::MAX));
        counted.filter_map(|answer| answer.ahead_seconds).max_by_key(|seconds| seconds.unsigned_abs())
    }

    /// By how much the clock of who answered first after those is ahead of that of who answered last among them, to the second.
    pub(super) fn apart_seconds(&self, count: usize) -> Option<i64> {
        let answers = self.answers();
        let after = answers.iter().skip(count).find_map(|answer| answer.raw_seconds)?;
        let before = answers.iter().take(count).rev().find_map(|answer| answer.raw_seconds)?;
        after.checked_sub(before)
    }

    fn note<B>(&self, request: &http::Request<&[u8]>, answer: &http::Response<B>, body: &[u8]) {
        let now = self.host.now();
        let host = request.uri().host().unwrap_or_default().to_owned();
        let date = answer.headers().get("date").map(header_text);
        // What is within four minutes is no skew.
        let ahead_seconds = date.as_ref().map(|date| Skew::of_date(date, now).unwrap_or_default().as_seconds());
        let raw_seconds = date.as_ref().and_then(|date| raw_seconds(date, now));
        let status = answer.status().as_u16();
        let refusal = (status >= 400).then(|| Exchange {
            method: Some(request.method().as_str().to_owned()),
            url: Some(request.uri().to_string()),
            answered_at: seconds(now),
            status: Some(status),
            headers: texts(answer.headers()),
            body: Some(String::from_utf8_lossy(body).into_owned()),
            ..Exchange::default()
        });
        self.answers().push(Answer { host, ahead_seconds, raw_seconds, refusal });
    }
}

/// By how much an answer's clock is ahead. What is little is none to [`Skew`]: it is held against an instant that is far.
fn raw_seconds(date: &str, now: SystemTime) -> Option<i64> {
    let far = 4 * Skew::TOLERATED;
    let skew = |ours| Some(Skew::of_date(date, ours)?.as_seconds());
    let far_seconds = i64::try_from(far.as_secs()).ok()?;
    let before = skew(now.checked_sub(far)?).and_then(|seconds| seconds.checked_sub(far_seconds));
    before.or_else(|| skew(now.checked_add(far)?)?.checked_add(far_seconds))
}

/// Headers, as a diagnosis takes them.
pub(super) fn texts(headers: &http::HeaderMap) -> BTreeMap<String, String> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), header_text(value))).collect()
}

pub(super) fn seconds(at: SystemTime) -> Option<i64> {
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

impl Host for Recorded {
    fn now(&self) -> SystemTime {
        self.host.now()
    }

    fn sleep(&self, duration: Duration, patience: &Patience) -> Result<(), Error> {
        self.host.sleep(duration, patience)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.host.variable(name)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.host.read(path)
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.host.replace(path, content)
    }

    fn run(&self, program: &str, arguments: &[String], patience: &Patience) -> Result<Output, Error> {
        self.host.run(program, arguments, patience)
    }

    fn send(
        &self,
        request: &http::Request<&[u8]>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        let answer = self.host.send(request, sending, patience)?;
        self.note(request, &answer, answer.body());
        Ok(answer)
    }

    fn open(
        &self,
        request: &http::Request<&[u8]>,
        content: Option<&mut Content>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Incoming>, Error> {
        let answer = self.host.open(request, content, sending, patience)?;
        self.note(request, &answer, b"");
        Ok(answer)
    }

    fn close(&self) {
        self.host.close();
    }
}
