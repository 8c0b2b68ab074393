//! Routes of bulk jobs: start a replay of many executions, follow it, stop it.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::MaybeBody;
use super::params::{Nothing, Params, Path, TenantPageQuery};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::bulk::{Bulk, BulkCount, BulkReplay};
use crate::model::page::Page;

const TAG: &str = "bulk";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(bulk_replay)).routes(routes!(list_bulk)).routes(routes!(get_bulk)).routes(routes!(abort_bulk))
}

/// Run many finished executions again, in the background; with `dry_run` only count them
///
/// Without a body all failed executions and dead letters that nobody has handled.
#[utoipa::path(post, path = "/api/v1/executions/bulk-replay", tag = TAG, request_body = Option<BulkReplay>,
    responses(
        (status = 200, description = "With `dry_run`: how many executions match", body = BulkCount),
        (status = 202, description = "The job, which goes on in the background", body = Bulk, headers(("location" = String, description = "Its address")))
    ))]
async fn bulk_replay(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, MaybeBody(request): MaybeBody<BulkReplay>) -> Result<Response, ApiError> {
    if request.dry_run {
        let total = engine.count_bulk_replay(&caller, &request.filter).await?;
        return Ok(Json(BulkCount { total }).into_response());
    }
    let bulk = engine.start_bulk_replay(&caller, request).await?;
    let location = format!("/api/v1/bulk/{}", bulk.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(bulk)).into_response())
}

/// List bulk jobs, latest first
#[utoipa::path(get, path = "/api/v1/bulk", tag = TAG, params(TenantPageQuery), responses((status = 200, description = "A page of jobs", body = Page<Bulk>)))]
async fn list_bulk(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<TenantPageQuery>) -> Result<Json<Page<Bulk>>, ApiError> {
    let (tenant_id, page) = q.into_parts();
    engine.list_bulk(&caller, tenant_id.as_deref(), page).await.map(Json)
}

/// One bulk job with its progress
#[utoipa::path(get, path = "/api/v1/bulk/{id}", tag = TAG, params(("id" = String, Path, description = "The job")), responses((status = 200, description = "The job", body = Bulk)))]
async fn get_bulk(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Bulk>, ApiError> {
    engine.get_bulk(&caller, &id).await.map(Json)
}

/// Stop a bulk job; what it has started goes on
#[utoipa::path(post, path = "/api/v1/bulk/{id}/abort", tag = TAG, params(("id" = String, Path, description = "The job")),
    responses((status = 200, description = "The job; it ends with the page under way", body = Bulk)))]
async fn abort_bulk(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Bulk>, ApiError> {
    engine.abort_bulk(&caller, &id).await.map(Json)
}
