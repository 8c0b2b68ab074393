//! The service as it is shipped, without console: engine and REST on a SQLite of its own, which knows every row.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::serve::ListenerExt as _;
use event_actions::config::Config;
use event_actions::db::Db;
use event_actions::engine::{Caller, Engine};
use event_actions::handlers::{self, Call, Handler, HandlerError, Output, Preview, async_trait};
use event_actions::model::handler::{HandlerSpec, HandlerType};
use secrecy::SecretString;
use serde_json::Value;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

const SECRET: &str = "bench-platform-key-0123456789abcdefghij";
/// The `Authorization` header of the platform key.
pub const KEY: &str = "Bearer bench-platform-key-0123456789abcdefghij";
/// How long work may take to end once no more is sent.
const PATIENCE: Duration = Duration::from_secs(120);

/// A handler that does nothing, so that what remains is the engine.
struct NoOp(Arc<AtomicU64>);

#[async_trait]
impl Handler for NoOp {
    fn spec(&self) -> HandlerSpec {
        HandlerSpec { handler_type: HandlerType::new("no_op"), label: "Nothing".into(), description: "Does nothing.".into(), fields: Vec::new() }
    }

    fn preview(&self, _call: &Call) -> Result<Preview, HandlerError> {
        Ok(Preview::default())
    }

    async fn handle(&self, _call: &Call) -> Result<Output, HandlerError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Output::default())
    }
}

/// What the database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Events.
    pub events: u64,
    /// Executions.
    pub executions: u64,
    /// Those of them that succeeded.
    pub succeeded: u64,
    /// Attempts.
    pub attempts: u64,
}

/// A running service.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    runtime: Runtime,
    engine: Engine,
    done: Arc<AtomicU64>,
    database: PathBuf,
    _folder: TempDir,
}

impl Service {
    /// Starts one in a new folder below `disk`, with these actions.
    pub fn start(disk: &Path, actions: Vec<Value>) -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let folder = tempfile::tempdir_in(disk)?;
        let mut config = Config::for_tests(folder.path());
        config.bootstrap_api_key = Some(SecretString::from(SECRET));
        let done = Arc::new(AtomicU64::new(0));
        let handlers = handlers::registry(&config).map_err(anyhow::Error::msg)?.with(NoOp(done.clone()));
        let (engine, address) = runtime.block_on(async {
            let db = Db::connect(&config.effective_database_url(), config.database_connections).await?;
            db.migrate().await?;
            let engine = Engine::start(config, db, handlers).await?;
            for action in actions {
                engine.create_action(&Caller::system("bench"), serde_json::from_value(action)?).await.map_err(|e| anyhow::anyhow!("{e:?}"))?;
            }
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            engine.set_address(address);
            let router = event_actions::http::router(engine.clone());
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            tokio::spawn(async move { axum::serve(listener, router).await });
            anyhow::Ok((engine, address))
        })?;
        let database = folder.path().join("event-actions.db");
        Ok(Self { address, runtime, engine, done, database, _folder: folder })
    }

    /// How often the handler that does nothing was called.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Waits until nothing waits or runs.
    ///
    /// # Errors
    /// When work is left after two minutes.
    pub fn wait_until_idle(&self) -> anyhow::Result<()> {
        // Two questions that the partial indexes of open work answer; they cost the service next to nothing.
        const OPEN: &str =
            "select exists (select 1 from action_executions where status in ('pending', 'retrying')) + exists (select 1 from action_executions where status = 'running')";
        self.runtime.block_on(async {
            let mut connection = self.connect().await?;
            let until = tokio::time::Instant::now() + PATIENCE;
            while sqlx::query_scalar::<_, i64>(OPEN).fetch_one(&mut connection).await? > 0 {
                anyhow::ensure!(tokio::time::Instant::now() < until, "work is left after {PATIENCE:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(())
        })
    }

    /// Counts what is stored, stops the service and removes its files.
    pub fn finish(self) -> anyhow::Result<Rows> {
        const COUNTS: [&str; 4] = [
            "select count(*) from events",
            "select count(*) from action_executions",
            "select count(*) from action_executions where status = 'succeeded'",
            "select count(*) from execution_attempts where outcome = 'succeeded'",
        ];
        self.runtime.block_on(async {
            let mut connection = self.connect().await?;
            let mut counts = [0; 4];
            for (count, statement) in counts.iter_mut().zip(COUNTS) {
                *count = u64::try_from(sqlx::query_scalar::<_, i64>(statement).fetch_one(&mut connection).await?)?;
            }
            connection.close().await?;
            self.engine.shutdown().await;
            let [events, executions, succeeded, attempts] = counts;
            Ok(Rows { events, executions, succeeded, attempts })
        })
    }

    async fn connect(&self) -> sqlx::Result<SqliteConnection> {
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&self.database).read_only(true)).await
    }
}
