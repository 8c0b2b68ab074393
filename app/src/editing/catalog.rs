//! What is known of events: their paths with type, example and how often each is seen. Feeds the field combobox and its warnings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use event_actions::model::event::Event;
use event_actions::model::path::{array_index, is_root, segments};
use event_actions::model::value::short;
use serde_json::Value;

use super::values::Kind;

/// Most paths kept.
const MAX_PATHS: usize = 400;
/// Deepest level looked at.
const MAX_DEPTH: usize = 8;

/// One path seen in events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The full path, such as `data.order.total`. Elements of arrays are reached without an index.
    pub path: String,
    /// The type of its values.
    pub kind: Kind,
    /// One of its values, written short.
    pub example: String,
    /// In how many of the events it is.
    pub seen: usize,
}

/// The paths of some events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// How many events were looked at.
    pub events: usize,
    /// The paths, the most seen first.
    pub paths: Vec<Known>,
}

impl Catalog {
    /// The catalogue of recent events and of the sample tested with.
    #[must_use]
    pub fn of(recent: &[Arc<Event>], sample: Option<&Event>) -> Self {
        let mut found = BTreeMap::new();
        for event in recent {
            look(event, &mut found);
        }
        let events = recent.len();
        if let Some(sample) = sample
            && !recent.iter().any(|e| e.id == sample.id)
        {
            let mut apart = BTreeMap::new();
            look(sample, &mut apart);
            for (path, known) in apart {
                found.entry(path).or_insert(Known { seen: 0, ..known });
            }
        }
        let mut paths: Vec<Known> = found.into_values().collect();
        paths.sort_by(|a, b| b.seen.cmp(&a.seen).then_with(|| a.path.cmp(&b.path)));
        Self { events, paths }
    }

    /// What is known of a path, however it is written: `order.total` is `data.order.total`, `lines.0.sku` is `data.lines.sku`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Known> {
        let mut parts = segments(path);
        if parts.first().is_some_and(|first| !is_root(first)) {
            parts.insert(0, "data".to_owned());
        }
        let full = parts.iter().filter(|p| array_index(p).is_none()).map(|p| p.replace('.', "\\.")).collect::<Vec<_>>().join(".");
        self.paths.iter().find(|k| k.path == full)
    }

    /// The type of a path's values, where it is known.
    #[must_use]
    pub fn kind(&self, path: &str) -> Option<Kind> {
        self.find(path).map(|k| k.kind)
    }

    /// The paths that a typed text may mean, the likeliest first.
    #[must_use]
    pub fn offers(&self, typed: &str, most: usize) -> Vec<&Known> {
        let typed = typed.trim().to_lowercase();
        let rank = |k: &&Known| match k.path.to_lowercase().find(&typed) {
            _ if typed.is_empty() => Some(0),
            Some(0) => Some(0),
            Some(_) => Some(1),
            None => None,
        };
        let mut hits: Vec<(usize, &Known)> = self.paths.iter().filter_map(|k| rank(&k).map(|r| (r, k))).collect();
        hits.sort_by_key(|(rank, _)| *rank);
        hits.into_iter().take(most).map(|(_, k)| k).collect()
    }

    /// Why a path is odd, as a warning; none when it is known or nothing is known at all.
    #[must_use]
    pub fn doubt(&self, path: &str) -> Option<String> {
        if path.trim().is_empty() || self.paths.is_empty() || self.find(path.trim()).is_some() || self.is_inner(path) {
            return None;
        }
        let near = self.paths.iter().map(|k| (distance(&k.path, path.trim()), k)).min_by_key(|(d, _)| *d).filter(|(d, _)| *d <= 3);
        let hint = near.map_or(String::new(), |(_, k)| format!(" Did you mean {}?", k.path));
        Some(match self.events {
            0 => format!("Not in the sample.{hint}"),
            n => format!("Not in any of the last {n} events.{hint}"),
        })
    }

    /// Whether a path is an object on the way to known paths.
    fn is_inner(&self, path: &str) -> bool {
        let path = path.trim();
        [format!("{path}."), format!("data.{path}.")].iter().any(|p| self.paths.iter().any(|k| k.path.starts_with(p.as_str())))
    }

    /// How often a path is seen, in percent of the events; none when nothing is known.
    #[must_use]
    pub fn seen_percent(&self, known: &Known) -> Option<usize> {
        (self.events > 0).then(|| known.seen * 100 / self.events)
    }
}

