//! Changes to the tree of conditions. Each says what to look at next, so that focus and announcements can follow.

use event_actions::model::condition::{ConditionItem, GroupKind, Operator};
use serde_json::Value;

use super::tree::{Node, Part, Row, Tree};
use super::values::Kind;

impl Tree {
    /// The number shown before a row: `3` or `3.1`.
    #[must_use]
    pub fn number(&self, id: u32) -> String {
        path_of(&self.nodes, id).unwrap_or_default().iter().map(|i| (i + 1).to_string()).collect::<Vec<_>>().join(".")
    }

    /// Where a node stands among its siblings: position from 0, and how many there are.
    #[must_use]
    pub fn place(&self, id: u32) -> Option<(usize, usize)> {
        let path = path_of(&self.nodes, id)?;
        let (last, above) = path.split_last()?;
        let mut list = &self.nodes;
        for index in above {
            let Part::Group(_, inner) = &list.get(*index)?.part else { return None };
            list = inner;
        }
        Some((*last, list.len()))
    }

    /// Whether a group may be put into this one (`None` = the top level).
    #[must_use]
    pub fn takes_group(&self, parent: Option<u32>) -> bool {
        let level = parent.map_or(0, |id| path_of(&self.nodes, id).map_or(usize::MAX, |p| p.len()));
        level < self.max_depth()
    }

    /// Adds an empty row, or a group, at the end of a group (`None` = the top level). Gives its id; none when it would be too deep.
    pub fn add(&mut self, parent: Option<u32>, group: bool) -> Option<u32> {
        if group && !self.takes_group(parent) {
            return None;
        }
        let id = self.fresh();
        let part = if group {
            Part::Group(GroupKind::Any, Vec::new())
        } else {
            Part::Row(Row { field: String::new(), operator: Operator::Equals, value: None, typed: Default::default() })
        };
        let list = match parent {
            None => &mut self.nodes,
            Some(parent) => self.inner(parent)?,
        };
        list.push(Node { id, muted: false, part });
        Some(id)
    }

    /// Takes a node out. Gives the sibling that stands in its place now, or the one before it.
    pub fn remove(&mut self, id: u32) -> Option<u32> {
        let (list, index) = self.home(id)?;
        list.remove(index);
        list.get(index).or_else(|| list.get(index.checked_sub(1)?)).map(|n| n.id)
    }

    /// Puts a copy behind a node. Gives the copy's id.
    pub fn duplicate(&mut self, id: u32) -> Option<u32> {
        let mut copy = self.find(id)?.clone();
        renumber(&mut copy, &mut self.next);
        let new = copy.id;
        let (list, index) = self.home(id)?;
        list.insert(index + 1, copy);
        Some(new)
    }

    /// Moves a node one place up or down among its siblings; at the end of a group it leaves the group. Gives whether it moved.
    pub fn shift(&mut self, id: u32, up: bool) -> bool {
        let Some(path) = path_of(&self.nodes, id) else { return false };
        let Some((list, index)) = self.home(id) else { return false };
        let target = if up { index.checked_sub(1) } else { Some(index + 1).filter(|n| *n < list.len()) };
        if let Some(target) = target {
            list.swap(index, target);
            return true;
        }
        if path.len() < 2 {
            return false;
        }
        let node = list.remove(index);
        let parent = self.at(&path[..path.len() - 1]).map(|n| n.id);
        let Some((list, index)) = parent.and_then(|p| self.home(p)) else { return false };
        list.insert(if up { index } else { index + 1 }, node);
        true
    }

    /// Leaves a node out, or takes it in again. Gives whether it is muted now.
    pub fn toggle_mute(&mut self, id: u32) -> Option<bool> {
        let (list, index) = self.home(id)?;
        list[index].muted = !list[index].muted;
        Some(list[index].muted)
    }

    /// Changes one row.
    pub fn edit(&mut self, id: u32, change: impl FnOnce(&mut Row)) {
        if let Some((list, index)) = self.home(id)
            && let Part::Row(row) = &mut list[index].part
        {
            change(row);
        }
    }

    /// Sets how a group combines (`None` = the top level). The top level stays `All` when another kind would nest too deep.
    pub fn set_kind(&mut self, id: Option<u32>, kind: GroupKind) {
        match id {
            None => {
                let before = std::mem::replace(&mut self.kind, kind);
                if deepest(&self.nodes) > self.max_depth() {
                    self.kind = before;
                }
            }
            Some(id) => {
                if let Some((list, index)) = self.home(id)
                    && let Part::Group(old, _) = &mut list[index].part
                {
                    *old = kind;
                }
            }
        }
    }

    /// Puts what lets the fewest events pass first, at every level. Parts without a count keep their order at the end.
    pub fn sort(&mut self, passes: &dyn Fn(u32) -> Option<usize>) {
        fn sort(nodes: &mut [Node], passes: &dyn Fn(u32) -> Option<usize>) {
            nodes.sort_by_key(|n| passes(n.id).unwrap_or(usize::MAX));
            for node in nodes {
                if let Part::Group(_, inner) = &mut node.part {
                    sort(inner, passes);
                }
            }
        }
        sort(&mut self.nodes, passes);
    }

    /// Replaces everything that is not muted, as the JSON tab does; what is muted moves to the end of the top level.
    ///
    /// Ids go on counting, so nothing old is mistaken for something new.
    pub fn replace(&mut self, items: &[ConditionItem], kind_of: &dyn Fn(&str) -> Option<Kind>) {
        let next = self.next;
        let mut new = Self::of(items, kind_of);
        for node in &mut new.nodes {
            shift_ids(node, next);
        }
        new.next += next;
        take_muted(&mut self.nodes, &mut new.nodes);
        *self = new;
    }

