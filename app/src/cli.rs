//! The command line: settings as flags, one subcommand per thing the process can do, exit codes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Arg, ArgMatches, FromArgMatches as _, Subcommand, ValueHint};
use event_actions::config::{Config, ConfigFault, SETTINGS};
use event_actions::telemetry;

use crate::commands::{apply, backup, demo, export, restore, rotate_key};
use crate::server::{self, Server};
use crate::{create_admin, send_event, verify_audit};

/// The configuration file that is read when it is there.
const FILE: &str = "event-actions.toml";
const ABOUT: &str = "Runs configurable actions when domain events happen";
const AFTER_HELP: &str = "\
Settings come from flags, then the environment, then event-actions.toml, then defaults;
`event-actions check --print` shows those in force.

Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration.

Examples:
  event-actions                                   start on http://localhost:3000
  event-actions check --print                     what is configured, and does it work
  event-actions send-event event.json             send an event to a running service
  echo '{\"event_type\":\"user.created\",\"data\":{}}' | event-actions send-event -";

/// What the process can do.
#[derive(Subcommand)]
enum Command {
    /// Start the service (what happens without a subcommand)
    Serve,
    /// Bring the database up to this version and stop
    ///
    /// `serve` does this by itself; run it alone before a rolling upgrade of several nodes.
    Migrate,
    /// Say whether configuration, database and handlers work
    ///
    /// Changes nothing. Exit code 0 when all is well, 1 when something does not work, 2 when a setting is wrong.
    Check {
        /// Also show every setting in force and where it came from, secrets hidden
        #[arg(long)]
        print: bool,
    },
    /// Make an administrator of the platform, also beside a running service
    ///
    /// The password is the first line of standard input.
    CreateAdmin(create_admin::Options),
    /// Send one event or a batch to a running service and print its answer
    SendEvent(send_event::Options),
    /// Say whether the audit log is as it was written, or the first place where it is not
    ///
    /// Changes nothing; the service may be running. Exit code 0 when the whole chain holds, 1 when it does not.
    VerifyAudit,
    /// Load the demo data: a tenant of its own with six actions and a day of made-up history
    ///
    /// Everything in it is labelled as demo and nothing of it leaves the service. Works beside a running one. Doing it twice
    /// changes nothing; --remove takes all of it away.
    Demo(demo::Options),
    /// Write a copy of the database while the service runs
    ///
    /// Everything that was acknowledged before is in it. The master key is not: keep it too, in another place. On PostgreSQL
    /// use pg_dump.
    Backup(backup::Options),
    /// Bring a backup back into an empty data folder; the service then starts paused
    ///
    /// It never overwrites a database. Put the master key back as well. While paused the service takes events, but starts no
    /// execution until `event-actions resume`. On PostgreSQL run pg_restore first, then this without a path.
    Restore(restore::Options),
    /// Let executions start again after a restore, on every node within a second
    Resume,
    /// Print templates, functions, actions and alert rules as YAML
    ///
    /// The same content gives the same text. Values of secrets are never in it; the demo is left out.
    Export(export::Options),
    /// Write what YAML files hold, after showing what would change
    ///
    /// Files are as `export` writes them; any part may be left out. Actions are known by id, else by tenant and name; everything
    /// else by tenant and name. What the files do not name stays. Everything is checked before anything is written; running nodes
    /// have it within a second.
    ///
    /// Credentials belong into secrets: write {{ secret.NAME }}.
    Apply(apply::Options),
    /// Seal every secret with a new master key while everything goes on
    ///
    /// With the key in the data folder a new one is made there. With EVENT_ACTIONS_MASTER_KEY (always on PostgreSQL): 1. make
    /// a key with `openssl rand -base64 32`; 2. set the variable on every node to the new key, a comma and the old one, and
    /// restart them one after the other; 3. run this with the same value; 4. set the variable to the new key alone. Safe to kill
    /// at any step and to run again.
    RotateKey,
    /// Print the OpenAPI description of the REST interface as JSON
    Openapi,
}