fn look(event: &Event, found: &mut BTreeMap<String, Known>) {
    let mut here = BTreeSet::new();
    let texts = [
        ("event_type", Some(&event.event_type)),
        ("event.aggregate_id", event.aggregate_id.as_ref()),
        ("event.aggregate_type", event.aggregate_type.as_ref()),
        ("event.correlation_id", event.correlation_id.as_ref()),
    ];
    for (path, text) in texts {
        if let Some(text) = text {
            note(path, &Value::String(text.clone()), &mut here, found);
        }
    }
    walk("data", &event.data, 0, &mut here, found);
    walk("metadata", &event.metadata, 0, &mut here, found);
}

fn walk(path: &str, value: &Value, depth: usize, here: &mut BTreeSet<String>, found: &mut BTreeMap<String, Known>) {
    match value {
        Value::Object(map) if depth < MAX_DEPTH => {
            for (key, inner) in map {
                walk(&format!("{path}.{}", key.replace('.', "\\.")), inner, depth + 1, here, found);
            }
        }
        Value::Array(items) => {
            note(path, value, here, found);
            for item in items.iter().take(20).filter(|i| i.is_object()) {
                walk(path, item, depth + 1, here, found);
            }
        }
        scalar => note(path, scalar, here, found),
    }
}

fn note(path: &str, value: &Value, here: &mut BTreeSet<String>, found: &mut BTreeMap<String, Known>) {
    let first = here.insert(path.to_owned());
    let kind = Kind::of(value);
    if let Some(known) = found.get_mut(path) {
        known.kind = if value.is_null() { known.kind } else { known.kind.merged(kind) };
        known.seen += usize::from(first);
    } else if found.len() < MAX_PATHS {
        let example = match value {
            Value::String(s) => s.chars().take(40).collect(),
            other => short(other),
        };
        found.insert(path.to_owned(), Known { path: path.to_owned(), kind, example, seen: 1 });
    }
}

/// How many letters must change to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_actions::model::Timestamp;
    use serde_json::json;

    fn event(id: &str, data: Value) -> Arc<Event> {
        let at = Timestamp(0);
        Arc::new(Event {
            id: id.into(),
            tenant_id: "t".into(),
            event_type: "order.paid".into(),
            aggregate_id: None,
            aggregate_type: None,
            data,
            metadata: json!({"region": "eu"}),
            occurred_at: at,
            received_at: at,
            correlation_id: None,
            causation_id: None,
            depth: 0,
        })
    }

    #[test]
    fn paths_have_type_and_share() {
        let recent = [event("1", json!({"order": {"total": 2.5, "lines": [{"sku": "A"}, {"sku": "B"}]}})), event("2", json!({"order": {"total": 3}, "a.b": true}))];
        let catalog = Catalog::of(&recent, Some(&event("3", json!({"coupon": "X"}))));
        let seen = |path: &str| catalog.find(path).map(|k| (k.kind, k.seen));
        assert_eq!(seen("data.order.total"), Some((Kind::Number, 2)));
        assert_eq!(seen("order.lines.0.sku"), Some((Kind::Text, 1)));
        assert_eq!(seen("data.order.lines"), Some((Kind::List, 1)));
        assert_eq!(seen("a\\.b"), Some((Kind::Flag, 1)));
        assert_eq!(seen("coupon"), Some((Kind::Text, 0)), "the sample counts for nothing but is known");
    }

    #[test]
    fn an_unknown_path_is_doubted() {
        let catalog = Catalog::of(&[event("1", json!({"order": {"total": 2}}))], None);
        assert_eq!(catalog.doubt("data.order.totl").as_deref(), Some("Not in any of the last 1 events. Did you mean data.order.total?"));
        assert_eq!((catalog.doubt("order.total"), catalog.doubt("order"), catalog.doubt("")), (None, None, None));
        assert_eq!(catalog.offers("total", 5)[0].path, "data.order.total");
    }
}
