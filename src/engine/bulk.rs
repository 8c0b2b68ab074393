//! Bulk jobs: many executions replayed in the background, a small page at a time, by one node at a time.
//!
//! A page is stored in two steps: first the new executions, then their audit entries together with the job's progress. Should
//! the node stop between them, another one makes the same page anew; the ids of the new executions follow from the job's and
//! the old ones', so none is stored twice.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tracing::{info, warn};
use uuid::{Builder, Uuid};

use super::{Caller, Engine, cursor, internal, not_written};
use crate::db::bulk::{self, Job};
use crate::db::{executions, settings};
use crate::model::access::Scope;
use crate::model::bulk::{Bulk, BulkFilter, BulkReplay, BulkStatus, MAX_BULK};
use crate::model::execution::Execution;
use crate::model::page::{Page, PageRequest};
use crate::model::testing::ReplayRequest;
use crate::model::{ApiError, ErrorKind, Timestamp};

/// Executions in one page.
const PAGE: u32 = 50;
/// The rest between two pages, so that other work goes on.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it is looked for jobs.
const POLL: Duration = Duration::from_secs(1);
/// Waiting executions above which a job waits, too.
const MAX_WAITING: i64 = 5_000;
/// Jobs of one tenant that have not ended.
const MAX_OPEN: i64 = 3;
/// Counts starts; its row is their lock.
const STARTS_KEY: &str = "bulk.starts";

/// What a page has come to.
#[derive(Default)]
struct Done {
    /// The old execution, its new one's id and the version of the action.
    replayed: Vec<(Execution, String, i64)>,
    failed: i64,
    skipped: i64,
    last_error: Option<String>,
}

/// The id of the execution that replays `old` in a job: the same every time, of the time when the job was made.
fn replay_id(job: &Bulk, old: &str) -> String {
    let digest = Sha256::new().chain_update("bulk replay\n").chain_update(&job.id).chain_update("\n").chain_update(old).finalize();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&digest[..10]);
    Builder::from_unix_timestamp_millis(u64::try_from(job.created_at.0).unwrap_or_default(), &bytes).into_uuid().to_string()
}

/// A job as it ends: what was never met counts as left out.
fn ended(bulk: &Bulk, status: BulkStatus) -> Bulk {
    let met = bulk.succeeded + bulk.failed + bulk.skipped;
    let missing = if status == BulkStatus::Finished { (bulk.total - met).max(0) } else { 0 };
    Bulk { status, total: bulk.total.max(met), skipped: bulk.skipped + missing, ..bulk.clone() }
}

impl Engine {
    /// How many executions a replay would be about now.
    ///
    /// # Errors
    /// 403 without `executions:write`, 404 for another tenant, 422 with every fault.
    pub async fn count_bulk_replay(&self, caller: &Caller, filter: &BulkFilter) -> Result<i64, ApiError> {
        self.measure(caller, filter).await.map(|(.., total)| total)
    }

    /// The same for a list that says how many there are: `most` when there are that many or more.
    ///
    /// # Errors
    /// As [`Engine::count_bulk_replay`].
    pub async fn count_bulk_replay_up_to(&self, caller: &Caller, filter: &BulkFilter, most: u32) -> Result<i64, ApiError> {
        let (tenant, cutoff) = self.narrow_bulk(caller, filter).await?;
        bulk::count_up_to(self.db(), tenant.as_deref(), filter, cutoff, most).await.map_err(internal)
    }

    /// The tenant that a job is narrowed to, the instant until which executions count, and how many there are.
    async fn measure(&self, caller: &Caller, filter: &BulkFilter) -> Result<(Option<String>, i64, i64), ApiError> {
        let (tenant, cutoff) = self.narrow_bulk(caller, filter).await?;
        let total = bulk::count(self.db(), tenant.as_deref(), filter, cutoff).await.map_err(internal)?;
        Ok((tenant, cutoff, total))
    }

