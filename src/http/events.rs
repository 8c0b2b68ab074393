//! Routes of events: send one or many, list, read, replay, trace.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::batch::{BatchAnswer, events_of, receipt_status};
use super::body::{Body, media_type, read, unsupported};
use super::params::{Nothing, Params, Path, TenantQuery, header};
use crate::engine::Engine;
use crate::model::event::{Event, MAX_BATCH_BYTES, NewEvent};
use crate::model::execution::Receipt;
use crate::model::page::{Page, PageRequest};
use crate::model::testing::{Considered, EventFilter};
use crate::model::{ApiError, Timestamp};

const TAG: &str = "events";
/// Media types of one JSON text per line.
const LINES: [&str; 4] = ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"];

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default()
        .routes(routes!(list_events, send_event))
        .routes(routes!(send_events))
        .routes(routes!(get_event))
        .routes(routes!(replay_event))
        .routes(routes!(trace_event))
}

/// Filters of the list, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// An exact type, or a pattern such as `user.*`.
    event_type: Option<String>,
    /// Exact aggregate.
    aggregate_id: Option<String>,
    /// Exact correlation.
    correlation_id: Option<String>,
    /// Received at or after.
    #[param(inline)]
    from: Option<Timestamp>,
    /// Received before.
    #[param(inline)]
    to: Option<Timestamp>,
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The tenant and the page of a trace.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TraceQuery {
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Send an event; the answer comes after it and its executions are stored durably
///
/// 200 when every execution has ended, 202 while anything is pending. Sync actions run before the answer, within one deadline.
/// The same `id` or `Idempotency-Key` with the same body again gives the first answer with `duplicate: true`; with another body 409.
#[utoipa::path(post, path = "/api/v1/events", tag = TAG, request_body = NewEvent,
    params(("Idempotency-Key" = Option<String>, Header, description = "Any text that names this request, kept 24 hours")),
    responses((status = 200, description = "Stored; everything has ended", body = Receipt), (status = 202, description = "Stored; something is still to run", body = Receipt)))]
async fn send_event(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    _: Params<Nothing>,
    headers: HeaderMap,
    Body(event): Body<NewEvent>,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let key = header(&headers, "idempotency-key")?.map(str::to_owned);
    engine.ingest(&caller, event, key).await.map(answered)
}

fn answered(receipt: Receipt) -> (StatusCode, Json<Receipt>) {
    (receipt_status(&receipt), Json(receipt))
}

/// Send up to 1,000 events, as a JSON array or as one JSON text per line
///
/// One result per item, in order; a bad item does not reject the others. Sync actions run as async.
#[utoipa::path(post, path = "/api/v1/events/batch", tag = TAG,
    request_body(content((Vec<NewEvent> = "application/json"), (String = "application/x-ndjson")), description = "At most 16 MiB"),
    responses((status = 200, description = "All stored; everything has ended", body = BatchAnswer), (status = 202, description = "All stored; something is still to run", body = BatchAnswer),
        (status = 207, description = "Some items were refused: look at each", body = BatchAnswer)))]
async fn send_events(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, request: Request) -> Result<BatchAnswer, ApiError> {
    let in_lines = match media_type(request.headers()).as_deref() {
        Some("application/json") => false,
        Some(kind) if LINES.contains(&kind) => true,
        other => return Err(unsupported(&["application/json", LINES[0]], other)),
    };
    let bytes = read(request, MAX_BATCH_BYTES).await?;
    engine.ingest_batch(&caller, events_of(&bytes, in_lines)?).await.map(BatchAnswer::new)
}

/// List events, latest first
#[utoipa::path(get, path = "/api/v1/events", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of events", body = Page<Event>)))]
async fn list_events(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<Event>>, ApiError> {
    let page = PageRequest { limit: q.limit, cursor: q.cursor };
    let filter = EventFilter { event_type: q.event_type, aggregate_id: q.aggregate_id, correlation_id: q.correlation_id, from: q.from, to: q.to, tenant_id: q.tenant_id };
    engine.list_events(&caller, filter, page).await.map(Json)
}

/// One event
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = TAG, params(("id" = String, Path, description = "The event"), TenantQuery), responses((status = 200, description = "The event", body = Event)))]
async fn get_event(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<Json<Event>, ApiError> {
    engine.get_event(&caller, &id, q.tenant_id.as_deref()).await.map(Json)
}

/// Run a stored event again: new executions of the actions that match it now
#[utoipa::path(post, path = "/api/v1/events/{id}/replay", tag = TAG, params(("id" = String, Path, description = "The event"), TenantQuery),
    responses((status = 200, description = "Nothing matched", body = Receipt), (status = 202, description = "New executions wait", body = Receipt)))]
async fn replay_event(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    engine.replay_event(&auth.looking_at(q.tenant_id.as_deref())?, &id).await.map(answered)
}

/// Why it fired or did not: every action considered when the event came, and the gate that stopped it
#[utoipa::path(get, path = "/api/v1/events/{id}/trace", tag = TAG, params(("id" = String, Path, description = "The event"), TraceQuery),
    responses((status = 200, description = "A page of actions with their gates", body = Page<Considered>)))]
async fn trace_event(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TraceQuery>) -> Result<Json<Page<Considered>>, ApiError> {
    let page = PageRequest { limit: q.limit, cursor: q.cursor };
    engine.trace_event(&auth.looking_at(q.tenant_id.as_deref())?, &id, page).await.map(Json)
}
