//! `backup`: a copy of the database while the service runs.

use std::path::PathBuf;

use event_actions::config::Config;
use event_actions::engine::backup;

use crate::cli;

/// Its arguments.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The file to write, or a folder for a file with the time in its name
    path: PathBuf,
}

/// Writes it.
///
/// # Errors
/// When the database is on a server or not there, the file exists, or the disk is full.
pub(crate) async fn run(config: &Config, options: &Options) -> anyhow::Result<()> {
    let taken = backup::take(config, &options.path).await?;
    cli::say(format!("{}: {} events, {} executions, {} bytes.", taken.file.display(), taken.events, taken.executions, taken.bytes));
    let key = config.data_dir.join("master.key");
    let kept = if config.master_key.is_some() { "EVENT_ACTIONS_MASTER_KEY".to_owned() } else { key.display().to_string() };
    cli::say(format!("The master key is not in it. Keep {kept} too, in another place: without it the secrets cannot be opened."));
    Ok(())
}
