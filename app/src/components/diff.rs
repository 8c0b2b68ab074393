//! What changed between two texts or JSON documents, line by line.

use leptos::prelude::*;
use serde_json::Value;

/// Beyond this many lines on either side the whole is shown as taken out and put in.
const MAX_LINES: usize = 600;
/// Unchanged lines kept on either side of a change.
const AROUND: usize = 2;

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine {
    /// In both.
    Same(String),
    /// Only before.
    Removed(String),
    /// Only after.
    Added(String),
    /// So many unchanged lines left out.
    Skipped(usize),
}

/// The difference of two texts, unchanged stretches left out.
#[must_use]
pub fn diff(before: &str, after: &str) -> Vec<DiffLine> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if a.len() > MAX_LINES || b.len() > MAX_LINES {
        let removed = a.iter().map(|l| DiffLine::Removed((*l).to_owned()));
        return removed.chain(b.iter().map(|l| DiffLine::Added((*l).to_owned()))).collect();
    }
    fold(walk(&a, &b, &lengths(&a, &b)))
}

/// `table[i][j]`: the length of the longest common subsequence of `a[i..]` and `b[j..]`.
fn lengths(a: &[&str], b: &[&str]) -> Vec<Vec<u16>> {
    let mut table = vec![vec![0_u16; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] = if a[i] == b[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    table
}

fn walk(a: &[&str], b: &[&str], table: &[Vec<u16>]) -> Vec<DiffLine> {
    let (mut i, mut j, mut out) = (0, 0, Vec::with_capacity(a.len() + b.len()));
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            out.push(DiffLine::Same(a[i].to_owned()));
            i += 1;
            j += 1;
        } else if j == b.len() || (i < a.len() && table[i + 1][j] >= table[i][j + 1]) {
            out.push(DiffLine::Removed(a[i].to_owned()));
            i += 1;
        } else {
            out.push(DiffLine::Added(b[j].to_owned()));
            j += 1;
        }
    }
    out
}

/// Replaces long unchanged stretches by their length.
fn fold(lines: Vec<DiffLine>) -> Vec<DiffLine> {
    let changed: Vec<usize> = lines.iter().enumerate().filter(|(_, l)| !matches!(l, DiffLine::Same(_))).map(|(i, _)| i).collect();
    let near = |i: usize| changed.iter().any(|c| c.abs_diff(i) <= AROUND);
    let mut out: Vec<DiffLine> = Vec::new();
    for (i, line) in lines.into_iter().enumerate() {
        match (near(i), out.last_mut()) {
            (true, _) => out.push(line),
            (false, Some(DiffLine::Skipped(n))) => *n += 1,
            (false, _) => out.push(DiffLine::Skipped(1)),
        }
    }
    out
}

/// The difference of two JSON documents, written out with two spaces per level.
#[must_use]
pub fn diff_json(before: &Value, after: &Value) -> Vec<DiffLine> {
    let text = |v: &Value| serde_json::to_string_pretty(v).unwrap_or_default();
    diff(&text(before), &text(after))
}

/// A difference. Nothing changed is said in words.
#[component]
pub fn Diff(
    /// The lines.
    lines: Vec<DiffLine>,
) -> impl IntoView {
    if lines.iter().all(|l| matches!(l, DiffLine::Same(_) | DiffLine::Skipped(_))) {
        return view! { <p class="muted t13">"Nothing differs."</p> }.into_any();
    }
    let lines = lines
        .into_iter()
        .map(|line| match line {
            DiffLine::Same(text) => view! { <span>{text}</span> }.into_any(),
            DiffLine::Removed(text) => view! { <span class="del"><b class="sr">"removed: "</b>{text}</span> }.into_any(),
            DiffLine::Added(text) => view! { <span class="add"><b class="sr">"added: "</b>{text}</span> }.into_any(),
            DiffLine::Skipped(n) => view! { <span class="at">{super::format::plural(n as i64, "line is the same", "lines are the same")}</span> }.into_any(),
        })
        .collect_view();
    view! { <div class="code diff">{lines}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_changed_line_is_marked() {
        let lines = diff("a\nb\nc\nd\ne\nf\ng", "a\nb\nc\nX\ne\nf\ng");
        assert_eq!(lines.first(), Some(&DiffLine::Skipped(1)));
        assert!(lines.contains(&DiffLine::Removed("d".into())) && lines.contains(&DiffLine::Added("X".into())));
        assert_eq!(lines.len(), 8);
    }

    #[test]
    fn applying_the_difference_gives_the_second_text() {
        let (before, after) = ("1\n2\n3\n4", "0\n2\n4\n5");
        let kept: Vec<String> = diff(before, after)
            .into_iter()
            .filter_map(|l| match l {
                DiffLine::Same(t) | DiffLine::Added(t) => Some(t),
                _ => None,
            })
            .collect();
        assert_eq!(kept.join("\n"), after);
    }
}
