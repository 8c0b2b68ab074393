//! What every answer tells the browser about safety, and the content policy of pages with their nonce.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The policy of every answer that brings none of its own, pages of the console and the documentation do: nothing may load, nobody may frame it.
const CLOSED: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
const PERMISSIONS: HeaderValue = HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=()");
const TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// The policy of a page. Scripts run only from here or with the page's nonce; WebAssembly may be compiled.
///
/// Style attributes are allowed since bars and charts carry their measures in them; style sheets only from here.
#[must_use]
pub fn page_policy(nonce: &str) -> String {
    // The watching development server reloads the page through a WebSocket of its own.
    let reload = if cfg!(debug_assertions) && std::env::var_os("LEPTOS_WATCH").is_some() { " ws:" } else { "" };
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'{reload}; frame-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
}

/// Puts the headers on every answer that does not carry its own. `is_https` adds strict transport security.
pub async fn headers(State(is_https): State<Arc<bool>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    set(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    set(header::CONTENT_SECURITY_POLICY, CLOSED);
    set(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    set(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    set(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    if *is_https {
        set(header::STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::page_policy;

    #[test]
    fn scripts_need_the_nonce() {
        let policy = page_policy("abc");
        let scripts = policy.split(';').find(|d| d.trim_start().starts_with("script-src")).unwrap_or_default();
        assert!(scripts.contains("'nonce-abc'") && !scripts.contains("unsafe-inline") && !scripts.contains("'unsafe-eval'"));
        assert!(policy.contains("frame-ancestors 'none'"));
    }
}
