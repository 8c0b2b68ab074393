//! Configuration: one struct, every field with its unit and limit, and the fixed limits of the system.
//!
//! A setting comes from a flag, else the environment, else `event-actions.toml`, else its default; see [`SETTINGS`].

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

mod load;
mod parse;
mod settings;
#[cfg(test)]
mod tests;

pub use load::{ConfigFault, Origin, Shown};
pub use secrecy::ExposeSecret;
pub use settings::{SETTINGS, Setting};

/// Seconds for which a claim of an execution lasts unless its worker renews it.
pub const LEASE_SECONDS: u64 = 25;
/// Seconds before the end of its lease at which a worker that could not renew it stops, by its own monotonic clock.
pub const LEASE_MARGIN_SECONDS: u64 = 5;
/// Seconds between two renewals of the leases that a node holds.
pub const HEARTBEAT_SECONDS: u64 = 8;
/// Seconds between two searches for work whose lease ran out.
pub const SWEEP_SECONDS: u64 = 5;
/// How often work may lose its lease without a result before it counts as poison and becomes a dead letter.
pub const MAX_LOST_LEASES: u32 = 3;
/// Hours for which an idempotency key is remembered.
pub const IDEMPOTENCY_HOURS: u32 = 24;
/// Days for which a deleted action can be restored.
pub const RESTORE_DAYS: u32 = 30;
/// Seconds for which an unreachable database is tried again at start.
pub const DATABASE_START_SECONDS: u64 = 30;
/// Bytes of a refused request body that are read and dropped, so that the refusal reaches the sender.
pub const MAX_DRAINED_BYTES: usize = 8 << 20;
/// Bytes of an HTTP/1 request head, and of one HTTP/2 header list.
pub const MAX_HEADER_BYTES: usize = 64 << 10;
/// Requests at a time on one HTTP/2 connection.
pub const MAX_HTTP2_STREAMS: u32 = 256;
/// Least characters of the bootstrap API key.
pub const MIN_BOOTSTRAP_KEY_CHARS: usize = 32;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// One line of text per event.
    Text,
    /// One JSON object per line.
    Json,
}

/// When the log file is put aside for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRotation {
    /// Never: something else takes care of it, or nobody.
    Never,
    /// With the first line of a day, by UTC.
    Daily,
    /// Before the line that would make it larger than so many bytes.
    Bytes(u64),
}

/// Every setting of the process, checked. Secrets never show in its `Debug` form.
#[derive(Clone)]
pub struct Config {
    /// The address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Where browsers reach the console: `http` or `https`, without a path or a slash at the end.
    pub public_url: String,
    /// The folder of the embedded database, the master key and other local files; made at start.
    pub data_dir: PathBuf,
    /// `postgres://...` or `sqlite://PATH`; none means SQLite in the data folder. May hold a password: never log it.
    pub database_url: Option<String>,
    /// Connections to PostgreSQL per node, 2 to 200.
    pub database_connections: u32,
    /// 32 bytes in base64 that encrypt secrets, or while keys are exchanged the new ones, a comma and the old ones; none means
    /// those in the data folder. Always set with PostgreSQL.
    pub master_key: Option<SecretString>,
    /// The first administrator, made at start when there is none.
    pub admin_email: Option<String>,
    /// The first administrator's password, 12 to 200 characters; set together with `admin_email`.
    pub admin_password: Option<SecretString>,
    /// A platform key for automation, at least 32 characters.
    pub bootstrap_api_key: Option<SecretString>,
    /// CIDRs, addresses and host names that outbound requests may reach although they are private; at most 1,000.
    pub allow_targets: Vec<String>,
    /// The mail server in lettre's forms; none puts mails into the outbox.
    pub smtp_url: Option<SecretString>,
    /// Executions at a time on this node, 1 to 10,000.
    pub workers: usize,
    /// JavaScript functions at a time on this node, 1 to 256.
    pub js_workers: usize,
    /// Requests at a time from this node to one destination host, 1 to 10,000.
    pub per_host_concurrency: usize,
    /// Executions that may wait in the queue before events are refused with 503, 1,000 to 100,000,000.
    pub queue_max_depth: u64,
    /// Seconds within which all sync actions of one request answer, 1 to 900.
    pub sync_deadline_seconds: u64,
    /// Seconds for which running work may finish after SIGTERM, 0 to 3,600.
    pub drain_seconds: u64,
    /// Connections at a time to this process, 16 to 1,000,000.
    pub max_connections: usize,
    /// Seconds a client has to send a request head, then each further KiB of its body, and a connection may idle between two
    /// requests, 1 to 600.
    pub header_timeout_seconds: u64,
    /// Days for which events and executions are kept, 1 to 3,650.
    pub retention_days: u32,
    /// Days for which statistics are kept, 1 to 3,650.
    pub stats_retention_days: u32,
    /// The log filter: a level, or directives such as `info,event_actions::engine=debug`.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// The file that takes the log instead of standard error.
    pub log_file: Option<PathBuf>,
    /// When the log file is put aside.
    pub log_rotation: LogRotation,
    /// How many log files that were put aside are kept, 0 to 1,000.
    pub log_keep: u32,
    /// The OpenTelemetry collector, `http` or `https`; `/v1/traces` is added to its path. None sends no traces.
    pub otlp_endpoint: Option<String>,
    shown: Vec<Shown>,
}

impl Config {
    /// Settings for a test: a free port on 127.0.0.1, SQLite in `data_dir`, loopback allowed as a target. Fields may be changed afterwards.
    ///
    /// # Panics
    /// When `data_dir` is no UTF-8.
    #[must_use]
    pub fn for_tests(data_dir: &Path) -> Self {
        let folder = data_dir.to_string_lossy();
        let flags = [("bind", "127.0.0.1:0"), ("data_dir", &*folder), ("allow_targets", "127.0.0.0/8,::1/128"), ("drain_seconds", "5")];
        let flags = flags.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        match Self::load(flags, |_| None, None) {
            Ok(config) => config,
            Err(faults) => panic!("the settings for tests are faulty: {faults:?}"),
        }
    }

    /// Whether the database is a PostgreSQL server, which several nodes may share.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.database_url.as_deref().is_some_and(parse::is_postgres)
    }

    /// The database in force: the one set, else SQLite in the data folder. May hold a password: never log it.
    #[must_use]
    pub fn effective_database_url(&self) -> String {
        // The path stands in a URL: what would end it there is escaped.
        let file = || self.data_dir.join("event-actions.db").display().to_string().replace('%', "%25").replace('?', "%3F");
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}", file()))
    }

    /// Whether browsers reach the console over TLS, so that cookies can be `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Where people open the console: the public URL when one was set, else this machine at the port really taken.
    #[must_use]
    pub fn console_url(&self, listening: SocketAddr) -> String {
        if self.shown.iter().any(|s| s.name == "public_url" && s.origin != Origin::Default) {
            return self.public_url.clone();
        }
        let ip = listening.ip();
        if ip.is_loopback() || ip.is_unspecified() { format!("http://localhost:{}", listening.port()) } else { format!("http://{listening}") }
    }

    /// Every setting as loaded, secrets hidden, with where it came from.
    #[must_use]
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.shown.iter().map(|s| (s.name, &s.value))).finish()
    }
}
