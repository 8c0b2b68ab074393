//! Query parameters that templates and functions share.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::model::library::LibraryFilter;
use crate::model::page::PageRequest;

/// Filters of the list, and the page wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Part of the name, letter case ignored.
    search: Option<String>,
    /// Only this tenant's own, without platform-wide ones.
    tenant_id: Option<String>,
    /// Items in the page, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl ListQuery {
    /// The filter and the page.
    pub fn into_parts(self) -> (LibraryFilter, PageRequest) {
        (LibraryFilter { search: self.search, tenant_id: self.tenant_id }, PageRequest { limit: self.limit, cursor: self.cursor })
    }
}

/// What a deletion may say.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeleteQuery {
    /// `true` deletes it although actions use it; false when absent.
    pub force: Option<bool>,
    /// For a platform credential: whose name is meant.
    pub tenant_id: Option<String>,
}
