//! The forms of secrets. A value that was typed is never shown again, not even when it was refused.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use event_actions::model::secret::NewSecret;

use super::{Doors, End, given, page_of, read};

const PAGE: &str = "/secrets";

pub(super) fn routes() -> Router<Doors> {
    Router::new().route(PAGE, post(create)).route("/secrets/{id}/value", post(replace).get(page_of)).route("/secrets/{id}/delete", post(delete).get(page_of))
}

async fn create(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let new = NewSecret { name: posted.field("name").trim().to_owned(), value: posted.field("value"), tenant_id: given(&posted, "tenant_id") };
    let result = doors.engine.create_secret(&posted.caller, new).await;
    doors.end(posted, result, End::new(PAGE, "secret_created").keeping("new", &["name", "tenant_id"])).await
}

async fn replace(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.update_secret(&posted.caller, &id, posted.field("value")).await;
    doors.end(posted, result, End::new(PAGE, "secret_replaced").keeping("value", &[])).await
}

async fn delete(State(doors): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.delete_secret(&posted.caller, &id).await;
    doors.end(posted, result, End::new(PAGE, "secret_deleted")).await
}
