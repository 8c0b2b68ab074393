//! The process: configuration -> database -> engine -> routes -> connections, and the builder that embedders use.
//!
//! The only place that knows every part and puts them together.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use event_actions::config::{Config, DATABASE_START_SECONDS};
use event_actions::db::Db;
use event_actions::engine::Engine;
use event_actions::handlers::{self, Handler, Registry};
use event_actions::model::audit::AuditVerdict;
use event_actions::model::handler::HandlerHealth;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::assets::Assets;
use crate::{cli, listener, open_files, site};

/// Between two tries to reach the database at start.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);
/// How long answers that are on their way may take before the engine begins to stop.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// How long connections may take to close once the engine has stopped.
const LAST_CONNECTIONS: Duration = Duration::from_secs(2);

/// Adds one handler to the registry.
type AddHandler = Box<dyn FnOnce(Registry) -> Registry + Send>;

/// Collects what an embedder adds.
#[derive(Default)]
pub struct Builder {
    added: Vec<AddHandler>,
}

impl Builder {
    /// Adds a handler type; its form, validation, dry run and documentation follow from its `spec()`.
    #[must_use]
    pub fn handler(mut self, handler: impl Handler + 'static) -> Self {
        self.added.push(Box::new(|registry| registry.with(handler)));
        self
    }

    /// Runs the command line of `event-actions` with these handlers, the service included: what `main` returns.
    #[must_use]
    pub fn run(self) -> ExitCode {
        cli::run(self.build())
    }

    /// The server, to be started by [`Server::serve`] from a program with a command line of its own.
    #[must_use]
    pub fn build(self) -> Server {
        Server { added: self.added }
    }
}

/// The service, not yet started.
pub struct Server {
    added: Vec<AddHandler>,
}

impl Server {
    /// Begins one with the handlers of the house.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Serves until SIGTERM or SIGINT, then drains. A second signal ends the process at once.
    ///
    /// # Errors
    /// When the database cannot be reached for 30 s, the engine cannot start, or the address is taken.
    pub async fn serve(self, config: Config) -> anyhow::Result<()> {
        use_ring();
        open_files::raise();
        let listener = TcpListener::bind(config.bind).await.with_context(|| format!("cannot listen on {}", config.bind))?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        watch_signals(stop.clone())?;
        let engine = tokio::select! {
            engine = self.engine(config) => engine?,
            // Nothing is running yet that could be lost.
            () = stop.cancelled() => return Ok(()),
        };
        engine.set_address(address);
        announce(&engine, address).await?;
        let router = site::router(&engine, &Assets::load());
        let open = listener::serve(listener, router, engine.config(), stop).await;
        info!(connections = open.len(), "stopping");
        let answered = timeout(LAST_ANSWERS, open.wait()).await.is_ok();
        engine.shutdown().await;
        if !answered && timeout(LAST_CONNECTIONS, open.wait()).await.is_err() {
            warn!(connections = open.len(), "closing connections that did not end by themselves");
        }
        Ok(())
    }

    /// Opens the database and starts the engine on it.
    pub(crate) async fn engine(self, config: Config) -> anyhow::Result<Engine> {
        let db = open_database(&config).await?;
        let registry = self.registry(&config)?;
        Engine::start(config, db, registry).await
    }

    /// Opens the engine for one command: it can read and change what is stored, but runs nothing.
    pub(crate) async fn open(self, config: Config) -> anyhow::Result<Engine> {
        let db = open_database(&config).await?;
        let registry = self.registry(&config)?;
        Engine::open(config, db, registry).await
    }

    fn registry(self, config: &Config) -> anyhow::Result<Registry> {
        let house = handlers::registry(config).map_err(anyhow::Error::msg)?;
        Ok(self.added.into_iter().fold(house, |registry, add| add(registry)))
    }

    /// Tries what the service needs, without changing anything: a name for each, and what is said of it.
    pub(crate) async fn check(self, config: &Config) -> Vec<(String, Result<String, String>)> {
        let mut found = vec![("database".to_owned(), check_database(config).await.map_err(|e| format!("{e:#}")))];
        let registry = match self.registry(config) {
            Ok(registry) => registry,
            Err(e) => {
                found.push(("handlers".to_owned(), Err(format!("{e:#}"))));
                return found;
            }
        };
        for (name, handler) in registry.iter() {
            let said = match handler.health().await {
                HandlerHealth::Unknown => Ok("nothing to check".to_owned()),
                HandlerHealth::Healthy => Ok("ok".to_owned()),
                HandlerHealth::Unavailable(why) => Err(why),
            };
            found.push((format!("handler {name}"), said));
        }
        found
    }
}

