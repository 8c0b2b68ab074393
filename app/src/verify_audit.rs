//! `verify-audit`: follows the audit log's chain in the database and names the first place where it does not hold.

use anyhow::bail;
use event_actions::config::Config;

use crate::{cli, server};

/// Says how many entries there are when the chain holds.
///
/// # Errors
/// When it does not hold, with the place; or when the database cannot be read.
pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let verdict = server::verify_audit(config).await?;
    if let Some(fault) = verdict.first_fault {
        bail!("the audit log does not hold at entry {} of {}: {}", fault.seq, verdict.entries, fault.message);
    }
    cli::say(format!("The audit log holds: {} entries.", verdict.entries));
    Ok(())
}
