//! Routes of alerts: list, read, acknowledge, silence, resolve.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::MaybeBody;
use super::params::{Nothing, Params, Path};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::alert::{Alert, AlertFilter, AlertKind, AlertState, Severity, SilenceRequest};
use crate::model::page::{Page, PageRequest};

const TAG: &str = "alerts";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default()
        .routes(routes!(list_alerts))
        .routes(routes!(get_alert))
        .routes(routes!(acknowledge_alert))
        .routes(routes!(silence_alert))
        .routes(routes!(resolve_alert))
}

/// Filters of the list, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// One state.
    #[param(inline)]
    state: Option<AlertState>,
    /// With `true` only alerts that have fired and are not over.
    active: Option<bool>,
    /// One kind.
    #[param(inline)]
    kind: Option<AlertKind>,
    /// One severity.
    #[param(inline)]
    severity: Option<Severity>,
    /// Only this action.
    action_id: Option<String>,
    /// For a platform credential: only this tenant.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List alerts, latest first
#[utoipa::path(get, path = "/api/v1/alerts", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of alerts", body = Page<Alert>)))]
async fn list_alerts(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<Alert>>, ApiError> {
    let page = PageRequest { limit: q.limit, cursor: q.cursor };
    let filter = AlertFilter { state: q.state, active_only: q.active.unwrap_or(false), kind: q.kind, severity: q.severity, action_id: q.action_id, tenant_id: q.tenant_id };
    engine.list_alerts(&caller, filter, page).await.map(Json)
}

/// One alert
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = TAG, params(("id" = String, Path, description = "The alert")), responses((status = 200, description = "The alert", body = Alert)))]
async fn get_alert(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Alert>, ApiError> {
    engine.get_alert(&caller, &id).await.map(Json)
}

/// Take an alert on: somebody looks after it
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = TAG, params(("id" = String, Path, description = "The alert")),
    responses((status = 200, description = "The alert as it is now", body = Alert)))]
async fn acknowledge_alert(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Alert>, ApiError> {
    engine.acknowledge_alert(&caller, &id).await.map(Json)
}

/// Silence an alert for a while; an hour when the body does not say how long
#[utoipa::path(post, path = "/api/v1/alerts/{id}/silence", tag = TAG, request_body = Option<SilenceRequest>, params(("id" = String, Path, description = "The alert")),
    responses((status = 200, description = "The alert as it is now", body = Alert)))]
async fn silence_alert(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    MaybeBody(request): MaybeBody<SilenceRequest>,
) -> Result<Json<Alert>, ApiError> {
    engine.silence_alert(&caller, &id, request).await.map(Json)
}

/// End an alert by hand
#[utoipa::path(post, path = "/api/v1/alerts/{id}/resolve", tag = TAG, params(("id" = String, Path, description = "The alert")),
    responses((status = 200, description = "The alert as it is now", body = Alert)))]
async fn resolve_alert(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Alert>, ApiError> {
    engine.resolve_alert(&caller, &id).await.map(Json)
}
