//! Routes of dead letters: what gave up and waits for a person.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::MaybeBody;
use super::executions::replayed;
use super::params::{Nothing, Params, Path};
use crate::engine::Engine;
use crate::model::dead_letter::{DeadLetterFilter, DeadLetterGroup};
use crate::model::execution::{Execution, ExecutionFilter};
use crate::model::page::{Page, PageRequest};
use crate::model::testing::ReplayRequest;
use crate::model::{ApiError, Timestamp};

const TAG: &str = "dead-letters";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_dead_letters)).routes(routes!(list_dead_letter_groups)).routes(routes!(replay_dead_letter)).routes(routes!(discard_dead_letter))
}

/// Filters of the list, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
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
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List the dead letters that nobody has replayed or discarded, latest first
#[utoipa::path(get, path = "/api/v1/dead-letters", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of executions, without their attempts", body = Page<Execution>)))]
async fn list_dead_letters(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<Execution>>, ApiError> {
    let page = PageRequest { limit: q.limit, cursor: q.cursor };
    let filter = ExecutionFilter {
        action_id: q.action_id,
        event_id: q.event_id,
        event_type: q.event_type,
        handler_type: q.handler_type,
        error_class: q.error_class,
        from: q.from,
        to: q.to,
        tenant_id: q.tenant_id,
        ..ExecutionFilter::default()
    };
    engine.dead_letters(&caller, filter, page).await.map(Json)
}

/// Filters of the groups.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct GroupQuery {
    /// Only this action.
    action_id: Option<String>,
    /// Created at or after.
    #[param(inline)]
    from: Option<Timestamp>,
    /// Created before.
    #[param(inline)]
    to: Option<Timestamp>,
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
}

/// Dead letters by action and last error, the largest group first; at most 200 groups
#[utoipa::path(get, path = "/api/v1/dead-letters/groups", tag = TAG, params(GroupQuery), responses((status = 200, description = "The groups", body = Page<DeadLetterGroup>)))]
async fn list_dead_letter_groups(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<GroupQuery>) -> Result<Json<Page<DeadLetterGroup>>, ApiError> {
    let filter = DeadLetterFilter { action_id: q.action_id, from: q.from, to: q.to, tenant_id: q.tenant_id };
    engine.dead_letter_groups(&caller, filter).await.map(super::whole)
}

/// Run a dead letter again: a new execution that names it
#[utoipa::path(post, path = "/api/v1/dead-letters/{id}/replay", tag = TAG, request_body = Option<ReplayRequest>, params(("id" = String, Path, description = "The execution")),
    responses((status = 202, description = "The new execution", body = Execution, headers(("location" = String, description = "Its address")))))]
async fn replay_dead_letter(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    MaybeBody(request): MaybeBody<ReplayRequest>,
) -> Result<Response, ApiError> {
    engine.replay_execution(&caller, &id, request).await.map(replayed)
}

/// Put a dead letter aside: nobody has to look at it any more
#[utoipa::path(post, path = "/api/v1/dead-letters/{id}/discard", tag = TAG, params(("id" = String, Path, description = "The execution")),
    responses((status = 200, description = "The execution, marked as handled", body = Execution)))]
async fn discard_dead_letter(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Execution>, ApiError> {
    engine.discard_dead_letter(&caller, &id).await.map(Json)
}
