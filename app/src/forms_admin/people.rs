//! The forms of people and invitations. A link is shown once, in the answer to the form that made it.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use axum_extra::extract::cookie::CookieJar;
use event_actions::model::ApiError;
use event_actions::model::access::Role;
use event_actions::model::user::{AcceptInvitation, Invitation, NewUser, UserChanges};
use serde::Deserialize;

use super::{Doors, End, given, page_of, read};
use crate::forms::{fault, form, visitor};
use crate::session::{cookie, encode};

const PAGE: &str = "/users";

/// An invitation that was just made, with its link, for the one page that shows it.
#[derive(Clone)]
pub struct Invited(pub Invitation);

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route(PAGE, post(invite))
        .route("/users/{id}/role", post(change).get(page_of))
        .route("/users/{id}/remove", post(remove).get(page_of))
        .route("/users/invitations/{id}/withdraw", post(withdraw).get(page_of))
        .route("/invitation", post(accept))
}

fn role(word: &str) -> Result<Role, ApiError> {
    Role::parse(word).ok_or_else(|| ApiError::invalid("/role", "unknown_word", "Choose a role."))
}

async fn invite(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let email = posted.field("email").trim().to_owned();
    let result = match role(&posted.field("role")) {
        Ok(role) => {
            let new = NewUser { email, role, tenant_id: given(&posted, "tenant_id"), is_platform_admin: !posted.field("is_platform_admin").is_empty() };
            doors.engine.invite_user(&posted.caller, new).await
        }
        Err(e) => Err(e),
    };
    match result {
        Ok(invitation) => posted.show(doors.pages, PAGE, Invited(invitation), None).await,
        Err(error) => doors.refuse(posted, error, End::new(PAGE, "").keeping("new", &["email", "role", "tenant_id", "is_platform_admin"])).await,
    }
}

/// A role, or whether the person administers the platform.
async fn change(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let changes = UserChanges { role: Role::parse(&posted.field("role")), is_platform_admin: posted.field("is_platform_admin").parse().ok() };
    let result = doors.engine.update_user(&posted.caller, &id, changes).await;
    doors.end(posted, result, End::new(PAGE, "role_changed")).await
}

async fn remove(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.remove_user(&posted.caller, &id).await;
    doors.end(posted, result, End::new(PAGE, "user_removed")).await
}

async fn withdraw(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.withdraw_invitation(&posted.caller, &id).await;
    doors.end(posted, result, End::new(PAGE, "invitation_withdrawn")).await
}

#[derive(Deserialize)]
struct Accept {
    token: String,
    #[serde(default)]
    name: String,
    password: String,
}

/// Somebody without a session enters by the link; what went wrong comes back as a short code in the address, as at the set-up.
async fn accept(State(doors): State<Doors>, request: Request) -> Response {
    let is_https = doors.engine.config().is_https();
    let visitor = visitor(&request, is_https);
    let Some(Accept { token, name, password }) = form::<Accept>(request).await else { return Redirect::to("/invitation?error=form").into_response() };
    let name = name.trim().to_owned();
    let accept = AcceptInvitation { token: token.clone(), name: name.clone(), password };
    match doors.engine.accept_invitation(accept, visitor).await {
        Ok((session, _)) => (CookieJar::new().add(cookie(session.as_str(), is_https, false)), Redirect::to("/")).into_response(),
        Err(e) => Redirect::to(&format!("/invitation?{}&token={}&name={}", fault(&e), encode(&token), encode(&name))).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::role;

    #[test]
    fn roles_are_words() {
        assert!(role("viewer").is_ok());
        assert_eq!(role("").err().map(|e| e.errors[0].pointer.clone()).as_deref(), Some("/role"));
    }
}
