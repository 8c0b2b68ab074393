//! The rows and groups of one level. They are made anew only when their shape changes, not while values are typed.

use event_actions::model::condition::{GroupKind, Operator};
use leptos::prelude::*;

use super::group::GroupBox;
use super::row::ConditionRow;
use crate::components::icon;
use crate::editing::tree::{Node, Part, Tree};
use crate::editing::values::{Editor, Kind};
use crate::islands::desk::Desk;
use crate::islands::desk::parts::tool;

use super::acts;

/// What decides how a row or group is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The node.
    pub id: u32,
    /// The number before it.
    pub number: String,
    /// Whether it is left out.
    pub muted: bool,
    /// Whether something stands before it and behind it to change places with.
    pub moves: (bool, bool),
    /// The JSON Pointer under which a fault in it is reported.
    pub pointer: String,
    /// A row's operator, value editor and field type; a group's kind.
    pub part: ShapePart,
}

/// The part of a shape that differs between rows and groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ShapePart {
    /// A row.
    Row(Operator, Editor, Option<Kind>),
    /// A group.
    Group(GroupKind),
}

/// The level below `parent`; the top level when there is none. Groups hold further levels, so its type must not name them.
pub fn node_list(desk: Desk, parent: Option<u32>) -> AnyView {
    let shapes = Memo::new(move |_| desk.tree.with(|tree| shapes(desk, tree, parent)));
    let draw = move |shape: Shape| match shape.part {
        ShapePart::Row(operator, editor, kind) => view! { <ConditionRow desk=desk shape=shape operator=operator editor=editor kind=kind/> }.into_any(),
        ShapePart::Group(kind) => view! { <GroupBox desk=desk shape=shape kind=kind/> }.into_any(),
    };
    (move || shapes.get().into_iter().map(draw).collect_view()).into_any()
}

fn shapes(desk: Desk, tree: &Tree, parent: Option<u32>) -> Vec<Shape> {
    let nodes: &[Node] = match parent {
        None => &tree.nodes,
        Some(id) => match tree.find(id).map(|n| &n.part) {
            Some(Part::Group(_, inner)) => inner,
            _ => &[],
        },
    };
    let (_, places) = tree.compile();
    let last = nodes.len().saturating_sub(1);
    let nested = parent.is_some();
    let shape = |(n, node): (usize, &Node)| Shape {
        id: node.id,
        number: tree.number(node.id),
        muted: node.muted,
        moves: (nested || n > 0, nested || n < last),
        pointer: places.iter().find(|(id, _)| *id == node.id).map_or_else(|| format!("/muted/{}", node.id), |(_, p)| p.clone()),
        part: match &node.part {
            Part::Row(row) => {
                let kind = desk.catalog.with(|c| c.kind(&row.field));
                ShapePart::Row(row.operator, row.editor(kind), kind)
            }
            Part::Group(kind, _) => ShapePart::Group(*kind),
        },
    };
    nodes.iter().enumerate().map(shape).collect()
}

/// The five buttons of a row or group.
pub fn tools(desk: Desk, shape: &Shape, noun: &str) -> AnyView {
    let Shape { id, number, muted, moves, .. } = shape.clone();
    let name = |verb: &str| format!("{verb} {noun} {number}");
    let mute = if muted { "Take in again" } else { "Mute" };
    view! {
        <div class="cond-tools">
            {tool(icon::UP, "up", format!("{} up", name("Move")), !moves.0, move || acts::shift(desk, id, true, false))}
            {tool(icon::DOWN, "down", format!("{} down", name("Move")), !moves.1, move || acts::shift(desk, id, false, false))}
            {tool(icon::COPY, "copy", name("Duplicate"), false, move || acts::duplicate(desk, id))}
            {tool(icon::MUTE, "mute", name(mute), false, move || acts::mute(desk, id))}
            {tool(icon::TRASH, "delete", name("Delete"), false, move || acts::delete(desk, id))}
        </div>
    }
    .into_any()
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
