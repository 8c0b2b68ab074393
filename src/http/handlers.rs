//! The route that tells what actions can do: every handler with its schema, form and health.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Auth;
use super::params::{Nothing, Params};
use crate::engine::Engine;
use crate::model::ApiError;
use crate::model::handler::HandlerInfo;
use crate::model::page::Page;

/// The routes.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(list_handlers))
}

/// Every handler type with the JSON Schema of its configuration, hints for a form, and its health
#[utoipa::path(get, path = "/api/v1/handlers", tag = "handlers", responses((status = 200, description = "All handlers", body = Page<HandlerInfo>)))]
async fn list_handlers(State(engine): State<Engine>, Auth(caller): Auth, _: Params<Nothing>) -> Result<Json<Page<HandlerInfo>>, ApiError> {
    engine.handlers(&caller).await.map(super::whole)
}
