//! The group-commit writer: drains its channel, writes everything that waits in one transaction, commits once, answers all.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::{error, warn};

use super::attempts::NewAttempt;
use super::executions::Completion;
use super::ingest::{IngestItem, Ingested};
use super::stats::Deltas;
use super::{Db, attempts, executions, ingest, stats};

/// Most operations in one transaction.
const MAX_BATCH: usize = 1000;
/// Most operations that wait; beyond it senders wait.
const QUEUE: usize = 20_000;
/// How often a batch is tried again after the connection broke, 250 ms apart.
const TRIES: u32 = 8;

/// The end of an attempt with everything that is stored of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The transition.
    pub completion: Completion,
    /// The attempt.
    pub attempt: NewAttempt,
    /// What it adds to the statistics.
    pub deltas: Deltas,
}

/// Why a write failed: the database's words, for the log.
#[derive(Clone, Debug)]
pub struct WriteError(pub String);

type Answer<T> = oneshot::Sender<Result<T, WriteError>>;

enum Op {
    Ingest(Box<IngestItem>, Answer<Ingested>),
    /// Items that stay together, in their order.
    IngestMany(Vec<(IngestItem, Answer<Ingested>)>),
    Record(Box<Record>, Answer<bool>),
}

impl Op {
    /// How much it adds to a transaction.
    const fn size(&self) -> usize {
        match self {
            Self::IngestMany(items) => items.len(),
            Self::Ingest(..) | Self::Record(..) => 1,
        }
    }
}

/// The way into the writer. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Op>,
}

impl Writer {
    /// Starts `lanes` writers on one channel: one for SQLite, a few for PostgreSQL. They end when every `Writer` is dropped.
    #[must_use]
    pub fn start(db: &Db, lanes: usize) -> (Self, Vec<tokio::task::JoinHandle<()>>) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        let tasks = (0..lanes.max(1)).map(|_| tokio::spawn(run(db.clone(), receiver.clone()))).collect();
        (Self { queue }, tasks)
    }

    /// Stores an event with its executions; returns after the commit.
    ///
    /// # Errors
    /// When the database cannot take it; then nothing of it is stored.
    pub async fn ingest(&self, item: IngestItem) -> Result<Ingested, WriteError> {
        let (answer, result) = oneshot::channel();
        self.send(Op::Ingest(Box::new(item), answer)).await?;
        result.await.map_err(|_| closed())?
    }

    /// Stores many events, by one writer and in their order, so that none is committed before one ahead of it; one answer each.
    ///
    /// # Errors
    /// When the database cannot take them.
    pub async fn ingest_many(&self, items: Vec<IngestItem>) -> Result<Vec<Result<Ingested, WriteError>>, WriteError> {
        let mut results = Vec::with_capacity(items.len());
        let with_answers = items.into_iter().map(|item| {
            let (answer, result) = oneshot::channel();
            results.push(result);
            (item, answer)
        });
        let op = Op::IngestMany(with_answers.collect());
        self.send(op).await?;
        let mut out = Vec::with_capacity(results.len());
        for result in results {
            out.push(result.await.unwrap_or_else(|_| Err(closed())));
        }
        Ok(out)
    }

    /// Stores the end of an attempt; returns after the commit whether it applied (false: the lease was lost).
    ///
    /// # Errors
    /// When the database cannot take it; the lease then runs out and another attempt follows.
    pub async fn record(&self, record: Record) -> Result<bool, WriteError> {
        let (answer, result) = oneshot::channel();
        self.send(Op::Record(Box::new(record), answer)).await?;
        result.await.map_err(|_| closed())?
    }

    async fn send(&self, op: Op) -> Result<(), WriteError> {
        self.queue.send(op).await.map_err(|_| closed())
    }
}

fn closed() -> WriteError {
    WriteError("the writer has stopped".to_owned())
}

async fn run(db: Db, receiver: Arc<Mutex<mpsc::Receiver<Op>>>) {
    loop {
        let mut ops = Vec::new();
        if receiver.lock().await.recv_many(&mut ops, MAX_BATCH).await == 0 {
            return;
        }
        for group in in_transactions(ops) {
            flush(&db, group).await;
        }
    }
}

/// The operations in their order, as many in one transaction as may be; what belongs together stays so.
fn in_transactions(ops: Vec<Op>) -> Vec<Vec<Op>> {
    let (mut groups, mut group, mut size) = (Vec::new(), Vec::new(), 0);
    for op in ops {
        if size > 0 && size + op.size() > MAX_BATCH {
            groups.push(std::mem::take(&mut group));
            size = 0;
        }
        size += op.size();
        group.push(op);
    }
    groups.push(group);
    groups
}

