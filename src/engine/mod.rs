//! The engine: every operation of the product is one method here, whose first argument is the caller.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};
use uuid::Uuid;

use crate::config::Config;
use crate::db::Db;
use crate::db::writer::{WriteError, Writer};
use crate::handlers::Registry;
use crate::matching::index::Matcher;
use crate::model::ApiError;
use crate::model::stats::Live;

mod access;
mod actions;
mod alerts;
mod audit;
mod auto_disable;
mod backtest;
pub mod backup;
mod bulk;
mod caller;
mod checks;
mod cursor;
mod dead_letters;
mod demo;
mod dispatcher;
mod events;
mod executions;
mod executor;
mod failing;
mod feed;
mod functions;
mod health;
mod host;
mod keys;
mod library;
mod limits;
mod mailbox;
mod maintainer;
mod metrics;
mod monitor;
mod pause;
mod queue;
mod registry;
mod retry;
mod rollup;
mod running;
mod samples;
mod secrets;
mod sessions;
mod setup;
mod spans;
mod templates;
mod tenants;
mod testing;
pub mod transfer;
mod users;

pub use alerts::RuleChange;
pub use audit::verify as verify_audit;
pub use caller::{Actor, Caller};
pub use demo::Demo;
pub use events::LedTo;
pub use feed::Ring;
pub use pause::Pause;
pub use sessions::{SessionToken, SignedIn, Visitor};

/// The system. Cheap to clone; [`Engine::shutdown`] ends it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    config: Arc<Config>,
    handlers: Registry,
    /// Taken away at shutdown, so that the writer's tasks end.
    writer: ArcSwap<Option<Writer>>,
    writer_tasks: std::sync::Mutex<Vec<tokio::task::JoinHandle<()>>>,
    matcher: Matcher,
    /// This node's name in attempts.
    node: String,
    /// The claim token of this run of the process.
    token: String,
    /// The last change of the registry that this node has seen.
    revision: AtomicI64,
    tenants: ArcSwap<HashSet<String>>,
    library: ArcSwap<library::Library>,
    running: running::Running,
    limits: limits::Limits,
    metrics: metrics::Metrics,
    workers: Arc<Semaphore>,
    wake: Notify,
    queue_depth: AtomicI64,
    database_up: AtomicBool,
    /// Why nothing starts, while nothing does.
    pause: arc_swap::ArcSwapOption<pause::Pause>,
    /// What was loaded to show the product, while it is here.
    demo: arc_swap::ArcSwapOption<demo::Demo>,
    stopping: CancellationToken,
    loops: TaskTracker,
    jobs: TaskTracker,
    live: watch::Sender<Arc<Live>>,
    health: ArcSwap<health::Board>,
    monitor: monitor::Monitor,
    alerts: alerts::AlertsState,
    feed: feed::Feed,
    access: access::AccessState,
    secrets: secrets::SecretsState,
    /// The address the service itself listens on, once it does.
    address: OnceLock<std::net::SocketAddr>,
}

impl Engine {
    /// Starts the engine on a migrated database: loads the registry, then runs its loops until [`Engine::shutdown`].
    ///
    /// # Errors
    /// When the database cannot be read, or the master key does not fit it.
    pub async fn start(config: Config, db: Db, handlers: Registry) -> anyhow::Result<Self> {
        let engine = Self::made(config, db, handlers);
        engine.start_secrets().await.context("the master key")?;
        engine.start_access().await.context("keys and administrators")?;
        engine.reload_registry().await.context("the actions")?;
        engine.start_alerts().await.context("the alerts")?;
        engine.make_notify_actions().await;
        engine.start_monitor().await.context("the statistics")?;
        engine.spawn_loops();
        info!(node = engine.inner.node, actions = engine.inner.matcher.len(), "engine started");
        Ok(engine)
    }

