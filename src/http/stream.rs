//! The live stream (Server-Sent Events): one snapshot computed for all, of which each viewer sees its share.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _};
use tokio_stream::wrappers::WatchStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::params::{Params, TenantQuery, header};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::stats::{Live, LiveView};

/// Silence after which a comment shows that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Wait that a browser is told to keep before it connects again.
const RETRY: Duration = Duration::from_secs(2);
/// A stream ends after this time and the browser connects again, so that a revoked session or key loses it.
const MAX_TIME: Duration = Duration::from_secs(300);

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(stream))
}

/// Follow the numbers live (Server-Sent Events)
///
/// Events named `snapshot`, about one a second, each whole in itself; a slow reader skips to the latest. The event id counts up;
/// sent back as `Last-Event-ID` it keeps an unchanged snapshot from coming twice. The stream ends after five minutes: connect again.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream",
    params(TenantQuery, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event seen")),
    responses((status = 200, description = "The stream; the data of each event is a LiveView", body = LiveView, content_type = "text/event-stream")))]
async fn stream(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<TenantQuery>, headers: HeaderMap) -> Result<impl IntoResponse, ApiError> {
    caller.require(Scope::ExecutionsRead)?;
    let tenant = caller.reads(q.tenant_id.as_deref())?;
    let seen = header(&headers, "last-event-id")?.and_then(|id| id.parse().ok());
    let stopping = engine.stopping();
    let end = async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = tokio::time::sleep(MAX_TIME) => {}
        }
    };
    let events = snapshots(WatchStream::new(engine.live()), tenant, seen).take_until(end);
    // Proxies that buffer would hold the events back.
    Ok(([("x-accel-buffering", "no")], Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))))
}

fn snapshots(live: impl Stream<Item = Arc<Live>> + Send, tenant: Option<String>, seen: Option<u64>) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    live.skip_while(move |live| std::future::ready(Some(live.seq) == seen)).filter_map(move |live| {
        let event = Event::default().event("snapshot").id(live.seq.to_string()).retry(RETRY);
        std::future::ready(event.json_data(live.seen_by(tenant.as_deref())).ok().map(Ok))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_snapshot_seen_before_does_not_come_again() {
        let live = |seq| Arc::new(Live { seq, ..Live::default() });
        let all = futures::stream::iter([live(4), live(5), live(6)]);
        assert_eq!(snapshots(all.clone(), None, Some(4)).count().await, 2);
        assert_eq!(snapshots(all.clone(), Some("acme".into()), Some(9)).count().await, 3);
        assert_eq!(snapshots(all, None, None).count().await, 3);
    }
}
