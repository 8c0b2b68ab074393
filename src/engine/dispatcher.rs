//! An event arrives: parse once, match on the index, one durable commit, then start what this node runs itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;
use uuid::Uuid;

use super::executor::{Finished, Job};
use super::{Actor, Caller, Engine, alerts, internal, not_written, spans};
use crate::db::executions;
use crate::db::ingest::{Claim, IngestItem, Ingested, NewExecution};
use crate::model::access::Scope;
use crate::model::action::{Action, ExecutionMode};
use crate::model::event::{Event, MAX_BATCH_EVENTS, MAX_CAUSATION_DEPTH, MAX_EVENT_BYTES, NewEvent};
use crate::model::execution::{Execution, ExecutionBrief, Receipt, Status};
use crate::model::tenant::DEFAULT_TENANT;
use crate::model::{ApiError, Timestamp};
use crate::telemetry::trace;

/// Who starts the executions of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// This node; the request waits for sync actions.
    AndWait,
    /// This node; nobody waits, sync acts as async.
    Here,
    /// Whichever node takes them from the queue.
    Queued,
}

/// An event ready to be stored, with what runs at once when it is.
pub(super) struct Plan {
    pub item: IngestItem,
    actions: Vec<Arc<Action>>,
    /// One per execution: the place of a worker, for those that this node starts at once without anybody waiting.
    permits: Vec<Option<OwnedSemaphorePermit>>,
    begun: Begun,
    planned: Instant,
}

/// Executions counted against the limits of their actions that have not started; given back when they never do.
struct Begun {
    engine: Engine,
    action_ids: Vec<String>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        for id in &self.action_ids {
            self.engine.give_back_start(id);
        }
    }
}

impl Engine {
    /// Takes one event: stores it with an execution per matching action in one commit, runs sync actions, answers.
    ///
    /// # Errors
    /// 422 with every fault, 409 when the same id or idempotency key was used for something else, 503 when nothing can be stored.
    pub async fn ingest(&self, caller: &Caller, new: NewEvent, idempotency_key: Option<String>) -> Result<Receipt, ApiError> {
        caller.require(Scope::EventsWrite)?;
        self.check_room()?;
        let (event, body_hash) = self.accept(caller, new, 0)?;
        self.take_event_quota(&event.tenant_id, event.received_at)?;
        let key = idempotency_key.map(|k| check_key(&k).map(|()| k)).transpose()?;
        let span = spans::ingest(&event);
        async { self.store(self.plan(event, body_hash, key, Start::AndWait), true).await }.instrument(span).await
    }

    /// Takes many events; each item succeeds or fails by itself. Sync actions run as async.
    ///
    /// # Errors
    /// 413 for more than 1,000 items; 503 when nothing can be stored.
    pub async fn ingest_batch(&self, caller: &Caller, batch: Vec<Result<NewEvent, ApiError>>) -> Result<Vec<Result<Receipt, ApiError>>, ApiError> {
        caller.require(Scope::EventsWrite)?;
        if batch.len() > MAX_BATCH_EVENTS {
            return Err(ApiError::new(
                crate::model::ErrorKind::PayloadTooLarge,
                "batch_too_large",
                format!("A batch has at most {MAX_BATCH_EVENTS} events; this one has {}.", batch.len()),
            ));
        }
        self.check_room()?;
        let span = spans::ingest_batch(batch.len());
        let entered = span.enter();
        let mut plans = Vec::with_capacity(batch.len());
        for item in batch {
            plans.push(item.and_then(|new| {
                let (event, hash) = self.accept(caller, new, 0)?;
                self.take_event_quota(&event.tenant_id, event.received_at)?;
                Ok(self.plan(event, hash, None, Start::Here))
            }));
        }
        drop(entered);
        let engine = self.clone();
        self.to_the_end(async move { engine.store_many(plans).await }).instrument(span).await
    }

    /// Commits the plans of a batch together, then starts what this node runs of them; the answers in their order.
    async fn store_many(&self, plans: Vec<Result<Plan, ApiError>>) -> Result<Vec<Result<Receipt, ApiError>>, ApiError> {
        let items = plans.iter().filter_map(|p| p.as_ref().ok().map(|p| p.item.clone())).collect();
        let mut results = self.writer()?.ingest_many(items).await.map_err(|e| not_written(&e))?.into_iter();
        let mut out = Vec::with_capacity(plans.len());
        for plan in plans {
            out.push(match plan {
                Err(e) => Err(e),
                Ok(plan) => match results.next() {
                    Some(Ok(result)) => self.conclude(plan, result, false).await,
                    Some(Err(e)) => Err(not_written(&e)),
                    None => Err(ApiError::internal()),
                },
            });
        }
        Ok(out)
    }

