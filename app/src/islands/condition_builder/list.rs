//! The rows and groups of one level. Each lives as long as its node does: what changes in it is followed in place, so that focus,
//! open lists and half-typed chips survive.

use std::collections::BTreeMap;

use event_actions::model::condition::{GroupKind, Operator};
use leptos::prelude::*;

use super::group::GroupBox;
use super::row::ConditionRow;
use crate::components::icon;
use crate::editing::catalog::Catalog;
use crate::editing::tree::{Node, Part, Tree};
use crate::editing::values::{Editor, Kind};
use crate::islands::desk::Desk;
use crate::islands::desk::parts::tool;

use super::acts;

/// What decides how a row or group is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The number before it.
    pub number: String,
    /// Whether it is left out.
    pub muted: bool,
    /// Whether something stands before it and behind it to change places with.
    pub moves: (bool, bool),
    /// The JSON Pointer under which a fault in it is reported.
    pub pointer: String,
    /// How a row compares and how its value is entered.
    pub operator: Operator,
    /// How a row's value is entered.
    pub editor: Editor,
    /// The type of a row's field, where it is known.
    pub kind: Option<Kind>,
    /// How a group combines.
    pub group: GroupKind,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            number: String::new(),
            muted: false,
            moves: (false, false),
            pointer: String::new(),
            operator: Operator::Equals,
            editor: Editor::Line,
            kind: None,
            group: GroupKind::All,
        }
    }
}

/// The shapes of all rows and groups.
pub type Shapes = Memo<BTreeMap<u32, Shape>>;

/// The shapes of what is on the desk.
pub fn shapes(desk: Desk) -> Shapes {
    Memo::new(move |_| {
        let mut all = BTreeMap::new();
        desk.tree.with(|tree| {
            let places: BTreeMap<u32, String> = tree.compile().1.into_iter().collect();
            desk.catalog.with(|catalog| look(tree, &tree.nodes, false, &places, catalog, &mut all));
        });
        all
    })
}

fn look(tree: &Tree, nodes: &[Node], nested: bool, places: &BTreeMap<u32, String>, catalog: &Catalog, all: &mut BTreeMap<u32, Shape>) {
    let last = nodes.len().saturating_sub(1);
    for (n, node) in nodes.iter().enumerate() {
        let mut shape = Shape {
            number: tree.number(node.id),
            muted: node.muted,
            moves: (nested || n > 0, nested || n < last),
            pointer: places.get(&node.id).cloned().unwrap_or_else(|| format!("/muted/{}", node.id)),
            ..Shape::default()
        };
        match &node.part {
            Part::Row(row) => {
                shape.kind = catalog.kind(&row.field);
                (shape.operator, shape.editor) = (row.operator, row.editor(shape.kind));
            }
            Part::Group(kind, inner) => {
                shape.group = *kind;
                look(tree, inner, true, places, catalog, all);
            }
        }
        all.insert(node.id, shape);
    }
}

/// The level below `parent`; the top level when there is none. Groups hold further levels, so its type must not name them.
pub fn node_list(desk: Desk, shapes: Shapes, parent: Option<u32>) -> AnyView {
    let ids = Memo::new(move |_| desk.tree.with(|tree| children(tree, parent)));
    let draw = move |(id, is_group): (u32, bool)| {
        // While a node goes, what is drawn of it keeps its last shape.
        let shape = Memo::new(move |old: Option<&Shape>| shapes.with(|all| all.get(&id).or(old).cloned().unwrap_or_default()));
        if is_group { view! { <GroupBox desk=desk id=id shape=shape shapes=shapes/> }.into_any() } else { view! { <ConditionRow desk=desk id=id shape=shape/> }.into_any() }
    };
    view! { <For each=move || ids.get() key=|node| *node children=draw/> }.into_any()
}

/// The nodes of one level, and whether each is a group.
fn children(tree: &Tree, parent: Option<u32>) -> Vec<(u32, bool)> {
    let nodes: &[Node] = match parent {
        None => &tree.nodes,
        Some(id) => match tree.find(id).map(|n| &n.part) {
            Some(Part::Group(_, inner)) => inner,
            _ => &[],
        },
    };
    nodes.iter().map(|n| (n.id, matches!(n.part, Part::Group(..)))).collect()
}

/// The five buttons of a row or group.
pub fn tools(desk: Desk, id: u32, shape: Memo<Shape>, noun: &'static str) -> AnyView {
    let parts = Memo::new(move |_| shape.with(|s| (s.number.clone(), s.muted, s.moves)));
    let buttons = move || {
        let (number, muted, moves) = parts.get();
        let name = |verb: &str| format!("{verb} {noun} {number}");
        let mute = if muted { "Take in again" } else { "Mute" };
        view! {
            {tool(icon::UP, "up", format!("{} up", name("Move")), !moves.0, move || acts::shift(desk, id, true, false))}
            {tool(icon::DOWN, "down", format!("{} down", name("Move")), !moves.1, move || acts::shift(desk, id, false, false))}
            {tool(icon::COPY, "copy", name("Duplicate"), false, move || acts::duplicate(desk, id))}
            {tool(icon::MUTE, "mute", name(mute), false, move || acts::mute(desk, id))}
            {tool(icon::TRASH, "delete", name("Delete"), false, move || acts::delete(desk, id))}
        }
        .into_any()
    };
    view! { <div class="cond-tools">{buttons}</div> }.into_any()
}

/// Alt with an arrow key moves what the focus is in.
pub fn arrows(desk: Desk, id: u32, event: &leptos::ev::KeyboardEvent) {
    let up = match event.key().as_str() {
        "ArrowUp" => true,
        "ArrowDown" => false,
        _ => return,
    };
    if event.alt_key() {
        event.prevent_default();
        event.stop_propagation();
        acts::shift(desk, id, up, true);
    }
}
