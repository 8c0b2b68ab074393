//! Table `bulk_jobs`: jobs, who works on them, how far they are. Also which executions a job is about.

use anyhow::Context as _;

use super::query::Select;
use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::model::bulk::{Bulk, BulkFilter, BulkStatus};
use crate::model::execution::Status;
use crate::model::testing::ReplayVersion;
use crate::{on_tx, sql};

/// A job with what its worker needs besides.
#[derive(Clone, Debug)]
pub struct Job {
    /// The job.
    pub bulk: Bulk,
    /// The execution that was looked at last; empty at the start.
    pub position: String,
    /// Only executions that had ended by then, in Unix milliseconds of the database's clock.
    pub cutoff: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: Option<String>,
    filter: String,
    action_version: String,
    status: String,
    total: i64,
    succeeded: i64,
    failed: i64,
    skipped: i64,
    last_error: Option<String>,
    position: String,
    cutoff: i64,
    created_at: i64,
    created_by: String,
    finished_at: Option<i64>,
}

const HEAD: &str = "select id, tenant_id, filter, action_version, status, total, succeeded, failed, skipped, last_error, position, cutoff, created_at, created_by, finished_at
    from bulk_jobs";

impl Row {
    fn into_job(self) -> anyhow::Result<Job> {
        let filter: BulkFilter = serde_json::from_str(&self.filter).with_context(|| format!("the filter of bulk job {} cannot be read", self.id))?;
        let bulk = Bulk {
            id: self.id,
            status: BulkStatus::parse(&self.status),
            tenant_id: self.tenant_id,
            filter,
            action_version: if self.action_version == "current" { ReplayVersion::Current } else { ReplayVersion::Original },
            total: self.total,
            succeeded: self.succeeded,
            failed: self.failed,
            skipped: self.skipped,
            last_error: self.last_error,
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
            finished_at: self.finished_at.map(Timestamp),
        };
        Ok(Job { bulk, position: self.position, cutoff: self.cutoff })
    }
}

/// Narrows a select from `action_executions` to what a job of `tenant` (all when none) is about.
fn narrow(select: &mut Select, tenant: Option<&str>, filter: &BulkFilter, cutoff: i64) {
    match filter.effective_status() {
        Status::Failed => select.fixed("status in ('failed', 'dead_letter')"),
        other => select.filter("status = ?", other.name()),
    }
    select.fixed("(status <> 'dead_letter' or handled_at is null)");
    select.filter("finished_at <= ?", cutoff);
    select.maybe("tenant_id = ?", tenant);
    select.maybe("action_id = ?", filter.action_id.as_deref());
    select.maybe("event_id = ?", filter.event_id.as_deref());
    select.maybe("event_type = ?", filter.event_type.as_deref());
    select.maybe("handler_type = ?", filter.handler_type.as_deref());
    select.maybe("error_class = ?", filter.error_class.as_deref());
    select.maybe("created_at >= ?", filter.from.map(|t| t.0));
    select.maybe("created_at < ?", filter.to.map(|t| t.0));
    select.maybe("duration_ms >= ?", filter.min_duration_ms);
}

/// How many executions a job would be about; `most` when there are that many or more, which costs less than counting all.
///
/// # Errors
/// The database's.
pub async fn count_up_to(db: &Db, tenant: Option<&str>, filter: &BulkFilter, cutoff: i64, most: u32) -> sqlx::Result<i64> {
    let mut select = Select::new("select id from action_executions");
    narrow(&mut select, tenant, filter, cutoff);
    select.limit(most);
    Ok(select.fetch::<(String,)>(db).await?.len() as i64)
}

/// How many executions a job is about.
///
/// # Errors
/// The database's.
pub async fn count(db: &Db, tenant: Option<&str>, filter: &BulkFilter, cutoff: i64) -> sqlx::Result<i64> {
    let mut select = Select::new("select count(*) from action_executions");
    narrow(&mut select, tenant, filter, cutoff);
    Ok(select.fetch::<(i64,)>(db).await?.first().map_or(0, |(n,)| *n))
}

/// The ids of the next executions of a job, oldest first.
///
/// # Errors
/// The database's.
pub async fn next_ids(db: &Db, job: &Job, limit: u32) -> sqlx::Result<Vec<String>> {
    let mut select = Select::new("select id from action_executions");
    narrow(&mut select, job.bulk.tenant_id.as_deref(), &job.bulk.filter, job.cutoff);
    select.filter("id > ?", job.position.as_str());
    select.tail("order by id");
    select.limit(limit);
    Ok(select.fetch::<(String,)>(db).await?.into_iter().map(|(id,)| id).collect())
}

/// Stores a new job.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, job: &Job) -> anyhow::Result<()> {
    const SQL: &str = "insert into bulk_jobs (id, tenant_id, filter, action_version, status, total, succeeded, failed, skipped, position, cutoff, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, 0, 0, 0, '', $7, $8, $9)";
    let b = &job.bulk;
    let filter = serde_json::to_string(&b.filter)?;
    let version = if b.action_version == ReplayVersion::Current { "current" } else { "original" };
    on_tx!(tx, conn => sqlx::query(SQL).bind(&b.id).bind(&b.tenant_id).bind(filter).bind(version).bind(b.status.name()).bind(b.total).bind(job.cutoff)
        .bind(b.created_at.0).bind(&b.created_by).execute(conn).await.map(|_| ()))?;
    Ok(())
}

/// One job.
///
/// # Errors
/// The database's, or a filter that cannot be read.
pub async fn get(db: &Db, id: &str) -> anyhow::Result<Option<Job>> {
    let mut select = Select::new(HEAD);
    select.filter("id = ?", id);
    select.fetch::<Row>(db).await?.into_iter().next().map(Row::into_job).transpose()
}

