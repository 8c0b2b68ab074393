//! `rotate-key`: seals every secret with a new master key while everything goes on.

use event_actions::config::Config;

use super::{caller, told};
use crate::cli;
use crate::server::Server;

/// Rotates it.
///
/// # Errors
/// When there is no new key, a secret cannot be opened, or the database cannot be reached. Then nothing has changed.
pub(crate) async fn run(server: Server, config: Config) -> anyhow::Result<()> {
    let (configured, folder) = (config.master_key.is_some(), config.data_dir.display().to_string());
    let engine = server.open(config).await?;
    let result = engine.rotate_key(&caller()).await;
    engine.shutdown().await;
    let (id, secrets) = result.map_err(|e| told(&e))?;
    cli::say(format!("{secrets} secrets are sealed with the master key {id}."));
    cli::say(if configured {
        "Every node may now be given the new key alone as EVENT_ACTIONS_MASTER_KEY. Keep the old one as long as you keep older backups.".to_owned()
    } else {
        format!("The new key is {folder}/master.key; keep a copy of it apart, and the old one as long as you keep older backups.")
    });
    Ok(())
}
