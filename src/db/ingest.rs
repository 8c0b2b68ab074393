//! Writing events with the executions they cause: many at once, in one commit, each accepted exactly once.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{Sql, Tx, settings};
use crate::model::Timestamp;
use crate::model::action::{ExecutionMode, Priority};
use crate::model::event::Event;
use crate::model::trace::TraceContext;
use crate::{on_tx, sql};

/// How long a lease lasts, in milliseconds; see G4 of the guarantees.
pub const LEASE_MS: i64 = 25_000;

/// An execution to be stored with its event.
#[derive(Clone, Debug)]
pub struct NewExecution {
    /// UUIDv7.
    pub id: String,
    /// The action.
    pub action_id: String,
    /// Its name now.
    pub action_name: String,
    /// Its version now.
    pub action_version: i64,
    /// Its handler type.
    pub handler_type: String,
    /// Who waits.
    pub mode: ExecutionMode,
    /// What goes first.
    pub priority: Priority,
    /// Set when this node runs it at once: the row is stored as claimed.
    pub claim: Option<Claim>,
    /// When it is made.
    pub created_at: Timestamp,
    /// The execution it replays.
    pub replay_of: Option<String>,
    /// The rendered ordering key.
    pub ordering_key: Option<String>,
    /// The place in a trace under which it runs.
    pub trace: Option<TraceContext>,
}

/// Who claims an execution.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The node's name.
    pub node: String,
    /// The token of this run of the node.
    pub token: String,
}

/// An event to be stored with its executions.
#[derive(Clone, Debug)]
pub struct IngestItem {
    /// The event.
    pub event: std::sync::Arc<Event>,
    /// A hash of what the client sent, compared when it sends it again.
    pub body_hash: String,
    /// The client's key for this request.
    pub idempotency_key: Option<String>,
    /// The executions of every matching action.
    pub executions: Vec<NewExecution>,
    /// True when only executions are stored, for an event that is there already (a replay).
    pub event_exists: bool,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// Stored now.
    Accepted,
    /// The same had been stored before under this event id.
    Duplicate(String),
    /// Something else had been stored under the same idempotency key or event id.
    Conflict(&'static str),
}

const PUT_KEYS: Sql = sql!(
    "insert into idempotency_keys (tenant_id, key, event_id, body_hash, created_at)
     select r.value->>0, r.value->>1, r.value->>2, r.value->>3, cast(r.value->>4 as bigint) from",
    ROWS,
    "where true on conflict do nothing returning tenant_id, key"
);
const SEEN_KEYS: Sql = sql!("select k.tenant_id, k.key, k.event_id, k.body_hash from", ROWS, "join idempotency_keys k on k.tenant_id = r.value->>0 and k.key = r.value->>1");
const DROP_KEYS: Sql = sql!("delete from idempotency_keys where (tenant_id, key) in (select r.value->>0, r.value->>1 from", ROWS, ")");
const PUT_EVENTS: Sql = sql!(
    "insert into events (tenant_id, id, event_type, aggregate_id, aggregate_type, data, metadata, occurred_at, received_at, correlation_id, causation_id, depth, body_hash)
     select r.value->>0, r.value->>1, r.value->>2, r.value->>3, r.value->>4, r.value->>5, r.value->>6, cast(r.value->>7 as bigint), cast(r.value->>8 as bigint),
            r.value->>9, r.value->>10, cast(r.value->>11 as bigint), r.value->>12 from",
    ROWS,
    "where true on conflict do nothing returning tenant_id, id"
);
const SEEN_EVENTS: Sql = sql!("select e.tenant_id, e.id, e.body_hash from", ROWS, "join events e on e.tenant_id = r.value->>0 and e.id = r.value->>1");
const PUT_EXECUTIONS: Sql = sql!(
    "insert into action_executions (id, tenant_id, event_id, event_type, action_id, action_name, action_version, handler_type, mode, priority, status, due_at, claim_key,
        attempt, failures, lost_leases, claim_token, node, lease_until, attempt_started_at, started_at, ordering_key, cancel_requested, created_at, replay_of, ordering_seq, traceparent, tracestate)
     select r.value->>0, r.value->>1, r.value->>2, r.value->>3, r.value->>4, r.value->>5, cast(r.value->>6 as bigint), r.value->>7, r.value->>8, cast(r.value->>9 as bigint),
        case when r.value->>10 is null then 'pending' else 'running' end,",
    NOW,
    ", 20000 * cast(r.value->>9 as bigint) +",
    NOW,
    ", case when r.value->>10 is null then 0 else 1 end, 0, 0, r.value->>10, r.value->>11,
        case when r.value->>10 is null then null else 25000 +",
    NOW,
    "end, case when r.value->>10 is null then null else",
    NOW,
    "end, case when r.value->>10 is null then null else",
    NOW,
    "end, r.value->>12, false, cast(r.value->>13 as bigint), r.value->>14, cast(r.value->>15 as bigint), r.value->>16, r.value->>17 from",
    ROWS,
    "where true on conflict (id) do nothing"
);

