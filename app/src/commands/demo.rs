//! `demo`: loads the demo data, or takes it away.

use event_actions::config::Config;

use super::{caller, told};
use crate::cli;
use crate::server::Server;

/// Its flags.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Take the demo away again, with everything that belongs to it
    #[arg(long)]
    remove: bool,
}

/// Loads or removes it.
///
/// # Errors
/// When the database cannot be reached, or another tenant has the demo's id.
pub(crate) async fn run(server: Server, config: Config, options: Options) -> anyhow::Result<()> {
    let engine = server.open(config).await?;
    let result = if options.remove { engine.remove_demo(&caller()).await } else { engine.load_demo(&caller()).await };
    engine.shutdown().await;
    cli::say(match (options.remove, result.map_err(|e| told(&e))?) {
        (false, true) => "The demo is loaded: the tenant demo, six actions and a day of made-up history. `event-actions demo --remove` takes it away.",
        (false, false) => "The demo is here already. `event-actions demo --remove` takes it away.",
        (true, true) => "The demo is removed with everything that belonged to it.",
        (true, false) => "There is no demo to remove.",
    });
    Ok(())
}
