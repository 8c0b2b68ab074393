//! The live stream (Server-Sent Events): one snapshot computed for all, of which each viewer sees its share; alerts, executions and
//! actions as they change.

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
use crate::engine::{Caller, Engine, Ring};
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::alert::Alert;
use crate::model::feed::{ActionChange, ExecutionChange};
use crate::model::stats::{Live, LiveView};

/// Silence after which a comment shows that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Wait that a browser is told to keep before it connects again.
const RETRY: Duration = Duration::from_secs(2);
/// A stream ends after this time and the browser connects again, so that a revoked session or key loses it.
const MAX_TIME: Duration = Duration::from_secs(300);

/// Changes of executions are gathered for so long.
const GATHER: Duration = Duration::from_millis(250);
/// Most changes of executions in one event.
const MAX_TOGETHER: usize = 100;

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(stream_live))
}

/// Follow numbers, alerts, executions and actions live (Server-Sent Events)
///
/// Events named `snapshot`, about one a second, each whole in itself (a LiveView); a slow reader skips to the latest. Events named
/// `alert`, one with every change of an alert (an Alert). Events named `execution`, each a list of at most 100 executions of which an
/// attempt has ended or which were cancelled (ExecutionChange). Events named `action`, one with every change of an action
/// (ActionChange), for credentials that may read actions. The event id says how far the stream has come; sent back as
/// `Last-Event-ID` it brings what changed meanwhile and keeps an unchanged snapshot from coming twice. The server remembers the
/// latest 256 alerts, 1,000 executions and 256 actions; who is slower than that, or was away for longer, is sent a snapshot in
/// their place and reads the lists anew. The stream ends after five minutes: connect again.
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
    // Who comes for the first time sees only what changes from now on; the lists have the rest.
    let place = seen.unwrap_or_else(|| Place {
        seq: None,
        revision: changes.borrow().last().map_or(0, |a| a.revision),
        execution: *engine.execution_changes().watch().borrow(),
        action: *engine.action_changes().watch().borrow(),
    });
    let position = Arc::new(Position::at(place));
    let viewer = Arc::new(Viewer { caller, tenant });
    let snapshots = snapshots(WatchStream::new(engine.live()), viewer.clone(), place.seq, position.clone());
    let alerts = alerts(WatchStream::new(changes), viewer.clone(), position.clone());
    let things = stream::select(executions(engine.clone(), viewer.clone(), position.clone()), actions(engine, viewer, position));
    let events = stream::select(stream::select(snapshots, alerts), things).take_until(end);
    // Proxies that buffer would hold the events back.
    Ok(([("x-accel-buffering", "no")], Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))))
}

/// How far a viewer has come: the snapshot, the change of alerts, of executions and of actions seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    seq: Option<u64>,
    revision: i64,
    execution: u64,
    action: u64,
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut next = || parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or(());
        let place = Self { seq: Some(next()?), revision: i64::try_from(next()?).map_err(drop)?, execution: next()?, action: next()? };
        if parts.next().is_none() { Ok(place) } else { Err(()) }
    }
}

/// The place that all parts of a stream move on.
#[derive(Debug, Default)]
struct Position {
    seq: AtomicU64,
    revision: AtomicI64,
    execution: AtomicU64,
    action: AtomicU64,
}

impl Position {
    fn at(place: Place) -> Self {
        Self {
            seq: AtomicU64::new(place.seq.unwrap_or(0)),
            revision: AtomicI64::new(place.revision),
            execution: AtomicU64::new(place.execution),
            action: AtomicU64::new(place.action),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        write!(f, "{}-{}-{}-{}", of(&self.seq), self.revision.load(Ordering::Relaxed), of(&self.execution), of(&self.action))
    }
}

/// Who watches.
struct Viewer {
    caller: Caller,
    tenant: Option<String>,
}

impl Viewer {
    fn sees(&self, alert: &Alert) -> bool {
        Engine::shows_alert(&self.caller, self.tenant.as_deref(), alert)
    }

    fn share_of(&self, live: &Live) -> LiveView {
        live.seen_by(self.tenant.as_deref(), self.caller.is_platform)
    }

    fn sees_execution(&self, change: &ExecutionChange) -> bool {
        self.tenant.as_deref().is_none_or(|tenant| tenant == change.tenant_id)
    }

    /// Platform-wide actions concern everybody.
    fn sees_action(&self, change: &ActionChange) -> bool {
        let concerns = self.tenant.is_none() || change.tenant_id.is_none() || change.tenant_id == self.tenant;
        concerns && self.caller.may(Scope::ActionsRead)
    }
}

fn event(name: &str, position: &Position, data: impl serde::Serialize) -> Option<Result<Event, Infallible>> {
    Event::default().event(name).id(position.to_string()).retry(RETRY).json_data(data).ok().map(Ok)
}

fn snapshots(live: impl Stream<Item = Arc<Live>> + Send, viewer: Arc<Viewer>, seen: Option<u64>, position: Arc<Position>) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    live.skip_while(move |live| std::future::ready(Some(live.seq) == seen)).filter_map(move |live| {
        position.seq.store(live.seq, Ordering::Relaxed);
        std::future::ready(event("snapshot", &position, viewer.share_of(&live)))
    })
}

