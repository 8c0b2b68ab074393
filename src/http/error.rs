//! The one place where a refusal becomes HTTP: status, `application/problem+json` (RFC 9457), `Retry-After`, `WWW-Authenticate`.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id;
use crate::model::{ApiError, ErrorKind, FieldError};

/// The media type of a refusal.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal as the client reads it (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:event-actions:problem:` followed by the code; the same for every refusal of this kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of refusal in a few words.
    pub title: &'static str,
    /// The HTTP status, repeated.
    pub status: u16,
    /// An English sentence about this very case.
    pub detail: String,
    /// Stable machine-readable word, such as `version_conflict`.
    pub code: String,
    /// The places at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The id under which the log knows this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let (status, title) = status_of(error.kind);
        Self {
            kind: format!("urn:event-actions:problem:{}", error.code),
            title,
            status: status.as_u16(),
            detail: error.detail,
            code: error.code,
            errors: error.errors,
            request_id: request_id::current(),
        }
    }
}

/// The status of a kind of refusal, and its title.
#[must_use]
pub const fn status_of(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::BadRequest => (StatusCode::BAD_REQUEST, "Bad request"),
        ErrorKind::Unauthorized => (StatusCode::UNAUTHORIZED, "Not authenticated"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        ErrorKind::Conflict => (StatusCode::CONFLICT, "Conflict"),
        ErrorKind::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        ErrorKind::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
        ErrorKind::Unprocessable => (StatusCode::UNPROCESSABLE_ENTITY, "Validation failed"),
        ErrorKind::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not available now"),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, _) = status_of(self.kind);
        let retry_after = self.retry_after_seconds;
        let mut response = problem(status, &Problem::from(self));
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"event-actions\""));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn problem(status: StatusCode, problem: &Problem) -> Response {
    // A problem is texts and numbers only, so writing it cannot fail.
    let mut response = Response::new(Body::from(serde_json::to_vec(problem).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response
}

/// The answer to a path under `/api` that no route has.
pub async fn unknown_route(uri: axum::http::Uri) -> ApiError {
    ApiError::new(ErrorKind::NotFound, "unknown_route", format!("There is no route {:?}; /api/openapi.json lists all of them.", uri.path()))
}

/// The answer to a method that a route does not have; axum adds `Allow`.
pub async fn wrong_method(method: axum::http::Method) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let error = ApiError::bad_request("method_not_allowed", format!("This route does not take {method}; the header Allow says what it takes."));
    problem(status, &Problem { status: status.as_u16(), title: "Method not allowed", ..Problem::from(error) })
}

/// The answer when a handler panicked; the cause goes to the log alone.
#[allow(clippy::needless_pass_by_value, reason = "the signature is tower-http's")]
pub fn panicked(cause: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let message = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = message, request_id = request_id::current(), "a request panicked");
    ApiError::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_its_headers() {
        let response = ApiError::unavailable("queue_full", "Full.", 7).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
        let response = ApiError::unauthorized("No.").into_response();
        assert!(response.headers()[header::WWW_AUTHENTICATE].to_str().is_ok_and(|v| v.starts_with("Bearer")));
    }

    #[test]
    fn a_problem_has_the_documented_members() {
        let value = serde_json::to_value(Problem::from(ApiError::invalid("/name", "empty", "name is needed."))).unwrap_or_default();
        assert_eq!(value["type"], "urn:event-actions:problem:validation_failed");
        assert_eq!(value["status"], 422);
        assert_eq!(value["errors"][0]["pointer"], "/name");
        assert_eq!(value.get("request_id"), None);
    }
}
