//! Routes of API keys, for administrators.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::{Body, MaybeBody};
use super::params::{Nothing, PageQuery, Params, Path};
use crate::engine::Engine;
use crate::model::access::{ApiKey, NewApiKey, Scope};
use crate::model::page::Page;
use crate::model::{ApiError, Timestamp};

const TAG: &str = "api-keys";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_api_keys, create_api_key)).routes(routes!(get_api_key, update_api_key, revoke_api_key)).routes(routes!(rotate_api_key))
}

/// List API keys; the keys themselves are never shown again
#[utoipa::path(get, path = "/api/v1/api-keys", tag = TAG, params(PageQuery), responses((status = 200, description = "A page of keys", body = Page<ApiKey>)))]
async fn list_api_keys(State(engine): State<Engine>, Auth(caller): Auth, Params(page): Params<PageQuery>) -> Result<Json<Page<ApiKey>>, ApiError> {
    engine.list_api_keys(&caller, page.into()).await.map(Json)
}

/// Make an API key; the answer holds it once, as `key`
#[utoipa::path(post, path = "/api/v1/api-keys", tag = TAG, request_body = NewApiKey,
    responses((status = 201, description = "Made; keep `key`, it is not shown again", body = ApiKey, headers(("location" = String, description = "Its address")))))]
async fn create_api_key(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(new): Body<NewApiKey>) -> Result<Response, ApiError> {
    engine.create_api_key(&caller, new).await.map(made)
}

/// The answer that holds a key, once: it stays in no cache.
fn made(key: ApiKey) -> Response {
    let location = format!("/api/v1/api-keys/{}", key.id);
    (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store".to_owned()), (header::LOCATION, location)], Json(key)).into_response()
}

/// One API key, without the key itself
#[utoipa::path(get, path = "/api/v1/api-keys/{id}", tag = TAG, params(("id" = String, Path, description = "The key's id")), responses((status = 200, description = "The key", body = ApiKey)))]
async fn get_api_key(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<ApiKey>, ApiError> {
    engine.get_api_key(&caller, &id).await.map(Json)
}

/// Changes of a key: null clears, absent keeps. What the body really takes is judged by the engine; this is for the documentation.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct ApiKeyUpdate {
    /// What it is for, 1 to 200 characters.
    name: Option<String>,
    /// At least one.
    scopes: Option<Vec<Scope>>,
    /// When it stops working; null for never.
    expires_at: Option<Timestamp>,
}

/// Change name, scopes or expiry of an API key
#[utoipa::path(patch, path = "/api/v1/api-keys/{id}", tag = TAG, request_body = ApiKeyUpdate, params(("id" = String, Path, description = "The key's id")),
    responses((status = 200, description = "Changed", body = ApiKey)))]
async fn update_api_key(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Json<ApiKey>, ApiError> {
    engine.update_api_key(&caller, &id, changes).await.map(Json)
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateApiKey {
    /// How long the old key goes on, 0 to 604,800 s; a day when absent.
    #[serde(default)]
    overlap_seconds: Option<u32>,
}

/// Make a new key with the same rights; the old one goes on for a while
#[utoipa::path(post, path = "/api/v1/api-keys/{id}/rotate", tag = TAG, request_body = Option<RotateApiKey>, params(("id" = String, Path, description = "The old key's id")),
    responses((status = 201, description = "The new key; keep `key`, it is not shown again", body = ApiKey, headers(("location" = String, description = "Its address")))))]
async fn rotate_api_key(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    MaybeBody(request): MaybeBody<RotateApiKey>,
) -> Result<Response, ApiError> {
    engine.rotate_api_key(&caller, &id, request.overlap_seconds).await.map(made)
}

/// Revoke an API key, at once and for good
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = TAG, params(("id" = String, Path, description = "The key's id")), responses((status = 204, description = "Revoked")))]
async fn revoke_api_key(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<StatusCode, ApiError> {
    engine.revoke_api_key(&caller, &id).await.map(|_| StatusCode::NO_CONTENT)
}
