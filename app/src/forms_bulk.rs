//! The plain forms of bulk replays: begin one, stop one.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use event_actions::engine::Engine;
use event_actions::model::bulk::{BulkFilter, BulkReplay};
use event_actions::model::testing::ReplayVersion;
use event_actions::model::{ApiError, Timestamp};

use crate::components::time::Zone;
use crate::forms_events::{Refused, segment};
use crate::pages::executions::filters::Asked;
use crate::posted::Posted;

/// Most bytes of one of these forms.
const MAX_BYTES: usize = 64 * 1024;

#[derive(Clone)]
struct Doors {
    engine: Engine,
    pages: Router,
}

/// The posts, beside the pages at the same addresses. `pages` are the pages themselves, to be shown again.
pub fn routes(engine: Engine, pages: Router) -> Router {
    Router::new().route("/bulk/new", post(begin)).route("/bulk/{id}/abort", post(abort).get(page_of)).layer(DefaultBodyLimit::max(MAX_BYTES)).with_state(Doors { engine, pages })
}

/// Where somebody ends who asks for the address of the form, such as after signing in anew.
async fn page_of(Path(id): Path<String>) -> Redirect {
    Redirect::to(&format!("/bulk/{}", segment(&id)))
}

/// The job that a form asks for. The form's instants carry their zone.
fn job(asked: &Asked, version: &str) -> Result<BulkReplay, ApiError> {
    let filter = BulkFilter::of_list(&asked.filter(Timestamp::now(), Zone::UTC));
    let filter = filter.ok_or_else(|| ApiError::invalid("/status", "not_terminal", "Only finished executions can be replayed."))?;
    let action_version = if version == "current" { ReplayVersion::Current } else { ReplayVersion::Original };
    Ok(BulkReplay { filter, action_version, dry_run: false })
}

async fn begin(State(Doors { engine, pages }): State<Doors>, request: Request) -> Response {
    let posted = match Posted::of(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let (asked, version) = (Asked { cursor: None, ..Asked::of(|name| posted.field(name)) }, posted.field("version"));
    let begun = match job(&asked, &version) {
        Ok(job) => engine.start_bulk_replay(&posted.caller, job).await,
        Err(e) => Err(e),
    };
    match begun {
        Ok(bulk) => Redirect::to(&format!("/bulk/{}", bulk.id)).into_response(),
        Err(error) => {
            let list = asked.href(None);
            let query = list.split_once('?').map_or("", |(_, query)| query);
            let current = if version == "current" { "&version=current" } else { "" };
            posted.show(pages, &format!("/bulk/new?{query}{current}"), Refused(error.clone()), Some(&error)).await
        }
    }
}

async fn abort(State(Doors { engine, pages }): State<Doors>, Path(id): Path<String>, request: Request) -> Response {
    let posted = match Posted::of(request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let page = format!("/bulk/{}", segment(&id));
    match engine.abort_bulk(&posted.caller, &id).await {
        Ok(_) => Redirect::to(&page).into_response(),
        Err(error) => posted.show(pages, &page, Refused(error.clone()), Some(&error)).await,
    }
}

#[cfg(test)]
mod tests {
    use event_actions::model::execution::Status;

    use super::*;

    #[test]
    fn the_form_becomes_a_job() {
        let asked = Asked { status: "dead_letter".into(), action: "a".into(), ..Asked::default() };
        let found = job(&asked, "current").expect("a job");
        assert_eq!((found.filter.status, found.filter.action_id.as_deref(), found.action_version), (Some(Status::DeadLetter), Some("a"), ReplayVersion::Current));
        assert_eq!(job(&Asked { status: "running".into(), ..Asked::default() }, "").expect_err("under way").code, "validation_failed");
    }
}
