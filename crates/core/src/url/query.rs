//! Queries: decoded, encoded again, in order.

use crate::encode::{decoded, push_encoded};
use crate::small::sort::sort_by;

/// The pairs of a query, encoded strictly, in one buffer.
pub(crate) struct QueryPairs {
    buffer: Vec<u8>,
    pairs: Vec<Pair>,
}

#[derive(Clone, Copy, Default)]
struct Pair {
    start: usize,
    equals: usize,
    end: usize,
}

impl QueryPairs {
    /// Decodes and encodes again the pairs of `raw`, leaves out those whose decoded key is in `skip`, and adds `extra`.
    pub(crate) fn parse(raw: Option<&str>, skip: &[&str], extra: &[(&str, &str)]) -> Self {
        let raw = raw.unwrap_or_default();
        let mut query = Self { buffer: Vec::with_capacity(raw.len() + 32), pairs: Vec::new() };
        for piece in raw.as_bytes().split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            let equals = piece.iter().position(|byte| *byte == b'=');
            let (key, value) = match equals.and_then(|at| piece.split_at_checked(at)) {
                Some((key, value)) => (key, value.strip_prefix(b"=").unwrap_or(value)),
                None => (piece, b"".as_slice()),
            };
            if !skip.iter().any(|skipped| form_bytes(key).eq(skipped.bytes())) {
                query.push(form_bytes(key), form_bytes(value));
            }
        }
        for (key, value) in extra {
            query.push(key.bytes(), value.bytes());
        }
        query
    }

    fn push(&mut self, key: impl Iterator<Item = u8>, value: impl Iterator<Item = u8>) {
        let start = self.buffer.len();
        for byte in key {
            push_encoded(&mut self.buffer, &[byte], |_| false);
        }
        let equals = self.buffer.len();
        for byte in value {
            push_encoded(&mut self.buffer, &[byte], |_| false);
        }
        self.pairs.push(Pair { start, equals, end: self.buffer.len() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Whether there is a signature among them: its key is the same encoded.
    pub(crate) fn are_signed(&self) -> bool {
        self.pairs.iter().any(|pair| self.key(pair) == b"X-Amz-Signature")
    }

    fn key(&self, pair: &Pair) -> &[u8] {
        self.buffer.get(pair.start..pair.equals).unwrap_or_default()
    }

    fn value(&self, pair: &Pair) -> &[u8] {
        self.buffer.get(pair.equals..pair.end).unwrap_or_default()
    }

    /// Sorts by encoded key; equal keys keep their order.
    pub(super) fn sort_by_key(&mut self) {
        let mut pairs = std::mem::take(&mut self.pairs);
        sort_by(&mut pairs, |a, b| self.key(a).cmp(self.key(b)));
        self.pairs = pairs;
    }

    /// Sorts by encoded key, then by encoded value: the canonical query string.
    pub(crate) fn sort(&mut self) {
        let mut pairs = std::mem::take(&mut self.pairs);
        sort_by(&mut pairs, |a, b| self.key(a).cmp(self.key(b)).then_with(|| self.value(a).cmp(self.value(b))));
        self.pairs = pairs;
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (index, pair) in self.pairs.iter().enumerate() {
            if index > 0 {
                out.push(b'&');
            }
            out.extend_from_slice(self.key(pair));
            out.push(b'=');
            out.extend_from_slice(self.value(pair));
        }
    }
}

/// The bytes of a key or value of a query: escapes decoded, `+` a space.
pub(crate) fn form_bytes(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    decoded(text).map(|(byte, escaped)| if byte == b'+' && !escaped { b' ' } else { byte })
}