    async fn narrow_bulk(&self, caller: &Caller, filter: &BulkFilter) -> Result<(Option<String>, i64), ApiError> {
        caller.require(Scope::ExecutionsWrite)?;
        filter.validate().into_result()?;
        let tenant = caller.reads(filter.tenant_id.as_deref())?;
        Ok((tenant, self.db().now_ms().await.map_err(internal)?))
    }

    /// Starts replaying many executions in the background; follow it with [`Engine::get_bulk`]. `dry_run` is left to
    /// [`Engine::count_bulk_replay`].
    ///
    /// # Errors
    /// 403 without `executions:write`, 404 for another tenant, 409 while too many jobs are under way, 422 with every fault or for
    /// more than 100,000 executions.
    pub async fn start_bulk_replay(&self, caller: &Caller, request: BulkReplay) -> Result<Bulk, ApiError> {
        let (tenant_id, cutoff, total) = self.measure(caller, &request.filter).await?;
        if total > MAX_BULK {
            return Err(ApiError::invalid(
                "/filter",
                "too_many",
                format!("{total} executions match; a job replays at most {MAX_BULK}. Narrow the filter, such as by from and to."),
            ));
        }
        let bulk = Bulk {
            id: Uuid::now_v7().to_string(),
            status: BulkStatus::Running,
            tenant_id,
            filter: request.filter,
            action_version: request.action_version,
            total,
            succeeded: 0,
            failed: 0,
            skipped: 0,
            last_error: None,
            created_at: Timestamp::now(),
            created_by: caller.actor.to_string(),
            finished_at: None,
        };
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, STARTS_KEY).await.map_err(internal)?;
        if bulk::count_open(&mut tx, bulk.tenant_id.as_deref()).await.map_err(internal)? >= MAX_OPEN {
            return Err(ApiError::conflict("bulk_running", format!("{MAX_OPEN} bulk jobs are under way already; wait for one to end, or abort it.")));
        }
        let job = Job { bulk, position: String::new(), cutoff };
        bulk::insert(&mut tx, &job).await.map_err(internal)?;
        let bulk = job.bulk;
        let document = json!({"filter": bulk.filter, "action_version": bulk.action_version, "total": bulk.total});
        self.audit(&mut tx, caller, "bulk.start", ("bulk", &bulk.id), bulk.tenant_id.as_deref(), None, Some(document)).await?;
        tx.commit().await.map_err(internal)?;
        Ok(bulk)
    }

    /// Bulk jobs, latest first.
    ///
    /// # Errors
    /// 403 without `executions:read`, 404 for another tenant.
    pub async fn list_bulk(&self, caller: &Caller, tenant_id: Option<&str>, page: PageRequest) -> Result<Page<Bulk>, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let tenant = caller.reads(tenant_id)?;
        let limit = page.checked_limit()?;
        let after: Option<String> = cursor::decode(&page)?;
        let found = bulk::list(self.db(), tenant.as_deref(), after.as_deref(), limit + 1).await.map_err(internal)?;
        Ok(cursor::page(found, limit, |b| b.id.clone()))
    }

    /// One bulk job with its progress.
    ///
    /// # Errors
    /// 403 without `executions:read`, 404.
    pub async fn get_bulk(&self, caller: &Caller, id: &str) -> Result<Bulk, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        self.visible_bulk(caller, id).await
    }

    async fn visible_bulk(&self, caller: &Caller, id: &str) -> Result<Bulk, ApiError> {
        let found = bulk::get(self.db(), id).await.map_err(internal)?.map(|job| job.bulk);
        let visible = |b: &Bulk| b.tenant_id.as_deref().map_or(caller.is_platform, |tenant| caller.sees(tenant));
        found.filter(visible).ok_or_else(|| ApiError::not_found("bulk job", id))
    }

    /// Stops a bulk job. What it has started goes on.
    ///
    /// # Errors
    /// 403 without `executions:write`, 404, 409 when it has ended.
    pub async fn abort_bulk(&self, caller: &Caller, id: &str) -> Result<Bulk, ApiError> {
        caller.require(Scope::ExecutionsWrite)?;
        let before = self.visible_bulk(caller, id).await?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        if bulk::abort(&mut tx, id).await.map_err(internal)? {
            let (was, is) = (json!({"status": before.status}), json!({"status": BulkStatus::Aborting}));
            self.audit(&mut tx, caller, "bulk.abort", ("bulk", id), before.tenant_id.as_deref(), Some(was), Some(is)).await?;
            tx.commit().await.map_err(internal)?;
            return self.visible_bulk(caller, id).await;
        }
        drop(tx);
        match self.visible_bulk(caller, id).await? {
            bulk if bulk.status == BulkStatus::Aborting => Ok(bulk),
            bulk => Err(ApiError::conflict("terminal", format!("The job has ended ({}); it cannot be aborted.", bulk.status.name()))),
        }
    }

    /// Works on bulk jobs, one after the other, until shutdown.
    pub(super) async fn bulk_loop(self) {
        loop {
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
            if let Err(e) = self.next_bulk().await {
                warn!(error = format!("{e:#}"), "a bulk job was interrupted; it goes on soon");
            }
        }
    }

    async fn next_bulk(&self) -> anyhow::Result<()> {
        if !bulk::any_open(self.db()).await? {
            return Ok(());
        }
        let Some(job) = bulk::claim(self.db(), &self.inner.token).await? else { return Ok(()) };
        let id = job.bulk.id.clone();
        let worked = self.work_on(job).await;
        // After an error, and when the node stops, the next look finds the job at once instead of after its lease.
        let mut tx = self.db().begin().await?;
        bulk::release(&mut tx, &self.inner.token, &id).await?;
        tx.commit().await?;
        worked
    }

    /// Works on a job until it ends, is somebody else's, or the node stops.
    async fn work_on(&self, mut job: Job) -> anyhow::Result<()> {
        loop {
            if self.inner.stopping.is_cancelled() {
                return Ok(());
            }
            if job.bulk.status == BulkStatus::Aborting {
                return Ok(self.end_bulk(&job, BulkStatus::Aborted).await?);
            }
            let mut done = Done::default();
            if self.has_room_for_bulk() {
                let ids = bulk::next_ids(self.db(), &job, PAGE).await?;
                let Some(last) = ids.last() else { return Ok(self.end_bulk(&job, BulkStatus::Finished).await?) };
                job.position.clone_from(last);
                done = self.replay_page(&job, &ids).await?;
            }
            let Some(status) = self.note_page(&mut job, done).await? else {
                warn!(bulk_id = job.bulk.id, "another node has taken over the bulk job");
                return Ok(());
            };
            job.bulk.status = status;
            self.inner.wake.notify_one();
            let rest = if self.has_room_for_bulk() { PAUSE } else { POLL };
            tokio::time::sleep(rest).await;
        }
    }

    /// Whether the queue is so short that a job does not hold up new events.
    fn has_room_for_bulk(&self) -> bool {
        let half = i64::try_from(self.config().queue_max_depth / 2).unwrap_or(i64::MAX);
        self.inner.queue_depth.load(Ordering::Relaxed) < MAX_WAITING.min(half)
    }

    /// Stores the new executions of a page. An execution that cannot be replayed does not hold up the others.
    async fn replay_page(&self, job: &Job, ids: &[String]) -> Result<Done, ApiError> {
        let mut done = Done::default();
        let mut items = Vec::with_capacity(ids.len());
        for id in ids {
            let old = executions::get(self.db(), id).await.map_err(internal)?;
            let Some(old) = old.filter(|x| x.handled_at.is_none()) else {
                done.skipped += 1;
                continue;
            };
            let request = ReplayRequest { action_version: job.bulk.action_version, event_data: None };
            match self.plan_replay(&old, request, replay_id(&job.bulk, id)).await {
                Ok(replay) => {
                    items.push(replay.item);
                    done.replayed.push((old, replay.new_id, replay.version));
                }
                // Not found, or unreadable: no later try mends it.
                Err(e) if matches!(e.kind, ErrorKind::NotFound | ErrorKind::Internal) => {
                    done.failed += 1;
                    done.last_error = Some(format!("{id}: {}", e.detail));
                }
                Err(e) => return Err(e),
            }
        }
        for stored in self.writer()?.ingest_many(items).await.map_err(|e| not_written(&e))? {
            stored.map_err(|e| not_written(&e))?;
        }
        Ok(done)
    }

    /// Audits a page and stores the job's progress in one commit. Returns where the job stands; `None` when it is another
    /// node's now, which then audits the page.
    async fn note_page(&self, job: &mut Job, done: Done) -> Result<Option<BulkStatus>, ApiError> {
        let Done { replayed, failed, skipped, last_error } = done;
        let bulk = &mut job.bulk;
        bulk.succeeded += i64::try_from(replayed.len()).unwrap_or_default();
        bulk.failed += failed;
        bulk.skipped += skipped;
        bulk.last_error = last_error.or(bulk.last_error.take());
        let caller = Caller::system("bulk-replay");
        let mut tx = self.db().begin().await.map_err(internal)?;
        let status = bulk::progress(&mut tx, &self.inner.token, job).await.map_err(internal)?;
        if status.is_none() {
            return Ok(None);
        }
        for (old, new_id, version) in &replayed {
            let after = json!({"execution_id": new_id, "action_version": version, "edited": false, "bulk_id": job.bulk.id, "started_by": job.bulk.created_by});
            self.note_handled_in(&mut tx, &caller, old, "execution.replay", after).await?;
        }
        tx.commit().await.map_err(internal)?;
        Ok(status)
    }

    async fn end_bulk(&self, job: &Job, status: BulkStatus) -> Result<(), ApiError> {
        let bulk = ended(&job.bulk, status);
        let mut tx = self.db().begin().await.map_err(internal)?;
        if !bulk::finish(&mut tx, &self.inner.token, &bulk).await.map_err(internal)? {
            return Ok(());
        }
        let document = json!({"status": bulk.status, "total": bulk.total, "succeeded": bulk.succeeded, "failed": bulk.failed, "skipped": bulk.skipped});
        self.audit(&mut tx, &Caller::system("bulk-replay"), "bulk.end", ("bulk", &bulk.id), bulk.tenant_id.as_deref(), None, Some(document)).await?;
        tx.commit().await.map_err(internal)?;
        info!(bulk_id = bulk.id, status = bulk.status.name(), succeeded = bulk.succeeded, failed = bulk.failed, skipped = bulk.skipped, "bulk job ended");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::ReplayVersion;

    fn job(total: i64, succeeded: i64, failed: i64, skipped: i64) -> Bulk {
        Bulk {
            id: "b".into(),
            status: BulkStatus::Running,
            tenant_id: None,
            filter: BulkFilter::default(),
            action_version: ReplayVersion::Original,
            total,
            succeeded,
            failed,
            skipped,
            last_error: None,
            created_at: Timestamp(1_700_000_000_000),
            created_by: String::new(),
            finished_at: None,
        }
    }

    #[test]
    fn the_new_id_follows_from_job_and_execution() {
        let (a, b) = (job(0, 0, 0, 0), Bulk { id: "c".into(), ..job(0, 0, 0, 0) });
        assert_eq!(replay_id(&a, "x"), replay_id(&a, "x"));
        assert!(replay_id(&a, "x") != replay_id(&a, "y") && replay_id(&a, "x") != replay_id(&b, "x"));
        let id = Uuid::parse_str(&replay_id(&a, "x")).unwrap();
        assert_eq!((id.get_version_num(), id.get_timestamp().map(|t| t.to_unix().0)), (7, Some(1_700_000_000)));
    }

    #[test]
    fn numbers_add_up_when_a_job_ends() {
        for (bulk, status, expected) in [
            (job(10, 7, 1, 0), BulkStatus::Finished, (10, 2)),
            (job(10, 7, 1, 0), BulkStatus::Aborted, (10, 0)),
            (job(10, 12, 0, 1), BulkStatus::Finished, (13, 1)),
            (job(0, 0, 0, 0), BulkStatus::Finished, (0, 0)),
        ] {
            let end = ended(&bulk, status);
            assert_eq!((end.total, end.skipped, end.status), (expected.0, expected.1, status));
        }
    }
}