/// Tells rustls which of its two providers to use; it insists on being told. Telling it again does nothing.
pub(crate) fn use_ring() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The folder of local files, which holds secrets: for this user alone.
fn make_data_dir(config: &Config) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.data_dir).with_context(|| format!("cannot make the folder {}", config.data_dir.display()))
}

/// Connects and migrates. An unreachable database is tried again for 30 s; one that must not be used is refused at once.
async fn open_database(config: &Config) -> anyhow::Result<Db> {
    make_data_dir(config)?;
    let url = config.effective_database_url();
    let end = Instant::now() + Duration::from_secs(DATABASE_START_SECONDS);
    loop {
        let opened = async {
            let db = Db::connect(&url, config.database_connections).await?;
            db.migrate().await?;
            anyhow::Ok(db)
        };
        match opened.await {
            Ok(db) => return Ok(db),
            Err(e) if is_refusal(&e) || Instant::now() + DATABASE_PAUSE > end => return Err(e.context("the database cannot be used")),
            Err(e) => {
                warn!(error = format!("{e:#}"), "the database cannot be reached yet; trying again");
                sleep(DATABASE_PAUSE).await;
            }
        }
    }
}

/// Whether an error is our own word, which time does not mend, and not the driver's.
fn is_refusal(e: &anyhow::Error) -> bool {
    e.is::<String>() || e.is::<&'static str>()
}

/// Brings the database up to this version.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    let db = open_database(config).await?;
    db.close().await;
    cli::say(format!("The database is up to date with event-actions {}.", env!("CARGO_PKG_VERSION")));
    Ok(())
}

/// Whether there is no database yet, as far as a look at the files tells.
fn is_missing(config: &Config) -> bool {
    let url = config.effective_database_url();
    let file = url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default().replace("%3F", "?").replace("%25", "%");
    !config.is_postgres() && !std::path::Path::new(&file).exists()
}

/// Follows the audit log's chain, also beside a running service. Changes nothing.
pub(crate) async fn verify_audit(config: &Config) -> anyhow::Result<AuditVerdict> {
    if is_missing(config) {
        anyhow::bail!("there is no database at {}", config.data_dir.display());
    }
    let db = Db::connect(&config.effective_database_url(), config.database_connections).await?;
    let verdict = event_actions::engine::verify_audit(&db).await;
    db.close().await;
    verdict.context("the audit log cannot be read")
}

async fn check_database(config: &Config) -> anyhow::Result<String> {
    if is_missing(config) {
        return Ok("not there yet; the first start makes it".to_owned());
    }
    let url = config.effective_database_url();
    let db = Db::connect(&url, config.database_connections).await?;
    let clock = db.now_ms().await;
    db.close().await;
    clock?;
    Ok(if config.is_postgres() { "ok (PostgreSQL)" } else { "ok (SQLite)" }.to_owned())
}

/// The OpenAPI document as text.
pub(crate) fn openapi() -> anyhow::Result<String> {
    event_actions::http::openapi().to_pretty_json().context("the OpenAPI document cannot be written")
}

/// Says where the service is, and how to set it up when nobody administers it yet.
async fn announce(engine: &Engine, address: std::net::SocketAddr) -> anyhow::Result<()> {
    let url = engine.config().console_url(address);
    if !Assets::are_built() {
        warn!("the console's scripts and styles are missing from this build; `make run` and `make release` build them");
    }
    info!(%address, url, version = env!("CARGO_PKG_VERSION"), "listening");
    cli::say(format!("Event Actions listens on {url}"));
    if let Some(token) = engine.setup_token().await? {
        cli::say(format!("Set it up once at {url}/setup?token={token}"));
    }
    Ok(())
}

/// The first SIGTERM or SIGINT cancels `stop`; the second ends the process on the spot.
fn watch_signals(stop: CancellationToken) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        let name = either(&mut terminate, &mut interrupt).await;
        info!(signal = name, "finishing what runs; a second signal ends at once");
        stop.cancel();
        let name = either(&mut terminate, &mut interrupt).await;
        warn!(signal = name, "ending at once");
        std::process::exit(130);
    });
    Ok(())
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
