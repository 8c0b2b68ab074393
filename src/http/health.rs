//! Routes for those who watch the process: alive, ready, metrics. Open, and without any tenant's data.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::engine::Engine;

const TAG: &str = "health";
/// Seconds after which it makes sense to ask again whether the node is ready.
const RETRY_SECONDS: u64 = 2;

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(live)).routes(routes!(ready)).routes(routes!(metrics))
}

/// Whether the process can do its work.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `alive`, `ready` or `not_ready`.
    status: &'static str,
    /// What is missing, as sentences.
    reasons: Vec<String>,
}

/// Whether the process is alive
#[utoipa::path(get, path = "/health/live", tag = TAG, security(()), responses((status = 200, description = "It is", body = Readiness)))]
async fn live() -> Json<Readiness> {
    Json(Readiness { status: "alive", reasons: Vec::new() })
}

/// Whether this node can take events now
#[utoipa::path(get, path = "/health/ready", tag = TAG, security(()),
    responses((status = 200, description = "It can", body = Readiness), (status = 503, description = "It cannot, and why", body = Readiness)))]
async fn ready(State(engine): State<Engine>) -> Response {
    let reasons = engine.not_ready().await;
    if reasons.is_empty() {
        return Json(Readiness { status: "ready", reasons }).into_response();
    }
    let retry = [(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS))];
    (StatusCode::SERVICE_UNAVAILABLE, retry, Json(Readiness { status: "not_ready", reasons })).into_response()
}

/// Metrics as Prometheus reads them (OpenMetrics text)
#[utoipa::path(get, path = "/metrics", tag = TAG, security(()), responses((status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text")))]
async fn metrics(State(engine): State<Engine>) -> Response {
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], engine.prometheus()).into_response()
}
