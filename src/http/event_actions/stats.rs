//! Routes that show how actions have been doing: history, numbers, health and breaker.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::TAG;
use crate::engine::Engine;
use crate::http::auth::Auth;
use crate::http::params::{Nothing, Params, Path};
use crate::model::execution::{Execution, ExecutionFilter};
use crate::model::health::Health;
use crate::model::page::{Page, PageRequest};
use crate::model::stats::{Period, Stats, Window};
use crate::model::{ApiError, Timestamp};

pub(super) fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default()
        .routes(routes!(get_stats_overview))
        .routes(routes!(list_event_action_executions))
        .routes(routes!(get_event_action_stats))
        .routes(routes!(get_event_action_health))
        .routes(routes!(reset_event_action_breaker))
}

/// The time that statistics cover.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct WindowQuery {
    /// A window that ends now; `24h` when absent.
    #[param(inline)]
    window: Option<Window>,
    /// In place of a window: the beginning of a range of at most 400 days. It is widened to whole intervals.
    #[param(inline)]
    from: Option<Timestamp>,
    /// The end of the range; now when absent.
    #[param(inline)]
    to: Option<Timestamp>,
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
}

impl WindowQuery {
    fn period(&self) -> Result<Period, ApiError> {
        Period::of(self.window, self.from, self.to, Timestamp::now())
    }
}

/// Filters of an action's history, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    /// One status; `failed` covers dead letters too.
    status: Option<String>,
    /// Created at or after.
    #[param(inline)]
    from: Option<Timestamp>,
    /// Created before.
    #[param(inline)]
    to: Option<Timestamp>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The executions of an action, latest first
#[utoipa::path(get, path = "/api/v1/event-actions/{id}/executions", tag = TAG, params(("id" = String, Path, description = "The action"), HistoryQuery),
    responses((status = 200, description = "A page of executions, without their attempts", body = Page<Execution>)))]
async fn list_event_action_executions(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    Params(q): Params<HistoryQuery>,
) -> Result<Json<Page<Execution>>, ApiError> {
    engine.get_action(&caller, &id).await?;
    let filter = ExecutionFilter { action_id: Some(id), status: q.status, from: q.from, to: q.to, ..ExecutionFilter::default() };
    engine.list_executions(&caller, filter, PageRequest { limit: q.limit, cursor: q.cursor }).await.map(Json)
}

/// Numbers of one action
#[utoipa::path(get, path = "/api/v1/event-actions/{id}/stats", tag = TAG, params(("id" = String, Path, description = "The action"), WindowQuery),
    responses((status = 200, description = "The numbers", body = Stats)))]
async fn get_event_action_stats(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<WindowQuery>) -> Result<Json<Stats>, ApiError> {
    engine.action_stats(&auth.looking_at(q.tenant_id.as_deref())?, &id, q.period()?).await.map(Json)
}

/// Numbers of all actions
#[utoipa::path(get, path = "/api/v1/event-actions/stats/overview", tag = TAG, params(WindowQuery), responses((status = 200, description = "The numbers", body = Stats)))]
async fn get_stats_overview(State(engine): State<Engine>, auth: Auth, Params(q): Params<WindowQuery>) -> Result<Json<Stats>, ApiError> {
    engine.overview(&auth.looking_at(q.tenant_id.as_deref())?, q.period()?).await.map(Json)
}

/// How an action has been doing, and why
#[utoipa::path(get, path = "/api/v1/event-actions/{id}/health", tag = TAG, params(("id" = String, Path, description = "The action")),
    responses((status = 200, description = "The verdict", body = Health)))]
async fn get_event_action_health(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Health>, ApiError> {
    engine.action_health(&caller, &id).await.map(Json)
}

/// Close the breaker of an action: what waits for it goes out again
#[utoipa::path(post, path = "/api/v1/event-actions/{id}/reset-breaker", tag = TAG, params(("id" = String, Path, description = "The action")),
    responses((status = 200, description = "How the action has been doing; its breaker is closed", body = Health)))]
async fn reset_event_action_breaker(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Health>, ApiError> {
    engine.reset_breaker(&caller, &id).await.map(Json)
}
