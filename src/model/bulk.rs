//! Bulk jobs: many executions replayed in the background, with progress.

use serde::{Deserialize, Serialize};

use super::error::Faults;
use super::execution::{ExecutionFilter, Status};
use super::tenant::tenant_fault;
use super::testing::ReplayVersion;
use super::{FieldError, Timestamp};

/// Most executions of one job.
pub const MAX_BULK: i64 = 100_000;

/// Which finished executions a job is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkFilter {
    /// `failed` (default, covers dead letters too), `dead_letter`, `cancelled` or `succeeded`. Dead letters that somebody has
    /// handled are left out.
    #[serde(default)]
    pub status: Option<Status>,
    /// Only this action.
    #[serde(default)]
    pub action_id: Option<String>,
    /// Only this event.
    #[serde(default)]
    pub event_id: Option<String>,
    /// Exact event type.
    #[serde(default)]
    pub event_type: Option<String>,
    /// Exact handler type.
    #[serde(default)]
    pub handler_type: Option<String>,
    /// Exact class of the last error, such as `timeout`.
    #[serde(default)]
    pub error_class: Option<String>,
    /// Created at or after.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// Created before.
    #[serde(default)]
    pub to: Option<Timestamp>,
    /// Took at least this many milliseconds.
    #[serde(default)]
    pub min_duration_ms: Option<i64>,
    /// For a platform credential: only this tenant.
    #[serde(default)]
    pub tenant_id: Option<String>,
}

impl BulkFilter {
    /// The same executions as those of a filtered list, as far as they have ended: failed ones when the list names no status. None
    /// when it is about executions under way.
    #[must_use]
    pub fn of_list(list: &ExecutionFilter) -> Option<Self> {
        let status = match list.status.as_deref() {
            _ if list.unhandled_only => Status::DeadLetter,
            None => Status::Failed,
            Some(word) => Status::parse(word).filter(|s| s.is_terminal())?,
        };
        let list = list.clone();
        Some(Self {
            status: Some(status),
            action_id: list.action_id,
            event_id: list.event_id,
            event_type: list.event_type,
            handler_type: list.handler_type,
            error_class: list.error_class,
            from: list.from,
            to: list.to,
            min_duration_ms: list.min_duration_ms,
            tenant_id: list.tenant_id,
        })
    }

    /// The status in force.
    #[must_use]
    pub fn effective_status(&self) -> Status {
        self.status.unwrap_or(Status::Failed)
    }

    /// Every fault at once, with pointers below `/filter`.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        f.require(
            self.effective_status().is_terminal(),
            "/filter/status",
            "not_terminal",
            "Only finished executions can be replayed: failed, dead_letter, cancelled or succeeded.",
        );
        let long = [
            ("action_id", &self.action_id),
            ("event_id", &self.event_id),
            ("event_type", &self.event_type),
            ("handler_type", &self.handler_type),
            ("error_class", &self.error_class),
        ];
        for (name, text) in long {
            let fine = text.as_deref().is_none_or(|t| (1..=200).contains(&t.chars().count()) && !t.chars().any(char::is_control));
            f.require(fine, &format!("/filter/{name}"), "bad_length", &format!("{name} has 1 to 200 printable characters."));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            f.0.push(FieldError::new("/filter/to", "out_of_range", "to must lie after from."));
        }
        if let Some(why) = self.tenant_id.as_deref().and_then(tenant_fault) {
            f.add("/filter/tenant_id", "bad_tenant", why);
        }
        f
    }
}

/// A replay of many executions: the body of `POST /executions/bulk-replay`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkReplay {
    /// Which executions; all failed ones when absent.
    #[serde(default)]
    pub filter: BulkFilter,
    /// Which version of their actions runs; `original` when absent.
    #[serde(default)]
    pub action_version: ReplayVersion,
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

/// How many executions a replay would be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct BulkCount {
    /// How many there are now.
    pub total: i64,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BulkStatus {
    /// Under way, or waiting for a node.
    Running,
    /// Somebody stopped it; the page under way still ends.
    Aborting,
    /// Done.
    Finished,
    /// Stopped.
    Aborted,
}

impl BulkStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Running, Self::Aborting, Self::Finished, Self::Aborted];

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Aborting => "aborting",
            Self::Finished => "finished",
            Self::Aborted => "aborted",
        }
    }

    /// The status of a stored word; unknown words are finished.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|s| s.name() == word).unwrap_or(Self::Finished)
    }
}

/// A bulk job and its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Bulk {
    /// UUIDv7.
    pub id: String,
    /// Where it stands.
    pub status: BulkStatus,
    /// The tenant; absent when it is about all.
    pub tenant_id: Option<String>,
    /// Which executions.
    pub filter: BulkFilter,
    /// Which version of their actions.
    pub action_version: ReplayVersion,
    /// How many executions there were at its start.
    pub total: i64,
    /// How many have a new execution.
    pub succeeded: i64,
    /// How many cannot be replayed, such as for an event that is deleted.
    pub failed: i64,
    /// How many were left out, because somebody handled or deleted them meanwhile.
    pub skipped: i64,
    /// Why the last of the failed ones failed.
    pub last_error: Option<String>,
    /// When it was started.
    pub created_at: Timestamp,
    /// Who started it.
    pub created_by: String,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_filters() {
        for (filter, pointers) in [
            (BulkFilter::default(), vec![]),
            (BulkFilter { status: Some(Status::Running), ..BulkFilter::default() }, vec!["/filter/status"]),
            (BulkFilter { from: Some(Timestamp(2)), to: Some(Timestamp(2)), ..BulkFilter::default() }, vec!["/filter/to"]),
            (BulkFilter { action_id: Some(String::new()), ..BulkFilter::default() }, vec!["/filter/action_id"]),
        ] {
            assert_eq!(filter.validate().0.iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), pointers, "{filter:?}");
        }
    }

    #[test]
    fn a_list_is_replayed_as_it_is_filtered() {
        let list = |status: Option<&str>| ExecutionFilter { status: status.map(str::to_owned), event_id: Some("e".into()), min_duration_ms: Some(5), ..ExecutionFilter::default() };
        for (status, replayed) in
            [(None, Some(Status::Failed)), (Some("failed"), Some(Status::Failed)), (Some("succeeded"), Some(Status::Succeeded)), (Some("running"), None), (Some("nonsense"), None)]
        {
            let found = BulkFilter::of_list(&list(status));
            assert_eq!(found.as_ref().and_then(|f| f.status), replayed, "{status:?}");
            assert!(found.is_none_or(|f| f.event_id.as_deref() == Some("e") && f.min_duration_ms == Some(5)));
        }
        let dead = ExecutionFilter { unhandled_only: true, ..ExecutionFilter::default() };
        assert_eq!(BulkFilter::of_list(&dead).and_then(|f| f.status), Some(Status::DeadLetter));
    }

    #[test]
    fn words_of_states() {
        for status in BulkStatus::ALL {
            assert_eq!(BulkStatus::parse(status.name()), status);
        }
    }
}