    /// Takes an event that an action caused; `queued` sends what matches through the queue.
    pub(super) async fn ingest_caused(&self, caller: &Caller, new: NewEvent, depth: u32, queued: bool) -> Result<Receipt, ApiError> {
        let (event, body_hash) = self.accept(caller, new, depth)?;
        let span = spans::ingest(&event);
        async { self.store(self.plan(event, body_hash, None, if queued { Start::Queued } else { Start::Here }), false).await }.instrument(span).await
    }

    /// Refuses events while the queue is full or the database is away (G14, G16).
    fn check_room(&self) -> Result<(), ApiError> {
        if !self.inner.database_up.load(Ordering::Acquire) {
            return Err(ApiError::unavailable("database_unavailable", "The database cannot be reached; the event was not stored. Send it again soon.", 5));
        }
        let depth = self.inner.queue_depth.load(Ordering::Relaxed);
        if u64::try_from(depth).unwrap_or(0) >= self.config().queue_max_depth {
            return Err(ApiError::unavailable("queue_full", format!("{depth} executions wait; no more events are taken until they have run."), 10));
        }
        Ok(())
    }

    /// Checks an event and settles whose it is. Returns it with the hash of what the client sent.
    pub(super) fn accept(&self, caller: &Caller, mut new: NewEvent, depth: u32) -> Result<(Event, String), ApiError> {
        let mut faults = new.validate();
        if caller.actor == Actor::System(alerts::ACTOR) {
            faults.0.retain(|f| f.code != "reserved");
        }
        faults.into_result()?;
        if depth > MAX_CAUSATION_DEPTH {
            self.note_loop(caller, &new);
            return Err(ApiError::invalid(
                "/causation_id",
                "loop",
                format!("This event is the {depth}th in a chain that actions caused; more than {MAX_CAUSATION_DEPTH} are refused."),
            ));
        }
        let body = serde_json::to_vec(&new).map_err(internal)?;
        if body.len() > MAX_EVENT_BYTES {
            return Err(ApiError::new(crate::model::ErrorKind::PayloadTooLarge, "event_too_large", "An event has at most 1 MiB of JSON."));
        }
        let hash = Sha256::digest(&body).iter().fold(String::with_capacity(64), |mut hex, b| {
            hex.push_str(&format!("{b:02x}"));
            hex
        });
        let tenant_id = self.tenant_of(caller, &new)?;
        let now = Timestamp::now();
        let event = Event {
            id: new.id.take().unwrap_or_else(|| Uuid::now_v7().to_string()),
            tenant_id,
            event_type: new.event_type,
            aggregate_id: new.aggregate_id,
            aggregate_type: new.aggregate_type,
            data: new.data,
            metadata: new.metadata,
            occurred_at: new.occurred_at.unwrap_or(now),
            received_at: now,
            correlation_id: new.correlation_id,
            causation_id: new.causation_id,
            depth,
        };
        Ok((event, hash))
    }

    /// The same for an event that is only looked at, never stored: it may also be of the product's own types.
    pub(super) fn accept_sample(&self, caller: &Caller, new: NewEvent) -> Result<Event, ApiError> {
        let looking = Caller { actor: Actor::System(alerts::ACTOR), ..caller.clone() };
        self.accept(&looking, new, 0).map(|(event, _)| event)
    }

    /// Notes an event that is refused because actions cause each other without end.
    fn note_loop(&self, caller: &Caller, new: &NewEvent) {
        let cause = alerts::cause_of_correlation(new.correlation_id.as_deref()).map(str::to_owned);
        let tenant = caller.tenant_id.clone().unwrap_or_else(|| DEFAULT_TENANT.to_owned());
        self.inner.alerts.note(alerts::Note::Loop { tenant, event_type: new.event_type.clone(), causation_id: new.causation_id.clone(), cause });
    }

