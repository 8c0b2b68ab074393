//! Routes of people, for administrators: list, invite, read, change, remove.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::Body;
use super::params::{Nothing, Params, Path, TenantPageQuery, TenantQuery};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::page::Page;
use crate::model::user::{Invitation, NewUser, User, UserChanges};

const TAG: &str = "users";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_users, invite_user)).routes(routes!(get_user, replace_user, update_user, remove_user))
}

/// List people by address
#[utoipa::path(get, path = "/api/v1/users", tag = TAG, params(TenantPageQuery), responses((status = 200, description = "A page of people", body = Page<User>)))]
async fn list_users(State(engine): State<Engine>, auth: Auth, Params(q): Params<TenantPageQuery>) -> Result<Json<Page<User>>, ApiError> {
    let (tenant_id, page) = q.into_parts();
    engine.list_users(&auth.looking_at(tenant_id.as_deref())?, page).await.map(Json)
}

/// Invite a person to a tenant; the answer holds the link once, as `link`
#[utoipa::path(post, path = "/api/v1/users", tag = TAG, request_body = NewUser,
    responses((status = 201, description = "The invitation; hand its `link` over, it is not shown again", body = Invitation, headers(("location" = String, description = "The invitation's address")))))]
async fn invite_user(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(new): Body<NewUser>) -> Result<Response, ApiError> {
    let invitation = engine.invite_user(&caller, new).await?;
    let location = format!("/api/v1/invitations/{}", invitation.id);
    // The one answer that holds the link stays in no cache.
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store".to_owned()), (header::LOCATION, location)], Json(invitation)).into_response())
}

/// One person
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = TAG, params(("id" = String, Path, description = "The person's id")), responses((status = 200, description = "The person", body = User)))]
async fn get_user(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<Json<User>, ApiError> {
    engine.get_user(&caller, &id).await.map(Json)
}

/// Change a person's role, or whether they administer the platform
#[utoipa::path(put, path = "/api/v1/users/{id}", tag = TAG, request_body = UserChanges, params(("id" = String, Path, description = "The person's id"), TenantQuery),
    responses((status = 200, description = "Changed; counts from their next request", body = User)))]
async fn replace_user(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    Body(changes): Body<UserChanges>,
) -> Result<Json<User>, ApiError> {
    engine.update_user(&auth.looking_at(q.tenant_id.as_deref())?, &id, changes).await.map(Json)
}

/// Change a person's role, or whether they administer the platform
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = TAG, request_body = UserChanges, params(("id" = String, Path, description = "The person's id"), TenantQuery),
    responses((status = 200, description = "Changed; counts from their next request", body = User)))]
async fn update_user(
    State(engine): State<Engine>,
    auth: Auth,
    Path(id): Path<String>,
    Params(q): Params<TenantQuery>,
    Body(changes): Body<UserChanges>,
) -> Result<Json<User>, ApiError> {
    engine.update_user(&auth.looking_at(q.tenant_id.as_deref())?, &id, changes).await.map(Json)
}

/// Take a person out of the tenant; without a tenant, the platform deletes the account
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = TAG, params(("id" = String, Path, description = "The person's id"), TenantQuery),
    responses((status = 204, description = "Removed")))]
async fn remove_user(State(engine): State<Engine>, auth: Auth, Path(id): Path<String>, Params(q): Params<TenantQuery>) -> Result<StatusCode, ApiError> {
    engine.remove_user(&auth.looking_at(q.tenant_id.as_deref())?, &id).await.map(|()| StatusCode::NO_CONTENT)
}
