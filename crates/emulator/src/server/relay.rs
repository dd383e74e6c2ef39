//! Answers on their way back: relayed as they come, so that a long one takes no more memory than a short one.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, timeout};

use crate::gateway::{Reply, UpstreamFailure};
use crate::log::LogEntry;

/// How many pieces are read ahead of a client that takes its time.
const READ_AHEAD: usize = 2;

/// A body of an answer.
pub(super) enum AnswerBody {
    /// One that is there.
    Whole(Full<Bytes>),
    /// One that is still coming.
    Relayed(Relayed),
}

impl AnswerBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

/// What the upstream sends, within the limits of the front.
pub(super) struct Relayed {
    pieces: Receiver<Result<Frame<Bytes>, BrokenOff>>,
    size: SizeHint,
}

/// Why a body ends before its end. The other side sees a connection that breaks off, as there is no other way to say it.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub(super) struct BrokenOff;

impl Relayed {
    /// The upstream may be waited for so long; a client that takes its time does not count. What goes wrong is logged: the head
    /// has been answered, and is in the log.
    pub(super) fn new(
        body: Incoming,
        reply: Reply,
        patience: Duration,
        mut entry: LogEntry,
        log: impl Fn(&LogEntry) + Send + 'static,
    ) -> Self {
        let (sender, pieces) = channel(READ_AHEAD);
        let size = body.size_hint();
        tokio::spawn(async move {
            if let Err(failure) = relay(body, reply.max_bytes(), patience, &sender).await {
                entry.reason = Some(reply.reason(failure));
                log(&entry);
                // A client that is gone is told nothing.
                let _ = sender.send(Err(BrokenOff)).await;
            }
        });
        Self { pieces, size }
    }
}

/// Passes on what comes, until it ends or nobody wants it any more.
async fn relay(
    mut body: Incoming,
    mut left: usize,
    mut patience: Duration,
    pieces: &Sender<Result<Frame<Bytes>, BrokenOff>>,
) -> Result<(), UpstreamFailure> {
    loop {
        let begun = Instant::now();
        let frame = match timeout(patience, body.frame()).await {
            Err(_) => return Err(UpstreamFailure::Timeout),
            Ok(None) => return Ok(()),
            Ok(Some(Err(_))) => return Err(UpstreamFailure::Connection),
            Ok(Some(Ok(frame))) => frame,
        };
        patience = patience.saturating_sub(begun.elapsed());
        left = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)).ok_or(UpstreamFailure::TooLarge)?;
        if pieces.send(Ok(frame)).await.is_err() {
            return Ok(());
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
            Self::Relayed(relayed) => relayed.pieces.poll_recv(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Relayed(relayed) => relayed.size.exact() == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Relayed(relayed) => relayed.size,
        }
    }
}