/// Writes a batch. A broken connection is tried again; a batch that fails for its content is written one by one,
/// so that one bad item never holds up the others.
async fn flush(db: &Db, ops: Vec<Op>) {
    let (mut items, mut item_answers, mut records, mut record_answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for op in ops {
        match op {
            Op::Ingest(item, answer) => {
                items.push(*item);
                item_answers.push(answer);
            }
            Op::IngestMany(many) => {
                for (item, answer) in many {
                    items.push(item);
                    item_answers.push(answer);
                }
            }
            Op::Record(record, answer) => {
                records.push(*record);
                record_answers.push(answer);
            }
        }
    }
    let (ingested, recorded) = match write(db, &items.iter().collect::<Vec<_>>(), &records.iter().collect::<Vec<_>>()).await {
        Ok((a, b)) => (a.into_iter().map(Ok).collect::<Vec<_>>(), b.into_iter().map(Ok).collect::<Vec<_>>()),
        Err(e) if items.len() + records.len() == 1 || is_outage(&e) => {
            error!(error = %e, events = items.len(), attempts = records.len(), "a batch could not be written");
            let failed = WriteError(e.to_string());
            (vec![Err(failed.clone()); items.len()], vec![Err(failed); records.len()])
        }
        Err(e) => {
            warn!(error = %e, "a batch failed; writing its items one by one");
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for item in &items {
                a.push(write(db, &[item], &[]).await.map(|(mut r, _)| r.remove(0)).map_err(|e| WriteError(e.to_string())));
            }
            for record in &records {
                b.push(write(db, &[], &[record]).await.map(|(_, mut r)| r.remove(0)).map_err(|e| WriteError(e.to_string())));
            }
            (a, b)
        }
    };
    item_answers.into_iter().zip(ingested).for_each(|(answer, result)| drop(answer.send(result)));
    record_answers.into_iter().zip(recorded).for_each(|(answer, result)| drop(answer.send(result)));
}

/// Whether the database is away or full, rather than the content at fault.
fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        // SQLite: busy 5, locked 6, I/O 10, full 13, cannot open 14; PostgreSQL: classes 08, 53, 57.
        sqlx::Error::Database(e) => e.code().is_some_and(|c| match c.parse::<u32>() {
            Ok(n) if c.len() < 5 => matches!(n & 0xff, 5 | 6 | 10 | 13 | 14),
            _ => ["08", "53", "57"].iter().any(|class| c.starts_with(class)),
        }),
        _ => false,
    }
}

/// Whether trying the same again soon can help.
fn is_passing(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(e) if e.code().is_some_and(|c| c == "40001" || c == "40P01"))
        || is_outage(error) && !matches!(error, sqlx::Error::Database(e) if e.code().as_deref() == Some("13"))
}

type Written = (Vec<Ingested>, Vec<bool>);

async fn write(db: &Db, items: &[&IngestItem], records: &[&Record]) -> sqlx::Result<Written> {
    let mut unknown_commit = false;
    for attempt in 1.. {
        match write_once(db, items, records, &mut unknown_commit).await {
            Ok((mut ingested, recorded)) => {
                if unknown_commit {
                    settle_unknown(db, items, &mut ingested).await?;
                }
                return Ok((ingested, recorded));
            }
            Err(e) if attempt < TRIES && is_passing(&e) => tokio::time::sleep(Duration::from_millis(250)).await,
            Err(e) => return Err(e),
        }
    }
    Err(sqlx::Error::WorkerCrashed)
}

async fn write_once(db: &Db, items: &[&IngestItem], records: &[&Record], unknown_commit: &mut bool) -> sqlx::Result<Written> {
    let mut tx = db.begin().await?;
    let ingested = if items.is_empty() { Vec::new() } else { ingest::ingest(&mut tx, items).await? };
    let mut recorded = Vec::new();
    if !records.is_empty() {
        let applied = executions::complete(&mut tx, &records.iter().map(|r| &r.completion).collect::<Vec<_>>()).await?;
        let kept: Vec<&&Record> = records.iter().filter(|r| applied.contains(&r.completion.execution_id)).collect();
        attempts::insert(&mut tx, &kept.iter().map(|r| &r.attempt).collect::<Vec<_>>()).await?;
        let mut sum = Deltas::new();
        for (key, (count, ms)) in kept.iter().flat_map(|r| &r.deltas) {
            let entry = sum.entry(key.clone()).or_default();
            entry.0 += count;
            entry.1 += ms;
        }
        stats::add(&mut tx, &sum).await?;
        recorded = records.iter().map(|r| applied.contains(&r.completion.execution_id)).collect();
    }
    let committed = tx.commit().await;
    *unknown_commit |= committed.is_err();
    committed.map(|()| (ingested, recorded))
}

/// A commit whose result was lost may have happened. What then looks like a duplicate is ours when it was received in the
/// same millisecond under the same id: it was accepted (G16).
async fn settle_unknown(db: &Db, items: &[&IngestItem], ingested: &mut [Ingested]) -> sqlx::Result<()> {
    for (item, result) in items.iter().zip(ingested) {
        if *result != Ingested::Duplicate(item.event.id.clone()) {
            continue;
        }
        let stored = super::events::get(db, Some(&item.event.tenant_id), &item.event.id).await.ok().flatten();
        if stored.is_some_and(|e| e.received_at == item.event.received_at) {
            *result = Ingested::Accepted;
        }
    }
    Ok(())
}
