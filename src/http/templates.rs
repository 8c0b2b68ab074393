//! Routes of mail templates: list, make, read, change, delete, versions, and trying them.

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
use crate::model::page::Page;
use crate::model::template::{DraftPreview, NewTemplate, PreviewRequest, Template, TemplatePreview, TemplateVersion, TestMail, TestMailReport};

const TAG: &str = "templates";

/// Any subset of a template's fields: null clears, absent keeps.
type TemplateUpdate = Update<NewTemplate>;

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default()
        .routes(routes!(list_templates, create_template))
        .routes(routes!(get_template, replace_template, update_template, delete_template))
        .routes(routes!(list_template_versions))
        .routes(routes!(preview_template_draft))
        .routes(routes!(preview_template))
        .routes(routes!(test_template))
}

fn answer(template: &Template) -> Response {
    versioned(template.version, template)
}

/// List templates by name: the tenant's own, and platform-wide ones
#[utoipa::path(get, path = "/api/v1/templates", tag = TAG, params(ListQuery), responses((status = 200, description = "A page of templates", body = Page<Template>)))]
async fn list_templates(State(engine): State<Engine>, Auth(caller): Auth, Params(q): Params<ListQuery>) -> Result<Json<Page<Template>>, ApiError> {
    let (filter, page) = q.into_parts();
    engine.list_templates(&caller, filter, page).await.map(Json)
}

/// Make a template
#[utoipa::path(post, path = "/api/v1/templates", tag = TAG, request_body = NewTemplate,
    responses((status = 201, description = "Made", body = Template, headers(("location" = String, description = "Its address"), ("etag" = String, description = "Its version in quotes")))))]
async fn create_template(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(new): Body<NewTemplate>) -> Result<Response, ApiError> {
    let template = engine.create_template(&caller, new).await?;
    Ok(created(format!("/api/v1/templates/{}", template.id), answer(&template)))
}

/// One template, by its id or name
#[utoipa::path(get, path = "/api/v1/templates/{id}", tag = TAG, params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 200, description = "The template", body = Template, headers(("etag" = String, description = "Its version in quotes")))))]
async fn get_template(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<Response, ApiError> {
    let caller = auth.looking_at(q.tenant_id.as_deref())?;
    engine.get_template(&caller, &id).await.map(|found| answer(&found))
}

/// Change a template: any subset of its fields
#[utoipa::path(put, path = "/api/v1/templates/{id}", tag = TAG, request_body = TemplateUpdate,
    params(("id" = String, Path, description = "Its id or name"), TenantQuery, ("If-Match" = Option<String>, Header, description = "The version in quotes that this change is based on")),
    responses((status = 200, description = "Changed", body = Template, headers(("etag" = String, description = "Its new version in quotes")))))]
async fn replace_template(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    headers: HeaderMap,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Response, ApiError> {
    change(&engine, &auth.looking_at(q.tenant_id.as_deref())?, &id, &headers, changes).await
}

/// Change a template: any subset of its fields
#[utoipa::path(patch, path = "/api/v1/templates/{id}", tag = TAG, request_body = TemplateUpdate,
    params(("id" = String, Path, description = "Its id or name"), TenantQuery, ("If-Match" = Option<String>, Header, description = "The version in quotes that this change is based on")),
    responses((status = 200, description = "Changed", body = Template, headers(("etag" = String, description = "Its new version in quotes")))))]
async fn update_template(
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
    engine.update_template(caller, id, changes, expected).await.map(|changed| answer(&changed))
}

/// Delete a template that no action uses, or with `force=true` any
#[utoipa::path(delete, path = "/api/v1/templates/{id}", tag = TAG, params(("id" = String, Path, description = "Its id or name"), DeleteQuery),
    responses((status = 204, description = "Deleted")))]
async fn delete_template(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<DeleteQuery>) -> Result<StatusCode, ApiError> {
    let caller = auth.looking_at(q.tenant_id.as_deref())?;
    engine.delete_template(&caller, &id, q.force.unwrap_or(false)).await.map(|()| StatusCode::NO_CONTENT)
}

/// Every version of a template with its diff and author, latest first
#[utoipa::path(get, path = "/api/v1/templates/{id}/versions", tag = TAG, params(("id" = String, Path, description = "Its id or name"), TenantQuery),
    responses((status = 200, description = "All versions", body = Page<TemplateVersion>)))]
async fn list_template_versions(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<Json<Page<TemplateVersion>>, ApiError> {
    let caller = auth.looking_at(q.tenant_id.as_deref())?;
    engine.template_versions(&caller, &id).await.map(super::whole)
}

/// Render a template that is not saved for a made-up event; nothing is sent
#[utoipa::path(post, path = "/api/v1/templates/preview", tag = TAG, request_body = DraftPreview,
    responses((status = 200, description = "What comes out, and why parts do not", body = TemplatePreview)))]
async fn preview_template_draft(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(draft): Body<DraftPreview>) -> Result<Json<TemplatePreview>, ApiError> {
    engine.preview_template_draft(&caller, draft).await.map(Json)
}

/// Render a template for a made-up event; nothing is sent
#[utoipa::path(post, path = "/api/v1/templates/{id}/preview", tag = TAG, request_body = Option<PreviewRequest>,
    params(("id" = String, Path, description = "Its id or name"), TenantQuery), responses((status = 200, description = "What comes out, and why parts do not", body = TemplatePreview)))]
async fn preview_template(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    MaybeBody(request): MaybeBody<PreviewRequest>,
) -> Result<Json<TemplatePreview>, ApiError> {
    engine.preview_template(&auth.looking_at(q.tenant_id.as_deref())?, &id, request).await.map(Json)
}

/// Send a template to one address for real; also needs `executions:write`
#[utoipa::path(post, path = "/api/v1/templates/{id}/test", tag = TAG, request_body = TestMail,
    params(("id" = String, Path, description = "Its id or name"), TenantQuery), responses((status = 200, description = "What became of the mail", body = TestMailReport)))]
async fn test_template(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    Body(test): Body<TestMail>,
) -> Result<Json<TestMailReport>, ApiError> {
    engine.test_template(&auth.looking_at(q.tenant_id.as_deref())?, &id, test).await.map(Json)
}