/// Reads the command line, does what it says, and tells how it ended.
pub(crate) fn run(server: Server) -> ExitCode {
    let matches = grammar().get_matches();
    let command = match matches.subcommand() {
        None => Command::Serve,
        Some(_) => Command::from_arg_matches(&matches).unwrap_or_else(|e| e.exit()),
    };
    if matches!(command, Command::Openapi) {
        return ended(openapi());
    }
    // Flags may stand before or behind the subcommand.
    let config = match load(matches.subcommand().map_or(&matches, |(_, inner)| inner)) {
        Ok(config) => config,
        Err(faults) => return misconfigured(&faults),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(e) => return ended(Err(e)),
    };
    server::use_ring();
    runtime.block_on(async {
        match command {
            Command::Serve => ended(serve(server, config).await),
            Command::Migrate => ended(server::migrate(&config).await),
            Command::Check { print } => check(server, &config, print).await,
            Command::CreateAdmin(options) => ended(create_admin::run(server, config, options).await),
            Command::SendEvent(options) => ended(send_event::run(&config, options).await),
            Command::VerifyAudit => ended(verify_audit::run(&config).await),
            Command::Demo(options) => ended(demo::run(server, config, options).await),
            Command::Backup(options) => ended(backup::run(&config, &options).await),
            Command::Restore(options) => ended(restore::run(&config, options).await),
            Command::Resume => ended(restore::resume(server, config).await),
            Command::Export(options) => ended(export::run(server, config, options).await),
            Command::Apply(options) => ended(apply::run(server, config, options).await),
            Command::RotateKey => ended(rotate_key::run(server, config).await),
            Command::Openapi => ExitCode::SUCCESS,
        }
    })
}

/// One line to standard output; whoever closed it does not want it.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

fn complain(line: impl std::fmt::Display) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            complain(format!("error: {e:#}"));
            ExitCode::FAILURE
        }
    }
}

fn misconfigured(faults: &[ConfigFault]) -> ExitCode {
    faults.iter().for_each(complain);
    ExitCode::from(2)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // Pages are deep trees of components; unoptimised builds need more than the usual stack for them. Only what is touched counts.
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("event-actions").thread_stack_size(8 << 20).build().context("the runtime cannot start")
}

fn grammar() -> clap::Command {
    let mut command = clap::Command::new("event-actions").version(env!("CARGO_PKG_VERSION"));
    command = command.arg(
        Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .global(true)
            .help("The configuration file [default: event-actions.toml, when it is there]"),
    );
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { String::new() } else { format!(" [default: {}]", setting.default) };
        let flag: &'static str = setting.name.replace('_', "-").leak();
        let help = format!("{} [env: {}]{default}", setting.help, setting.env);
        command = command.arg(Arg::new(setting.name).long(flag).value_name(setting.value).global(true).help_heading("Settings").help(help));
    }
    // The enum's own words are for readers of the code.
    Command::augment_subcommands(command).about(ABOUT).long_about(None).after_help(AFTER_HELP)
}

fn load(matches: &ArgMatches) -> Result<Config, Vec<ConfigFault>> {
    let flags: BTreeMap<&'static str, String> = SETTINGS.iter().filter_map(|s| matches.get_one::<String>(s.name).map(|value| (s.name, value.clone()))).collect();
    let named = matches.get_one::<String>("config").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| FILE.into());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(e) if named.is_none() && e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(vec![ConfigFault::new("config", format!("cannot read {}: {e}", path.display()))]),
    };
    Config::load(flags, |name| std::env::var(name).ok(), text.as_deref())
}

async fn serve(server: Server, config: Config) -> anyhow::Result<()> {
    let log = telemetry::init(&config)?;
    let ended = server.serve(config).await;
    if let Err(e) = &ended {
        tracing::error!(error = format!("{e:#}"), "the service ends");
    }
    drop(log);
    ended
}

async fn check(server: Server, config: &Config, print: bool) -> ExitCode {
    if print {
        let width = SETTINGS.iter().map(|s| s.name.len()).max().unwrap_or(0);
        for s in config.shown() {
            let value = if s.value.is_empty() { "-" } else { &s.value };
            say(format!("{:width$}  {value}  ({})", s.name, s.origin));
        }
    }
    say("configuration: ok");
    let mut all_well = true;
    for (what, result) in server.check(config).await {
        match result {
            Ok(text) => say(format!("{what}: {text}")),
            Err(text) => {
                all_well = false;
                say(format!("{what}: FAILED: {text}"));
            }
        }
    }
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn openapi() -> anyhow::Result<()> {
    say(server::openapi()?);
    Ok(())
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read_input(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin()).context("cannot read standard input")
    } else {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound_and_flags_stand_anywhere() {
        grammar().debug_assert();
        for line in [["event-actions", "--workers=3", "check", "--print"], ["event-actions", "check", "--print", "--workers=3"]] {
            let matches = grammar().try_get_matches_from(line).expect("parses");
            let (_, inner) = matches.subcommand().expect("check");
            assert_eq!(inner.get_one::<String>("workers").map(String::as_str), Some("3"), "{line:?}");
        }
        assert!(grammar().try_get_matches_from(["event-actions", "--wrokers=3"]).is_err());
    }

    #[test]
    fn every_setting_and_subcommand_is_in_the_help() {
        let help = grammar().render_long_help().to_string();
        for setting in SETTINGS {
            assert!(help.contains(setting.env), "{}", setting.env);
        }
        for name in ["serve", "migrate", "check", "create-admin", "send-event", "demo", "backup", "restore", "resume", "export", "apply", "rotate-key", "openapi"] {
            assert!(help.contains(name), "{name}");
        }
    }
}
