//! Dead letters that gave up for the same reason, seen as one. Each by itself is an execution like any other.

use super::{Caller, Engine, internal};
use crate::db::dead_letters;
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::dead_letter::{DeadLetterFilter, DeadLetterGroup};

/// Most groups in one answer.
const MAX_GROUPS: u32 = 200;

impl Engine {
    /// Dead letters that nobody has handled, by action and last error: at most 200 groups, the largest first.
    ///
    /// # Errors
    /// 403 without `executions:read`, 404 for another tenant.
    pub async fn dead_letter_groups(&self, caller: &Caller, filter: DeadLetterFilter) -> Result<Vec<DeadLetterGroup>, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let tenant = caller.reads(filter.tenant_id.as_deref())?;
        dead_letters::groups(self.db(), tenant.as_deref(), &filter, MAX_GROUPS).await.map_err(internal)
    }
}