/// Stores the items in order. Items that name the same event or key are settled one after the other.
///
/// # Errors
/// The database's; then nothing of the transaction counts.
pub async fn ingest(tx: &mut Tx, items: &[&IngestItem]) -> sqlx::Result<Vec<Ingested>> {
    let mut out: Vec<Option<Ingested>> = vec![None; items.len()];
    let mut left: Vec<usize> = (0..items.len()).collect();
    while !left.is_empty() {
        let (mut keys, mut ids) = (HashSet::new(), HashSet::new());
        let (now, later): (Vec<usize>, Vec<usize>) = left.into_iter().partition(|&i| {
            let item = items[i];
            let tenant = item.event.tenant_id.as_str();
            let new_key = item.idempotency_key.as_deref().is_none_or(|k| keys.insert((tenant, k)));
            ids.insert((tenant, item.event.id.as_str())) && new_key
        });
        pass(tx, items, &now, &mut out).await?;
        left = later;
    }
    Ok(out.into_iter().map(|o| o.unwrap_or(Ingested::Conflict("unsettled"))).collect())
}

/// One pass over items whose keys and ids differ from each other.
async fn pass(tx: &mut Tx, items: &[&IngestItem], indexes: &[usize], out: &mut [Option<Ingested>]) -> sqlx::Result<()> {
    settle_keys(tx, items, indexes, out).await?;
    settle_events(tx, items, indexes, out).await?;
    let accepted: Vec<usize> = indexes.iter().copied().filter(|&i| out[i].is_none()).collect();
    let mut seq = first_seq(tx, accepted.iter().flat_map(|&i| &items[i].executions)).await?;
    let mut rows = Vec::new();
    for i in accepted {
        let event = &items[i].event;
        rows.extend(items[i].executions.iter().map(|x| {
            seq += 1;
            json!([
                x.id,
                event.tenant_id,
                event.id,
                event.event_type,
                x.action_id,
                x.action_name,
                x.action_version,
                x.handler_type,
                x.mode.name(),
                x.priority.rank(),
                x.claim.as_ref().map(|c| &c.token),
                x.claim.as_ref().map(|c| &c.node),
                x.ordering_key,
                x.created_at.0,
                x.replay_of,
                x.ordering_key.as_ref().map(|_| seq),
                x.trace.as_ref().map(|t| &t.traceparent),
                x.trace.as_ref().and_then(|t| t.tracestate.as_ref())
            ])
        }));
    }
    if !rows.is_empty() {
        let (text, document) = (tx.pick(&PUT_EXECUTIONS), Value::Array(rows).to_string());
        on_tx!(tx, conn => sqlx::query(text).bind(document).execute(conn).await.map(|_| ()))?;
    }
    for &i in indexes {
        out[i].get_or_insert(Ingested::Accepted);
    }
    Ok(())
}

/// The number before the first of these executions in the order of commits; the counter's row stays locked until the commit.
async fn first_seq(tx: &mut Tx, executions: impl Iterator<Item = &NewExecution>) -> sqlx::Result<i64> {
    let (count, ordered) = executions.fold((0_i64, false), |(n, o), x| (n + 1, o || x.ordering_key.is_some()));
    Ok(if ordered { settings::bump_by(tx, settings::ORDERING_KEY, count).await? - count } else { 0 })
}

