//! Routes of tenants: their own settings for administrators, everything for the platform's.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::Body;
use super::params::{Nothing, PageQuery, Params, Path};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::page::Page;
use crate::model::tenant::{NewTenant, Tenant};

const TAG: &str = "tenants";

/// Changes of a tenant: absent keeps. What the body really takes is judged by the engine; this is for the documentation.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct TenantUpdate {
    /// The name shown, 1 to 200 characters.
    name: Option<String>,
    /// Settings to change: null clears one, absent ones stay; null for all of them clears all.
    #[schema(value_type = Option<Object>)]
    settings: Option<Value>,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_tenants, create_tenant)).routes(routes!(get_tenant, replace_tenant, update_tenant, delete_tenant))
}

/// List tenants
#[utoipa::path(get, path = "/api/v1/tenants", tag = TAG, params(PageQuery), responses((status = 200, description = "A page of tenants", body = Page<Tenant>)))]
async fn list_tenants(State(engine): State<Engine>, Auth(caller): Auth, Params(page): Params<PageQuery>) -> Result<Json<Page<Tenant>>, ApiError> {
    engine.list_tenants(&caller, page.into()).await.map(Json)
}

/// Make a tenant
#[utoipa::path(post, path = "/api/v1/tenants", tag = TAG, request_body = NewTenant,
    responses((status = 201, description = "Made", body = Tenant, headers(("location" = String, description = "Its address")))))]
async fn create_tenant(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(new): Body<NewTenant>) -> Result<Response, ApiError> {
    let tenant = engine.create_tenant(&caller, new).await?;
    let location = format!("/api/v1/tenants/{}", tenant.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(tenant)).into_response())
}

/// One tenant
#[utoipa::path(get, path = "/api/v1/tenants/{id}", tag = TAG, params(("id" = String, Path, description = "The slug")), responses((status = 200, description = "The tenant", body = Tenant)))]
async fn get_tenant(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<Tenant>, ApiError> {
    engine.get_tenant(&caller, &id).await.map(Json)
}

/// Change name and settings of a tenant; a tenant's own administrator may tighten settings, not loosen them
#[utoipa::path(put, path = "/api/v1/tenants/{id}", tag = TAG, request_body = TenantUpdate, params(("id" = String, Path, description = "The slug")),
    responses((status = 200, description = "Changed", body = Tenant)))]
async fn replace_tenant(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Json<Tenant>, ApiError> {
    engine.update_tenant(&caller, &id, changes).await.map(Json)
}

/// Change name and settings of a tenant; a tenant's own administrator may tighten settings, not loosen them
#[utoipa::path(patch, path = "/api/v1/tenants/{id}", tag = TAG, request_body = TenantUpdate, params(("id" = String, Path, description = "The slug")),
    responses((status = 200, description = "Changed", body = Tenant)))]
async fn update_tenant(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Json<Tenant>, ApiError> {
    engine.update_tenant(&caller, &id, changes).await.map(Json)
}

/// The confirmation of a deletion.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// The tenant's name, as a person types it who means it.
    confirm: Option<String>,
}

/// Delete a tenant with everything of it, for good; for administrators of the platform
///
/// Its actions, events, executions, keys and secrets go, and the accounts of people who belong to no other tenant. The audit log
/// stays. Refused for `default`, and while executions or bulk jobs of the tenant have not ended.
#[utoipa::path(delete, path = "/api/v1/tenants/{id}", tag = TAG, params(("id" = String, Path, description = "The slug"), Confirmation),
    responses((status = 204, description = "Deleted")))]
async fn delete_tenant(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, Params(q): Params<Confirmation>) -> Result<StatusCode, ApiError> {
    engine.delete_tenant(&caller, &id, q.confirm.as_deref()).await.map(|()| StatusCode::NO_CONTENT)
}
