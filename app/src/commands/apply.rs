//! `apply`: YAML files into the installation, after showing what would change.

use std::io::{BufRead as _, IsTerminal as _, stdin};
use std::path::{Path, PathBuf};

use anyhow::bail;
use event_actions::config::Config;
use event_actions::engine::transfer::{Entry, Planned, What};
use event_actions::model::action::Change;
use serde_json::Value;

use super::{caller, told, yaml};
use crate::cli;
use crate::server::Server;

/// Longest value in a line of the differences, in characters.
const SHOWN: usize = 120;

/// Its arguments.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// YAML files as `export` writes them; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write without asking
    #[arg(long, short)]
    yes: bool,
    /// Show what would change and write nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// Applies them.
///
/// # Errors
/// When a file cannot be read or anything in it is wrong: then nothing is written. When nobody agreed.
pub(crate) async fn run(server: Server, config: Config, options: Options) -> anyhow::Result<()> {
    let mut entries: Vec<Entry> = Vec::new();
    for file in &options.files {
        entries.extend(yaml::read(&file.display().to_string(), &cli::read_input(file)?)?);
    }
    let engine = server.open(config).await?;
    let result = async {
        let plan = engine.plan_apply(&caller(), entries).await.map_err(|e| told(&e))?;
        let changed = show(&plan);
        if changed == 0 || options.dry_run {
            return Ok(());
        }
        if !options.yes && !agreed(&options.files)? {
            bail!("nothing was written");
        }
        let written = engine.apply(&caller(), plan).await.map_err(|e| told(&e).context("not everything was written; apply again when this is mended"))?;
        cli::say(format!("Written: {written}. Running nodes have it within a second."));
        anyhow::Ok(())
    };
    let result = result.await;
    engine.shutdown().await;
    result
}

/// Asks a person; where nobody can answer, `--yes` is needed.
fn agreed(files: &[PathBuf]) -> anyhow::Result<bool> {
    if !stdin().is_terminal() || files.iter().any(|f| f == Path::new("-")) {
        bail!("nothing was written: say --yes to write these changes");
    }
    cli::say("Write these changes? [y/N]");
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Prints the plan, and returns how many things it changes.
fn show(plan: &[Planned]) -> usize {
    let of = |p: &Planned| p.tenant_id.as_deref().map(|t| format!(" of {t}")).unwrap_or_default();
    let (mut created, mut updated) = (0, 0);
    for p in plan {
        match &p.what {
            What::Same => {}
            What::Create => {
                created += 1;
                cli::say(format!("+ {} {:?}{}", p.kind.label(), p.name, of(p)));
            }
            What::Update(changes) => {
                updated += 1;
                cli::say(format!("~ {} {:?}{}", p.kind.label(), p.name, of(p)));
                changes.iter().for_each(|c| cli::say(line(c)));
            }
        }
    }
    cli::say(format!("{created} new, {updated} changed, {} as they are.", plan.len() - created - updated));
    created + updated
}

fn line(change: &Change) -> String {
    let value = |v: &Option<Value>| v.as_ref().map_or_else(|| "(usual)".to_owned(), short);
    format!("    {}: {} -> {}", change.pointer.trim_start_matches('/'), value(&change.before), value(&change.after))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    format!("{}... ({} characters)", text.chars().take(SHOWN).collect::<String>(), text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_one_line() {
        let change = |before: Value, after: Option<Value>| Change { pointer: "/configuration/url".into(), before: Some(before), after };
        assert_eq!(line(&change(json!("a"), Some(json!(2)))), "    configuration/url: \"a\" -> 2");
        assert_eq!(line(&change(json!("a"), None)), "    configuration/url: \"a\" -> (usual)");
        assert!(line(&change(json!("x".repeat(500)), None)).len() < 250);
    }
}
