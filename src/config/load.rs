//! Gathers every setting from its four sources and reports all faults at once.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use super::parse::{self, Parsed};
use super::{Config, SETTINGS, Setting};

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// An environment variable.
    Environment,
    /// `event-actions.toml`.
    File,
    /// Nothing was set.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "event-actions.toml",
            Self::Default => "default",
        })
    }
}

/// A setting in force, fit to be shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its name.
    pub name: &'static str,
    /// Its value; secrets are hidden, an absent value is empty.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// What is wrong with one setting; one line when displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The setting's name.
    pub setting: String,
    /// What is wrong, and what is expected.
    pub message: String,
}

impl ConfigFault {
    /// A fault of the setting with this name.
    pub fn new(setting: impl Into<String>, message: impl Into<String>) -> Self {
        Self { setting: setting.into(), message: message.into() }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SETTINGS.iter().find(|s| s.name == self.setting) {
            Some(s) => write!(f, "{} ({}): {}", s.name, s.env, one_line(&self.message)),
            None => write!(f, "{}: {}", one_line(&self.setting), one_line(&self.message)),
        }
    }
}

/// Keeps a message on one line whatever the configuration held.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim_end().to_owned()
}

/// The texts of all settings by name, and the faults met so far.
struct Loader {
    texts: BTreeMap<&'static str, (String, Origin)>,
    faults: Vec<ConfigFault>,
}

impl Loader {
    fn gather(flags: &BTreeMap<&'static str, String>, env: impl Fn(&str) -> Option<String>, file: &toml::Table) -> Self {
        let mut loader = Self { texts: BTreeMap::new(), faults: Vec::new() };
        for name in file.keys().filter(|name| !SETTINGS.iter().any(|s| s.name == *name)) {
            loader.faults.push(ConfigFault::new(name, "event-actions.toml holds no setting of this name"));
        }
        for setting in SETTINGS {
            if let Some(found) = loader.text_of(setting, flags, &env, file) {
                loader.texts.insert(setting.name, found);
            }
        }
        loader
    }

    fn text_of(&mut self, setting: &Setting, flags: &BTreeMap<&'static str, String>, env: &impl Fn(&str) -> Option<String>, file: &toml::Table) -> Option<(String, Origin)> {
        if let Some(text) = flags.get(setting.name) {
            return Some((text.trim().to_owned(), Origin::Flag)).filter(|(text, _)| !text.is_empty());
        }
        if let Some(text) = env(setting.env).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
            return Some((text, Origin::Environment));
        }
        if let Some(value) = file.get(setting.name) {
            match toml_text(value) {
                Some(text) if text.is_empty() => {}
                Some(text) => return Some((text, Origin::File)),
                None => self.faults.push(ConfigFault::new(setting.name, "event-actions.toml must give a text, a number or a list of texts")),
            }
        }
        Some((setting.default.to_owned(), Origin::Default)).filter(|(text, _)| !text.is_empty())
    }

    /// The value of a setting that may be absent.
    fn maybe<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Parsed<T>) -> Option<T> {
        let (text, origin) = self.texts.get(name)?;
        match read(text) {
            Ok(value) => Some(value),
            Err(message) => {
                let secret = SETTINGS.iter().any(|s| s.name == name && s.secret);
                // Somebody may have put a password or a key into a URL.
                let secret = secret || text.contains("://") && text.contains(['@', '?']);
                let found = if secret { String::new() } else { format!(", not {text:?}") };
                self.faults.push(ConfigFault::new(name, format!("{message}{found} (from {origin})")));
                None
            }
        }
    }

    /// The value of a setting; `fallback` stands in until the faults are reported.
    fn get<T>(&mut self, name: &'static str, fallback: T, read: impl Fn(&str) -> Parsed<T>) -> T {
        if !self.texts.contains_key(name) {
            self.faults.push(ConfigFault::new(name, "cannot be empty"));
        }
        self.maybe(name, read).unwrap_or(fallback)
    }

    fn shown(&self) -> Vec<Shown> {
        let show = |s: &Setting| match self.texts.get(s.name) {
            Some((text, origin)) => Shown { name: s.name, value: if s.secret { hidden(text) } else { text.clone() }, origin: *origin },
            None => Shown { name: s.name, value: String::new(), origin: Origin::Default },
        };
        SETTINGS.iter().map(show).collect()
    }

    /// Faults of settings that do not fit each other.
    fn check_together(&mut self, config: &Config) {
        if config.is_postgres() && config.master_key.is_none() && !self.faults.iter().any(|f| f.setting == "master_key") {
            self.faults.push(ConfigFault::new("master_key", "must be set with PostgreSQL, the same on every node; `openssl rand -base64 32` makes one"));
        }
        for (one, other) in [("admin_email", "admin_password"), ("admin_password", "admin_email")] {
            if self.texts.contains_key(one) && !self.texts.contains_key(other) {
                self.faults.push(ConfigFault::new(other, format!("must be set together with {one}")));
            }
        }
    }
}

