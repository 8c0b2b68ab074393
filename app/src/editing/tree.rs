//! The tree of conditions as the builder holds it: every row and group has an id, may be muted, and keeps what is half typed.

use event_actions::model::condition::{Condition, ConditionItem, GroupKind, MAX_GROUP_DEPTH, Operator};
use serde_json::Value;

use super::values::{self, Editor, Kind};

/// One row: field, operator, value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The path.
    pub field: String,
    /// How to compare.
    pub operator: Operator,
    /// What the typed texts mean; none while nothing usable is typed.
    pub value: Option<Value>,
    /// What is typed: one text, or the two bounds of a range.
    pub typed: [String; 2],
}

impl Row {
    /// A row of a condition, for a field of this type.
    #[must_use]
    pub fn of(condition: &Condition, kind: Option<Kind>) -> Self {
        let mut row = Self { field: condition.field.clone(), operator: condition.operator, value: condition.value.clone(), typed: Default::default() };
        row.retype(kind);
        row
    }

    /// How its value is entered. What is half typed stays a text, whatever it may mean on the way.
    #[must_use]
    pub fn editor(&self, kind: Option<Kind>) -> Editor {
        match Editor::of(self.operator, kind, self.value.as_ref()) {
            Editor::Flag if !self.typed[0].is_empty() => Editor::Line,
            editor => editor,
        }
    }

    /// Writes the typed texts anew from the value.
    pub fn retype(&mut self, kind: Option<Kind>) {
        let text = |v: Option<&Value>| v.map(|v| values::write(v, self.operator, kind)).unwrap_or_default();
        self.typed = match (Editor::of(self.operator, kind, self.value.as_ref()), &self.value) {
            (Editor::Range, value) => [0, 1].map(|n| text(value.as_ref().and_then(|v| v.get(n)))),
            (Editor::Line, value) => [text(value.as_ref()), String::new()],
            _ => Default::default(),
        };
    }

    /// Takes a typed text; `part` is 1 for the upper bound of a range, else 0.
    pub fn type_text(&mut self, part: usize, text: String, kind: Option<Kind>) {
        self.typed[part.min(1)] = text;
        let read = |text: &str| values::read(text, self.operator, kind);
        self.value = if Editor::of(self.operator, kind, self.value.as_ref()) == Editor::Range {
            read(&self.typed[0]).zip(read(&self.typed[1])).map(|(low, high)| Value::Array(vec![low, high]))
        } else {
            read(&self.typed[0])
        };
    }

    /// Changes the operator and keeps what still fits its value.
    pub fn set_operator(&mut self, operator: Operator, kind: Option<Kind>) {
        let old = self.value.take();
        let first = |v: Value| match v {
            Value::Array(mut items) if !items.is_empty() => Some(items.swap_remove(0)),
            Value::Array(_) => None,
            one => Some(one),
        };
        self.operator = operator;
        self.value = match Editor::of(operator, kind, None) {
            Editor::None => None,
            Editor::Chips => old.map(|v| if v.is_array() { v } else { Value::Array(vec![v]) }),
            Editor::Range => old.filter(|v| v.as_array().is_some_and(|a| a.len() == 2)),
            Editor::Flag => old.filter(Value::is_boolean).or(Some(Value::Bool(true))),
            Editor::Line => {
                old.and_then(first).and_then(|v| if let Value::String(s) = &v { values::read(s, operator, kind) } else { values::read(&v.to_string(), operator, kind) })
            }
        };
        self.retype(kind);
    }

    /// Changes the field to one of type `kind`; operator and value stay when they still fit.
    pub fn set_field(&mut self, field: String, kind: Option<Kind>) {
        self.field = field;
        if kind.is_some_and(|k| !k.offers(self.operator)) {
            self.set_operator(if kind == Some(Kind::List) { Operator::Contains } else { Operator::Equals }, kind);
        }
        if self.value.as_ref().is_some_and(|v| !values::fits(v, kind)) {
            self.value = None;
            self.retype(kind);
        }
    }

    fn condition(&self) -> Condition {
        Condition { field: self.field.trim().to_owned(), operator: self.operator, value: self.value.clone() }
    }
}

/// A row or a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A comparison.
    Row(Row),
    /// A group of nodes.
    Group(GroupKind, Vec<Node>),
}

