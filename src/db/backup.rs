//! Copies of an embedded database: a consistent one while it is written to, and what must hold before one is trusted.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, bail};
use sqlx::sqlite::SqliteConnectOptions;

use super::Db;

/// The file of an embedded database; none for one on a server.
///
/// # Errors
/// When the URL cannot be read.
pub fn file_of(url: &str) -> anyhow::Result<Option<PathBuf>> {
    if !url.starts_with("sqlite:") {
        return Ok(None);
    }
    let options = SqliteConnectOptions::from_str(url).context("DATABASE_URL is neither sqlite://PATH nor postgres://...")?;
    Ok(Some(options.get_filename().to_path_buf()))
}

/// The URL of an embedded database in a file.
#[must_use]
pub fn url_of(file: &Path) -> String {
    format!("sqlite://{}", file.display().to_string().replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}

/// Writes a copy as of one moment, while everybody goes on reading and writing. Everything committed before the call is in it.
///
/// # Errors
/// When the database is on a server, the file is there already, or cannot be written.
pub async fn copy_to(db: &Db, file: &Path) -> anyhow::Result<()> {
    let Db::Sqlite { read, .. } = db else { bail!("this database is on a PostgreSQL server; its own tools copy it") };
    let path = file.to_str().context("the path is no readable text")?;
    sqlx::query("vacuum into $1").bind(path).execute(read).await.with_context(|| format!("{path} cannot be written"))?;
    Ok(())
}

/// Checks every page of an embedded database.
///
/// # Errors
/// With what is wrong with it.
pub async fn check(db: &Db) -> anyhow::Result<()> {
    let Db::Sqlite { read, .. } = db else { return Ok(()) };
    let found: Vec<String> = sqlx::query_scalar("pragma integrity_check(3)").fetch_all(read).await?;
    if found == ["ok"] { Ok(()) } else { bail!("the database is damaged: {}", found.join("; ")) }
}

/// How many events and executions there are.
///
/// # Errors
/// The database's.
pub async fn counts(db: &Db) -> sqlx::Result<(i64, i64)> {
    const SQL: &str = "select (select count(*) from events), (select count(*) from action_executions)";
    crate::on_db!(db, pool => sqlx::query_as(SQL).fetch_one(pool).await)
}
