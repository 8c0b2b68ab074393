//! Routes of open invitations, for administrators. They are made by `POST /users` and accepted in the console.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::params::{Nothing, Params, Path, TenantPageQuery};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::page::Page;
use crate::model::user::Invitation;

const TAG: &str = "users";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_invitations)).routes(routes!(withdraw_invitation))
}

/// List open invitations, latest first; their links are never shown again
#[utoipa::path(get, path = "/api/v1/invitations", tag = TAG, params(TenantPageQuery), responses((status = 200, description = "A page of invitations", body = Page<Invitation>)))]
async fn list_invitations(State(engine): State<Engine>, auth: Auth, Params(q): Params<TenantPageQuery>) -> Result<Json<Page<Invitation>>, ApiError> {
    let (tenant_id, page) = q.into_parts();
    engine.list_invitations(&auth.looking_at(tenant_id.as_deref())?, page).await.map(Json)
}

/// Withdraw an open invitation: its link stops working at once
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = TAG, params(("id" = String, Path, description = "The invitation's id")),
    responses((status = 204, description = "Withdrawn")))]
async fn withdraw_invitation(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<StatusCode, ApiError> {
    engine.withdraw_invitation(&caller, &id).await.map(|()| StatusCode::NO_CONTENT)
}
