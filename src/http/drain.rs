//! Reads on after a refusal: a client that is still sending would otherwise meet a reset connection instead of the answer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

use crate::config::MAX_DRAINED_BYTES;

/// Longest time for which a refused body is read.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(10);

/// Drops what the handler left of the body, up to [`MAX_DRAINED_BYTES`] and ten seconds, before the answer goes out.
pub async fn layer(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let invited = request.headers().contains_key(header::EXPECT);
    let version = request.version();
    let (parts, body) = request.into_parts();
    let shared = Shared(Arc::new(Mutex::new(State { body, touched: false, ended: false })));
    let mut response = next.run(Request::from_parts(parts, Body::new(Shared(Arc::clone(&shared.0))))).await;
    let (touched, ended) = {
        let state = shared.state();
        (state.touched, state.ended)
    };
    // A client that waits for "100 Continue" has sent nothing yet: reading would invite it to.
    if ended || (invited && !touched) {
        return response;
    }
    let drained = tokio::time::timeout(MAX_DRAIN_TIME, drain(Body::new(shared))).await.unwrap_or(false);
    if !drained && version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the end was reached.
async fn drain(mut body: Body) -> bool {
    let mut left = MAX_DRAINED_BYTES;
    while let Some(frame) = body.frame().await {
        let size = frame.map(|f| f.data_ref().map_or(0, Bytes::len));
        match size.ok().and_then(|size| left.checked_sub(size)) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    true
}

struct State {
    body: Body,
    touched: bool,
    ended: bool,
}

/// The request's body, which the handler reads and this layer finishes.
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut state = self.state();
        state.touched = true;
        let polled = Pin::new(&mut state.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || (polled.is_ready() && state.body.is_end_stream()) {
            state.ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.state().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.state().body.size_hint()
    }
}
