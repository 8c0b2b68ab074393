//! Opaque cursors of lists: base64 of a small JSON value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::ApiError;
use crate::model::page::{Page, PageRequest};

/// Writes a position as a cursor.
pub fn encode(position: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

/// Reads the position of a request's cursor, if it has one.
///
/// # Errors
/// 422 naming `cursor`.
pub fn decode<T: DeserializeOwned>(request: &PageRequest) -> Result<Option<T>, ApiError> {
    let Some(cursor) = request.cursor.as_deref().filter(|c| !c.is_empty()) else { return Ok(None) };
    let position = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    position.map(Some).ok_or_else(|| ApiError::invalid("/cursor", "bad_cursor", "The cursor cannot be read; take next_cursor of the page before as it is."))
}

/// Makes a page of items that were fetched with one more than `limit`.
pub fn page<T, P: Serialize>(mut items: Vec<T>, limit: u32, position: impl Fn(&T) -> P) -> Page<T> {
    let limit = limit as usize;
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = if more { items.last().map(|last| encode(&position(last))) } else { None };
    Page { items, next_cursor, total: None }
}
