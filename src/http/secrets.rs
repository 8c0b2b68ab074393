//! Routes of secrets, for administrators. Values go in and never come out.

use std::fmt;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::Body;
use super::params::{Nothing, Params, Path, TenantPageQuery, TenantQuery};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::page::Page;
use crate::model::secret::{NewSecret, Secret};

const TAG: &str = "secrets";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_secrets, create_secret)).routes(routes!(get_secret, replace_secret, update_secret, delete_secret))
}

/// A new value. Printing it shows nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SecretUpdate {
    /// 1 to 32,768 bytes; never shown again.
    value: String,
}

impl fmt::Debug for SecretUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUpdate")
    }
}

/// List secrets without their values, latest first
#[utoipa::path(get, path = "/api/v1/secrets", tag = TAG, params(TenantPageQuery), responses((status = 200, description = "A page of secrets", body = Page<Secret>)))]
async fn list_secrets(State(engine): State<Engine>, auth: Auth, Params(q): Params<TenantPageQuery>) -> Result<Json<Page<Secret>>, ApiError> {
    let (tenant_id, page) = q.into_parts();
    engine.list_secrets(&auth.looking_at(tenant_id.as_deref())?, page).await.map(Json)
}

/// Store a secret; its value is never shown again
#[utoipa::path(post, path = "/api/v1/secrets", tag = TAG, request_body = NewSecret,
    responses((status = 201, description = "Stored", body = Secret, headers(("location" = String, description = "Its address")))))]
async fn create_secret(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(new): Body<NewSecret>) -> Result<Response, ApiError> {
    let secret = engine.create_secret(&caller, new).await?;
    let location = format!("/api/v1/secrets/{}", secret.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(secret)).into_response())
}

/// One secret without its value, by its id or name
#[utoipa::path(get, path = "/api/v1/secrets/{id}", tag = TAG, params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 200, description = "The secret", body = Secret)))]
async fn get_secret(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<Json<Secret>, ApiError> {
    engine.get_secret(&auth.looking_at(q.tenant_id.as_deref())?, &id).await.map(Json)
}

/// Give a secret a new value, in effect for the next rendering
#[utoipa::path(put, path = "/api/v1/secrets/{id}", tag = TAG, request_body = SecretUpdate, params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 200, description = "Changed", body = Secret)))]
async fn replace_secret(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    Body(update): Body<SecretUpdate>,
) -> Result<Json<Secret>, ApiError> {
    engine.update_secret(&auth.looking_at(q.tenant_id.as_deref())?, &id, update.value).await.map(Json)
}

/// Give a secret a new value, in effect for the next rendering
#[utoipa::path(patch, path = "/api/v1/secrets/{id}", tag = TAG, request_body = SecretUpdate, params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 200, description = "Changed", body = Secret)))]
async fn update_secret(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    Body(update): Body<SecretUpdate>,
) -> Result<Json<Secret>, ApiError> {
    engine.update_secret(&auth.looking_at(q.tenant_id.as_deref())?, &id, update.value).await.map(Json)
}

/// Delete a secret; what names it fails to render from then on
#[utoipa::path(delete, path = "/api/v1/secrets/{id}", tag = TAG, params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 204, description = "Deleted")))]
async fn delete_secret(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<StatusCode, ApiError> {
    engine.delete_secret(&auth.looking_at(q.tenant_id.as_deref())?, &id).await.map(|()| StatusCode::NO_CONTENT)
}
