//! Actions: what to do, when, and how it is delivered.

mod delivery;
mod version;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::condition::{ConditionItem, validate_conditions};
#[cfg(feature = "server")]
use super::error::ApiError;
use super::error::Faults;
use super::event::pattern_fault;
use super::handler::HandlerType;
use super::health::Health;
use super::stats::Brief;
use super::tenant::tenant_fault;
use super::{Timestamp, path};

pub use delivery::{CircuitBreaker, ExecutionMode, Priority, RateLimit, RetryStrategy};
pub use version::{ActionVersion, Change, diff};

/// Most event type patterns of one action.
pub const MAX_EVENT_TYPES: usize = 100;
/// Most retries after the first attempt.
pub const MAX_RETRIES: u32 = 50;
/// Longest time for one attempt, in seconds.
pub const MAX_TIMEOUT_SECONDS: u32 = 900;
/// Time for one attempt when nothing says otherwise, in seconds.
pub const DEFAULT_TIMEOUT_SECONDS: u32 = 30;
/// Longest wait between attempts, in seconds.
pub const MAX_RETRY_DELAY_SECONDS: u32 = 3600;
/// Most bytes of a configuration's JSON.
pub const MAX_CONFIGURATION_BYTES: usize = 256 * 1024;

/// An action as a person writes it: the body of create, the editor's draft, a stored version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAction {
    /// 1 to 200 characters.
    pub name: String,
    /// At most 2,000 characters.
    #[serde(default)]
    pub description: String,
    /// Which handler runs.
    pub handler_type: HandlerType,
    /// The handler's own settings; every string in it is a template.
    #[serde(default = "empty_object")]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub configuration: Value,
    /// 1 to 100 patterns: `user.created`, `user.*`, `*`.
    pub event_types: Vec<String>,
    /// All must hold; empty holds.
    #[serde(default)]
    pub conditions: Vec<ConditionItem>,
    /// Every key must be in the event's metadata and equal, or be one of the filter's array.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub context_filters: Map<String, Value>,
    /// Who waits.
    #[serde(default)]
    pub execution_mode: ExecutionMode,
    /// What goes first.
    #[serde(default)]
    pub priority: Priority,
    /// Bounds one attempt, 1 to 900; `configuration.timeout`, else 30, when absent.
    #[serde(default)]
    pub timeout_seconds: Option<u32>,
    /// Further attempts after the first, at most 50.
    #[serde(default = "default_max_retries")]
    pub max_retries: u32,
    /// The first wait, 0 to 3,600.
    #[serde(default = "default_retry_delay")]
    pub retry_delay_seconds: u32,
    /// How the wait grows.
    #[serde(default)]
    pub retry_strategy: RetryStrategy,
    /// A template; executions with the same key run one at a time in order. Not with sync.
    #[serde(default)]
    pub ordering_key: Option<String>,
    /// How many starts in a time.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// How many at once on one node, 1 to 10,000.
    #[serde(default)]
    pub max_concurrency: Option<u32>,
    /// When to stop trying; 10 failures and 60 s when absent.
    #[serde(default)]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Whether it runs at all.
    #[serde(default = "default_true")]
    pub is_enabled: bool,
    /// The tenant; absent with a platform credential means platform-wide.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// At most 20 labels of at most 50 characters.
    #[serde(default)]
    pub tags: Vec<String>,
}

fn empty_object() -> Value {
    Value::Object(Map::new())
}

const fn default_max_retries() -> u32 {
    3
}

const fn default_retry_delay() -> u32 {
    10
}

const fn default_true() -> bool {
    true
}

