//! The made-up day behind the demo: events through the real matcher and the real rendering, ends by the dice, rows as the engine
//! would have written them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::TENANT;
use super::scene::{FAIL_PERCENT, FAILING};
use super::traffic::{self, Dice};
use crate::db::attempts::{self, NewAttempt};
use crate::db::history::{self, PastExecution};
use crate::db::ingest::{self, IngestItem};
use crate::db::stats::{self, ATTEMPT_FAILED, ATTEMPT_SUCCEEDED, Deltas, QUEUE_WAIT, StatKey};
use crate::db::{Tx, outbox};
use crate::engine::{Caller, Engine};
use crate::handlers::email::{self, mail::Mail};
use crate::handlers::{ActionRef, Call};
use crate::model::Timestamp;
use crate::model::action::{Action, ExecutionMode};
use crate::model::event::Event;
use crate::model::execution::{Attempt, ErrorClass, ExecutionError, Outcome, Status};
use crate::model::mail::OutboxMail;
use crate::model::stats::bucket_of;

/// How far back it goes, in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;
/// The busier end of it, so that verdicts have something to judge.
const BUSY_MS: i64 = 15 * 60_000;
/// The receiver that fails was down from so long ago until so long ago: hours that a chart shows at a glance.
const OUTAGE_MS: std::ops::Range<i64> = 6 * 3_600_000..7 * 3_600_000;
/// How many of a hundred requests failed then.
const OUTAGE_PERCENT: i64 = 85;
/// The name of the node that never was.
const NODE: &str = "demo";
/// Sums of days are made anew from the first day touched.
const MINUTES_OF_A_DAY: i64 = 1_440;

/// An instant as UUIDs of version 7 hold it.
pub fn uuid_time(at: Timestamp) -> uuid::Timestamp {
    let (seconds, rest) = (at.0.div_euclid(1000).unsigned_abs(), at.0.rem_euclid(1000));
    uuid::Timestamp::from_unix(uuid::NoContext, seconds, u32::try_from(rest * 1_000_000).unwrap_or(0))
}

fn id_at(at: Timestamp) -> String {
    Uuid::new_v7(uuid_time(at)).to_string()
}

/// One execution with everything that is stored of it.
struct Past {
    execution: PastExecution,
    attempts: Vec<NewAttempt>,
    mail: Option<OutboxMail>,
}

impl Engine {
    /// Stores the day before `now`. It is made up first and written then, so that nobody waits for the database meanwhile.
    pub(super) async fn make_history(&self, now: Timestamp) -> anyhow::Result<()> {
        let mut dice = Dice::new(20);
        let mut at = now.plus_ms(-DAY_MS);
        let (mut day, mut sums) = (Vec::new(), Deltas::new());
        while at.0 < now.0 {
            let event = Arc::new(self.past_event(&mut dice, at)?);
            let own = |a: &Arc<Action>| a.definition.tenant_id.as_deref() == Some(TENANT);
            let actions = self.inner.matcher.matching(&event).into_iter().filter(own);
            let all: Vec<Past> = actions.map(|action| self.past_execution(&mut dice, &action, &event, now)).collect();
            all.iter().for_each(|past| count(&mut sums, past, &event));
            day.push((event, all));
            let busy = now.0 - at.0 < BUSY_MS;
            at = at.plus_ms(if busy { dice.between(6_000, 24_000) } else { dice.between(20_000, 90_000) });
            tokio::task::yield_now().await;
        }
        let mut tx = self.db().begin().await?;
        for (event, all) in &day {
            store(&mut tx, event, all).await?;
        }
        stats::add(&mut tx, &sums).await?;
        let first = now.plus_ms(-DAY_MS).0.div_euclid(60_000);
        history::sum_again_from(&mut tx, first.div_euclid(MINUTES_OF_A_DAY) * MINUTES_OF_A_DAY).await?;
        tx.commit().await?;
        Ok(())
    }

    fn past_event(&self, dice: &mut Dice, at: Timestamp) -> anyhow::Result<Event> {
        let caller = Caller { tenant_id: Some(TENANT.to_owned()), ..Caller::system("demo") };
        let (event, _) = self.accept(&caller, traffic::event(dice), 0)?;
        Ok(Event { id: id_at(at), occurred_at: at, received_at: at, ..event })
    }