    /// The tenant of an event: the credential's. A platform credential names it in `metadata.tenant_id`, else it is `default`.
    fn tenant_of(&self, caller: &Caller, new: &NewEvent) -> Result<String, ApiError> {
        if caller.is_homeless() {
            return Err(Caller::homeless());
        }
        let named = match new.metadata.get("tenant_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name.as_str()),
            Some(_) => return Err(ApiError::invalid("/metadata/tenant_id", "wrong_type", "metadata.tenant_id must be a string.")),
        };
        match (&caller.tenant_id, named) {
            (Some(own), None) => Ok(own.clone()),
            (Some(own), Some(named)) if own == named => Ok(own.clone()),
            (Some(_), Some(named)) if !caller.is_platform => Err(ApiError::forbidden(format!("This key is bound to another tenant than metadata.tenant_id, which is {named:?}."))),
            (_, named) => {
                let name = named.unwrap_or(DEFAULT_TENANT);
                if self.tenant_exists(name) {
                    Ok(name.to_owned())
                } else {
                    Err(ApiError::invalid("/metadata/tenant_id", "unknown_tenant", format!("There is no tenant {name:?}.")))
                }
            }
        }
    }

    /// Finds the matching actions and decides which executions start on this node at once.
    pub(super) fn plan(&self, event: Event, body_hash: String, idempotency_key: Option<String>, start: Start) -> Plan {
        let actions = spans::matching(|| self.inner.matcher.matching(&event));
        let mut permits = Vec::with_capacity(actions.len());
        let mut begun = Begun { engine: self.clone(), action_ids: Vec::new() };
        let executions = actions
            .iter()
            .map(|action| {
                let mut x = self.new_execution(action, &event);
                match start {
                    Start::Here if x.mode == ExecutionMode::Sync => x.mode = ExecutionMode::Async,
                    Start::Queued => x.mode = ExecutionMode::Queued,
                    _ => {}
                }
                let (claimed, permit) = self.claim_here(action, &x);
                if claimed {
                    x.claim = Some(Claim { node: self.inner.node.clone(), token: self.inner.token.clone() });
                    begun.action_ids.push(action.id.clone());
                }
                permits.push(permit);
                x
            })
            .collect();
        let item = IngestItem { event: Arc::new(event), body_hash, idempotency_key, executions, event_exists: false };
        Plan { item, actions, permits, begun, planned: Instant::now() }
    }

    /// A new execution of an action for an event, not claimed by anybody.
    pub(super) fn new_execution(&self, action: &Action, event: &Event) -> NewExecution {
        let d = &action.definition;
        NewExecution {
            id: Uuid::now_v7().to_string(),
            action_id: action.id.clone(),
            action_name: d.name.clone(),
            action_version: action.version,
            handler_type: d.handler_type.0.clone(),
            mode: d.execution_mode,
            priority: d.priority,
            claim: None,
            created_at: event.received_at,
            replay_of: None,
            ordering_key: self.ordering_key(action, event),
            trace: trace::current(),
        }
    }

