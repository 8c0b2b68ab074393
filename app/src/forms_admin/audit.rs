//! The check of the audit log's chain. It changes nothing; it is a form because it reads the whole log.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;

use super::{Doors, End, page_of, read};

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/audit/verify", post(verify).get(page_of))
}

async fn verify(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    match doors.engine.verify_audit(&posted.caller).await {
        Ok(verdict) => posted.show(doors.pages, "/audit", verdict, None).await,
        Err(error) => doors.refuse(posted, error, End::new("/audit", "")).await,
    }
}