/// A row or group in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique in the tree; never reused.
    pub id: u32,
    /// Whether it is left out for now.
    pub muted: bool,
    /// What it is.
    pub part: Part,
}

/// All conditions of the draft.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// How the top level combines. `All` is the plain array; the others are one group around everything.
    pub kind: GroupKind,
    /// The top level.
    pub nodes: Vec<Node>,
    /// The next id.
    pub next: u32,
}

impl Default for Tree {
    fn default() -> Self {
        Self { kind: GroupKind::All, nodes: Vec::new(), next: 1 }
    }
}

impl Tree {
    /// The tree of saved conditions. `kind_of` tells the type of a field, where it is known.
    #[must_use]
    pub fn of(items: &[ConditionItem], kind_of: &dyn Fn(&str) -> Option<Kind>) -> Self {
        let mut tree = Self::default();
        let items = match items {
            [ConditionItem::Group(kind, inner)] if *kind != GroupKind::All => {
                tree.kind = *kind;
                inner
            }
            all => all,
        };
        tree.nodes = items.iter().map(|item| tree.node(item, kind_of)).collect();
        tree
    }

    /// A new node of an item.
    pub fn node(&mut self, item: &ConditionItem, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Node {
        let id = self.fresh();
        let part = match item {
            ConditionItem::Condition(c) => Part::Row(Row::of(c, kind_of(&c.field))),
            ConditionItem::Group(kind, items) => Part::Group(*kind, items.iter().map(|i| self.node(i, kind_of)).collect()),
        };
        Node { id, muted: false, part }
    }

    /// An id that was never used.
    pub const fn fresh(&mut self) -> u32 {
        let id = self.next;
        self.next += 1;
        id
    }

    /// The conditions as they would be saved, muted ones left out, and the JSON Pointer of each node that is in.
    #[must_use]
    pub fn compile(&self) -> (Vec<ConditionItem>, Vec<(u32, String)>) {
        let mut places = Vec::new();
        if self.kind == GroupKind::All {
            return (items(&self.nodes, "/conditions", &mut places), places);
        }
        let inner = items(&self.nodes, &format!("/conditions/0/{}", self.kind.name()), &mut places);
        (if inner.is_empty() { Vec::new() } else { vec![ConditionItem::Group(self.kind, inner)] }, places)
    }

    /// How many rows and groups are muted.
    #[must_use]
    pub fn muted(&self) -> usize {
        fn count(nodes: &[Node]) -> usize {
            nodes
                .iter()
                .map(|n| {
                    if n.muted {
                        1
                    } else if let Part::Group(_, inner) = &n.part {
                        count(inner)
                    } else {
                        0
                    }
                })
                .sum()
        }
        count(&self.nodes)
    }

    /// The deepest level on which a group may stand: 4, or 3 when the top level is itself a group.
    #[must_use]
    pub fn max_depth(&self) -> usize {
        MAX_GROUP_DEPTH - usize::from(self.kind != GroupKind::All)
    }

    /// The node with this id.
    #[must_use]
    pub fn find(&self, id: u32) -> Option<&Node> {
        fn find(nodes: &[Node], id: u32) -> Option<&Node> {
            nodes.iter().find_map(|n| {
                if n.id == id {
                    Some(n)
                } else if let Part::Group(_, inner) = &n.part {
                    find(inner, id)
                } else {
                    None
                }
            })
        }
        find(&self.nodes, id)
    }

    /// The row with this id.
    #[must_use]
    pub fn row(&self, id: u32) -> Option<&Row> {
        match &self.find(id)?.part {
            Part::Row(row) => Some(row),
            Part::Group(..) => None,
        }
    }
}

fn items(nodes: &[Node], at: &str, places: &mut Vec<(u32, String)>) -> Vec<ConditionItem> {
    let mut out = Vec::new();
    for node in nodes.iter().filter(|n| !n.muted) {
        let pointer = format!("{at}/{}", out.len());
        out.push(match &node.part {
            Part::Row(row) => ConditionItem::Condition(row.condition()),
            Part::Group(kind, inner) => ConditionItem::Group(*kind, items(inner, &format!("{pointer}/{}", kind.name()), places)),
        });
        places.push((node.id, pointer));
    }
    out
}
