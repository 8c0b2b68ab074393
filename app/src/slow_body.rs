//! Request bodies that come in too slowly end: a client must send on, or its connection is given to somebody else.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// Bytes that have to arrive within one span of patience, unless the body ends within it.
const LEAST_PROGRESS: usize = 1024;

/// The body did not come on in time.
#[derive(Debug)]
pub struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request's body came in too slowly")
    }
}

impl Error for TooSlow {}

/// A body of which at least [`LEAST_PROGRESS`] bytes, or the end, must arrive within every `patience`. A byte now and then is not enough.
pub struct Impatient<B> {
    inner: B,
    patience: Duration,
    arrived: usize,
    /// Made with the first wait, since most bodies are there at once.
    end: Option<Pin<Box<Sleep>>>,
    given_up: bool,
}

impl<B> Impatient<B> {
    /// Watches over a body.
    pub const fn new(inner: B, patience: Duration) -> Self {
        Self { inner, patience, arrived: 0, end: None, given_up: false }
    }

    /// Counts what arrived, and begins a new span when it was enough.
    fn note(&mut self, bytes: usize) {
        self.arrived += bytes;
        if self.arrived >= LEAST_PROGRESS {
            self.arrived = 0;
            if let Some(end) = self.end.as_mut() {
                end.as_mut().reset(Instant::now() + self.patience);
            }
        }
    }
}

impl<B> Body for Impatient<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.given_up {
            return Poll::Ready(Some(Err(TooSlow.into())));
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            if let Some(Ok(frame)) = &frame {
                this.note(frame.data_ref().map_or(0, Bytes::len));
            }
            return Poll::Ready(frame.map(|f| f.map_err(Into::into)));
        }
        let patience = this.patience;
        let end = this.end.get_or_insert_with(|| Box::pin(sleep(patience)));
        if end.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        this.given_up = true;
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        !self.given_up && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures::stream;

    use super::*;

    /// Reads a body that sends `bytes` every 600 ms, `times` times.
    async fn read(bytes: usize, times: usize) -> bool {
        let chunks = stream::unfold(0, move |n| async move {
            if n == times {
                return None;
            }
            sleep(Duration::from_millis(600)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes])), n + 1))
        });
        let body = Impatient::new(axum::body::Body::from_stream(chunks), Duration::from_secs(1));
        to_bytes(axum::body::Body::new(body), usize::MAX).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_come_on() {
        for (bytes, times, fine) in [(1, 1, true), (1, 2, false), (600, 2, false), (1024, 50, true), (4096, 3, true)] {
            assert_eq!(read(bytes, times).await, fine, "{bytes} bytes, {times} times");
        }
    }
}
