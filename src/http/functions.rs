//! Routes of stored JavaScript modules: list, make, read, change, delete, versions, and running them for a test.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::{Body, MaybeBody};
use super::library::{DeleteQuery, ListQuery};
use super::params::{Nothing, Params, Path, TenantQuery};
use super::update::{Update, created, expected_version, versioned};
use crate::engine::{Caller, Engine};
use crate::model::ApiError;
use crate::model::function::{Function, FunctionRun, FunctionVersion, NewFunction, RunFunction};
use crate::model::page::Page;

const TAG: &str = "functions";

/// Any subset of a function's fields: null clears, absent keeps.
type FunctionUpdate = Update<NewFunction>;

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default()
        .routes(routes!(list_functions, create_function))
        .routes(routes!(get_function, replace_function, update_function, delete_function))
        .routes(routes!(list_function_versions))
        .routes(routes!(run_function_draft))
        .routes(routes!(run_function))
}

fn answer(function: &Function) -> Response {
    versioned(function.version, function)
}

/// List functions by name: the tenant's own, and platform-wide ones
#[utoipa::path(get, path = "/api/v1/functions", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of functions", body = Page<Function>)))]
async fn list_functions(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<Function>>, ApiError> {
    let (filter, page) = q.into_parts();
    engine.list_functions(&caller, filter, page).await.map(Json)
}

/// Make a function
#[utoipa::path(post, path = "/api/v1/functions", tag = TAG, request_body = NewFunction,
    responses((status = 201, description = "Made", body = Function, headers(("location" = String, description = "Its address"), ("etag" = String, description = "Its version in quotes")))))]
async fn create_function(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(new): Body<NewFunction>) -> Result<Response, ApiError> {
    let function = engine.create_function(&caller, new).await?;
    Ok(created(format!("/api/v1/functions/{}", function.id), answer(&function)))
}

/// One function, by its id or name
#[utoipa::path(get, path = "/api/v1/functions/{id}", tag = TAG, params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 200, description = "The function", body = Function, headers(("etag" = String, description = "Its version in quotes")))))]
async fn get_function(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<Response, ApiError> {
    let caller = auth.looking_at(q.tenant_id.as_deref())?;
    engine.get_function(&caller, &id).await.map(|found| answer(&found))
}

/// Change a function: any subset of its fields
#[utoipa::path(put, path = "/api/v1/functions/{id}", tag = TAG, request_body = FunctionUpdate,
    params(("id" = String, Path, description = "Its id or name"), TenantQuery, ("If-Match" = Option<String>, Header, description = "The version in quotes that this change is based on")),
    responses((status = 200, description = "Changed", body = Function, headers(("etag" = String, description = "Its new version in quotes")))))]
async fn replace_function(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    headers: HeaderMap,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Response, ApiError> {
    change(&engine, &auth.looking_at(q.tenant_id.as_deref())?, &id, &headers, changes).await
}

/// Change a function: any subset of its fields
#[utoipa::path(patch, path = "/api/v1/functions/{id}", tag = TAG, request_body = FunctionUpdate,
    params(("id" = String, Path, description = "Its id or name"), TenantQuery, ("If-Match" = Option<String>, Header, description = "The version in quotes that this change is based on")),
    responses((status = 200, description = "Changed", body = Function, headers(("etag" = String, description = "Its new version in quotes")))))]
async fn update_function(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    headers: HeaderMap,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Response, ApiError> {
    change(&engine, &auth.looking_at(q.tenant_id.as_deref())?, &id, &headers, changes).await
}

async fn change(engine: &Engine, caller: &Caller, id: &str, headers: &HeaderMap, mut changes: Map<String, Value>) -> Result<Response, ApiError> {
    let expected = expected_version(headers, &mut changes)?;
    engine.update_function(caller, id, changes, expected).await.map(|changed| answer(&changed))
}

/// Delete a function that no action uses, or with `force=true` any
#[utoipa::path(delete, path = "/api/v1/functions/{id}", tag = TAG, params(("id" = String, Path, description = "Its id or name"), DeleteQuery),
    responses((status = 204, description = "Deleted")))]
async fn delete_function(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<DeleteQuery>) -> Result<StatusCode, ApiError> {
    let caller = auth.looking_at(q.tenant_id.as_deref())?;
    engine.delete_function(&caller, &id, q.force.unwrap_or(false)).await.map(|()| StatusCode::NO_CONTENT)
}

/// Every version of a function with its diff and author, latest first
#[utoipa::path(get, path = "/api/v1/functions/{id}/versions", tag = TAG, params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 200, description = "All versions", body = Page<FunctionVersion>)))]
async fn list_function_versions(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<Json<Page<FunctionVersion>>, ApiError> {
    let caller = auth.looking_at(q.tenant_id.as_deref())?;
    engine.function_versions(&caller, &id).await.map(super::whole)
}

/// Run source that is not saved with a made-up event, in the sandbox; nothing is stored
#[utoipa::path(post, path = "/api/v1/functions/run", tag = TAG, request_body = RunFunction,
    responses((status = 200, description = "What it returned and logged, or why and where it failed", body = FunctionRun)))]
async fn run_function_draft(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(run): Body<RunFunction>) -> Result<Json<FunctionRun>, ApiError> {
    engine.run_function_draft(&caller, run).await.map(Json)
}

/// Run a function, or other source in its place, with a made-up event, in the sandbox; nothing is stored
#[utoipa::path(post, path = "/api/v1/functions/{id}/run", tag = TAG, request_body = Option<RunFunction>,
    params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 200, description = "What it returned and logged, or why and where it failed", body = FunctionRun)))]
async fn run_function(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    MaybeBody(run): MaybeBody<RunFunction>,
) -> Result<Json<FunctionRun>, ApiError> {
    engine.run_function(&auth.looking_at(q.tenant_id.as_deref())?, &id, run).await.map(Json)
}
