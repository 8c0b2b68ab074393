//! The live stream (Server-Sent Events): one snapshot computed for all, of which each viewer sees its share, and alerts as they change.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _, stream};
use tokio_stream::wrappers::WatchStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::params::{Params, TenantQuery, header};
use crate::engine::{Caller, Engine};
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::alert::Alert;
use crate::model::stats::{Live, LiveView};

/// Silence after which a comment shows that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Wait that a browser is told to keep before it connects again.
const RETRY: Duration = Duration::from_secs(2);
/// A stream ends after this time and the browser connects again, so that a revoked session or key loses it.
const MAX_TIME: Duration = Duration::from_secs(300);

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(stream_live))
}

/// Follow numbers and alerts live (Server-Sent Events)
///
/// Events named `snapshot`, about one a second, each whole in itself (a LiveView); a slow reader skips to the latest. Events named
/// `alert`, one with every change of an alert (an Alert). The event id says how far the stream has come; sent back as `Last-Event-ID`
/// it brings the alerts that changed meanwhile and keeps an unchanged snapshot from coming twice. The stream ends after five
/// minutes: connect again.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream", operation_id = "stream",
    params(TenantQuery, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event seen")),
    responses((status = 200, description = "The stream; the data of a snapshot is a LiveView", body = LiveView, content_type = "text/event-stream")))]
async fn stream_live(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<TenantQuery>, headers: HeaderMap) -> Result<impl IntoResponse, ApiError> {
    caller.require(Scope::ExecutionsRead)?;
    let tenant = caller.reads(q.tenant_id.as_deref())?;
    let seen: Option<Place> = header(&headers, "last-event-id")?.and_then(|id| id.parse().ok());
    let stopping = engine.stopping();
    let end = async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = tokio::time::sleep(MAX_TIME) => {}
        }
    };
    let changes = engine.alert_changes();
    // Who comes for the first time sees only what changes from now on; the list has the rest.
    let place = seen.unwrap_or_else(|| Place { seq: None, revision: changes.borrow().last().map_or(0, |a| a.revision) });
    let position = Arc::new(Position { seq: AtomicU64::new(place.seq.unwrap_or(0)), revision: AtomicI64::new(place.revision) });
    let snapshots = snapshots(WatchStream::new(engine.live()), tenant.clone(), place.seq, position.clone());
    let viewer = Viewer { caller, tenant };
    let events = stream::select(snapshots, alerts(WatchStream::new(changes), viewer, position)).take_until(end);
    // Proxies that buffer would hold the events back.
    Ok(([("x-accel-buffering", "no")], Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))))
}

/// How far a viewer has come: the snapshot and the change of alerts seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    seq: Option<u64>,
    revision: i64,
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (seq, revision) = text.split_once('-').ok_or(())?;
        Ok(Self { seq: Some(seq.parse().map_err(drop)?), revision: revision.parse().map_err(drop)? })
    }
}

/// The place that both parts of a stream move on.
#[derive(Debug, Default)]
struct Position {
    seq: AtomicU64,
    revision: AtomicI64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seq.load(Ordering::Relaxed), self.revision.load(Ordering::Relaxed))
    }
}

/// Whose alerts are shown.
struct Viewer {
    caller: Caller,
    tenant: Option<String>,
}

impl Viewer {
    /// Tenants see their own; the platform sees all, or those of one tenant and its own.
    fn sees(&self, alert: &Alert) -> bool {
        let theirs = self.tenant.is_none() || alert.tenant_id.is_none() || alert.tenant_id == self.tenant;
        theirs && self.caller.owns(alert.tenant_id.as_deref())
    }
}

fn event(name: &str, position: &Position, data: impl serde::Serialize) -> Option<Result<Event, Infallible>> {
    Event::default().event(name).id(position.to_string()).retry(RETRY).json_data(data).ok().map(Ok)
}

