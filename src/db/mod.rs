//! Storage: one SQL text for SQLite and PostgreSQL, an enum of two pools, and the few forks where the engines truly differ.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Postgres, Sqlite, Transaction};

pub mod actions;
pub mod alert_rules;
pub mod alerts;
pub mod api_keys;
pub mod attempts;
pub mod audit;
pub mod backup;
pub mod bulk;
pub mod claims;
pub mod dead_letters;
pub mod events;
pub mod executions;
pub mod history;
pub mod ingest;
pub mod invitations;
pub mod leases;
pub mod library;
pub mod nodes;
pub mod outbox;
pub mod purge;
pub mod query;
pub mod rollup;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod stats;
pub mod steps;
pub mod tenants;
pub mod throttle;
pub mod users;
pub mod vitals;
pub mod writer;

/// The least SQLite that is safe with several connections in WAL mode (a WAL-reset bug corrupts older ones).
pub const MIN_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// The oldest binary that can use the schema this binary writes.
pub const OLDEST_BINARY: &str = "0.1.0";

/// A statement whose text differs between the two engines in a few words; made by [`sql!`].
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

/// Writes a [`Sql`] once: `NOW` is the database's clock in Unix milliseconds, `ROWS` the rows of the JSON array bound as
/// `$1` under the name `r(value)`, `LIST_n` the texts of the JSON array bound as `$n`, `SKIP_LOCKED` the row lock of a claim,
/// `ROW_LOCK` one that waits (SQLite's transactions are alone anyway).
#[macro_export]
macro_rules! sql {
    (@sqlite NOW) => { "cast(unixepoch('subsec') * 1000 as integer)" };
    (@sqlite ROWS) => { "json_each($1) as r" };
    (@sqlite LIST_3) => { "value from json_each($3)" };
    (@sqlite LIST_4) => { "value from json_each($4)" };
    (@sqlite SKIP_LOCKED) => { "" };
    (@sqlite ROW_LOCK) => { "" };
    (@sqlite $text:literal) => { $text };
    (@postgres NOW) => { "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)" };
    (@postgres ROWS) => { "json_array_elements($1::json) as r(value)" };
    (@postgres LIST_3) => { "json_array_elements_text($3::json)" };
    (@postgres LIST_4) => { "json_array_elements_text($4::json)" };
    (@postgres SKIP_LOCKED) => { "for update skip locked" };
    (@postgres ROW_LOCK) => { "for update" };
    (@postgres $text:literal) => { $text };
    ($($part:tt),+ $(,)?) => {
        $crate::db::Sql { sqlite: concat!($($crate::sql!(@sqlite $part), " "),+), postgres: concat!($($crate::sql!(@postgres $part), " "),+) }
    };
}

/// Runs one expression against whichever pool is there: `on_db!(db, pool => sqlx::query(SQL).execute(pool).await)`.
/// Reads go to SQLite's readers; writes use [`Db::begin`].
#[macro_export]
macro_rules! on_db {
    ($db:expr, $pool:ident => $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read: $pool, .. } => $body,
            $crate::db::Db::Postgres($pool) => $body,
        }
    };
}

/// Runs one expression inside a transaction: `on_tx!(tx, conn => sqlx::query(SQL).execute(&mut *conn).await)`.
#[macro_export]
macro_rules! on_tx {
    ($tx:expr, $conn:ident => $body:expr) => {
        match $tx {
            $crate::db::Tx::Sqlite(transaction) => {
                let $conn = &mut **transaction;
                $body
            }
            $crate::db::Tx::Postgres(transaction) => {
                let $conn = &mut **transaction;
                $body
            }
        }
    };
}

/// The database of this process.
#[derive(Clone, Debug)]
pub enum Db {
    /// Embedded: many readers, one writer.
    Sqlite {
        /// Readers.
        read: SqlitePool,
        /// The one write connection.
        write: SqlitePool,
    },
    /// A server, shared by several nodes.
    Postgres(PgPool),
}

/// A write transaction.
#[derive(Debug)]
pub enum Tx {
    /// `BEGIN IMMEDIATE` on the one write connection.
    Sqlite(Transaction<'static, Sqlite>),
    /// An ordinary transaction.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// The statement text for this engine.
    #[must_use]
    pub const fn pick(&self, sql: &Sql) -> &'static str {
        match self {
            Self::Sqlite(_) => sql.sqlite,
            Self::Postgres(_) => sql.postgres,
        }
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// The database's; after a broken connection the result is unknown.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(t) => t.commit().await,
            Self::Postgres(t) => t.commit().await,
        }
    }
}