    /// Whether this node starts an execution at once: sync always, async when a worker is free, queued never.
    fn claim_here(&self, action: &Action, x: &NewExecution) -> (bool, Option<OwnedSemaphorePermit>) {
        if x.mode == ExecutionMode::Queued
            || self.inner.stopping.is_cancelled()
            || self.is_paused()
            || x.ordering_key.is_some()
            || self.inner.handlers.get(&x.handler_type).is_none()
        {
            return (false, None);
        }
        let permit = match x.mode {
            ExecutionMode::Async => match self.inner.workers.clone().try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_) => return (false, None),
            },
            _ => None,
        };
        if self.may_start_at_once(action) { (true, permit) } else { (false, None) }
    }

    /// Commits a plan and starts what this node runs of it.
    pub(super) async fn store(&self, plan: Plan, sync_waits: bool) -> Result<Receipt, ApiError> {
        let engine = self.clone();
        self.to_the_end(async move {
            let result = engine.writer()?.ingest(plan.item.clone()).await.map_err(|e| not_written(&e))?;
            engine.conclude(plan, result, sync_waits).await
        })
        .await
    }

    /// Runs to its end even when the caller goes away: a client that hangs up between the commit and the start must not leave
    /// its executions claimed, with nobody running them until their lease is over.
    async fn to_the_end<T: Send + 'static>(&self, work: impl Future<Output = Result<T, ApiError>> + Send + 'static) -> Result<T, ApiError> {
        self.inner.jobs.spawn(work.in_current_span()).await.map_err(internal)?
    }

    /// After the commit: starts what this node has claimed, waits for sync actions, and writes the answer.
    async fn conclude(&self, mut plan: Plan, result: Ingested, sync_waits: bool) -> Result<Receipt, ApiError> {
        let event = plan.item.event.clone();
        self.inner.metrics.event(match &result {
            Ingested::Accepted => "accepted",
            Ingested::Duplicate(_) => "duplicate",
            Ingested::Conflict(_) => "conflict",
        });
        match result {
            Ingested::Accepted => {}
            Ingested::Duplicate(event_id) => {
                let existing = executions::of_event(self.db(), &event.tenant_id, &event_id).await.map_err(internal)?;
                return Ok(Receipt { event_id, duplicate: true, matched: existing.len(), executions: existing.into_iter().map(brief).collect() });
            }
            Ingested::Conflict("event_id") => {
                return Err(ApiError::conflict(
                    "event_id_conflict",
                    format!("An event with the id {:?} was sent before with another body. Use a new id for a new event.", event.id),
                ));
            }
            Ingested::Conflict(_) => {
                return Err(ApiError::conflict("idempotency_conflict", "This Idempotency-Key was used before with another body. Use a new key for a new event."));
            }
        }
        // From here on the end of each attempt gives back what its start has taken.
        plan.begun.action_ids.clear();
        let mut briefs: Vec<ExecutionBrief> = plan.item.executions.iter().map(started).collect();
        let mut waiting = Vec::new();
        let mut queued = false;
        for (index, ((x, action), permit)) in plan.item.executions.iter().zip(&plan.actions).zip(plan.permits).enumerate() {
            if x.claim.is_none() {
                queued = true;
                continue;
            }
            let job = Job::first(x, action, event.clone(), plan.planned);
            if x.mode == ExecutionMode::Sync {
                waiting.push((index, job));
            } else {
                self.spawn_job(job, permit);
            }
        }
        if queued {
            self.inner.wake.notify_one();
        }
        if sync_waits && !waiting.is_empty() {
            self.run_sync(waiting, &mut briefs).await;
        }
        Ok(Receipt { event_id: event.id.clone(), duplicate: false, matched: briefs.len(), executions: briefs })
    }

    /// Runs sync executions one after the other within the deadline; what is not finished by then goes on in the background.
    async fn run_sync(&self, jobs: Vec<(usize, Job)>, briefs: &mut [ExecutionBrief]) {
        let (sender, mut finished) = tokio::sync::mpsc::unbounded_channel();
        // All of them hold a lease from the commit on, also while they wait for their turn.
        let entered: Vec<_> = jobs.into_iter().map(|(index, job)| (index, self.enter_running(&job), job)).collect();
        let engine = self.clone();
        self.inner.jobs.spawn(async move {
            for (index, cancel, job) in entered {
                let end = engine.run_entered(job, cancel).await;
                drop(sender.send((index, end)));
            }
        });
        let deadline = tokio::time::sleep(Duration::from_secs(self.config().sync_deadline_seconds));
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                () = &mut deadline => return,
                next = finished.recv() => match next {
                    Some((index, Some(Finished { status, result, error }))) => {
                        let brief = &mut briefs[index];
                        (brief.status, brief.result, brief.error) = (status, result, error);
                    }
                    Some((_, None)) => {}
                    None => return,
                },
            }
        }
    }
}

fn check_key(key: &str) -> Result<(), ApiError> {
    let fine = (1..=255).contains(&key.chars().count()) && !key.chars().any(char::is_control);
    if fine { Ok(()) } else { Err(ApiError::bad_request("bad_idempotency_key", "Idempotency-Key has 1 to 255 printable characters.")) }
}

/// What the answer says of an execution that has just been stored.
fn started(x: &NewExecution) -> ExecutionBrief {
    let status = if x.claim.is_some() { Status::Running } else { Status::Pending };
    ExecutionBrief { id: x.id.clone(), action_id: x.action_id.clone(), action_name: x.action_name.clone(), priority: x.priority, mode: x.mode, status, result: None, error: None }
}

/// What an answer says of a stored execution.
pub(super) fn brief(x: Execution) -> ExecutionBrief {
    ExecutionBrief { id: x.id, action_id: x.action_id, action_name: x.action_name, priority: x.priority, mode: x.mode, status: x.status, result: x.result, error: x.error }
}
