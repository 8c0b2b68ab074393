//! All field paths of an index in one tree: one pass over an event says which of them lead anywhere.
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
    /// By name; numbers included, since objects may have such members. With each whether it is a number.
    names: FxHashMap<Box<str>, (u32, bool)>,
    /// By array index.
    indexes: Vec<(usize, u32)>,
    /// Whether some name is no number, so that arrays are looked into.
    fans_out: bool,
}

impl Node {
    fn new() -> Self {
        Self { field: NONE, names: FxHashMap::default(), indexes: Vec::new(), fans_out: false }
    }
}

impl Trie {
    /// The tree of `fields`; the field at position n has number n.
    pub(super) fn new(fields: &[Field]) -> Self {
        let mut nodes: Vec<Node> = Root::ALL.iter().map(|_| Node::new()).collect();
        for (number, field) in fields.iter().enumerate() {
            let mut at = field.root as usize;
            for step in &field.steps {
                let next = nodes.len() as u32;
                let node = &mut nodes[at];
                let (child, _) = *node.names.entry(step.name.clone()).or_insert((next, step.index.is_some()));
                if child == next {
                    match step.index {
                        Some(index) => node.indexes.push((index, child)),
                        None => node.fans_out = true,
                    }
                    nodes.push(Node::new());
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

    /// Adds to `out` every field below `root` that `value`, the root's value, has. Some may come twice.
    pub(super) fn collect(&self, root: Root, value: &Value, out: &mut Vec<u32>) {
        if root == Root::Context && !value.is_object() {
            return;
        }
        self.walk(value, root as u32, false, out);
    }

    /// `inside` an array only names that are no numbers go on, and the field that ends here has been counted.
    fn walk(&self, at: &Value, node: u32, inside: bool, out: &mut Vec<u32>) {
        let node_id = node;
        let node = &self.nodes[node as usize];
        if !inside && node.field != NONE {
            out.push(node.field);
        }
        match at {
            Value::Object(map) if node.names.len() < map.len() => {
                for (name, &(child, number)) in &node.names {
                    if let Some(next) = map.get(&**name).filter(|_| !(inside && number)) {
                        self.walk(next, child, false, out);
                    }
                }
            }
            Value::Object(map) => {
                for (name, next) in map {
                    if let Some(&(child, _)) = node.names.get(name.as_str()).filter(|(_, number)| !(inside && *number)) {
                        self.walk(next, child, false, out);
                    }
                }
            }
            Value::Array(items) => {
                for &(index, child) in node.indexes.iter().filter(|_| !inside) {
                    if let Some(next) = items.get(index) {
                        self.walk(next, child, false, out);
                    }
                }
                for item in items.iter().filter(|_| node.fans_out) {
                    self.walk(item, node_id, true, out);
                }
            }
            _ => {}
        }
    }
}
