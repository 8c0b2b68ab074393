//! The forms of one's own account: name, password, sessions.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use event_actions::engine::SignedIn;
use event_actions::model::user::ChangePassword;

use super::{Doors, End, page_of, read};

const PAGE: &str = "/settings";

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/settings/name", post(rename).get(page_of))
        .route("/settings/password", post(change_password).get(page_of))
        .route("/settings/sessions", post(end_others).get(page_of))
        .route("/settings/sessions/{id}/end", post(end_one).get(page_of))
}

/// The id of the session that asks; empty when there is none.
fn current(request: &Request) -> String {
    request.extensions().get::<SignedIn>().map(|signed_in| signed_in.session.id.clone()).unwrap_or_default()
}

async fn rename(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.rename_self(&posted.caller, posted.field("name").trim()).await;
    doors.end(posted, result, End::new(PAGE, "renamed").keeping("name", &["name"])).await
}

async fn change_password(State(doors): State<Doors>, request: Request) -> Response {
    let session = current(&request);
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let change = ChangePassword { current_password: posted.field("current_password"), new_password: posted.field("new_password") };
    let result = doors.engine.change_password(&posted.caller, change, &session).await;
    doors.end(posted, result, End::new(PAGE, "password_changed").keeping("password", &[])).await
}

async fn end_others(State(doors): State<Doors>, request: Request) -> Response {
    let session = current(&request);
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.revoke_other_sessions(&posted.caller, &session).await;
    doors.end(posted, result, End::new(PAGE, "sessions_ended")).await
}

async fn end_one(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.revoke_session(&posted.caller, &id).await;
    doors.end(posted, result, End::new(PAGE, "session_ended")).await
}