    /// Plays one execution: so many attempts as the dice want, each with what the action would have sent.
    fn past_execution(&self, dice: &mut Dice, action: &Action, event: &Arc<Event>, now: Timestamp) -> Past {
        let mut x = self.new_execution(action, event);
        x.id = id_at(event.received_at);
        let wait = if x.mode == ExecutionMode::Queued { dice.between(40, 900) } else { dice.between(1, 12) };
        let started_at = event.received_at.plus_ms(wait);
        let call = self.past_call(action, event, &x.id);
        let request = self.inner.handlers.get(&x.handler_type).and_then(|h| h.preview(&call).ok()).map(|p| p.request);
        let (mut attempts, mut begin, mut number) = (Vec::new(), started_at, 1);
        let (status, finished_at) = loop {
            let fails = dice.percent(chance_of_failure(action, now.0 - begin.0));
            let attempt = past_attempt(dice, action, event, (number, begin), request.clone(), fails);
            let end = attempt.finished_at.unwrap_or(begin);
            attempts.push(NewAttempt { execution_id: x.id.clone(), attempt });
            if !fails {
                break (Status::Succeeded, end);
            }
            if number > action.definition.max_retries {
                break (Status::DeadLetter, end);
            }
            begin = end.plus_ms(i64::from(action.definition.retry_delay_seconds) * 1000 * (1 << (number - 1)));
            number += 1;
        };
        let error = attempts.iter().rev().find_map(|a| a.attempt.error.clone());
        let failures = u32::try_from(attempts.iter().filter(|a| a.attempt.error.is_some()).count()).unwrap_or(0);
        let result = (status == Status::Succeeded).then(|| result_of(action, event, &x.id));
        let mail = (action.definition.handler_type.as_str() == "email").then(|| past_mail(&call, started_at)).flatten();
        let execution = PastExecution { execution: x, status, attempts: number, failures, started_at, finished_at, result, error };
        Past { execution, attempts, mail }
    }

    fn past_call(&self, action: &Action, event: &Arc<Event>, execution_id: &str) -> Call {
        let reference = ActionRef { id: action.id.clone(), name: action.definition.name.clone(), version: action.version, tenant_id: action.definition.tenant_id.clone() };
        Call {
            execution_id: execution_id.to_owned(),
            attempt: 1,
            host: self.host_for(&reference, TENANT, true),
            action: reference,
            configuration: action.definition.configuration.clone(),
            event: event.clone(),
            timeout: Duration::from_secs(30),
            cancel: CancellationToken::new(),
            step: None,
            steps: std::collections::BTreeMap::new(),
        }
    }
}

/// How many of a hundred attempts fail that begin so many milliseconds before the end of the day.
fn chance_of_failure(action: &Action, ago_ms: i64) -> i64 {
    match action.definition.handler_type.as_str() {
        "webhook" if action.definition.name == FAILING => {
            if OUTAGE_MS.contains(&ago_ms) {
                OUTAGE_PERCENT
            } else {
                FAIL_PERCENT
            }
        }
        "webhook" | "workflow" => 1,
        _ => 0,
    }
}

fn past_attempt(dice: &mut Dice, action: &Action, event: &Event, (number, begin): (u32, Timestamp), request: Option<Value>, fails: bool) -> Attempt {
    let kind = action.definition.handler_type.as_str();
    let duration_ms = match kind {
        "webhook" if action.definition.name == FAILING => dice.between(400, 700),
        "webhook" => dice.between(120, 190) + if dice.percent(4) { dice.between(200, 900) } else { 0 },
        "workflow" => dice.between(210, 420),
        "email" => dice.between(4, 18),
        _ => dice.between(2, 9),
    };
    let status = if fails { 503 } else { 200 };
    let response = (kind == "webhook").then(|| {
        let body = json!({"received": !fails, "by": "the built-in demo sink"});
        json!({"status": status, "headers": {"content-type": "application/json"}, "body": body, "truncated": false, "duration_ms": duration_ms})
    });
    let error = fails.then(|| ExecutionError { class: ErrorClass::HttpStatus, message: "The receiver answered 503 Service Unavailable.".to_owned(), retryable: true });
    Attempt {
        number,
        node: NODE.to_owned(),
        started_at: begin,
        finished_at: Some(begin.plus_ms(duration_ms)),
        duration_ms: Some(duration_ms),
        outcome: Some(if fails { Outcome::Failed } else { Outcome::Succeeded }),
        error,
        request,
        response,
        logs: if kind == "function" { vec![format!("payment of {} from {}: {}", event.data["payment"]["amount"], country(event), score(event))] } else { Vec::new() },
    }
}

