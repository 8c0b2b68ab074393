//! `export`: what people wrote, as YAML.

use std::path::PathBuf;

use anyhow::Context as _;
use event_actions::config::Config;

use super::{caller, told, yaml};
use crate::cli;
use crate::server::Server;

/// Its flags.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The file to write; standard output when left out
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes it.
///
/// # Errors
/// When the database cannot be read or the file cannot be written.
pub(crate) async fn run(server: Server, config: Config, options: Options) -> anyhow::Result<()> {
    let engine = server.open(config).await?;
    let exported = engine.export(&caller()).await;
    engine.shutdown().await;
    let text = yaml::write(&exported.map_err(|e| told(&e))?)?;
    match options.output {
        None => cli::say(text.trim_end_matches('\n')),
        Some(file) => std::fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?,
    }
    Ok(())
}