    /// Gives the value of a mend to the row it belongs to.
    pub fn mend(&mut self, id: u32, value: Value, kind: Option<Kind>) {
        self.edit(id, |row| {
            row.value = Some(value);
            row.retype(kind);
        });
    }

    fn at(&self, path: &[usize]) -> Option<&Node> {
        let (last, above) = path.split_last()?;
        let mut list = &self.nodes;
        for index in above {
            let Part::Group(_, inner) = &list.get(*index)?.part else { return None };
            list = inner;
        }
        list.get(*last)
    }

    /// The list that holds a node, and its index in it.
    fn home(&mut self, id: u32) -> Option<(&mut Vec<Node>, usize)> {
        let path = path_of(&self.nodes, id)?;
        let (last, above) = path.split_last()?;
        let mut list = &mut self.nodes;
        for index in above {
            let Part::Group(_, inner) = &mut list[*index].part else { return None };
            list = inner;
        }
        Some((list, *last))
    }

    /// What a group holds.
    fn inner(&mut self, id: u32) -> Option<&mut Vec<Node>> {
        let (list, index) = self.home(id)?;
        match &mut list[index].part {
            Part::Group(_, inner) => Some(inner),
            Part::Row(_) => None,
        }
    }
}

/// The indices that lead to a node.
fn path_of(nodes: &[Node], id: u32) -> Option<Vec<usize>> {
    nodes.iter().enumerate().find_map(|(i, node)| match &node.part {
        _ if node.id == id => Some(vec![i]),
        Part::Group(_, inner) => path_of(inner, id).map(|mut rest| {
            rest.insert(0, i);
            rest
        }),
        Part::Row(_) => None,
    })
}

fn deepest(nodes: &[Node]) -> usize {
    nodes.iter().map(|n| if let Part::Group(_, inner) = &n.part { 1 + deepest(inner) } else { 0 }).max().unwrap_or(0)
}

fn renumber(node: &mut Node, next: &mut u32) {
    node.id = *next;
    *next += 1;
    if let Part::Group(_, inner) = &mut node.part {
        inner.iter_mut().for_each(|n| renumber(n, next));
    }
}

fn take_muted(from: &mut Vec<Node>, to: &mut Vec<Node>) {
    for mut node in from.drain(..) {
        match &mut node.part {
            _ if node.muted => to.push(node),
            Part::Group(_, inner) => take_muted(inner, to),
            Part::Row(_) => {}
        }
    }
}

fn shift_ids(node: &mut Node, by: u32) {
    node.id += by;
    if let Part::Group(_, inner) = &mut node.part {
        inner.iter_mut().for_each(|n| shift_ids(n, by));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tree: &Tree) -> Vec<String> {
        tree.nodes.iter().map(|n| if let Part::Row(r) = &n.part { r.field.clone() } else { "group".to_owned() }).collect()
    }

    fn three() -> (Tree, [u32; 3]) {
        let mut tree = Tree::default();
        let ids = ["a", "b", "c"].map(|name| {
            let id = tree.add(None, false).expect("a row");
            tree.edit(id, |row| row.field = name.to_owned());
            id
        });
        (tree, ids)
    }

    #[test]
    fn rows_move_and_stop_at_the_ends() {
        let (mut tree, [a, b, c]) = three();
        assert!(tree.shift(c, true) && tree.shift(c, true) && !tree.shift(c, true));
        assert_eq!(names(&tree), ["c", "a", "b"]);
        assert_eq!((tree.place(a), tree.number(b)), (Some((1, 3)), "3".to_owned()));
    }

    #[test]
    fn a_row_leaves_its_group_at_the_end() {
        let (mut tree, _) = three();
        let group = tree.add(None, true).expect("a group");
        let inner = tree.add(Some(group), false).expect("a row");
        assert_eq!(tree.number(inner), "4.1");
        assert!(tree.shift(inner, true));
        assert_eq!((tree.number(inner), tree.number(group)), ("4".to_owned(), "5".to_owned()));
    }

    #[test]
    fn groups_nest_four_deep() {
        let mut tree = Tree::default();
        let mut parent = None;
        for _ in 0..4 {
            parent = tree.add(parent, true);
            assert!(parent.is_some());
        }
        assert_eq!(tree.add(parent, true), None);
        tree.set_kind(None, GroupKind::Any);
        assert_eq!(tree.kind, GroupKind::All, "a fifth level is refused");
    }

    #[test]
    fn copies_have_their_own_ids_and_removal_names_a_neighbour() {
        let (mut tree, [a, b, c]) = three();
        let copy = tree.duplicate(b).expect("a copy");
        assert_eq!(names(&tree), ["a", "b", "b", "c"]);
        assert!(copy > c);
        assert_eq!((tree.remove(copy), tree.remove(c), tree.remove(b)), (Some(c), Some(b), Some(a)));
        assert_eq!(tree.remove(a), None);
    }

    #[test]
    fn the_fewest_passing_come_first() {
        let (mut tree, [a, b, c]) = three();
        tree.sort(&|id| [(a, 50), (c, 2)].iter().find(|(i, _)| *i == id).map(|(_, n)| *n));
        assert_eq!(names(&tree), ["c", "a", "b"]);
        assert_eq!(tree.number(b), "3");
    }
}
