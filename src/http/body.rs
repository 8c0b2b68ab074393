//! Request bodies: media type, size, depth, syntax and shape, each refused with its own status.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::event::{MAX_EVENT_BYTES, MAX_JSON_DEPTH};
use crate::model::handler::from_value;
use crate::model::value::describe;
use crate::model::{ApiError, ErrorKind, FieldError};

/// Longest time for a client to send a body.
const MAX_BODY_TIME: Duration = Duration::from_secs(60);

/// A JSON body of at most `LIMIT` bytes, read as `T`. 413, 415, 400 for what is no JSON, 422 with a pointer for a wrong shape.
#[derive(Debug)]
pub struct Body<T, const LIMIT: usize = MAX_EVENT_BYTES>(pub T);

impl<S: Send + Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for Body<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = read_json(request, LIMIT).await?;
        if bytes.is_empty() {
            return Err(ApiError::bad_request("empty_body", "The body is empty; this route needs JSON."));
        }
        object(parse(&bytes)?).map(Self)
    }
}

/// Like [`Body`], but an empty body stands for the default.
#[derive(Debug)]
pub struct MaybeBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for MaybeBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = read_json(request, MAX_EVENT_BYTES).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { object(parse(&bytes)?).map(Self) }
    }
}

async fn read_json(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let kind = media_type(request.headers());
    if let Some(kind) = &kind
        && !is_json(kind)
    {
        return Err(unsupported(&["application/json"], Some(kind)));
    }
    let bytes = read(request, limit).await?;
    if kind.is_none() && !bytes.is_empty() { Err(unsupported(&["application/json"], None)) } else { Ok(bytes) }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 over the limit, 400 when the client stops or is too slow.
pub async fn read(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if announced.is_some_and(|n| n > limit) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(MAX_BODY_TIME, Limited::new(request.into_body(), limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(e)) if e.downcast_ref::<LengthLimitError>().is_some() => Err(too_large(limit)),
        Ok(Err(_)) => Err(ApiError::bad_request("body_unreadable", "The body broke off before its end.")),
        Err(_) => Err(ApiError::bad_request("body_too_slow", format!("The body did not arrive within {} s.", MAX_BODY_TIME.as_secs()))),
    }
}

/// 413.
#[must_use]
pub fn too_large(limit: usize) -> ApiError {
    let size = if limit.is_multiple_of(1 << 20) { format!("{} MiB", limit >> 20) } else { format!("{limit} bytes") };
    ApiError::new(ErrorKind::PayloadTooLarge, "too_large", format!("This takes at most {size}."))
}

/// 415 naming what is taken.
#[must_use]
pub fn unsupported(taken: &[&str], found: Option<&str>) -> ApiError {
    let found = found.map_or_else(|| "found none".to_owned(), |f| format!("found {f:?}"));
    ApiError::new(ErrorKind::UnsupportedMediaType, "unsupported_media_type", format!("Content-Type must be {}; {found}.", taken.join(" or ")))
}

/// The media type of a body, in lower case and without its parameters.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    Some(String::from_utf8_lossy(value.as_bytes()).split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether a media type is JSON: `application/json`, or anything that ends in `+json`.
#[must_use]
pub fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// Parses JSON at most 64 levels deep.
///
/// # Errors
/// 400 with line and column.
pub fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    check_depth(bytes)?;
    serde_json::from_slice(bytes).map_err(|e| malformed(&e))
}

/// Reads an object as `T`. Where a struct is wanted serde would take an array of its members, too.
///
/// # Errors
/// 422 with a pointer.
pub fn object<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    if value.is_object() { from_value(value) } else { Err(ApiError::invalid("", "wrong_type", format!("An object is needed; found {}.", describe(&value)))) }
}

/// 400 for what is no JSON, with line and column.
#[must_use]
pub fn malformed(e: &serde_json::Error) -> ApiError {
    unreadable("malformed_json", format!("The body is no JSON: {e}."))
}

/// Refuses JSON nested deeper than [`MAX_JSON_DEPTH`], before any parser recurses into it.
///
/// # Errors
/// 400 with line and column.
pub fn check_depth(bytes: &[u8]) -> Result<(), ApiError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    let before = &bytes[..at];
                    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
                    let column = at - before.iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1) + 1;
                    return Err(unreadable("too_deep", format!("The body is nested deeper than {MAX_JSON_DEPTH} levels at line {line} column {column}.")));
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn unreadable(code: &str, message: String) -> ApiError {
    let fault = FieldError::new("", code, message.clone());
    ApiError { errors: vec![fault], ..ApiError::bad_request(code, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_levels_are_enough() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(64).as_bytes()).is_ok());
        let refused = parse(format!("\n\n{}", nested(65)).as_bytes()).err();
        assert!(refused.is_some_and(|e| e.code == "too_deep" && e.detail.contains("line 3 column 65")));
        assert!(parse(format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(100), "{".repeat(100)).as_bytes()).is_ok(), "brackets in strings do not count");
    }

    #[test]
    fn broken_json_names_line_and_column() {
        let refused = parse(b"{\"a\": 1,\n \"b\": }").err();
        assert!(refused.is_some_and(|e| e.kind == ErrorKind::BadRequest && e.code == "malformed_json" && e.detail.contains("line 2 column")));
    }

    #[test]
    fn which_media_types_are_json() {
        for (text, json) in [("application/json", true), ("application/problem+json", true), ("text/json", false), ("application/x-ndjson", false), ("text/plain+json", false)] {
            assert_eq!(is_json(text), json, "{text}");
        }
    }
}
