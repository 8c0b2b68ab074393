//! Routes of the person who is signed in: the account, the password, the sessions. A key gets 403 here.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::body::Body;
use super::params::{Nothing, Params, Path};
use crate::engine::{Engine, SignedIn};
use crate::model::ApiError;
use crate::model::page::Page;
use crate::model::user::{ChangePassword, SessionInfo, User};

const TAG: &str = "users";

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default()
        .routes(routes!(get_me, update_me))
        .routes(routes!(change_my_password))
        .routes(routes!(list_my_sessions, revoke_my_other_sessions))
        .routes(routes!(revoke_my_session))
}

/// The session that asks, as the console's session layer has found it.
type Current = Option<Extension<SignedIn>>;

fn session_id(current: &Current) -> Option<&str> {
    current.as_ref().map(|Extension(signed_in)| signed_in.session.id.as_str())
}

/// Changes of one's own account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MeUpdate {
    /// The name shown, 1 to 200 characters.
    name: String,
}

/// The person who is signed in, with every membership
#[utoipa::path(get, path = "/api/v1/me", tag = TAG, responses((status = 200, description = "The person", body = User)))]
async fn get_me(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>) -> Result<Json<User>, ApiError> {
    engine.own_user(&caller).await.map(Json)
}

/// Change one's own name
#[utoipa::path(patch, path = "/api/v1/me", tag = TAG, request_body = MeUpdate, responses((status = 200, description = "Changed", body = User)))]
async fn update_me(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(update): Body<MeUpdate>) -> Result<Json<User>, ApiError> {
    engine.rename_self(&caller, &update.name).await.map(Json)
}

/// Change one's own password; every other session ends
#[utoipa::path(post, path = "/api/v1/me/password", tag = TAG, request_body = ChangePassword, responses((status = 204, description = "Changed")))]
async fn change_my_password(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    current: Current,
    _: Params<Nothing>,
    Body(change): Body<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    engine.change_password(&caller, change, session_id(&current).unwrap_or_default()).await.map(|()| StatusCode::NO_CONTENT)
}

/// One's own sessions, latest first
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = TAG, responses((status = 200, description = "All that live", body = Page<SessionInfo>)))]
async fn list_my_sessions(State(engine): State<Engine>, Auth(caller): Auth, current: Current, _: Params<Nothing>) -> Result<Json<Page<SessionInfo>>, ApiError> {
    engine.list_sessions(&caller, session_id(&current)).await.map(super::whole)
}

/// End every session of one's own but the one that asks
#[utoipa::path(delete, path = "/api/v1/me/sessions", tag = TAG, responses((status = 204, description = "Ended")))]
async fn revoke_my_other_sessions(State(engine): State<Engine>, Auth(caller): Auth, current: Current, _: Params<Nothing>) -> Result<StatusCode, ApiError> {
    engine.revoke_other_sessions(&caller, session_id(&current).unwrap_or_default()).await.map(|_| StatusCode::NO_CONTENT)
}

/// End one of one's own sessions, at once
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", tag = TAG, params(("id" = String, Path, description = "The session's id")),
    responses((status = 204, description = "Ended")))]
async fn revoke_my_session(State(engine): State<Engine>, Auth(caller): Auth, Path(id): Path<String>, _: Params<Nothing>) -> Result<StatusCode, ApiError> {
    engine.revoke_session(&caller, &id).await.map(|()| StatusCode::NO_CONTENT)
}
