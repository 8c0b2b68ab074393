//! Routes that try an action out: saved or draft, against one event, all actions against one event, one action against the past.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::TAG;
use crate::engine::Engine;
use crate::http::auth::Auth;
use crate::http::body::{Body, MaybeBody};
use crate::http::params::{Nothing, Params, Path};
use crate::model::ApiError;
use crate::model::action::NewAction;
use crate::model::testing::{BacktestReport, BacktestRequest, MatchRequest, MatchResponse, TestReport, TestRequest};

pub(super) fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(test_event_action)).routes(routes!(test_draft)).routes(routes!(match_event)).routes(routes!(backtest_event_action))
}

/// A test of an action that is not saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftTest {
    /// The draft.
    action: NewAction,
    /// The event's type.
    event_type: String,
    /// The event's payload.
    #[serde(default)]
    #[schema(value_type = Object)]
    event_data: Map<String, Value>,
    /// The event's metadata.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// Whether nothing is sent; true when absent. A real send also needs `executions:write`.
    #[serde(default = "yes")]
    dry_run: bool,
}

const fn yes() -> bool {
    true
}

/// The engine's pointers begin at the draft; in this body the draft stands under `/action`.
fn under_action(mut error: ApiError) -> ApiError {
    const OWN: [&str; 4] = ["event_type", "event_data", "metadata", "dry_run"];
    for fault in &mut error.errors {
        let first = fault.pointer.split('/').nth(1).unwrap_or_default();
        if !OWN.contains(&first) {
            fault.pointer.insert_str(0, "/action");
        }
    }
    error
}

/// Test an action with a made-up event: every gate, the reason, and what would be sent
#[utoipa::path(post, path = "/api/v1/event-actions/{id}/test", tag = TAG, request_body = TestRequest, params(("id" = String, Path, description = "The action")),
    responses((status = 200, description = "What was found", body = TestReport)))]
async fn test_event_action(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    Body(request): Body<TestRequest>,
) -> Result<Json<TestReport>, ApiError> {
    engine.test_action(&caller, &id, request).await.map(Json)
}

/// Test an action that is not saved
#[utoipa::path(post, path = "/api/v1/event-actions/test", tag = TAG, request_body = DraftTest, responses((status = 200, description = "What was found", body = TestReport)))]
async fn test_draft(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(draft): Body<DraftTest>) -> Result<Json<TestReport>, ApiError> {
    let DraftTest { action, event_type, event_data, metadata, dry_run } = draft;
    engine.test_draft(&caller, action, TestRequest { event_type, event_data, metadata, dry_run }).await.map(Json).map_err(under_action)
}

/// Which actions an event would fire, in order, and the gate that stops each other one
#[utoipa::path(post, path = "/api/v1/event-actions/match", tag = TAG, request_body = MatchRequest, responses((status = 200, description = "Who would run and who not", body = MatchResponse)))]
async fn match_event(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>, Body(request): Body<MatchRequest>) -> Result<Json<MatchResponse>, ApiError> {
    engine.match_event(&caller, request).await.map(Json)
}

/// Run an action's gates over the latest stored events, without sending anything
#[utoipa::path(post, path = "/api/v1/event-actions/{id}/backtest", tag = TAG, request_body = Option<BacktestRequest>, params(("id" = String, Path, description = "The action")),
    responses((status = 200, description = "Counts, and the events that match", body = BacktestReport)))]
async fn backtest_event_action(
    State(engine): State<Engine>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    _: Params<Nothing>,
    MaybeBody(request): MaybeBody<BacktestRequest>,
) -> Result<Json<BacktestReport>, ApiError> {
    engine.backtest(&caller, &id, request).await.map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_of_a_draft() {
        for (pointer, expected) in [("/name", "/action/name"), ("", "/action"), ("/event_types/0", "/action/event_types/0"), ("/event_type", "/event_type")] {
            assert_eq!(under_action(ApiError::invalid(pointer, "x", "x")).errors[0].pointer, expected);
        }
    }
}