impl NewAction {
    /// An action with every default, to be filled in.
    #[must_use]
    pub fn blank(handler_type: HandlerType) -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            handler_type,
            configuration: empty_object(),
            event_types: Vec::new(),
            conditions: Vec::new(),
            context_filters: Map::new(),
            execution_mode: ExecutionMode::default(),
            priority: Priority::default(),
            timeout_seconds: None,
            max_retries: default_max_retries(),
            retry_delay_seconds: default_retry_delay(),
            retry_strategy: RetryStrategy::default(),
            ordering_key: None,
            rate_limit: None,
            max_concurrency: None,
            circuit_breaker: None,
            is_enabled: true,
            tenant_id: None,
            tags: Vec::new(),
        }
    }

    /// The bound on one attempt: the smaller of `timeout_seconds` and `configuration.timeout`, else 30 s.
    #[must_use]
    pub fn effective_timeout_seconds(&self) -> u32 {
        let configured = self.configuration.get("timeout").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        match (self.timeout_seconds, configured) {
            (Some(a), Some(b)) => a.min(b),
            (Some(n), None) | (None, Some(n)) => n,
            (None, None) => DEFAULT_TIMEOUT_SECONDS,
        }
        .clamp(1, MAX_TIMEOUT_SECONDS)
    }

    /// The breaker in force.
    #[must_use]
    pub fn breaker(&self) -> CircuitBreaker {
        self.circuit_breaker.unwrap_or_default()
    }

    /// Every value fault that needs no server to find; the handler's configuration is checked against its spec besides.
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        text(&mut f, "/name", &self.name, 1, 200);
        text(&mut f, "/description", &self.description, 0, 2000);
        if !self.configuration.is_object() {
            f.add("/configuration", "wrong_type", "configuration must be an object.");
        } else if self.configuration.to_string().len() > MAX_CONFIGURATION_BYTES {
            f.add("/configuration", "too_long", "configuration has at most 256 KiB of JSON.");
        }
        if self.event_types.is_empty() || self.event_types.len() > MAX_EVENT_TYPES {
            f.add("/event_types", "out_of_range", format!("An action listens to 1 to {MAX_EVENT_TYPES} event types; use \"*\" for all."));
        }
        for (i, pattern) in self.event_types.iter().enumerate() {
            if let Some(why) = pattern_fault(pattern) {
                f.add(format!("/event_types/{i}"), "bad_pattern", why);
            }
        }
        validate_conditions(&self.conditions, "/conditions", &mut f);
        self.validate_filters(&mut f);
        self.validate_delivery(&mut f);
        if let Some(tenant) = &self.tenant_id
            && let Some(why) = tenant_fault(tenant)
        {
            f.add("/tenant_id", "bad_tenant", why);
        }
        f.require(self.tags.len() <= 20, "/tags", "too_many", "An action has at most 20 tags.");
        for (i, tag) in self.tags.iter().enumerate() {
            text(&mut f, &format!("/tags/{i}"), tag, 1, 50);
        }
        f
    }

    fn validate_filters(&self, f: &mut Faults) {
        f.require(self.context_filters.len() <= 50, "/context_filters", "too_many", "An action has at most 50 context filters.");
        for (key, value) in &self.context_filters {
            let at = format!("/context_filters/{}", key.replace('~', "~0").replace('/', "~1"));
            if key.is_empty() || key.chars().count() > path::MAX_PATH_CHARS {
                f.add(at.clone(), "bad_key", "A context filter needs the name of a metadata key.");
            }
            if value.as_array().is_some_and(Vec::is_empty) {
                f.add(at, "empty", "An empty list can never match; give at least one value.");
            }
        }
    }

    fn validate_delivery(&self, f: &mut Faults) {
        if let Some(t) = self.timeout_seconds {
            range(f, "/timeout_seconds", t, 1, MAX_TIMEOUT_SECONDS);
        }
        if let Some(v) = self.configuration.get("timeout")
            && !v.as_u64().is_some_and(|t| (1..=u64::from(MAX_TIMEOUT_SECONDS)).contains(&t))
        {
            f.add("/configuration/timeout", "out_of_range", format!("timeout is a whole number of seconds from 1 to {MAX_TIMEOUT_SECONDS}."));
        }
        range(f, "/max_retries", self.max_retries, 0, MAX_RETRIES);
        range(f, "/retry_delay_seconds", self.retry_delay_seconds, 0, MAX_RETRY_DELAY_SECONDS);
        if let Some(key) = &self.ordering_key {
            text(f, "/ordering_key", key, 1, 500);
            f.require(
                self.execution_mode != ExecutionMode::Sync,
                "/ordering_key",
                "not_with_sync",
                "ordering_key works with async and queued only: ordered work cannot run inside the request.",
            );
        }
        if let Some(r) = self.rate_limit {
            range(f, "/rate_limit/max", r.max, 1, 1_000_000);
            range(f, "/rate_limit/per_seconds", r.per_seconds, 1, 86_400);
        }
        if let Some(n) = self.max_concurrency {
            range(f, "/max_concurrency", n, 1, 10_000);
        }
        if let Some(b) = self.circuit_breaker {
            range(f, "/circuit_breaker/failures", b.failures, 1, 1000);
            range(f, "/circuit_breaker/cooldown_seconds", b.cooldown_seconds, 1, 86_400);
        }
    }
}

