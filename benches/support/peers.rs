//! What the product is measured beside: an axum server that only reads the same JSON, and a loop that only writes rows.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use event_actions::model::event::NewEvent;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Executor as _};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::event;

/// Rows of one transaction of the loop.
const ROWS: u64 = 500;

/// A server without storage, on a runtime of its own as the service has; gone when dropped.
pub struct Echo {
    /// Where it listens.
    pub address: SocketAddr,
    _runtime: Runtime,
}

impl Echo {
    /// Starts it on a free port.
    pub fn start() -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let router: Router = Router::new().route("/api/v1/events", post(answer));
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, _runtime: runtime })
    }
}

async fn answer(Json(event): Json<NewEvent>) -> Json<Value> {
    Json(json!({"event_id": event.id, "duplicate": false, "matched": 0, "executions": []}))
}

/// Events with one execution each per second, written durably by one bare loop: two tables, two indexes, one JSON document
/// per statement, a commit with fdatasync per 500 pairs.
pub async fn bare_loop(folder: &Path, run: Duration) -> anyhow::Result<f64> {
    let path = folder.join("bare.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    connection
        .execute(
            "create table events (id text primary key, event_type text not null, body text not null, received_at bigint not null);
             create table executions (id text primary key, event_id text not null, action_id text not null, status text not null, due_at bigint not null);
             create index executions_by_event on executions (event_id);
             create index executions_by_action on executions (action_id, id);",
        )
        .await?;
    let (began, mut written) = (Instant::now(), 0);
    while began.elapsed() < run {
        let rows: Vec<Value> = (written..written + ROWS).map(|n| json!([format!("e{n:032}"), "order.paid", event(n, 0), n, format!("x{n:032}")])).collect();
        let document = Value::Array(rows).to_string();
        let mut transaction = connection.begin_with("begin immediate").await?;
        for statement in [
            "insert into events select value->>0, value->>1, value->>2, value->>3 from json_each($1)",
            "insert into executions select value->>4, value->>0, 'a', 'pending', value->>3 from json_each($1)",
        ] {
            sqlx::query(statement).bind(&document).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        written += ROWS;
    }
    let seconds = began.elapsed().as_secs_f64();
    let stored: i64 = sqlx::query_scalar("select count(*) from executions").fetch_one(&mut connection).await?;
    anyhow::ensure!(u64::try_from(stored)? == written, "the bare loop wrote {written} pairs and {stored} are there");
    connection.close().await?;
    for name in ["bare.db", "bare.db-wal", "bare.db-shm"] {
        drop(std::fs::remove_file(folder.join(name)));
    }
    Ok(written as f64 / seconds)
}