fn snapshots(
    live: impl Stream<Item = Arc<Live>> + Send,
    tenant: Option<String>,
    seen: Option<u64>,
    position: Arc<Position>,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    live.skip_while(move |live| std::future::ready(Some(live.seq) == seen)).filter_map(move |live| {
        position.seq.store(live.seq, Ordering::Relaxed);
        std::future::ready(event("snapshot", &position, live.seen_by(tenant.as_deref())))
    })
}

fn alerts(changes: impl Stream<Item = Arc<Vec<Arc<Alert>>>> + Send, viewer: Viewer, position: Arc<Position>) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    changes.flat_map(move |latest| {
        let mut out = Vec::new();
        for alert in latest.iter() {
            if alert.revision > position.revision.load(Ordering::Relaxed) {
                position.revision.store(alert.revision, Ordering::Relaxed);
                if viewer.sees(alert) {
                    out.extend(event("alert", &position, alert));
                }
            }
        }
        stream::iter(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::access::Role;
    use crate::model::alert::{AlertKind, AlertState, Severity};

    #[tokio::test]
    async fn a_snapshot_seen_before_does_not_come_again() {
        let live = |seq| Arc::new(Live { seq, ..Live::default() });
        let all = stream::iter([live(4), live(5), live(6)]);
        for (tenant, seen, count) in [(None, Some(4), 2), (Some("acme".to_owned()), Some(9), 3), (None, None, 3)] {
            let position = Arc::new(Position::default());
            assert_eq!(snapshots(all.clone(), tenant, seen, position.clone()).count().await, count);
            assert_eq!(position.to_string(), "6-0");
        }
    }

    fn alert(revision: i64, tenant: Option<&str>) -> Arc<Alert> {
        let at = Timestamp(0);
        Arc::new(Alert {
            id: revision.to_string(),
            rule: "Rule".into(),
            rule_id: "r".into(),
            kind: AlertKind::ErrorRate,
            severity: Severity::Warning,
            state: AlertState::Firing,
            subject: "action:x".into(),
            tenant_id: tenant.map(str::to_owned),
            action_id: None,
            message: "It fails.".into(),
            value: 30.0,
            threshold: 10.0,
            started_at: at,
            fired_at: Some(at),
            updated_at: at,
            acknowledged_at: None,
            acknowledged_by: None,
            silenced_until: None,
            silenced_by: None,
            resolved_at: None,
            resolved_by: None,
            revision,
        })
    }

    #[tokio::test]
    async fn alerts_come_once_and_to_whom_they_concern() {
        let north = Caller::member("u".into(), "a@example.com".into(), "north".into(), Role::Viewer, None);
        let platform = Caller::system("test");
        let first = Arc::new(vec![alert(5, Some("north")), alert(6, Some("south")), alert(7, None)]);
        let second = Arc::new([first.as_slice(), &[alert(9, Some("north"))]].concat());
        for (caller, tenant, seen, count) in
            [(&north, Some("north"), 0, 2), (&north, Some("north"), 5, 1), (&north, Some("north"), 9, 0), (&platform, None, 0, 4), (&platform, Some("south"), 0, 2)]
        {
            let position = Arc::new(Position { revision: AtomicI64::new(seen), ..Position::default() });
            let viewer = Viewer { caller: caller.clone(), tenant: tenant.map(str::to_owned) };
            let found = alerts(stream::iter([first.clone(), second.clone()]), viewer, position.clone()).count().await;
            assert_eq!((found, position.to_string()), (count, "0-9".to_owned()), "{tenant:?} from {seen}");
        }
    }

    #[test]
    fn places_are_read_back() {
        let position = Position { seq: AtomicU64::new(12), revision: AtomicI64::new(34) };
        assert_eq!(position.to_string().parse(), Ok(Place { seq: Some(12), revision: 34 }));
        assert!(["", "12", "a-b", "12-"].into_iter().all(|text| text.parse::<Place>().is_err()));
    }
}
