//! All routes of the process under one roof: REST, pages, server functions, forms, files, and the layers around them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use event_actions::engine::Engine;
use event_actions::http::{error, request_id};
use leptos::config::LeptosOptions;
use leptos_axum::{LeptosRoutes as _, generate_route_list, render_app_async_with_context};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use crate::assets::Assets;
use crate::shell::{App, shell};
use crate::{csrf, forms, forms_actions, forms_admin, forms_bulk, forms_events, palette, security, session};

/// Where server functions live; the same as `SERVER_FN_PREFIX` in `.cargo/config.toml`.
const SERVER_FNS: &str = "/_fn/";
/// Answers shorter than this, in bytes, cost more to compress than to send.
const WORTH_COMPRESSING: u16 = 2048;

/// The whole service as one router.
pub fn router(engine: &Engine, assets: &Assets) -> Router {
    let public_url: Arc<str> = engine.config().public_url.as_str().into();
    let worth = SizeAbove::new(WORTH_COMPRESSING).and(NotForContentType::IMAGES).and(NotForContentType::SSE);
    let pages = pages(engine, assets.leptos_options());
    event_actions::http::router(engine.clone())
        .merge(pages.clone())
        .merge(forms::routes(engine.clone()))
        .merge(palette::routes(engine.clone()))
        .merge(forms_actions::routes(engine.clone(), pages.clone()))
        .merge(forms_bulk::routes(engine.clone(), pages.clone()))
        .merge(forms_events::routes(engine.clone(), pages.clone()))
        .merge(forms_admin::routes(engine.clone(), pages))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth))
        // Files are compressed already, and better.
        .merge(assets.routes())
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(from_fn_with_state(engine.clone(), session::identify))
        .layer(from_fn_with_state(public_url, csrf::guard))
        .layer(from_fn_with_state(Arc::new(engine.config().is_https()), security::headers))
        .layer(from_fn(request_id::layer))
}

/// The console's pages and server functions; what no route knows is its "not found" page.
fn pages(engine: &Engine, options: LeptosOptions) -> Router {
    let context = session::page_context(engine);
    let document = {
        let options = options.clone();
        move || shell(options.clone())
    };
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context.clone(), document.clone())
        .fallback(render_app_async_with_context(context, document))
        .layer(from_fn_with_state(engine.clone(), require_sign_in))
        .with_state(options)
}

/// Pages send people to the sign-in; server functions answer by themselves, since a script cannot use a page.
async fn require_sign_in(engine: State<Engine>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(SERVER_FNS) { next.run(request).await } else { session::require_sign_in(engine, request, next).await }
}

#[cfg(test)]
mod tests {
    use super::SERVER_FNS;

    #[test]
    fn server_functions_stay_away_from_rest() {
        for (path, _) in leptos::server_fn::axum::server_fn_paths() {
            assert!(path.starts_with(SERVER_FNS), "{path}: the Leptos crates were built without .cargo/config.toml; run scripts/setup.sh");
        }
    }
}
