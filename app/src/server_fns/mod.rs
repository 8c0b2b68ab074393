//! Doors for islands: each server function is a few lines onto one `Engine` method. No logic, no SQL.
//!
//! A refusal reaches the island as it is, with its code and the pointers of the fields at fault.

use event_actions::model::{ApiError, ErrorKind};
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

pub mod actions;

/// Why a server function did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refusal(pub ApiError);

impl FromServerFnError for Refusal {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        Self(match value {
            ServerFnErrorErr::Request(_) => {
                ApiError::new(ErrorKind::Unavailable, "unreachable", "The server cannot be reached. Nothing was changed; the draft is kept in this browser.")
            }
            ServerFnErrorErr::Deserialization(_) => {
                ApiError::new(ErrorKind::Unauthorized, "unreadable", "The answer cannot be read. Sign in again in another tab, then try once more; the draft is kept.")
            }
            ServerFnErrorErr::Args(why) | ServerFnErrorErr::MissingArg(why) => ApiError::bad_request("bad_arguments", why),
            _ => ApiError::internal(),
        })
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

/// The engine and the caller of this request.
///
/// # Errors
/// 500 when the request's context is missing, which only a wiring fault can cause.
#[cfg(feature = "ssr")]
pub fn asked() -> Result<(event_actions::engine::Engine, event_actions::engine::Caller), Refusal> {
    use leptos::prelude::use_context;
    use_context().zip(use_context()).ok_or_else(|| Refusal(ApiError::internal()))
}

/// Gives the answer of an operation the HTTP status of its refusal, so that logs and metrics see what happened.
///
/// # Errors
/// The refusal itself.
#[cfg(feature = "ssr")]
pub fn answer<T>(result: Result<T, ApiError>) -> Result<T, Refusal> {
    result.map_err(|error| {
        if let Some(options) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
            options.set_status(event_actions::http::error::status_of(error.kind).0);
        }
        Refusal(error)
    })
}
