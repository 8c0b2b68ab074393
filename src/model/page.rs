//! A page of a list: cursor in, cursor out.

use serde::{Deserialize, Serialize};

use super::ApiError;

/// Items asked for when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most items in one page.
pub const MAX_LIMIT: u32 = 200;

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// 1 to 200; 50 when absent.
    pub limit: Option<u32>,
    /// The opaque `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The limit in force.
    ///
    /// # Errors
    /// 422 naming `limit` when it is outside 1 to 200.
    pub fn checked_limit(&self) -> Result<u32, ApiError> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            n @ 1..=MAX_LIMIT => Ok(n),
            n => Err(ApiError::invalid("/limit", "out_of_range", format!("limit is {n}; it must be 1 to {MAX_LIMIT}."))),
        }
    }
}

/// A page of items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Pass as `cursor` for the next page; absent on the last.
    pub next_cursor: Option<String>,
    /// All items that match, where counting is cheap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// The same page with each item mapped.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor, total: self.total }
    }
}