async fn settle_keys(tx: &mut Tx, items: &[&IngestItem], indexes: &[usize], out: &mut [Option<Ingested>]) -> sqlx::Result<()> {
    let keyed: Vec<(usize, &str)> = indexes.iter().filter_map(|&i| items[i].idempotency_key.as_deref().map(|k| (i, k))).collect();
    if keyed.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = keyed.iter().map(|&(i, key)| json!([items[i].event.tenant_id, key, items[i].event.id, items[i].body_hash, items[i].event.received_at.0])).collect();
    let document = Value::Array(rows).to_string();
    let (put, seen) = (tx.pick(&PUT_KEYS), tx.pick(&SEEN_KEYS));
    let fresh: Vec<(String, String)> = on_tx!(tx, conn => sqlx::query_as(put).bind(&document).fetch_all(conn).await)?;
    let fresh: HashSet<(String, String)> = fresh.into_iter().collect();
    if fresh.len() == keyed.len() {
        return Ok(());
    }
    let known: Vec<(String, String, String, String)> = on_tx!(tx, conn => sqlx::query_as(seen).bind(&document).fetch_all(conn).await)?;
    let known: HashMap<(String, String), (String, String)> = known.into_iter().map(|(t, k, event, hash)| ((t, k), (event, hash))).collect();
    for (i, key) in keyed {
        let at = (items[i].event.tenant_id.clone(), key.to_owned());
        if !fresh.contains(&at)
            && let Some((event_id, hash)) = known.get(&at)
        {
            out[i] = Some(if *hash == items[i].body_hash { Ingested::Duplicate(event_id.clone()) } else { Ingested::Conflict("idempotency_key") });
        }
    }
    Ok(())
}

async fn settle_events(tx: &mut Tx, items: &[&IngestItem], indexes: &[usize], out: &mut [Option<Ingested>]) -> sqlx::Result<()> {
    let new: Vec<usize> = indexes.iter().copied().filter(|&i| out[i].is_none() && !items[i].event_exists).collect();
    if new.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = new
        .iter()
        .map(|&i| {
            let e = &items[i].event;
            json!([
                e.tenant_id,
                e.id,
                e.event_type,
                e.aggregate_id,
                e.aggregate_type,
                e.data.to_string(),
                e.metadata.to_string(),
                e.occurred_at.0,
                e.received_at.0,
                e.correlation_id,
                e.causation_id,
                e.depth,
                items[i].body_hash
            ])
        })
        .collect();
    let document = Value::Array(rows).to_string();
    let (put, seen, drop_keys) = (tx.pick(&PUT_EVENTS), tx.pick(&SEEN_EVENTS), tx.pick(&DROP_KEYS));
    let fresh: Vec<(String, String)> = on_tx!(tx, conn => sqlx::query_as(put).bind(document).fetch_all(conn).await)?;
    if fresh.len() == new.len() {
        return Ok(());
    }
    let fresh: HashSet<(String, String)> = fresh.into_iter().collect();
    let stale: Vec<usize> = new.into_iter().filter(|&i| !fresh.contains(&(items[i].event.tenant_id.clone(), items[i].event.id.clone()))).collect();
    let ids: Vec<Value> = stale.iter().map(|&i| json!([items[i].event.tenant_id, items[i].event.id])).collect();
    let known: Vec<(String, String, String)> = on_tx!(tx, conn => sqlx::query_as(seen).bind(Value::Array(ids).to_string()).fetch_all(conn).await)?;
    let known: HashMap<(String, String), String> = known.into_iter().map(|(t, id, hash)| ((t, id), hash)).collect();
    let mut void_keys = Vec::new();
    for i in stale {
        let e = &items[i].event;
        let same = known.get(&(e.tenant_id.clone(), e.id.clone())) == Some(&items[i].body_hash);
        out[i] = Some(if same { Ingested::Duplicate(e.id.clone()) } else { Ingested::Conflict("event_id") });
        if let (false, Some(key)) = (same, &items[i].idempotency_key) {
            void_keys.push(json!([e.tenant_id, key]));
        }
    }
    if !void_keys.is_empty() {
        on_tx!(tx, conn => sqlx::query(drop_keys).bind(Value::Array(void_keys).to_string()).execute(conn).await.map(|_| ()))?;
    }
    Ok(())
}
