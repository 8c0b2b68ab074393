//! `create-admin`: makes an administrator of the platform, or gives an account that exists its rights and a new password.

use std::io::{IsTerminal as _, stdin};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use event_actions::config::Config;
use event_actions::engine::Caller;
use event_actions::model::user::NewAccount;

use crate::cli;
use crate::server::Server;

/// Its flags.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The mail address, which is the name to sign in with; an account that exists gets the platform's rights and the new password
    #[arg(long)]
    email: String,
    /// The name shown [default: the address up to the @]
    #[arg(long)]
    name: Option<String>,
}

/// Makes it.
///
/// # Errors
/// When the password is missing or too short, the address is none, or the database cannot be reached.
pub(crate) async fn run(server: Server, config: Config, options: Options) -> anyhow::Result<()> {
    let name = options.name.unwrap_or_else(|| options.email.split('@').next().unwrap_or_default().to_owned());
    let account = NewAccount { email: options.email, name, password: password()? };
    let faults = account.validate().0;
    if !faults.is_empty() {
        bail!("{}", faults.into_iter().map(|f| f.message).collect::<Vec<_>>().join(" "));
    }
    let engine = server.open(config).await?;
    let made = engine.create_administrator(&Caller::system("command line"), account).await;
    engine.shutdown().await;
    let user = made?;
    cli::say(format!("{} is an administrator of the platform now and can sign in.", user.email));
    Ok(())
}

/// The first line of standard input; a person types it unseen.
fn password() -> anyhow::Result<String> {
    let by_person = stdin().is_terminal();
    if by_person {
        cli::say("Password, 12 characters or more:");
    }
    let unseen = by_person && stty("-echo");
    let mut line = String::new();
    let read = stdin().read_line(&mut line);
    if unseen {
        stty("echo");
    }
    read.context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\n', '\r']).to_owned();
    if password.is_empty() { bail!("no password: write it to standard input, as in `printf '%s' \"$PASSWORD\" | event-actions create-admin --email ...`") } else { Ok(password) }
}

/// Whether the terminal took the setting.
fn stty(setting: &str) -> bool {
    Command::new("stty").arg(setting).stdin(Stdio::inherit()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
