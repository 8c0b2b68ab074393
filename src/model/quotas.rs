//! What a tenant may use: the typed view of its `settings`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::Faults;

/// Most entries of `allowed_senders`.
pub const MAX_SENDERS: usize = 100;

/// A tenant's settings. Absent means without limit, an empty list of senders means any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Quotas {
    /// Events taken per minute and node, 1 to 10,000,000.
    pub events_per_minute: Option<u32>,
    /// Actions that exist at once, 0 to 1,000,000.
    pub max_actions: Option<u32>,
    /// Days that events and executions are kept, 1 to 3,650.
    pub retention_days: Option<u32>,
    /// Who mails may come from: addresses (`ops@example.com`) or whole domains (`@example.com`).
    pub allowed_senders: Vec<String>,
}

impl Quotas {
    /// Reads settings and names every fault in them, with pointers below `/settings`. Null counts as absent.
    #[must_use]
    pub fn read(settings: &Map<String, Value>) -> (Self, Faults) {
        let mut quotas = Self::default();
        let mut f = Faults::default();
        for (key, value) in settings {
            match key.as_str() {
                "events_per_minute" => quotas.events_per_minute = number(&mut f, key, value, 1, 10_000_000),
                "max_actions" => quotas.max_actions = number(&mut f, key, value, 0, 1_000_000),
                "retention_days" => quotas.retention_days = number(&mut f, key, value, 1, 3_650),
                "allowed_senders" => quotas.allowed_senders = senders(&mut f, value),
                _ => f.add(format!("/settings/{}", escape(key)), "unknown_field", format!("{key:?} is no setting of a tenant.")),
            }
        }
        (quotas, f)
    }

    /// The same as settings, without what is absent.
    #[must_use]
    pub fn to_settings(&self) -> Map<String, Value> {
        let mut map = Map::new();
        for (key, value) in [("events_per_minute", self.events_per_minute), ("max_actions", self.max_actions), ("retention_days", self.retention_days)] {
            if let Some(n) = value {
                map.insert(key.to_owned(), n.into());
            }
        }
        if !self.allowed_senders.is_empty() {
            map.insert("allowed_senders".to_owned(), self.allowed_senders.clone().into());
        }
        map
    }

    /// The settings in which `after` allows more than this. A tenant's own administrator may tighten, never loosen.
    #[must_use]
    pub fn loosened_by(&self, after: &Self) -> Vec<&'static str> {
        let more = |before: Option<u32>, after: Option<u32>| before.is_some_and(|b| after.is_none_or(|a| a > b));
        let mut names = Vec::new();
        for (name, before, after) in [
            ("events_per_minute", self.events_per_minute, after.events_per_minute),
            ("max_actions", self.max_actions, after.max_actions),
            ("retention_days", self.retention_days, after.retention_days),
        ] {
            if more(before, after) {
                names.push(name);
            }
        }
        if !self.allowed_senders.is_empty() && (after.allowed_senders.is_empty() || !after.allowed_senders.iter().all(|s| self.allows_sender(s))) {
            names.push("allowed_senders");
        }
        names
    }

    /// Whether mails may come from `address` (the bare address, in any case).
    #[must_use]
    pub fn allows_sender(&self, address: &str) -> bool {
        let address = address.trim().to_lowercase();
        self.allowed_senders.is_empty() || self.allowed_senders.iter().any(|s| if s.starts_with('@') { address.ends_with(s.as_str()) } else { address == *s })
    }
}

fn number(f: &mut Faults, key: &str, value: &Value, min: u32, max: u32) -> Option<u32> {
    if value.is_null() {
        return None;
    }
    let n = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (min..=max).contains(n));
    if n.is_none() {
        f.add(format!("/settings/{key}"), "out_of_range", format!("{key} must be a whole number from {min} to {max}."));
    }
    n
}

fn senders(f: &mut Faults, value: &Value) -> Vec<String> {
    if value.is_null() {
        return Vec::new();
    }
    let Some(items) = value.as_array().filter(|items| items.len() <= MAX_SENDERS) else {
        f.add("/settings/allowed_senders", "wrong_type", format!("allowed_senders must be a list of at most {MAX_SENDERS} addresses or @domains."));
        return Vec::new();
    };
    let mut senders = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let text = item.as_str().map(|t| t.trim().to_lowercase()).unwrap_or_default();
        let probe = if text.starts_with('@') { format!("x{text}") } else { text.clone() };
        if super::user::email_fault(&probe).is_some() {
            f.add(format!("/settings/allowed_senders/{i}"), "bad_email", "Write an address such as ops@example.com, or a domain such as @example.com.");
        } else {
            senders.push(text);
        }
    }
    senders
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quotas(value: Value) -> (Quotas, usize) {
        let (q, f) = Quotas::read(value.as_object().unwrap_or(&Map::new()));
        (q, f.0.len())
    }

    #[test]
    fn reading_settings() {
        for (settings, faults) in [
            (json!({}), 0),
            (json!({"events_per_minute": 100, "max_actions": 0, "retention_days": 7, "allowed_senders": ["ops@example.com", "@example.org"]}), 0),
            (json!({"events_per_minute": null, "allowed_senders": null}), 0),
            (json!({"events_per_minute": 0}), 1),
            (json!({"events_per_minute": "100"}), 1),
            (json!({"retention_days": 1.5, "max_actions": -1}), 2),
            (json!({"allowed_senders": "ops@example.com"}), 1),
            (json!({"allowed_senders": ["ops", "@"]}), 2),
            (json!({"colour": "red"}), 1),
        ] {
            assert_eq!(quotas(settings.clone()).1, faults, "{settings}");
        }
        let (q, _) = quotas(json!({"retention_days": 7, "allowed_senders": ["@Example.org"]}));
        assert_eq!(Value::Object(q.to_settings()), json!({"retention_days": 7, "allowed_senders": ["@example.org"]}));
    }

    #[test]
    fn tightening_and_loosening() {
        let none: Vec<&str> = Vec::new();
        for (before, after, loosened) in [
            (json!({}), json!({"events_per_minute": 5}), none.clone()),
            (json!({"events_per_minute": 5}), json!({"events_per_minute": 5}), none.clone()),
            (json!({"events_per_minute": 5}), json!({"events_per_minute": 6}), vec!["events_per_minute"]),
            (json!({"events_per_minute": 5, "max_actions": 2}), json!({}), vec!["events_per_minute", "max_actions"]),
            (json!({"retention_days": 30}), json!({"retention_days": 7}), none.clone()),
            (json!({"allowed_senders": ["@example.com"]}), json!({"allowed_senders": ["ops@example.com"]}), none.clone()),
            (json!({"allowed_senders": ["ops@example.com"]}), json!({"allowed_senders": ["@example.com"]}), vec!["allowed_senders"]),
            (json!({"allowed_senders": ["ops@example.com"]}), json!({}), vec!["allowed_senders"]),
        ] {
            assert_eq!(quotas(before.clone()).0.loosened_by(&quotas(after.clone()).0), loosened, "{before} -> {after}");
        }
    }

    #[test]
    fn senders_match_whole_domains_only() {
        let (q, _) = quotas(json!({"allowed_senders": ["@example.com", "ops@example.org"]}));
        for (address, allowed) in [("Ada@Example.com", true), ("ada@notexample.com", false), ("ops@example.org", true), ("x@example.org", false), ("ada@sub.example.com", false)] {
            assert_eq!(q.allows_sender(address), allowed, "{address}");
        }
    }
}
