//! The report: rows of figures beside goals and peers, and `benches/RESULTS.md`, in which each benchmark owns one section.

use std::fmt::Write as _;
use std::path::Path;

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

/// The machine and the command, as one line.
pub fn conditions(bench: &str) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| text.lines().find(|l| l.starts_with(name)).and_then(|l| l.split_once(':')).map_or("unknown", |(_, v)| v.trim()).to_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field(&read("/proc/meminfo"), "MemTotal").split(' ').next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0 / 1024.0;
    let command = std::env::var("BENCH_COMMAND").unwrap_or_else(|_| format!("cargo bench --bench {bench}"));
    let unoptimised = if cfg!(debug_assertions) { " UNOPTIMISED BUILD: these figures mean nothing." } else { "" };
    format!(
        "Machine: {cores} cores of {}, {memory:.0} GiB, Linux {}; load, receiver and peers beside the service. Command: `{command}`, {}.{unoptimised}",
        field(&read("/proc/cpuinfo"), "model name"),
        read("/proc/sys/kernel/osrelease").trim(),
        chrono::Utc::now().format("%Y-%m-%d"),
    )
}

/// Puts a section into `benches/RESULTS.md` in place of the one of the same name.
///
/// # Errors
/// When the file cannot be written.
pub fn keep(name: &str, title: &str, body: &str) -> std::io::Result<()> {
    const HEAD: &str = "# Results\n\nWritten by `make bench`; do not edit. What counts is the ratio to a peer or a limit measured in the same run on the same machine.\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/RESULTS.md");
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
    let section = format!("{open}\n## {title}\n\n{}\n{close}\n", body.trim());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
    let text = match (text.find(&open), text.find(&close)) {
        (Some(from), Some(to)) if from < to => format!("{}{}{}", &text[..from], section, text[to + close.len()..].trim_start_matches('\n')),
        _ => format!("{}\n\n{section}", text.trim_end()),
    };
    std::fs::write(path, text)
}
