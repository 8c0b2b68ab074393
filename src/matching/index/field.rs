//! Field paths, split once: where a condition looks, and the walk to the values it finds there.

use serde_json::Value;

use crate::model::path;

/// The part of the document in which a path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Root {
    /// The event's data; also of every path that names no root.
    Data,
    /// The event's metadata.
    Metadata,
    /// The header: id, type, time, aggregate, correlation.
    Header,
    /// The event's type as a text.
    EventType,
    /// The event's tenant as a text.
    Tenant,
    /// One member of the metadata, as context filters look it up: never through arrays.
    Context,
}

impl Root {
    /// Every root, in the order of their numbers.
    pub(super) const ALL: [Self; 6] = [Self::Data, Self::Metadata, Self::Header, Self::EventType, Self::Tenant, Self::Context];
}

/// One step of a path.
#[derive(Debug)]
pub(super) struct Step {
    /// The member's name.
    pub(super) name: Box<str>,
    /// The index, when the name is a number.
    pub(super) index: Option<usize>,
}

/// A path, split.
#[derive(Debug)]
pub(super) struct Field {
    /// Where it starts.
    pub(super) root: Root,
    /// The steps from there.
    pub(super) steps: Box<[Step]>,
    /// Whether some condition compares the field with a list or an object, so that such values must be hashed too.
    pub(super) deep: bool,
}

/// What a walk found.
pub(super) enum Found<'v> {
    /// Nothing.
    Missing,
    /// One value.
    One(&'v Value),
    /// An array was met by a step that is no number: the values were added to the list given.
    Many,
}

/// The root of a path and the names that follow it.
pub(super) fn split(path: &str) -> (Root, Vec<String>) {
    let mut parts = path::segments(path);
    let root = match parts.first().map(String::as_str) {
        Some("data") => Root::Data,
        Some("metadata") => Root::Metadata,
        Some("event") => Root::Header,
        Some("event_type") => Root::EventType,
        Some("tenant_id") => Root::Tenant,
        _ => return (Root::Data, parts),
    };
    parts.remove(0);
    (root, parts)
}

impl Field {
    /// The field behind a root and its names.
    pub(super) fn new(root: Root, names: &[String]) -> Self {
        let steps = names.iter().map(|name| Step { name: name.as_str().into(), index: path::array_index(name) }).collect();
        Self { root, steps, deep: false }
    }

    /// Follows the path from `at`, the value of its root. Several values go to `many`.
    pub(super) fn resolve<'v>(&self, mut at: &'v Value, many: &mut Vec<&'v Value>) -> Found<'v> {
        for (n, step) in self.steps.iter().enumerate() {
            let next = match (at, step.index) {
                (Value::Object(map), _) => map.get(&*step.name),
                _ if self.root == Root::Context => None,
                (Value::Array(items), Some(index)) => items.get(index),
                (Value::Array(items), None) => {
                    for item in items {
                        walk(item, &self.steps[n..], many);
                    }
                    return Found::Many;
                }
                _ => None,
            };
            let Some(next) = next else { return Found::Missing };
            at = next;
        }
        Found::One(at)
    }
}

/// Follows the rest of a path below an array.
fn walk<'v>(at: &'v Value, steps: &[Step], many: &mut Vec<&'v Value>) {
    let Some((first, rest)) = steps.split_first() else {
        many.push(at);
        return;
    };
    match at {
        Value::Object(map) => {
            if let Some(next) = map.get(&*first.name) {
                walk(next, rest, many);
            }
        }
        Value::Array(items) => match first.index {
            Some(index) => {
                if let Some(next) = items.get(index) {
                    walk(next, rest, many);
                }
            }
            None => {
                for item in items {
                    walk(item, steps, many);
                }
            }
        },
        _ => {}
    }
}
