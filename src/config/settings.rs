//! The table of settings: it drives loading, `--help` and `check --print`.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name in `event-actions.toml` and in faults; with `-` for `_` the flag.
    pub name: &'static str,
    /// The environment variable.
    pub env: &'static str,
    /// What kind of value it takes, for `--help`.
    pub value: &'static str,
    /// One or two sentences for `--help`, with unit and limit.
    pub help: &'static str,
    /// The default as it would be written; empty means none.
    pub default: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
}

const fn open(name: &'static str, env: &'static str, value: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { name, env, value, help, default, secret: false }
}

const fn secret(name: &'static str, env: &'static str, value: &'static str, help: &'static str) -> Setting {
    Setting { name, env, value, help, default: "", secret: true }
}

/// Every setting there is, in the order in which people meet them.
pub const SETTINGS: &[Setting] = &[
    open("bind", "EVENT_ACTIONS_BIND", "ADDRESS:PORT", "127.0.0.1:3000", "The address to listen on; port 0 takes a free one"),
    open("public_url", "EVENT_ACTIONS_PUBLIC_URL", "URL", "http://localhost:3000", "Where browsers reach the console; https makes its cookies Secure"),
    open("data_dir", "EVENT_ACTIONS_DATA_DIR", "FOLDER", "./data", "The folder of the embedded database and the master key; made at start"),
    secret("database_url", "EVENT_ACTIONS_DATABASE_URL", "URL", "postgres://... for several nodes, or sqlite://PATH; without it SQLite in the data folder"),
    open("database_connections", "EVENT_ACTIONS_DATABASE_CONNECTIONS", "NUMBER", "10", "Connections to PostgreSQL per node, 2 to 200"),
    secret(
        "master_key",
        "EVENT_ACTIONS_MASTER_KEY",
        "BASE64",
        "32 bytes in base64 that encrypt secrets; to change them, the new key, a comma and the old one. Made in the data folder at first start; with PostgreSQL it must be set",
    ),
    open("admin_email", "EVENT_ACTIONS_ADMIN_EMAIL", "EMAIL", "", "The first administrator, made at start when there is none; without it a line with a set-up link is printed"),
    secret("admin_password", "EVENT_ACTIONS_ADMIN_PASSWORD", "PASSWORD", "The first administrator's password, 12 to 200 characters"),
    secret("bootstrap_api_key", "EVENT_ACTIONS_BOOTSTRAP_API_KEY", "KEY", "A platform key for automation: any string of at least 32 characters, stored hashed"),
    open(
        "allow_targets",
        "EVENT_ACTIONS_ALLOW_TARGETS",
        "LIST",
        "",
        "CIDRs, addresses and host names that actions may reach although they are private, comma-separated, such as 127.0.0.0/8",
    ),
    secret(
        "smtp_url",
        "EVENT_ACTIONS_SMTP_URL",
        "URL",
        "The mail server: smtp://host (plain), smtp://user:pass@host?tls=required (STARTTLS), smtps://user:pass@host (TLS). Without it mails go to the outbox",
    ),
    open("workers", "EVENT_ACTIONS_WORKERS", "NUMBER", "256", "Executions at a time on this node, 1 to 10000"),
    open("js_workers", "EVENT_ACTIONS_JS_WORKERS", "NUMBER", "", "JavaScript functions at a time on this node, 1 to 256; without it one per core"),
    open("per_host_concurrency", "EVENT_ACTIONS_PER_HOST_CONCURRENCY", "NUMBER", "64", "Requests at a time from this node to one destination host, 1 to 10000"),
    open("queue_max_depth", "EVENT_ACTIONS_QUEUE_MAX_DEPTH", "NUMBER", "1000000", "Executions that may wait before events are refused with 503, 1000 to 100000000"),
    open(
        "sync_deadline_seconds",
        "EVENT_ACTIONS_SYNC_DEADLINE_SECONDS",
        "SECONDS",
        "60",
        "Time within which all sync actions of one request answer, 1 to 900; the rest goes on in the background",
    ),
    open("drain_seconds", "EVENT_ACTIONS_DRAIN_SECONDS", "SECONDS", "30", "Time that running work has to finish after SIGTERM, 0 to 3600"),
    open(
        "max_connections",
        "EVENT_ACTIONS_MAX_CONNECTIONS",
        "NUMBER",
        "10000",
        "Connections at a time to this process, 16 to 1000000; at most what the limit on open files leaves room for",
    ),
    open(
        "header_timeout_seconds",
        "EVENT_ACTIONS_HEADER_TIMEOUT_SECONDS",
        "SECONDS",
        "30",
        "Time a client has to send a request head, and then the next part of its body; and a connection may idle between two requests; 1 to 600",
    ),
    open("retention_days", "EVENT_ACTIONS_RETENTION_DAYS", "DAYS", "30", "How long events and executions are kept, 1 to 3650"),
    open("stats_retention_days", "EVENT_ACTIONS_STATS_RETENTION_DAYS", "DAYS", "400", "How long statistics are kept, 1 to 3650"),
    open("log", "EVENT_ACTIONS_LOG", "FILTER", "info", "What is logged: error, warn, info, debug, trace, or directives such as info,event_actions::engine=debug"),
    open("log_format", "EVENT_ACTIONS_LOG_FORMAT", "FORMAT", "auto", "text, json, or auto: text on a terminal, JSON elsewhere"),
    open("log_file", "EVENT_ACTIONS_LOG_FILE", "FILE", "", "The file that takes the log instead of standard error"),
    open("log_rotation", "EVENT_ACTIONS_LOG_ROTATION", "WHEN", "100MB", "When the log file is put aside as FILE.1 and a new one begun: a size from 1MB to 100GB, daily, or never"),
    open("log_keep", "EVENT_ACTIONS_LOG_KEEP", "NUMBER", "7", "Log files put aside that are kept, 0 to 1000"),
    open(
        "otlp_endpoint",
        "EVENT_ACTIONS_OTLP_ENDPOINT",
        "URL",
        "",
        "The OpenTelemetry collector that takes traces (OTLP over HTTP, protobuf), such as http://localhost:4318; credentials go into OTEL_EXPORTER_OTLP_HEADERS",
    ),
];
