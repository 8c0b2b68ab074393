//! Backups of an embedded database while the service runs, and their way back. What is restored starts paused: whatever was on
//! its way when the backup was taken may have happened since, so a person looks first.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use chrono::Utc;

use super::{Pause, audit, secrets};
use crate::config::Config;
use crate::db::{self, Db, backup, settings};
use crate::model::Timestamp;
use crate::model::audit::AuditVerdict;

/// Set in a copy alone: when it was taken, in Unix milliseconds.
const TAKEN_KEY: &str = "backup.taken_at";
/// A backup needs few connections.
const CONNECTIONS: u32 = 2;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where it is.
    pub file: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// Events in it.
    pub events: i64,
    /// Executions in it.
    pub executions: i64,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// When the backup was taken; none when it was made by other means.
    pub taken_at: Option<Timestamp>,
    /// Events in it.
    pub events: i64,
    /// Executions in it.
    pub executions: i64,
    /// What became of the audit log.
    pub audit: AuditVerdict,
    /// The id of the master key that opens its secrets, when that key is not at hand.
    pub missing_key: Option<String>,
}

/// Writes a backup of the configured database to `to`, or into it when it is a folder. The service may run; everything that was
/// acknowledged before is in it. The master key is not.
///
/// # Errors
/// When the database is on a server or not there, the file exists, or the disk is full; then there is no file.
pub async fn take(config: &Config, to: &Path) -> anyhow::Result<Taken> {
    let Some(source) = backup::file_of(&config.effective_database_url())? else {
        bail!("the database is on a PostgreSQL server; back it up with `pg_dump --format=custom --file=FILE` and the URL of EVENT_ACTIONS_DATABASE_URL");
    };
    ensure!(source.exists(), "there is no database at {}; nothing is to be backed up yet", source.display());
    let file = if to.is_dir() { to.join(format!("event-actions-{}.db", Utc::now().format("%Y%m%d-%H%M%S"))) } else { to.to_path_buf() };
    ensure!(!file.exists(), "{} exists; a backup never overwrites one, choose another name", file.display());
    let part = beside(&file, "part");
    discard(&part)?;
    let db = Db::connect(&config.effective_database_url(), CONNECTIONS).await?;
    let copied = backup::copy_to(&db, &part).await;
    db.close().await;
    let finished = match copied {
        Ok(()) => finish(&part).await,
        Err(e) => Err(e),
    };
    let (events, executions) = match finished {
        Ok(counts) => counts,
        Err(e) => {
            discard(&part)?;
            return Err(e);
        }
    };
    settle(&part, &file)?;
    Ok(Taken { bytes: fs::metadata(&file)?.len(), file, events, executions })
}

/// Notes in a copy when it was taken, and checks it.
async fn finish(part: &Path) -> anyhow::Result<(i64, i64)> {
    let copy = Db::connect(&backup::url_of(part), CONNECTIONS).await?;
    let checked = async {
        settings::put(&copy, TAKEN_KEY, &Timestamp::now().0.to_string()).await?;
        backup::check(&copy).await?;
        anyhow::Ok(backup::counts(&copy).await?)
    };
    let checked = checked.await;
    copy.close().await;
    checked
}

/// Brings a backup back as the configured database, paused. On a PostgreSQL server `pg_restore` brings it back; this then pauses it.
///
/// # Errors
/// When there is a database already, or the file is no backup or damaged; then nothing has changed.
pub async fn restore(config: &Config, from: Option<&Path>) -> anyhow::Result<Restored> {
    let url = config.effective_database_url();
    match (backup::file_of(&url)?, from) {
        (Some(target), Some(from)) => restore_file(config, from, &target).await,
        (Some(_), None) => bail!("which backup? Name its file: event-actions restore PATH"),
        (None, Some(_)) => bail!("the database is on a PostgreSQL server: bring it back with `pg_restore`, then run `event-actions restore` without a path, which pauses it"),
        (None, None) => {
            let db = Db::connect(&url, CONNECTIONS).await?;
            let restored = pause(config, &db).await;
            db.close().await;
            restored
        }
    }
}

async fn restore_file(config: &Config, from: &Path, target: &Path) -> anyhow::Result<Restored> {
    for file in [target.to_path_buf(), beside(target, "wal")] {
        ensure!(!file.exists(), "{} exists; a restore never overwrites a database: stop the service and move it away first", file.display());
    }
    let part = beside(target, "restoring");
    discard(&part)?;
    let restored = async {
        copy(from, &part)?;
        let db = Db::connect(&backup::url_of(&part), CONNECTIONS).await.with_context(|| format!("{} is no backup", from.display()))?;
        let checked = async {
            backup::check(&db).await.with_context(|| format!("{} cannot be used", from.display()))?;
            settings::get(&db, settings::OLDEST_BINARY_KEY).await.ok().flatten().with_context(|| format!("{} is no backup of event-actions", from.display()))?;
            pause(config, &db).await
        };
        let checked = checked.await;
        db.close().await;
        checked
    };
    match restored.await {
        Ok(restored) => {
            settle(&part, target)?;
            Ok(restored)
        }
        Err(e) => {
            discard(&part)?;
            Err(e)
        }
    }
}

/// Marks a database as paused, and looks at what came back.
async fn pause(config: &Config, db: &Db) -> anyhow::Result<Restored> {
    let taken_at = settings::get(db, TAKEN_KEY).await?.and_then(|text| text.parse().ok()).map(Timestamp);
    let reason = match taken_at {
        Some(at) => format!("The installation was restored from the backup of {at}. Work that was open then may have been done since."),
        None => "The installation was restored. Work that was open in the backup may have been done since.".to_owned(),
    };
    let mark = serde_json::to_string(&Pause { since: Timestamp::now(), reason })?;
    let mut tx = db.begin().await?;
    settings::bump(&mut tx, settings::REVISION_KEY).await?;
    settings::put_in(&mut tx, settings::PAUSED_KEY, &mark).await?;
    tx.commit().await?;
    let audit = audit::verify(db).await?;
    let (events, executions) = backup::counts(db).await?;
    let key = settings::get(db, db::secrets::KEY_ID_KEY).await?;
    let missing_key = key.filter(|id| !secrets::has_key(config, id));
    Ok(Restored { taken_at, events, executions, audit, missing_key })
}

/// The same path with more at its end.
fn beside(file: &Path, more: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(if more == "wal" { "-wal".to_owned() } else { format!(".{more}") });
    name.into()
}

/// Removes what an earlier try left behind.
fn discard(part: &Path) -> anyhow::Result<()> {
    let mut log = part.as_os_str().to_owned();
    log.push("-shm");
    for file in [part.to_path_buf(), beside(part, "wal"), log.into()] {
        match fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e).with_context(|| format!("{} cannot be removed", file.display())),
            _ => {}
        }
    }
    Ok(())
}

/// Copies a file for its owner alone.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent().filter(|folder| *folder != Path::new("")) {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut source = fs::File::open(from).with_context(|| format!("{} cannot be read", from.display()))?;
    let mut target = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).with_context(|| format!("{} cannot be written", to.display()))?;
    std::io::copy(&mut source, &mut target).with_context(|| format!("{} cannot be written", to.display()))?;
    target.flush()?;
    target.sync_all()?;
    Ok(())
}

/// Puts a finished file under its name so that it survives a power loss.
fn settle(part: &Path, file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(part, fs::Permissions::from_mode(0o600))?;
    fs::File::open(part)?.sync_all()?;
    fs::rename(part, file).with_context(|| format!("{} cannot be written", file.display()))?;
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or_else(|| Path::new("."));
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}
