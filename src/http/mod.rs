//! REST: thin doors onto the engine. This file is the merge list; each noun has a file of its own.
//!
//! A route extracts, calls one engine method and returns; refusals become HTTP in `error.rs` alone.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::middleware::from_fn;
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::engine::Engine;
use crate::model::page::Page;

mod alert_rules;
mod alerts;
mod api_keys;
mod audit;
pub mod auth;
mod batch;
pub mod body;
mod bulk;
mod cloudevents;
mod dead_letters;
mod docs;
mod drain;
pub mod error;
mod event_actions;
mod events;
mod executions;
mod functions;
mod handlers;
mod health;
mod invitations;
mod library;
mod mailbox;
mod me;
mod openapi;
pub mod params;
pub mod request_id;
mod secrets;
mod stream;
mod templates;
mod tenants;
mod update;
mod users;

/// Every documented route.
fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::default()
        .merge(events::routes())
        .merge(cloudevents::routes())
        .merge(event_actions::routes())
        .merge(executions::routes())
        .merge(bulk::routes())
        .merge(dead_letters::routes())
        .merge(alerts::routes())
        .merge(alert_rules::routes())
        .merge(mailbox::routes())
        .merge(handlers::routes())
        .merge(templates::routes())
        .merge(functions::routes())
        .merge(secrets::routes())
        .merge(stream::routes())
        .merge(tenants::routes())
        .merge(api_keys::routes())
        .merge(users::routes())
        .merge(invitations::routes())
        .merge(me::routes())
        .merge(audit::routes())
        .merge(health::routes())
}

/// The OpenAPI document, as `/api/openapi.json` serves it.
#[must_use]
pub fn openapi() -> OpenApi {
    openapi::complete(routes().into_openapi())
}

/// REST, the documentation and the health routes, complete with their layers; every other path under `/api` is a 404 problem.
///
/// The router has no fallback, so that it can be merged with pages. A session layer around it may put a
/// [`Caller`](crate::engine::Caller) into the extensions of a request; an API key in the request counts before it.
pub fn router(engine: Engine) -> Router {
    let (router, api) = routes().split_for_parts();
    // The document consists of texts, so writing it cannot fail.
    let document = Bytes::from(openapi::complete(api).to_json().unwrap_or_default());
    let serve_document = move || async move { ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], document) };
    router
        .route("/api/openapi.json", get(serve_document))
        .merge(docs::routes())
        .method_not_allowed_fallback(error::wrong_method)
        .route("/api", any(error::unknown_route))
        .route("/api/", any(error::unknown_route))
        .route("/api/{*rest}", any(error::unknown_route))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(from_fn(drain::layer))
        .layer(from_fn(request_id::layer))
        .with_state(engine)
}

/// A list that is always whole, in the shape of every other list.
fn whole<T>(items: Vec<T>) -> axum::Json<Page<T>> {
    axum::Json(Page { total: u64::try_from(items.len()).ok(), items, next_cursor: None })
}
