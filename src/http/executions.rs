//! Routes of executions: list, read with attempts, replay, cancel.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::MaybeBody;
use super::params::{Nothing, Params, Path};
use crate::engine::Engine;
use crate::model::execution::{Execution, ExecutionFilter};
use crate::model::page::{Page, PageRequest};
use crate::model::testing::ReplayRequest;
use crate::model::{ApiError, Timestamp};

const TAG: &str = "executions";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_executions)).routes(routes!(get_execution)).routes(routes!(replay_execution)).routes(routes!(cancel_execution))
}

/// Filters of the list, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// One status; `failed` covers dead letters too.
    status: Option<String>,
    /// Only this action.
    action_id: Option<String>,
    /// Only this event.
    event_id: Option<String>,
    /// Exact event type.
    event_type: Option<String>,
    /// Exact handler type.
    handler_type: Option<String>,
    /// Exact class of the last error, such as `timeout`.
    error_class: Option<String>,
    /// Created at or after.
    #[param(inline)]
    from: Option<Timestamp>,
    /// Created before.
    #[param(inline)]
    to: Option<Timestamp>,
    /// Took at least this many milliseconds.
    min_duration_ms: Option<i64>,
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List executions, latest first
#[utoipa::path(get, path = "/api/v1/executions", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of executions, without their attempts", body = Page<Execution>)))]
async fn list_executions(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<Execution>>, ApiError> {
    let page = PageRequest { limit: q.limit, cursor: q.cursor };
    let filter = ExecutionFilter {
        status: q.status,
        action_id: q.action_id,
        event_id: q.event_id,
        event_type: q.event_type,
        handler_type: q.handler_type,
        error_class: q.error_class,
        from: q.from,
        to: q.to,
        min_duration_ms: q.min_duration_ms,
        unhandled_only: false,
        tenant_id: q.tenant_id,
    };
    engine.list_executions(&caller, filter, page).await.map(Json)
}

/// One execution with its attempts
#[utoipa::path(get, path = "/api/v1/executions/{id}", tag = TAG, params(("id" = String, Path, description = "The execution")), responses((status = 200, description = "The execution", body = Execution)))]
async fn get_execution(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Execution>, ApiError> {
    engine.get_execution(&caller, &id).await.map(Json)
}

/// Run an execution again: a new execution that names this one
#[utoipa::path(post, path = "/api/v1/executions/{id}/replay", tag = TAG, request_body = Option<ReplayRequest>, params(("id" = String, Path, description = "The execution")),
    responses((status = 202, description = "The new execution", body = Execution, headers(("location" = String, description = "Its address")))))]
async fn replay_execution(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    MaybeBody(request): MaybeBody<ReplayRequest>,
) -> Result<Response, ApiError> {
    engine.replay_execution(&caller, &id, request).await.map(replayed)
}

/// The answer to a replay: the new execution and its address.
pub(super) fn replayed(new: Execution) -> Response {
    let location = format!("/api/v1/executions/{}", new.id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(new)).into_response()
}

/// Stop an execution that has not ended
#[utoipa::path(post, path = "/api/v1/executions/{id}/cancel", tag = TAG, params(("id" = String, Path, description = "The execution")),
    responses((status = 200, description = "The execution as it is now; a running attempt stops within seconds", body = Execution)))]
async fn cancel_execution(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Execution>, ApiError> {
    engine.cancel_execution(&caller, &id).await.map(Json)
}