/// Records a fault unless `text` has `min` to `max` characters, none of them a control character but newlines and tabs.
pub fn text(f: &mut Faults, pointer: &str, text: &str, min: usize, max: usize) {
    let name = pointer.trim_start_matches('/');
    let n = text.trim().chars().count();
    if n < min {
        f.add(pointer, "empty", format!("{name} is needed."));
    } else if text.chars().count() > max {
        f.add(pointer, "too_long", format!("{name} has at most {max} characters."));
    } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r') {
        f.add(pointer, "control_character", format!("{name} contains a control character."));
    }
}

fn range(f: &mut Faults, pointer: &str, n: u32, min: u32, max: u32) {
    if !(min..=max).contains(&n) {
        f.add(pointer, "out_of_range", format!("{} is {n}; it must be {min} to {max}.", pointer.trim_start_matches('/').replace('/', ".")));
    }
}

/// An action as stored and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Action {
    /// UUIDv7.
    pub id: String,
    /// What a person wrote.
    #[serde(flatten)]
    pub definition: NewAction,
    /// Counts up with every change, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was deleted; restorable for 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// How it has been doing; filled in where it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Numbers of the last 24 hours; filled in where it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Brief>,
}

impl Action {
    /// Whether it belongs to no tenant.
    #[must_use]
    pub fn is_platform_wide(&self) -> bool {
        self.definition.tenant_id.is_none()
    }
}

/// Applies a partial update to a definition: present members replace, null clears to the default, absent keeps.
///
/// # Errors
/// 422 naming the member whose shape is wrong.
#[cfg(feature = "server")]
pub fn apply_update(current: &NewAction, changes: Map<String, Value>) -> Result<NewAction, ApiError> {
    let Ok(Value::Object(mut document)) = serde_json::to_value(current) else {
        return Err(ApiError::internal());
    };
    for (key, value) in changes {
        if value.is_null() {
            document.remove(&key);
        } else {
            document.insert(key, value);
        }
    }
    super::handler::from_value(Value::Object(document))
}

/// Filters of the list of actions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionFilter {
    /// active, disabled or degraded.
    pub status: Option<String>,
    /// Exact handler type.
    pub handler_type: Option<String>,
    /// An event type that the action's patterns must cover, or a pattern it must have.
    pub event_type: Option<String>,
    /// Exact priority.
    pub priority: Option<Priority>,
    /// Exact mode.
    pub execution_mode: Option<ExecutionMode>,
    /// A label it must carry.
    pub tag: Option<String>,
    /// Part of its name or description, letter case ignored.
    pub search: Option<String>,
    /// For a platform credential: only this tenant.
    pub tenant_id: Option<String>,
}
