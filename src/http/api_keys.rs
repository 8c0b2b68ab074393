//! Routes of API keys, for administrators.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::Body;
use super::params::{Nothing, PageQuery, Params, Path};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::access::{ApiKey, NewApiKey};
use crate::model::page::Page;

const TAG: &str = "api-keys";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_api_keys, create_api_key)).routes(routes!(revoke_api_key))
}

/// List API keys; the keys themselves are never shown again
#[utoipa::path(get, path = "/api/v1/api-keys", tag = TAG, params(PageQuery), responses((status = 200, description = "A page of keys", body = Page<ApiKey>)))]
async fn list_api_keys(State(engine): State<Engine>, Auth(caller): Auth, Params(page): Params<PageQuery>) -> Result<Json<Page<ApiKey>>, ApiError> {
    engine.list_api_keys(&caller, page.into()).await.map(Json)
}

/// Make an API key; the answer holds it once, as `key`
#[utoipa::path(post, path = "/api/v1/api-keys", tag = TAG, request_body = NewApiKey, responses((status = 201, description = "Made; keep `key`, it is not shown again", body = ApiKey)))]
async fn create_api_key(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(new): Body<NewApiKey>) -> Result<Response, ApiError> {
    let key = engine.create_api_key(&caller, new).await?;
    // The one answer that holds a key stays in no cache.
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(key)).into_response())
}

/// Revoke an API key, at once and for good
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = TAG, params(("id" = String, Path, description = "The key's id")), responses((status = 204, description = "Revoked")))]
async fn revoke_api_key(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<StatusCode, ApiError> {
    engine.revoke_api_key(&caller, &id).await.map(|_| StatusCode::NO_CONTENT)
}
