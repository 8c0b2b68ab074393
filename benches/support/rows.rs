//! Figures beside their goals and peers, as a table.

use std::fmt::Write as _;

/// One figure.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub figure: String,
    /// What is wanted; empty when nothing is.
    pub goal: String,
    /// What was found.
    pub measured: String,
    /// What the peer did in the same run; empty without one.
    pub peer: String,
    /// Ours by the peer's.
    pub ratio: Option<f64>,
    /// Whether the goal is met; none without a goal.
    pub met: Option<bool>,
}

/// Rows as a table in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut out = String::from("| figure | goal | measured | peer in the same run | ratio | met |\n|---|---|---|---|---|---|\n");
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    for r in rows {
        let ratio = r.ratio.map_or_else(|| "-".to_owned(), |n| format!("{n:.2}"));
        let met = r.met.map_or("-", |met| if met { "yes" } else { "no" });
        let _ = writeln!(out, "| {} | {} | {} | {} | {ratio} | {met} |", r.figure, or_dash(&r.goal), or_dash(&r.measured), or_dash(&r.peer));
    }
    out
}
