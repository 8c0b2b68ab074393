//! Requests that change something come from our own pages: judged by what browsers say about themselves, without tokens in forms.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use event_actions::model::{ApiError, ErrorKind};

/// Refuses a change that another site asked the browser for, with 403.
///
/// Requests with `Authorization` are exempt: no browser adds that by itself, and such a request counts by its key alone.
/// So are requests to the API without any cookie: they carry nothing that could be misused, and get their 401.
pub async fn guard(State(public_url): State<Arc<str>>, request: Request, next: Next) -> Response {
    if is_safe(request.method()) || is_exempt(request.uri().path(), request.headers()) || is_ours(request.headers(), &public_url) {
        return next.run(request).await;
    }
    ApiError::new(ErrorKind::Forbidden, "cross_site", "This change was not asked for by a page of this service. Open the page again and repeat it there.").into_response()
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_exempt(path: &str, headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || (path.starts_with("/api/") && !headers.contains_key(header::COOKIE))
}

/// `Sec-Fetch-Site` decides where the browser sends it; else `Origin` must be this host or the public address; else refused.
fn is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return false };
    let host = text("host").unwrap_or_default();
    origin == public_url || (!host.is_empty() && origin.split_once("://").is_some_and(|(_, at)| at == host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        let public = "https://events.example";
        for (given, ours) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://events.example")], false),
            (&[("origin", "https://events.example"), ("host", "10.0.0.1:3000")], true),
            (&[("origin", "http://localhost:3000"), ("host", "localhost:3000")], true),
            (&[("origin", "http://evil.example"), ("host", "localhost:3000")], false),
            (&[("origin", "null"), ("host", "localhost:3000")], false),
            (&[("host", "localhost:3000")], false),
            (&[("origin", "http://"), ("host", "")], false),
        ] {
            assert_eq!(is_ours(&headers(given), public), ours, "{given:?}");
        }
    }

    #[test]
    fn keys_are_exempt_and_cookies_are_not() {
        assert!(is_exempt("/api/v1/events", &headers(&[("authorization", "Bearer x"), ("cookie", "ea=1")])));
        assert!(is_exempt("/api/v1/events", &headers(&[])));
        assert!(!is_exempt("/api/v1/events", &headers(&[("cookie", "ea=1")])));
        assert!(!is_exempt("/login", &headers(&[])));
    }
}
