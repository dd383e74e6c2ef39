//! Answers on their way back: relayed as they come, so that a long one takes no more memory than a short one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::gateway::{Reply, UpstreamFailure};
use crate::log::LogEntry;

/// A body of an answer.
pub(super) enum AnswerBody {
    /// One that is there.
    Whole(Full<Bytes>),
    /// One that is still coming.
    Relayed(Box<Relayed>),
}

impl AnswerBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

/// What the upstream sends, within the limits of the front.
pub(super) struct Relayed {
    body: Incoming,
    /// How much more may come, in bytes.
    left: usize,
    /// When all of it has to be there.
    end: Pin<Box<Sleep>>,
    /// For what goes wrong on the way: the head has been answered, and is in the log.
    log: Box<dyn Fn(&LogEntry) + Send>,
    entry: LogEntry,
    reply: Reply,
}

/// Why a body ends before its end. The other side sees a connection that breaks off, as there is no other way to say it.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub(super) struct BrokenOff;

impl Relayed {
    pub(super) fn new(
        body: Incoming,
        reply: Reply,
        end: Instant,
        entry: LogEntry,
        log: impl Fn(&LogEntry) + Send + 'static,
    ) -> Self {
        let (left, end) = (reply.max_bytes(), Box::pin(sleep_until(end)));
        Self { body, left, end, log: Box::new(log), entry, reply }
    }

    fn broken(&mut self, failure: UpstreamFailure) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.entry.reason = Some(self.reply.reason(failure));
        (self.log)(&self.entry);
        Poll::Ready(Some(Err(BrokenOff)))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.end.as_mut().poll(context).is_ready() {
            return self.broken(UpstreamFailure::Timeout);
        }
        match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            None => Poll::Ready(None),
            Some(Err(_)) => self.broken(UpstreamFailure::Connection),
            Some(Ok(frame)) => match self.left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(frame)))
                }
                None => self.broken(UpstreamFailure::TooLarge),
            },
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Relayed(relayed) => relayed.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Relayed(relayed) => relayed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Relayed(relayed) => relayed.body.size_hint(),
        }
    }
}