impl Db {
    /// Opens the database at `url` (`sqlite://PATH` or `postgres://...`) and checks that it keeps what it acknowledges.
    ///
    /// # Errors
    /// When it cannot be reached, or is configured to lose acknowledged work.
    pub async fn connect(url: &str, connections: u32) -> anyhow::Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") { Self::connect_postgres(url, connections).await } else { Self::connect_sqlite(url).await }
    }

    async fn connect_sqlite(url: &str) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .with_context(|| "DATABASE_URL is neither sqlite://PATH nor postgres://...")?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true)
            .statement_cache_capacity(256)
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-32000")
            .pragma("journal_size_limit", "67108864");
        if let Some(parent) = options.get_filename().parent()
            && parent != Path::new("")
        {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
        }
        let write = SqlitePoolOptions::new().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None).connect_with(options.clone()).await?;
        let read = SqlitePoolOptions::new().max_connections(8).min_connections(1).idle_timeout(None).max_lifetime(None).connect_with(options).await?;
        let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(&write).await?;
        let numbers: Vec<u32> = version.split('.').filter_map(|n| n.parse().ok()).collect();
        if (numbers.first().copied().unwrap_or(0), numbers.get(1).copied().unwrap_or(0), numbers.get(2).copied().unwrap_or(0)) < MIN_SQLITE {
            bail!("SQLite {version} is too old; 3.51.3 or newer is needed");
        }
        Ok(Self::Sqlite { read, write })
    }

    async fn connect_postgres(url: &str, connections: u32) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).with_context(|| "DATABASE_URL cannot be read")?.application_name("event-actions");
        let pool = PgPoolOptions::new().max_connections(connections).min_connections(1).acquire_timeout(Duration::from_secs(5)).connect_with(options).await?;
        for (setting, why) in [
            ("fsync", "would lose acknowledged work in a power loss"),
            ("synchronous_commit", "would lose acknowledged work in a crash"),
            ("full_page_writes", "can corrupt the database in a power loss"),
        ] {
            let value: String = sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&pool).await?;
            if value == "off" {
                bail!("PostgreSQL runs with {setting} = {value}, which {why}; set it to on");
            }
        }
        Ok(Self::Postgres(pool))
    }

    /// Brings the schema up to this binary's, under one lock; safe to kill at any step.
    ///
    /// # Errors
    /// When a migration fails, or the schema needs a newer binary.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let mut migrator = sqlx::migrate!("./migrations");
        // An older binary keeps working beside a newer one: migrations it does not know are no fault; the recorded oldest binary decides.
        migrator.set_ignore_missing(true);
        match self {
            Self::Sqlite { write, .. } => migrator.run(write).await?,
            Self::Postgres(pool) => migrator.run(pool).await?,
        }
        let oldest = settings::get(self, settings::OLDEST_BINARY_KEY).await?;
        let number = |v: &str| v.split('.').map(|n| n.parse().unwrap_or(0)).collect::<Vec<u32>>();
        match oldest {
            Some(needed) if number(&needed) > number(env!("CARGO_PKG_VERSION")) => {
                bail!("the database needs event-actions {needed} or newer; this is {}", env!("CARGO_PKG_VERSION"))
            }
            Some(_) => Ok(()),
            None => Ok(settings::put(self, settings::OLDEST_BINARY_KEY, OLDEST_BINARY).await?),
        }
    }

    /// A write transaction. On SQLite it waits for the one write connection.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// The statement text for this engine.
    #[must_use]
    pub const fn pick(&self, sql: &Sql) -> &'static str {
        match self {
            Self::Sqlite { .. } => sql.sqlite,
            Self::Postgres(_) => sql.postgres,
        }
    }

    /// Whether several nodes may share it.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// The database's clock in Unix milliseconds; it alone judges leases.
    ///
    /// # Errors
    /// The database's.
    pub async fn now_ms(&self) -> sqlx::Result<i64> {
        const NOW_MS: Sql = sql!("select", NOW);
        on_db!(self, pool => sqlx::query_scalar(self.pick(&NOW_MS)).fetch_one(pool).await)
    }

    /// The share of the connections to a server that are in use, in percent; none where the database is embedded.
    #[must_use]
    pub fn connections_percent(&self) -> Option<f64> {
        match self {
            Self::Sqlite { .. } => None,
            Self::Postgres(pool) => {
                let used = (pool.size() as usize).saturating_sub(pool.num_idle());
                Some(used as f64 * 100.0 / f64::from(pool.options().get_max_connections().max(1)))
            }
        }
    }

    /// Ends all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
