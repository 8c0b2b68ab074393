//! The id of a request: taken from `x-request-id` when sane, else made; echoed, logged, and repeated in refusals.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use uuid::Uuid;

/// The header that carries it both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a client, in characters.
const MAX_CHARS: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of a request, as an extension of it.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The id of the request under way in this task, if any.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Gives the request its id and the answer the same one. Idle when an outer layer has done so already.
pub async fn layer(mut request: Request, next: Next) -> Response {
    if request.extensions().get::<RequestId>().is_some() {
        return next.run(request).await;
    }
    let given = request.headers().get(&HEADER).and_then(|v| v.to_str().ok()).filter(|id| is_sane(id));
    let id = given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request_id = id, method = %request.method(), path = request.uri().path());
    let echo = HeaderValue::from_str(&id).ok();
    let mut response = CURRENT.scope(id, next.run(request)).instrument(span).await;
    if let Some(echo) = echo {
        response.headers_mut().insert(HEADER, echo);
    }
    response
}

/// Whether a client's id can stand in logs and headers without doing harm.
fn is_sane(id: &str) -> bool {
    (1..=MAX_CHARS).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_ids_are_taken_over() {
        for (id, fine) in [("req-1", true), ("", false), ("a b", false), ("a\"b", false), ("00-4bf9:a/b+c=", true), ("é", false)] {
            assert_eq!(is_sane(id), fine, "{id:?}");
        }
        assert!(is_sane(&"x".repeat(MAX_CHARS)) && !is_sane(&"x".repeat(MAX_CHARS + 1)));
    }
}
