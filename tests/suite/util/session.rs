//! The console's session layer, as far as REST needs it: a live session's cookie becomes the caller of the request.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use event_actions::engine::Engine;

/// The caller and the person of the cookie `ea`; a request with a key counts by its key alone.
pub async fn identify(State(engine): State<Engine>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let token = headers.get(header::COOKIE).and_then(|v| v.to_str().ok()).and_then(|c| c.strip_prefix("ea=")).map(str::to_owned);
    if let Some(token) = token.filter(|_| !headers.contains_key(header::AUTHORIZATION))
        && let Ok(signed_in) = engine.session(&token, None).await
    {
        request.extensions_mut().insert(signed_in.caller.clone());
        request.extensions_mut().insert(signed_in);
    }
    next.run(request).await
}
