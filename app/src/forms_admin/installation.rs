//! The forms of the installation as a whole: the demo comes and goes, and work starts again after a restore.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;

use super::{Doors, End, page_of, read};

const PAGE: &str = "/settings";

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/settings/demo", post(load).get(page_of)).route("/settings/demo/remove", post(remove).get(page_of)).route("/settings/resume", post(resume).get(page_of))
}

async fn load(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.load_demo(&posted.caller).await;
    doors.end(posted, result, End::new(PAGE, "demo_loaded")).await
}

async fn remove(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.remove_demo(&posted.caller).await;
    doors.end(posted, result, End::new(PAGE, "demo_removed")).await
}

async fn resume(State(doors): State<Doors>, request: Request) -> Response {
    let posted = match read(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let result = doors.engine.resume(&posted.caller).await;
    doors.end(posted, result, End::new(PAGE, "resumed")).await
}