/// Jobs of `tenant` (all when none), latest first, with ids below `cursor`.
///
/// # Errors
/// The database's, or a filter that cannot be read.
pub async fn list(db: &Db, tenant: Option<&str>, cursor: Option<&str>, limit: u32) -> anyhow::Result<Vec<Bulk>> {
    let mut select = Select::new(HEAD);
    select.maybe("tenant_id = ?", tenant);
    select.maybe("id < ?", cursor);
    select.tail("order by id desc");
    select.limit(limit);
    select.fetch::<Row>(db).await?.into_iter().map(|row| row.into_job().map(|job| job.bulk)).collect()
}

/// How many jobs of a tenant (or of the platform) have not ended, inside a transaction.
///
/// # Errors
/// The database's.
pub async fn count_open(tx: &mut Tx, tenant: Option<&str>) -> sqlx::Result<i64> {
    const SQL: &str = "select count(*) from bulk_jobs where status in ('running', 'aborting') and coalesce(tenant_id, '') = $1";
    on_tx!(tx, conn => sqlx::query_scalar(SQL).bind(tenant.unwrap_or_default()).fetch_one(conn).await)
}

/// Whether there is a job that has not ended.
///
/// # Errors
/// The database's.
pub async fn any_open(db: &Db) -> sqlx::Result<bool> {
    let select = Select::new("select id from bulk_jobs where status in ('running', 'aborting') limit 1");
    Ok(!select.fetch::<(String,)>(db).await?.is_empty())
}

const CLAIM: Sql = sql!(
    "update bulk_jobs set claim_token = $1, lease_until = 25000 +",
    NOW,
    "where id in (select b.id from bulk_jobs b where b.status in ('running', 'aborting') and (b.lease_until is null or b.lease_until <",
    NOW,
    ") order by b.created_at, b.id limit 1",
    SKIP_LOCKED,
    ") and status in ('running', 'aborting')
    returning id, tenant_id, filter, action_version, status, total, succeeded, failed, skipped, last_error, position, cutoff, created_at, created_by, finished_at"
);

/// Takes the oldest job that nobody works on.
///
/// # Errors
/// The database's, or a filter that cannot be read.
pub async fn claim(db: &Db, token: &str) -> anyhow::Result<Option<Job>> {
    let mut tx = db.begin().await?;
    let text = tx.pick(&CLAIM);
    let row: Option<Row> = on_tx!(&mut tx, conn => sqlx::query_as(text).bind(token).fetch_optional(conn).await)?;
    tx.commit().await?;
    row.map(Row::into_job).transpose()
}

const PROGRESS: Sql = sql!(
    "update bulk_jobs set succeeded = $3, failed = $4, skipped = $5, last_error = $6, position = $7, lease_until = 25000 +",
    NOW,
    "where id = $1 and claim_token = $2 and status in ('running', 'aborting') and lease_until >",
    NOW,
    "returning status"
);

/// Stores how far a job is and renews its lease. Returns where it stands; `None` when it is somebody else's now.
///
/// # Errors
/// The database's.
pub async fn progress(tx: &mut Tx, token: &str, job: &Job) -> sqlx::Result<Option<BulkStatus>> {
    let (text, b) = (tx.pick(&PROGRESS), &job.bulk);
    let status: Option<String> = on_tx!(tx, conn => sqlx::query_scalar(text).bind(&b.id).bind(token).bind(b.succeeded).bind(b.failed).bind(b.skipped).bind(&b.last_error)
        .bind(&job.position).fetch_optional(conn).await)?;
    Ok(status.map(|s| BulkStatus::parse(&s)))
}

const FINISH: Sql = sql!(
    "update bulk_jobs set status = $3, total = $4, skipped = $5, claim_token = null, lease_until = null, finished_at =",
    NOW,
    "where id = $1 and claim_token = $2 and status in ('running', 'aborting')"
);

/// Ends a job. Returns false when it is somebody else's now.
///
/// # Errors
/// The database's.
pub async fn finish(tx: &mut Tx, token: &str, bulk: &Bulk) -> sqlx::Result<bool> {
    let text = tx.pick(&FINISH);
    on_tx!(tx, conn => {
        sqlx::query(text).bind(&bulk.id).bind(token).bind(bulk.status.name()).bind(bulk.total).bind(bulk.skipped).execute(conn).await.map(|r| r.rows_affected() == 1)
    })
}

/// Gives a job back, so that another node goes on at once.
///
/// # Errors
/// The database's.
pub async fn release(tx: &mut Tx, token: &str, id: &str) -> sqlx::Result<()> {
    const SQL: &str = "update bulk_jobs set claim_token = null, lease_until = null where id = $1 and claim_token = $2";
    on_tx!(tx, conn => sqlx::query(SQL).bind(id).bind(token).execute(conn).await.map(|_| ()))
}

/// Asks a job to stop. Returns false when it has ended or was asked before.
///
/// # Errors
/// The database's.
pub async fn abort(tx: &mut Tx, id: &str) -> sqlx::Result<bool> {
    const SQL: &str = "update bulk_jobs set status = 'aborting' where id = $1 and status = 'running'";
    on_tx!(tx, conn => sqlx::query(SQL).bind(id).execute(conn).await.map(|r| r.rows_affected() == 1))
}

/// Deletes jobs that ended before `before`.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "delete from bulk_jobs where finished_at < $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(before.0).execute(conn).await.map(|_| ()))
}