/// A secret as shown: of a URL its scheme, host and path.
fn hidden(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() && matches!(url.scheme(), "postgres" | "postgresql" | "smtp" | "smtps") => {
            let port = url.port().map_or_else(String::new, |p| format!(":{p}"));
            let credentials = if url.password().is_some() || !url.username().is_empty() { "***@" } else { "" };
            format!("{}://{credentials}{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        _ if text.starts_with("sqlite:") => text.to_owned(),
        _ => "***".to_owned(),
    }
}

/// A value of the file as if it stood in the environment.
fn toml_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.trim().to_owned()),
        toml::Value::Integer(n) => Some(n.to_string()),
        toml::Value::Array(items) => items.iter().map(toml::Value::as_str).collect::<Option<Vec<_>>>().map(|texts| texts.join(",")),
        _ => None,
    }
}

impl Config {
    /// Loads every setting: flag (by name), else `env`, else `toml_text`, else default. An empty text means unset. Pure.
    ///
    /// # Errors
    /// Every fault found, in the order of [`SETTINGS`].
    pub fn load(flags: BTreeMap<&'static str, String>, env: impl Fn(&str) -> Option<String>, toml_text: Option<&str>) -> Result<Self, Vec<ConfigFault>> {
        let (file, unreadable) = match toml_text.map(str::parse::<toml::Table>) {
            None => (toml::Table::new(), None),
            Some(Ok(table)) => (table, None),
            Some(Err(e)) => (toml::Table::new(), Some(ConfigFault::new("event-actions.toml", e.to_string()))),
        };
        let mut l = Loader::gather(&flags, env, &file);
        l.faults.extend(unreadable);
        let mut config = l.build();
        config.show_made_up();
        l.check_together(&config);
        if l.faults.is_empty() {
            return Ok(config);
        }
        let place = |f: &ConfigFault| SETTINGS.iter().position(|s| s.name == f.setting).unwrap_or(SETTINGS.len());
        l.faults.sort_by_key(place);
        Err(l.faults)
    }
}

impl Config {
    /// Shows those defaults that depend on the machine and on other settings.
    fn show_made_up(&mut self) {
        let made_up = [("database_url", self.effective_database_url()), ("js_workers", self.js_workers.to_string())];
        for (name, value) in made_up {
            if let Some(shown) = self.shown.iter_mut().find(|s| s.name == name && s.origin == Origin::Default) {
                shown.value = value;
            }
        }
    }
}

impl Loader {
    fn build(&mut self) -> Config {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Config {
            bind: self.get("bind", ([127, 0, 0, 1], 3000).into(), parse::address),
            public_url: self.get("public_url", String::new(), parse::public_url),
            data_dir: self.get("data_dir", "data".into(), parse::path),
            database_url: self.maybe("database_url", parse::database_url),
            database_connections: self.get("database_connections", 10, |t| parse::whole(t, 2, 200)),
            master_key: self.maybe("master_key", parse::master_key),
            admin_email: self.maybe("admin_email", parse::email),
            admin_password: self.maybe("admin_password", parse::password),
            bootstrap_api_key: self.maybe("bootstrap_api_key", parse::bootstrap_key),
            allow_targets: self.maybe("allow_targets", parse::targets).unwrap_or_default(),
            smtp_url: self.maybe("smtp_url", parse::smtp_url),
            workers: self.get("workers", 256, |t| parse::whole(t, 1, 10_000)),
            js_workers: self.maybe("js_workers", |t| parse::whole(t, 1, 256)).unwrap_or_else(|| cores.min(256)),
            per_host_concurrency: self.get("per_host_concurrency", 64, |t| parse::whole(t, 1, 10_000)),
            queue_max_depth: self.get("queue_max_depth", 1_000_000, |t| parse::whole(t, 1000, 100_000_000)),
            sync_deadline_seconds: self.get("sync_deadline_seconds", 60, |t| parse::whole(t, 1, 900)),
            drain_seconds: self.get("drain_seconds", 30, |t| parse::whole(t, 0, 3600)),
            max_connections: self.get("max_connections", 10_000, |t| parse::whole(t, 16, 1_000_000)),
            header_timeout_seconds: self.get("header_timeout_seconds", 30, |t| parse::whole(t, 1, 600)),
            retention_days: self.get("retention_days", 30, |t| parse::whole(t, 1, 3650)),
            stats_retention_days: self.get("stats_retention_days", 400, |t| parse::whole(t, 1, 3650)),
            log: self.get("log", "info".to_owned(), parse::log_filter),
            log_format: self.get("log_format", super::LogFormat::Auto, parse::log_format),
            log_file: self.maybe("log_file", parse::path),
            log_rotation: self.get("log_rotation", super::LogRotation::Bytes(100 << 20), parse::log_rotation),
            log_keep: self.get("log_keep", 7, |t| parse::whole(t, 0, 1000)),
            otlp_endpoint: self.maybe("otlp_endpoint", parse::endpoint),
            shown: self.shown(),
        }
    }
}
