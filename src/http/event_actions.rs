//! Routes of actions: list, make, read, change, delete and restore, switch, copy, versions.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::Body;
use super::params::{Nothing, Params, Path};
use super::update::{self, Update, expected_version, versioned};
use crate::engine::{Caller, Engine};
use crate::model::ApiError;
use crate::model::action::{Action, ActionFilter, ActionVersion, ExecutionMode, NewAction, Priority};
use crate::model::page::{Page, PageRequest};

mod stats;
mod testing;

const TAG: &str = "event-actions";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default()
        .routes(routes!(list_event_actions, create_event_action))
        .routes(routes!(get_event_action, replace_event_action, update_event_action, delete_event_action))
        .routes(routes!(enable_event_action))
        .routes(routes!(disable_event_action))
        .routes(routes!(duplicate_event_action))
        .routes(routes!(restore_event_action))
        .routes(routes!(list_event_action_versions))
        .merge(testing::routes())
        .merge(stats::routes())
}

/// Filters of the list, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// `active`, `disabled` or `degraded`.
    status: Option<String>,
    /// Exact handler type, such as `webhook`.
    handler_type: Option<String>,
    /// An event type that the action's patterns must cover, or a pattern it must have.
    event_type: Option<String>,
    /// Exact priority.
    #[param(inline)]
    priority: Option<Priority>,
    /// Exact mode.
    #[param(inline)]
    execution_mode: Option<ExecutionMode>,
    /// A label it must carry.
    tag: Option<String>,
    /// Part of its name or description, letter case ignored.
    search: Option<String>,
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Any subset of an action's fields: null clears, absent keeps.
type ActionUpdate = Update<NewAction>;

/// An action as an answer, with its version as `ETag`.
struct Versioned(Action);

impl IntoResponse for Versioned {
    fn into_response(self) -> Response {
        versioned(self.0.version, &self.0)
    }
}

fn created(action: Action) -> Response {
    update::created(format!("/api/v1/event-actions/{}", action.id), Versioned(action).into_response())
}

/// List actions, latest first
#[utoipa::path(get, path = "/api/v1/event-actions", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of actions", body = Page<Action>)))]
async fn list_event_actions(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<Action>>, ApiError> {
    let page = PageRequest { limit: q.limit, cursor: q.cursor };
    let filter = ActionFilter {
        status: q.status,
        handler_type: q.handler_type,
        event_type: q.event_type,
        priority: q.priority,
        execution_mode: q.execution_mode,
        tag: q.tag,
        search: q.search,
        tenant_id: q.tenant_id,
    };
    engine.list_actions(&caller, filter, page).await.map(Json)
}

/// Make an action
#[utoipa::path(post, path = "/api/v1/event-actions", tag = TAG, request_body = NewAction,
    responses((status = 201, description = "Made", body = Action, headers(("location" = String, description = "Its address"), ("etag" = String, description = "Its version in quotes")))))]
async fn create_event_action(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(new): Body<NewAction>) -> Result<Response, ApiError> {
    engine.create_action(&caller, new).await.map(created)
}

/// One action with its health and numbers
#[utoipa::path(get, path = "/api/v1/event-actions/{id}", tag = TAG, params(("id" = String, Path, description = "The action")),
    responses((status = 200, description = "The action", body = Action, headers(("etag" = String, description = "Its version in quotes")))))]
async fn get_event_action(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Versioned, ApiError> {
    engine.get_action(&caller, &id).await.map(Versioned)
}

/// Change an action: any subset of its fields
#[utoipa::path(put, path = "/api/v1/event-actions/{id}", tag = TAG, request_body = ActionUpdate,
    params(("id" = String, Path, description = "The action"), ("If-Match" = Option<String>, Header, description = "The version in quotes that this change is based on")),
    responses((status = 200, description = "Changed", body = Action, headers(("etag" = String, description = "Its new version in quotes")))))]
async fn replace_event_action(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    headers: HeaderMap,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Versioned, ApiError> {
    change(&engine, &caller, &id, &headers, changes).await
}

/// Change an action: any subset of its fields
#[utoipa::path(patch, path = "/api/v1/event-actions/{id}", tag = TAG, request_body = ActionUpdate,
    params(("id" = String, Path, description = "The action"), ("If-Match" = Option<String>, Header, description = "The version in quotes that this change is based on")),
    responses((status = 200, description = "Changed", body = Action, headers(("etag" = String, description = "Its new version in quotes")))))]
async fn update_event_action(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    headers: HeaderMap,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Versioned, ApiError> {
    change(&engine, &caller, &id, &headers, changes).await
}

async fn change(engine: &Engine, caller: &Caller, id: &str, headers: &HeaderMap, mut changes: Map<String, Value>) -> Result<Versioned, ApiError> {
    let expected = expected_version(headers, &mut changes)?;
    engine.update_action(caller, id, changes, expected).await.map(Versioned)
}

/// Delete an action; it can be restored for 30 days
#[utoipa::path(delete, path = "/api/v1/event-actions/{id}", tag = TAG, params(("id" = String, Path, description = "The action")), responses((status = 204, description = "Deleted")))]
async fn delete_event_action(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<StatusCode, ApiError> {
    engine.delete_action(&caller, &id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Switch an action on
#[utoipa::path(post, path = "/api/v1/event-actions/{id}/enable", tag = TAG, params(("id" = String, Path, description = "The action")), responses((status = 200, description = "On", body = Action)))]
async fn enable_event_action(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Versioned, ApiError> {
    engine.enable_action(&caller, &id).await.map(Versioned)
}

/// Switch an action off; what already waits still runs
#[utoipa::path(post, path = "/api/v1/event-actions/{id}/disable", tag = TAG, params(("id" = String, Path, description = "The action")), responses((status = 200, description = "Off", body = Action)))]
async fn disable_event_action(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Versioned, ApiError> {
    engine.disable_action(&caller, &id).await.map(Versioned)
}

/// Make a copy that is switched off
#[utoipa::path(post, path = "/api/v1/event-actions/{id}/duplicate", tag = TAG, params(("id" = String, Path, description = "The action")),
    responses((status = 201, description = "The copy", body = Action, headers(("location" = String, description = "Its address")))))]
async fn duplicate_event_action(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Response, ApiError> {
    engine.duplicate_action(&caller, &id).await.map(created)
}

/// Take a deletion back
#[utoipa::path(post, path = "/api/v1/event-actions/{id}/restore", tag = TAG, params(("id" = String, Path, description = "The deleted action")), responses((status = 200, description = "Back again", body = Action)))]
async fn restore_event_action(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Versioned, ApiError> {
    engine.restore_action(&caller, &id).await.map(Versioned)
}

/// Every version of an action with its diff and author, latest first
#[utoipa::path(get, path = "/api/v1/event-actions/{id}/versions", tag = TAG, params(("id" = String, Path, description = "The action")),
    responses((status = 200, description = "All versions", body = Page<ActionVersion>)))]
async fn list_event_action_versions(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Page<ActionVersion>>, ApiError> {
    engine.action_versions(&caller, &id).await.map(super::whole)
}