    /// Opens the engine for one command, also beside a running service: it knows what is stored and can change it, but runs
    /// no work, no chores and no watch. End it with [`Engine::shutdown`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open(config: Config, db: Db, handlers: Registry) -> anyhow::Result<Self> {
        let engine = Self::made(config, db, handlers);
        engine.find_keyring();
        engine.reload_access().await.context("keys and secrets")?;
        engine.reload_registry().await.context("the actions")?;
        engine.inner.loops.close();
        Ok(engine)
    }

    fn made(config: Config, db: Db, handlers: Registry) -> Self {
        let (writer, tasks) = Writer::start(&db, if db.is_shared() { 3 } else { 1 });
        let token = Uuid::now_v7().to_string();
        let host = std::env::var("HOSTNAME").ok().filter(|h| !h.is_empty()).unwrap_or_else(|| "node".to_owned());
        Self {
            inner: Arc::new(Inner {
                node: format!("{host}-{}", &token[token.len() - 6..]),
                token,
                handlers,
                writer: ArcSwap::from_pointee(Some(writer)),
                writer_tasks: std::sync::Mutex::new(tasks),
                matcher: Matcher::new(),
                revision: AtomicI64::new(0),
                tenants: ArcSwap::default(),
                library: ArcSwap::default(),
                running: running::Running::default(),
                limits: limits::Limits::default(),
                metrics: metrics::Metrics::default(),
                workers: Arc::new(Semaphore::new(config.workers)),
                wake: Notify::new(),
                queue_depth: AtomicI64::new(0),
                database_up: AtomicBool::new(true),
                pause: arc_swap::ArcSwapOption::empty(),
                demo: arc_swap::ArcSwapOption::empty(),
                stopping: CancellationToken::new(),
                loops: TaskTracker::new(),
                jobs: TaskTracker::new(),
                live: watch::Sender::new(Arc::new(Live::default())),
                health: ArcSwap::default(),
                monitor: monitor::Monitor::default(),
                alerts: alerts::AlertsState::default(),
                feed: feed::Feed::default(),
                access: access::AccessState::default(),
                secrets: secrets::SecretsState::default(),
                address: OnceLock::new(),
                config: Arc::new(config),
                db,
            }),
        }
    }

    fn spawn_loops(&self) {
        let inner = &self.inner;
        inner.loops.spawn(self.clone().registry_loop());
        inner.loops.spawn(self.clone().queue_loop());
        inner.loops.spawn(self.clone().lease_loop());
        inner.loops.spawn(self.clone().maintenance_loop());
        inner.loops.spawn(self.clone().monitor_loop());
        inner.loops.spawn(self.clone().handlers_loop());
        inner.loops.spawn(self.clone().rollup_loop());
        inner.loops.spawn(self.clone().alerts_loop());
        inner.loops.spawn(self.clone().bulk_loop());
        inner.loops.spawn(self.clone().demo_loop());
        inner.loops.close();
    }

    /// Stops claiming, lets running work finish within the drain time, gives the rest back, ends the loops.
    pub async fn shutdown(&self) {
        let inner = &self.inner;
        inner.stopping.cancel();
        inner.jobs.close();
        let drain = std::time::Duration::from_secs(inner.config.drain_seconds);
        if tokio::time::timeout(drain, inner.jobs.wait()).await.is_err() {
            inner.running.stop_all(running::StopReason::Drain);
            let grace = std::time::Duration::from_secs(5);
            if tokio::time::timeout(grace, inner.jobs.wait()).await.is_err() {
                error!(left = inner.running.len(), "work did not stop in time; another node takes it over when its lease runs out");
            }
        }
        inner.loops.wait().await;
        inner.writer.store(Arc::new(None));
        let tasks = inner.writer_tasks.lock().map(|mut t| std::mem::take(&mut *t)).unwrap_or_default();
        for task in tasks {
            drop(task.await);
        }
        inner.db.close().await;
        info!("engine stopped");
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Tells the engine where the service listens, so that actions cannot call it back.
    pub fn set_address(&self, address: std::net::SocketAddr) {
        if self.inner.address.set(address).is_err() {
            info!(%address, "the address was told before");
        }
    }

    /// This node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.inner.node
    }

    /// The latest numbers for all viewers, renewed every second.
    #[must_use]
    pub fn live(&self) -> watch::Receiver<Arc<Live>> {
        self.inner.live.subscribe()
    }

    /// Fires when the engine begins to stop.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.inner.stopping.clone()
    }

    fn db(&self) -> &Db {
        &self.inner.db
    }

    fn access(&self) -> &access::AccessState {
        &self.inner.access
    }

    fn secrets_state(&self) -> &secrets::SecretsState {
        &self.inner.secrets
    }

    fn writer(&self) -> Result<Writer, ApiError> {
        Option::clone(&self.inner.writer.load()).ok_or_else(|| ApiError::unavailable("stopping", "This node is shutting down; try another or try again.", 2))
    }
}

/// Turns an unexpected error into what people are told, and logs it once. A database that is away is 503.
pub(crate) fn internal(e: impl Into<anyhow::Error>) -> ApiError {
    let e = e.into();
    let away = e
        .chain()
        .any(|cause| matches!(cause.downcast_ref::<sqlx::Error>(), Some(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed)));
    error!(error = format!("{e:#}"), "an operation failed");
    if away { ApiError::unavailable("database_unavailable", "The database cannot be reached; nothing was changed. Try again soon.", 5) } else { ApiError::internal() }
}

/// What a caller is told when a write did not happen.
fn not_written(e: &WriteError) -> ApiError {
    error!(error = e.0, "a write failed");
    ApiError::unavailable("database_unavailable", "The database cannot take it now; nothing was stored. Send it again soon.", 5)
}
