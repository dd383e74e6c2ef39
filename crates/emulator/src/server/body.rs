//! Bodies of requests: how much of them is kept, how many at once, and for how long they are waited for.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use xacct_sign_provider::targets::HttpApi;

use crate::body::BodyFailure;

/// How many of the longest bodies are held at once. Room is taken by length, so there may be many more short ones.
const MAX_HELD_BODIES: usize = 16;

/// What room is counted in, in bytes.
const UNIT: usize = 1024;

/// How much of a body that nobody wants is still read, so that its sender gets to read the answer.
const MAX_DISCARDED_BYTES: usize = 4 * HttpApi::MAX_BODY_BYTES;

/// The room for bodies that are held at the same time.
pub(super) struct Room {
    units: Arc<Semaphore>,
}

/// A body, and the room that it takes as long as this lives.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Why there is no body.
pub(super) enum Unread {
    /// It is to be told.
    Failed(BodyFailure),
    /// The other side is gone, or speaks no HTTP.
    Broken,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { units: Arc::new(Semaphore::new(MAX_HELD_BODIES * HttpApi::MAX_BODY_BYTES / UNIT)) }
    }

    /// Reads a body of at most `max_bytes`: waits for room no longer than `patience`, and then for the body as long again.
    pub(super) async fn read(&self, mut body: Incoming, max_bytes: usize, patience: Duration) -> Result<Held, Unread> {
        let longest = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
        let units = u32::try_from(longest.min(max_bytes).div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = timeout(patience, Arc::clone(&self.units).acquire_many_owned(units)).await;
        let Ok(Ok(mut room)) = room else { return Err(Unread::Failed(BodyFailure::NoRoom)) };
        let read = async {
            let mut kept = BytesMut::new();
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame else { return Err(Unread::Broken) };
                let Ok(data) = frame.into_data() else { continue };
                if kept.len().saturating_add(data.len()) > max_bytes {
                    drop(kept);
                    let is_broken = !discard(&mut body).await;
                    return Err(if is_broken { Unread::Broken } else { Unread::Failed(BodyFailure::TooLarge) });
                }
                kept.extend_from_slice(&data);
            }
            Ok(kept.freeze())
        };
        match timeout(patience, read).await {
            Ok(read) => read.map(|bytes| {
                // A body in chunks does not say how long it will be: what it does not need is others' again.
                let excess = room.num_permits().saturating_sub(bytes.len().div_ceil(UNIT));
                drop(room.split(excess));
                Held { bytes, _room: room }
            }),
            Err(_) => Err(Unread::Failed(BodyFailure::TooSlow)),
        }
    }
}

/// Reads a body that nobody wants, without keeping it. A sender that waits for leave to send is not asked to.
///
/// Whether there is somebody to be answered.
pub(super) async fn refuse(parts: &Parts, mut body: Incoming, patience: Duration) -> bool {
    if parts.headers.contains_key(http::header::EXPECT) {
        return true;
    }
    // Whether the sender is done by then or not: it is answered.
    timeout(patience, discard(&mut body)).await.unwrap_or(true)
}

/// Whether it did not break off.
async fn discard(body: &mut Incoming) -> bool {
    let mut length: usize = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        length = length.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if length > MAX_DISCARDED_BYTES {
            break;
        }
    }
    true
}
