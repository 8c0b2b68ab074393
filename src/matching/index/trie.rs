//! All field paths of an index in one tree: one pass over an event says which of them may lead anywhere.
//!
//! Only used where actions look at so many different fields that trying each would cost more than the pass.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::field::{Field, Root};
use super::hash::NONE;

/// The paths, by their steps.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    /// The field that ends here, or `NONE`.
    field: u32,
    /// By name; numbers included, since objects may have such members.
    names: FxHashMap<Box<str>, u32>,
    /// By array index.
    indexes: Vec<(usize, u32)>,
}

const fn node() -> Node {
    Node { field: NONE, names: FxHashMap::with_hasher(rustc_hash::FxBuildHasher), indexes: Vec::new() }
}

impl Trie {
    /// The tree of `fields`; the field at position n has number n.
    pub(super) fn new(fields: &[Field]) -> Self {
        let mut nodes: Vec<Node> = Root::ALL.iter().map(|_| node()).collect();
        for (number, field) in fields.iter().enumerate() {
            let mut at = field.root as usize;
            for step in &field.steps {
                let next = nodes.len() as u32;
                let child = *nodes[at].names.entry(step.name.clone()).or_insert(next);
                if child == next {
                    nodes[at].indexes.extend(step.index.map(|index| (index, child)));
                    nodes.push(node());
                }
                at = child as usize;
            }
            nodes[at].field = number as u32;
        }
        Self { nodes }
    }

    /// Whether any path starts at `root`.
    pub(super) fn uses(&self, root: Root) -> bool {
        let node = &self.nodes[root as usize];
        node.field != NONE || !node.names.is_empty()
    }

    /// Adds to `out` every field below `root` that `value`, the root's value, has; some more than once, and, where arrays are
    /// nested, perhaps some that it has not.
    pub(super) fn collect(&self, root: Root, value: &Value, out: &mut Vec<u32>) {
        self.walk(value, root as u32, out);
    }

    fn walk(&self, at: &Value, number: u32, out: &mut Vec<u32>) {
        let node = &self.nodes[number as usize];
        if node.field != NONE {
            out.push(node.field);
        }
        match at {
            Value::Object(map) if node.names.len() < map.len() => {
                for (name, child) in &node.names {
                    if let Some(next) = map.get(&**name) {
                        self.walk(next, *child, out);
                    }
                }
            }
            Value::Object(map) => {
                for (name, next) in map {
                    if let Some(child) = node.names.get(name.as_str()) {
                        self.walk(next, *child, out);
                    }
                }
            }
            Value::Array(items) => {
                for (index, child) in &node.indexes {
                    if let Some(next) = items.get(*index) {
                        self.walk(next, *child, out);
                    }
                }
                if node.names.len() > node.indexes.len() {
                    items.iter().for_each(|item| self.walk(item, number, out));
                }
            }
            _ => {}
        }
    }
}
