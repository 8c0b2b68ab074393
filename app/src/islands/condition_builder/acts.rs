//! What the buttons and keys of the builder do: the change, then the focus, then the word for screen readers.

use crate::islands::desk::Desk;
use crate::islands::desk::browser::focus_soon;

/// The id of the element around a row or group.
pub fn element_id(id: u32) -> String {
    format!("c{id}")
}

fn number(desk: Desk, id: u32) -> String {
    use leptos::prelude::WithUntracked as _;
    desk.tree.with_untracked(|t| t.number(id))
}

/// Adds a row or a group at the end of a group.
pub fn add(desk: Desk, parent: Option<u32>, group: bool) {
    let Some(id) = desk.change_tree("", |t| t.add(parent, group)) else { return };
    desk.say(format!("{} {} added.", if group { "Group" } else { "Condition" }, number(desk, id)));
    focus_soon(format!("#{} {}", element_id(id), if group { "button" } else { ".fld input" }));
}

/// Moves a row or group one place; focus stays on what moved it.
pub fn shift(desk: Desk, id: u32, up: bool, from_key: bool) {
    use leptos::prelude::WithUntracked as _;
    let before = number(desk, id);
    // What cannot move must not become a step of undo that does nothing.
    if !desk.tree.with_untracked(|t| t.clone().shift(id, up)) {
        return desk.say(format!("{before} cannot move further {}.", if up { "up" } else { "down" }));
    }
    desk.change_tree("", |t| t.shift(id, up));
    desk.say(format!("Condition {before} is now {}.", number(desk, id)));
    if !from_key {
        focus_soon(format!("#{0} [data-do={1}]:enabled, #{0} [data-do={2}]", element_id(id), if up { "up" } else { "down" }, if up { "down" } else { "up" }));
    } else {
        focus_soon(format!("#{0} > .fld input, #{0} button", element_id(id)));
    }
}

/// Puts a copy behind a row or group.
pub fn duplicate(desk: Desk, id: u32) {
    let Some(copy) = desk.change_tree("", |t| t.duplicate(id)) else { return };
    desk.say(format!("Copied to {}.", number(desk, copy)));
    focus_soon(format!("#{0} > .fld input, #{0} button", element_id(copy)));
}

/// Leaves a row or group out, or takes it in again.
pub fn mute(desk: Desk, id: u32) {
    if let Some(muted) = desk.change_tree("", |t| t.toggle_mute(id)) {
        desk.say(format!("Condition {} {}.", number(desk, id), if muted { "muted" } else { "takes part again" }));
        focus_soon(format!("#{} [data-do=mute]", element_id(id)));
    }
}

/// Takes a row or group out; focus goes to its neighbour.
pub fn delete(desk: Desk, id: u32) {
    let gone = number(desk, id);
    let next = desk.change_tree("", |t| t.remove(id));
    desk.say(format!("Condition {gone} deleted. Ctrl+Z brings it back."));
    focus_soon(next.map_or_else(|| "#f-conditions .cond-foot button".to_owned(), |id| format!("#{} [data-do=delete]", element_id(id))));
}

/// Puts what lets the fewest recent events pass first.
pub fn sort(desk: Desk) {
    use leptos::prelude::WithUntracked as _;
    let counts = desk.verdicts.with_untracked(|v| v.nodes.iter().filter_map(|(id, v)| v.passes.map(|n| (*id, n))).collect::<Vec<_>>());
    desk.change_tree("", |t| t.sort(&|id| counts.iter().find(|(i, _)| *i == id).map(|(_, n)| *n)));
    desk.say("Sorted: what lets the fewest recent events pass comes first.");
}