fn alerts(changes: impl Stream<Item = Arc<Vec<Arc<Alert>>>> + Send, viewer: Arc<Viewer>, position: Arc<Position>) -> impl Stream<Item = Result<Event, Infallible>> + Send {
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

/// What came to a ring since the viewer's place, which moves on; `None` when the viewer was too slow for it.
fn gathered<T>(ring: &Ring<T>, place: &AtomicU64) -> Option<Vec<Arc<T>>> {
    let (found, last) = ring.since(place.load(Ordering::Relaxed));
    place.store(last, Ordering::Relaxed);
    found
}

/// The snapshot that stands for what a viewer has missed.
fn instead(engine: &Engine, viewer: &Viewer, position: &Position) -> Option<Result<Event, Infallible>> {
    event("snapshot", position, viewer.share_of(&engine.live().borrow()))
}

/// Nothing is gathered before the viewer has taken what came before: whoever is slow reads the ring later, or a snapshot.
fn executions(engine: Engine, viewer: Arc<Viewer>, position: Arc<Position>) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let more = WatchStream::new(engine.execution_changes().watch());
    more.then(|_| tokio::time::sleep(GATHER)).flat_map(move |()| {
        let out = match gathered(engine.execution_changes(), &position.execution) {
            None => instead(&engine, &viewer, &position).into_iter().collect(),
            Some(found) => {
                let seen: Vec<&ExecutionChange> = found.iter().map(AsRef::as_ref).filter(|change| viewer.sees_execution(change)).collect();
                seen.chunks(MAX_TOGETHER).filter_map(|together| event("execution", &position, together)).collect::<Vec<_>>()
            }
        };
        stream::iter(out)
    })
}

fn actions(engine: Engine, viewer: Arc<Viewer>, position: Arc<Position>) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    WatchStream::new(engine.action_changes().watch()).flat_map(move |_| {
        let out = match gathered(engine.action_changes(), &position.action) {
            None => instead(&engine, &viewer, &position).into_iter().collect(),
            Some(found) => found.iter().filter(|change| viewer.sees_action(change)).filter_map(|change| event("action", &position, change.as_ref())).collect::<Vec<_>>(),
        };
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
            let viewer = Arc::new(Viewer { caller: Caller::system("test"), tenant });
            assert_eq!(snapshots(all.clone(), viewer, seen, position.clone()).count().await, count);
            assert_eq!(position.to_string(), "6-0-0-0");
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
            let viewer = Arc::new(Viewer { caller: caller.clone(), tenant: tenant.map(str::to_owned) });
            let found = alerts(stream::iter([first.clone(), second.clone()]), viewer, position.clone()).count().await;
            assert_eq!((found, position.to_string()), (count, "0-9-0-0".to_owned()), "{tenant:?} from {seen}");
        }
    }

    #[test]
    fn places_are_read_back() {
        let place = Place { seq: Some(12), revision: 34, execution: 56, action: 78 };
        assert_eq!(Position::at(place).to_string().parse(), Ok(place));
        assert!(["", "12", "1-2", "1-2-3", "a-b-c-d", "1-2-3-4-5", "12-"].into_iter().all(|text| text.parse::<Place>().is_err()));
    }

    #[test]
    fn executions_and_actions_are_shown_to_whom_they_concern() {
        let at = Timestamp(0);
        let viewer = |tenant: Option<&str>| Viewer { caller: Caller::system("test"), tenant: tenant.map(str::to_owned) };
        let execution = ExecutionChange {
            id: "x".into(),
            tenant_id: "north".into(),
            event_id: "e".into(),
            event_type: "a".into(),
            action_id: "a".into(),
            action_name: "A".into(),
            status: crate::model::execution::Status::Succeeded,
            attempt: 1,
            duration_ms: None,
            at,
        };
        let change = crate::model::feed::ActionVerb::Created;
        let action = |tenant: Option<&str>| ActionChange { id: "a".into(), name: "A".into(), tenant_id: tenant.map(str::to_owned), version: 1, change, at };
        for (tenant, sees) in [(None, true), (Some("north"), true), (Some("south"), false)] {
            let viewer = viewer(tenant);
            assert_eq!((viewer.sees_execution(&execution), viewer.sees_action(&action(Some("north"))), viewer.sees_action(&action(None))), (sees, sees, true), "{tenant:?}");
        }
        let blind = Viewer { caller: Caller { scopes: vec![Scope::ExecutionsRead], ..Caller::system("test") }, tenant: None };
        assert!(blind.sees_execution(&execution) && !blind.sees_action(&action(None)));
    }
}
