//! What people are told when something cannot be done: one kind, a stable code, a sentence, and the fields at fault.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One fault in a request, at a place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the request body, e.g. `/conditions/2/value`.
    pub pointer: String,
    /// Stable machine-readable word, e.g. `out_of_range`.
    pub code: String,
    /// An English sentence that says what is wrong and how to mend it.
    pub message: String,
}

impl FieldError {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), message: message.into() }
    }
}

/// Collects faults while a value is validated, so that all are reported at once.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<FieldError>);

impl Faults {
    /// Records a fault.
    pub fn add(&mut self, pointer: impl Into<String>, code: &str, message: impl Into<String>) {
        self.0.push(FieldError::new(pointer, code, message));
    }

    /// Records a fault unless `holds`.
    pub fn require(&mut self, holds: bool, pointer: &str, code: &str, message: &str) {
        if !holds {
            self.add(pointer, code, message);
        }
    }

    /// `Ok` when nothing was recorded, else the 422 error that carries all faults.
    pub fn into_result(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::validation(self.0)) }
    }
}

/// The kinds of refusal; each has one HTTP status, decided in `http/error.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// 400: cannot be read at all.
    BadRequest,
    /// 401: no credential, or a bad one.
    Unauthorized,
    /// 403: the credential does not allow this.
    Forbidden,
    /// 404: no such thing, or not the caller's.
    NotFound,
    /// 409: version or idempotency conflict.
    Conflict,
    /// 413.
    PayloadTooLarge,
    /// 415.
    UnsupportedMediaType,
    /// 422: readable, but wrong.
    Unprocessable,
    /// 429: over a limit of the caller; `retry_after_seconds` is set.
    TooManyRequests,
    /// 503: the service cannot take it now; `retry_after_seconds` is set.
    Unavailable,
    /// 500: our fault; details are in the log under the request id.
    Internal,
}

/// An error meant for people; becomes `application/problem+json` (RFC 9457) or a message in the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// Which status and tone.
    pub kind: ErrorKind,
    /// Stable machine-readable word, e.g. `version_conflict`.
    pub code: String,
    /// An English sentence for the reader.
    pub detail: String,
    /// The fields at fault, if any.
    #[serde(default)]
    pub errors: Vec<FieldError>,
    /// For `TooManyRequests` and `Unavailable`: seconds until a retry makes sense.
    #[serde(default)]
    pub retry_after_seconds: Option<u64>,
}

impl ApiError {
    /// An error of `kind`.
    pub fn new(kind: ErrorKind, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, code: code.into(), detail: detail.into(), errors: Vec::new(), retry_after_seconds: None }
    }

    /// 400.
    pub fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRequest, code, detail)
    }

    /// 401.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unauthorized, "unauthorized", detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, "forbidden", detail)
    }

    /// 404 for a `noun` such as "action".
    pub fn not_found(noun: &str, id: &str) -> Self {
        Self::new(ErrorKind::NotFound, "not_found", format!("There is no {noun} {id:?}."))
    }

    /// 409.
    pub fn conflict(code: &str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, code, detail)
    }

    /// 422 with every fault found.
    #[must_use]
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.message.clone(),
            many => format!("{} fields need mending; the first: {}", many.len(), many.first().map_or("", |e| e.message.as_str())),
        };
        Self { errors, ..Self::new(ErrorKind::Unprocessable, "validation_failed", detail) }
    }

    /// 422 with one fault.
    pub fn invalid(pointer: &str, code: &str, message: impl Into<String>) -> Self {
        Self::validation(vec![FieldError::new(pointer, code, message)])
    }

    /// 503 with `Retry-After`.
    pub fn unavailable(code: &str, detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self { retry_after_seconds: Some(retry_after_seconds), ..Self::new(ErrorKind::Unavailable, code, detail) }
    }

    /// 429 with `Retry-After`.
    pub fn too_many(code: &str, detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self { retry_after_seconds: Some(retry_after_seconds), ..Self::new(ErrorKind::TooManyRequests, code, detail) }
    }

    /// 500; the cause belongs in the log, not here.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(ErrorKind::Internal, "internal", "Something went wrong on our side. The log has the details under this request id.")
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        for e in &self.errors {
            write!(f, " [{} {}]", e.pointer, e.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}
