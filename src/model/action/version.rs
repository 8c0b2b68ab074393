//! Stored versions of actions, and what differs between two of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NewAction;
use crate::model::Timestamp;

/// One stored version of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ActionVersion {
    /// Counts from 1.
    pub version: i64,
    /// The action as it was.
    pub definition: NewAction,
    /// Who changed it.
    pub author: String,
    /// When.
    pub created_at: Timestamp,
    /// What changed against the version before.
    pub diff: Vec<Change>,
}

/// One difference between two documents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Change {
    /// JSON Pointer of what differs.
    pub pointer: String,
    /// The value before; absent when it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub before: Option<Value>,
    /// The value after; absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub after: Option<Value>,
}

/// The differences between two documents: objects member by member, everything else as a whole.
#[must_use]
pub fn diff(before: &Value, after: &Value) -> Vec<Change> {
    let mut out = Vec::new();
    diff_at("", before, after, &mut out);
    out
}

fn diff_at(pointer: &str, before: &Value, after: &Value, out: &mut Vec<Change>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))).collect();
            keys.sort();
            for key in keys {
                let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                match (a.get(key), b.get(key)) {
                    (Some(x), Some(y)) => diff_at(&at, x, y, out),
                    (x, y) => out.push(Change { pointer: at, before: x.cloned(), after: y.cloned() }),
                }
            }
        }
        _ if before == after => {}
        _ => out.push(Change { pointer: pointer.to_owned(), before: Some(before.clone()), after: Some(after.clone()) }),
    }
}