fn country(event: &Event) -> &str {
    event.data["payment"]["country"].as_str().unwrap_or_default()
}

/// What the stored function returns for a payment.
fn score(event: &Event) -> i64 {
    let abroad = if ["DE", "FR", "NL", "PT"].contains(&country(event)) { 0 } else { 20 };
    let amount = event.data["payment"]["amount"].as_f64().unwrap_or(0.0);
    ((amount / 50.0).round() as i64 + abroad).min(100)
}

fn result_of(action: &Action, event: &Event, execution_id: &str) -> Value {
    match action.definition.handler_type.as_str() {
        "email" => json!({"message_id": format!("{execution_id}@{}", email::DEMO_DOMAIN), "recipients": 1, "sent_to": "outbox"}),
        "function" => json!({"score": score(event), "review": score(event) >= 60}),
        "workflow" => {
            let step = |number: usize, (name, action): (&str, &str)| json!({"number": number, "name": name, "action": action, "status": "succeeded", "tries": 1});
            let steps: Vec<Value> = [("check", "validate"), ("billing", "send"), ("sales", "send")].into_iter().enumerate().map(|(i, s)| step(i + 1, s)).collect();
            json!({"steps": steps, "output": {"sent_to": "outbox", "recipients": 1}})
        }
        _ => json!({"status": 200, "body": {"received": true, "by": "the built-in demo sink"}}),
    }
}

fn past_mail(call: &Call, at: Timestamp) -> Option<OutboxMail> {
    let mail = Mail::render(call).ok()?;
    let raw = mail.to_message().ok()?.formatted();
    Some(OutboxMail {
        id: call.message_id(),
        tenant_id: TENANT.to_owned(),
        execution_id: call.execution_id.clone(),
        from: mail.from.to_string(),
        recipients: mail.recipients(),
        subject: mail.subject.clone(),
        raw,
        created_at: at,
    })
}

/// Stores an event with everything that came of it.
async fn store(tx: &mut Tx, event: &Arc<Event>, all: &[Past]) -> anyhow::Result<()> {
    let item = IngestItem { event: event.clone(), body_hash: "demo".to_owned(), idempotency_key: None, executions: Vec::new(), event_exists: false };
    ingest::ingest(tx, &[&item]).await?;
    history::insert(tx, event, &all.iter().map(|p| p.execution.clone()).collect::<Vec<_>>()).await?;
    attempts::insert(tx, &all.iter().flat_map(|p| &p.attempts).collect::<Vec<_>>()).await?;
    for (past, mail) in all.iter().filter_map(|p| p.mail.as_ref().map(|mail| (p, mail))) {
        outbox::put(tx, TENANT, &past.execution.execution.id, mail).await?;
    }
    Ok(())
}

/// What the engine would have counted.
fn count(sums: &mut Deltas, past: &Past, event: &Event) {
    let action_id = &past.execution.execution.action_id;
    let mut add = |at: Timestamp, kind: &'static str, bucket: i64, ms: i64| {
        let key = StatKey { minute: at.0.div_euclid(60_000), tenant_id: event.tenant_id.clone(), action_id: action_id.clone(), kind, bucket };
        let entry = sums.entry(key).or_default();
        *entry = (entry.0 + 1, entry.1 + ms);
    };
    for attempt in past.attempts.iter().map(|a| &a.attempt) {
        let (at, ms) = (attempt.finished_at.unwrap_or(attempt.started_at), attempt.duration_ms.unwrap_or(0));
        add(at, if attempt.error.is_some() { ATTEMPT_FAILED } else { ATTEMPT_SUCCEEDED }, bucket_of(ms), ms);
    }
    let waited = past.execution.started_at.0 - event.received_at.0;
    add(past.execution.started_at, QUEUE_WAIT, bucket_of(waited), waited);
    add(past.execution.finished_at, past.execution.status.name(), -1, 0);
}
