//! `restore` and `resume`: a backup's way back, paused, and the word that lets work start again.

use std::path::PathBuf;

use anyhow::bail;
use event_actions::config::Config;
use event_actions::engine::backup;

use super::{caller, told};
use crate::cli;
use crate::server::Server;

/// The arguments of `restore`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The backup's file; left out on PostgreSQL, after pg_restore
    path: Option<PathBuf>,
}

/// Brings it back.
///
/// # Errors
/// When there is a database already, the file is no backup or damaged, or the audit log in it does not hold.
pub(crate) async fn run(config: &Config, options: Options) -> anyhow::Result<()> {
    let restored = backup::restore(config, options.path.as_deref()).await?;
    let taken = restored.taken_at.map(|at| format!(" of the backup of {at}")).unwrap_or_default();
    cli::say(format!("Restored: {} events and {} executions{taken}.", restored.events, restored.executions));
    if let Some(id) = &restored.missing_key {
        let place = config.data_dir.join("master.key");
        cli::say(format!("The master key {id} is missing: put it back as {} or set EVENT_ACTIONS_MASTER_KEY before the start.", place.display()));
    }
    cli::say("The service starts paused: it takes events, but no execution starts until `event-actions resume`, or the button in the console.");
    match &restored.audit.first_fault {
        None => cli::say(format!("The audit log holds: {} entries.", restored.audit.entries)),
        Some(fault) => bail!("the audit log does not hold at entry {} of {}: {} Everything is restored all the same", fault.seq, restored.audit.entries, fault.message),
    }
    Ok(())
}

/// Lets executions start again, on every running node within a second.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) async fn resume(server: Server, config: Config) -> anyhow::Result<()> {
    let engine = server.open(config).await?;
    let result = engine.resume(&caller()).await;
    engine.shutdown().await;
    cli::say(if result.map_err(|e| told(&e))? { "Executions start again." } else { "Nothing is paused." });
    Ok(())
}
