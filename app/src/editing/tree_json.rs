//! The tree of conditions as JSON, for the JSON tab and for the kept draft, where muted parts carry `"muted": true`.

use event_actions::model::condition::{ConditionItem, GroupKind};
use serde_json::{Map, Value, json};

use super::tree::{Node, Part, Tree};
use super::values::Kind;

impl Tree {
    /// The tree as the JSON tab shows it: what would be saved, indented.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(&self.compile().0).unwrap_or_default()
    }

    /// The tree with everything in it, for the kept draft.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({"kind": self.kind.name(), "nodes": nodes_to_value(&self.nodes)})
    }

    /// The tree of a kept draft; none when it is not readable.
    #[must_use]
    pub fn from_value(value: &Value, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Option<Self> {
        let mut tree = Self { kind: kind(value.get("kind")?.as_str()?)?, ..Self::default() };
        tree.nodes = nodes_from_value(&mut tree, value.get("nodes")?, kind_of)?;
        Some(tree)
    }
}

fn kind(word: &str) -> Option<GroupKind> {
    [GroupKind::All, GroupKind::Any, GroupKind::None].into_iter().find(|k| k.name() == word)
}

/// A group's kind of its word; `All` for any other word.
#[must_use]
pub fn kind_of_word(word: &str) -> GroupKind {
    kind(word).unwrap_or(GroupKind::All)
}

fn nodes_to_value(nodes: &[Node]) -> Value {
    nodes
        .iter()
        .map(|node| {
            let mut map = match &node.part {
                Part::Row(row) => {
                    let mut map = Map::new();
                    map.insert("field".to_owned(), json!(row.field));
                    map.insert("operator".to_owned(), json!(row.operator.name()));
                    if let Some(value) = &row.value {
                        map.insert("value".to_owned(), value.clone());
                    }
                    map
                }
                Part::Group(kind, inner) => Map::from_iter([(kind.name().to_owned(), nodes_to_value(inner))]),
            };
            if node.muted {
                map.insert("muted".to_owned(), Value::Bool(true));
            }
            Value::Object(map)
        })
        .collect()
}

fn nodes_from_value(tree: &mut Tree, value: &Value, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Option<Vec<Node>> {
    value
        .as_array()?
        .iter()
        .map(|item| {
            let mut map = item.as_object()?.clone();
            let muted = map.remove("muted").is_some();
            let group = map.iter().find_map(|(word, inner)| kind(word).map(|k| (k, inner.clone())));
            let mut node = match group {
                Some((kind, inner)) => {
                    let id = tree.fresh();
                    Node { id, muted, part: Part::Group(kind, nodes_from_value(tree, &inner, kind_of)?) }
                }
                None => {
                    let item: ConditionItem = serde_json::from_str(&Value::Object(map).to_string()).ok()?;
                    tree.node(&item, kind_of)
                }
            };
            node.muted = muted;
            Some(node)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editing::json_text::parse_conditions;

    fn tree(text: &str) -> Tree {
        Tree::of(&parse_conditions(text).expect("conditions"), &|_| None)
    }

    #[test]
    fn conditions_survive_the_round_trip() {
        for text in [
            "[]",
            r#"[{"field":"a","operator":"equals","value":null},{"any":[{"field":"b","operator":"exists"},{"none":[]}]}]"#,
            r#"[{"any":[{"field":"a","operator":"in","value":["x",1]},{"field":"b","operator":"between","value":[1,2]}]}]"#,
            r#"[{"all":[{"field":"a","operator":"exists","value":false}]}]"#,
        ] {
            let items = parse_conditions(text).expect("conditions");
            let tree = tree(text);
            assert_eq!(tree.compile().0, items, "{text}");
            let again = Tree::from_value(&tree.to_value(), &|_| None).expect("kept draft");
            assert_eq!(again.compile().0, items, "{text}");
        }
    }

    #[test]
    fn muted_parts_are_kept_but_not_saved() {
        let mut tree = tree(r#"[{"field":"a","operator":"exists"},{"field":"b","operator":"exists"}]"#);
        tree.nodes[0].muted = true;
        let (items, places) = tree.compile();
        assert_eq!((items.len(), places), (1, vec![(tree.nodes[1].id, "/conditions/0".to_owned())]));
        let again = Tree::from_value(&tree.to_value(), &|_| None).expect("kept draft");
        assert!(again.nodes[0].muted && !again.nodes[1].muted && again.muted() == 1);
    }

    #[test]
    fn one_group_around_everything_is_the_top_level() {
        let tree = tree(r#"[{"none":[{"field":"a","operator":"exists"}]}]"#);
        assert_eq!((tree.kind, tree.nodes.len(), tree.max_depth()), (GroupKind::None, 1, 3));
        assert_eq!(tree.compile().1[0].1, "/conditions/0/none/0");
    }
}
