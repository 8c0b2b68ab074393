//! How long statistics take to read when a lot has run: what 10 million executions of 50 actions over 30 days leave behind.
//!
//! `cargo bench --bench stats` prints a table. `STATS_CALLS` (200) sets how often each figure is read. It fails when a number
//! read is not the number that was put in.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the program is for")]

#[path = "support/rows.rs"]
mod rows;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::ensure;
use event_actions::config::Config;
use event_actions::db::rollup::{self, RollKey, Sums, of_tenant};
use event_actions::db::stats::{self, ATTEMPT_SUCCEEDED, Deltas, QUEUE_WAIT, StatKey};
use event_actions::db::{Db, settings};
use event_actions::engine::{Caller, Engine};
use event_actions::model::Timestamp;
use event_actions::model::stats::{Period, Window, bucket_of};
use rows::{Row, table};
use serde_json::json;

// What the binary runs on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXECUTIONS: i64 = 10_000_000;
const ACTIONS: i64 = 50;
const DAYS: i64 = 30;
const DAY: i64 = 1_440;
/// Days for which the service keeps rows by the minute, and sums of minutes and half hours.
const FINE_DAYS: i64 = 10;
/// Milliseconds within which a page of the console should have its numbers.
const GOAL_MS: f64 = 20.0;
const TENANT: &str = "default";

/// Executions of each action in minute `n` of the history, about five; over the whole history they add up to all of them.
fn ran(n: i64) -> i64 {
    let (total, cells) = (EXECUTIONS, DAYS * DAY * ACTIONS);
    (n + 1) * total / cells - n * total / cells
}

/// How long the attempts of an action took in a minute, in milliseconds.
fn took(n: i64, action: i64) -> i64 {
    20 + (n * 37 + action * 101).rem_euclid(900)
}

/// Counts one action's minute into something.
fn count(n: i64, action: i64, mut add: impl FnMut(&'static str, i64, i64, i64)) {
    let (count, ms) = (ran(n), took(n, action));
    if count > 0 {
        add("succeeded", -1, count, 0);
        add(ATTEMPT_SUCCEEDED, bucket_of(ms), count, count * ms);
        add(QUEUE_WAIT, bucket_of(3), count, count * 3);
    }
}

/// Fills the tables as the service leaves them: rows by the minute, and sums of minutes, half hours, hours and days, up to the
/// minute `last`.
async fn fill(db: &Db, actions: &[String], last: i64) -> anyhow::Result<()> {
    for day in 0..DAYS {
        let from = last - (DAYS - day) * DAY;
        for hour in 0..24 {
            let (mut deltas, mut sums) = (Deltas::new(), std::collections::BTreeMap::<RollKey, Sums>::new());
            for minute in from + hour * 60..from + (hour + 1) * 60 {
                let n = minute - (last - DAYS * DAY);
                for (place, action) in (0..).zip(actions) {
                    count(n, place, |kind, bucket, count, sum_ms| {
                        if day >= DAYS - FINE_DAYS {
                            deltas.insert(StatKey { minute, tenant_id: TENANT.into(), action_id: action.clone(), kind, bucket }, (count, sum_ms));
                        }
                        for span in [1, 30, 60].into_iter().filter(|span| *span == 60 || day >= DAYS - FINE_DAYS) {
                            let slot = minute.div_euclid(span) * span;
                            let mut collect = |subject: String, tenant: &str| {
                                sums.entry(RollKey { span, subject, slot, tenant_id: tenant.to_owned() }).or_default().add(kind, bucket, count, sum_ms);
                            };
                            collect(of_tenant(TENANT), TENANT);
                            collect(String::new(), "");
                            if span > 1 {
                                collect(action.clone(), TENANT);
                            }
                        }
                    });
                }
            }
            let mut tx = db.begin().await?;
            stats::add(&mut tx, &deltas).await?;
            rollup::put(&mut tx, &sums).await?;
            tx.commit().await?;
        }
    }
    days(db, actions, last).await?;
    settings::put(db, rollup::ROLLED_KEY, &last.to_string()).await?;
    Ok(())
}

/// The sums of whole days.
async fn days(db: &Db, actions: &[String], last: i64) -> anyhow::Result<()> {
    let first = last - DAYS * DAY;
    let mut sums = std::collections::BTreeMap::<RollKey, Sums>::new();
    for minute in first..last {
        for (place, action) in (0..).zip(actions) {
            count(minute - first, place, |kind, bucket, count, sum_ms| {
                for (subject, tenant) in [(of_tenant(TENANT), TENANT), (String::new(), ""), (action.clone(), TENANT)] {
                    let key = RollKey { span: DAY, subject, slot: minute.div_euclid(DAY) * DAY, tenant_id: tenant.to_owned() };
                    sums.entry(key).or_default().add(kind, bucket, count, sum_ms);
                }
            });
        }
    }
    let mut tx = db.begin().await?;
    rollup::put(&mut tx, &sums).await?;
    tx.commit().await?;
    Ok(())
}

/// What was put in between two minutes, for one action or for all of them.
fn expected(from: i64, to: i64, first: i64, last: i64, actions: i64) -> i64 {
    (from.max(first)..to.min(last)).map(|minute| ran(minute - first) * actions).sum()
}

/// The figure below which a share of them lies.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

async fn measure(engine: &Engine, action: Option<&str>, period: Period, calls: usize, first: i64, last: i64) -> anyhow::Result<Vec<f64>> {
    let caller = Caller::system("bench");
    let mut ms = Vec::with_capacity(calls);
    for _ in 0..calls {
        let began = Instant::now();
        let stats = match action {
            Some(id) => engine.action_stats(&caller, id, period).await,
            None => engine.overview(&caller, period).await,
        }
        .map_err(|e| anyhow::anyhow!("{e:?}"))?;
        ms.push(began.elapsed().as_secs_f64() * 1_000.0);
        let wanted = expected(stats.from.0 / 60_000, stats.to.0 / 60_000, first, last, if action.is_some() { 1 } else { ACTIONS });
        ensure!(stats.total_executions == wanted, "{} executions read, {wanted} were put in, from {} to {}", stats.total_executions, stats.from, stats.to);
    }
    ms.sort_by(f64::total_cmp);
    Ok(ms)
}

async fn run() -> anyhow::Result<()> {
    let calls = std::env::var("STATS_CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    let config = Config::for_tests(folder.path());
    let db = Db::connect(&config.effective_database_url(), 4).await?;
    db.migrate().await?;
    // A whole number of days, so that each part of the history is whole; what comes after it stays empty.
    let last = Timestamp::now().0 / 60_000 / 60 * 60;
    let first = last - DAYS * DAY;
    let handlers = event_actions::handlers::registry(&config).map_err(anyhow::Error::msg)?;
    let engine = Engine::start(config.clone(), db.clone(), handlers).await?;
    let mut actions = Vec::new();
    for n in 0..ACTIONS {
        let action =
            json!({"name": format!("Action {n}"), "handler_type": "webhook", "event_types": ["order.*"], "configuration": {"url": "https://example.com/", "method": "POST"}});
        actions.push(engine.create_action(&Caller::system("bench"), serde_json::from_value(action)?).await.map_err(|e| anyhow::anyhow!("{e:?}"))?.id);
    }
    // The roll-up of a running service would add up what is not whole yet.
    engine.shutdown().await;
    let db = Db::connect(&config.effective_database_url(), 4).await?;
    eprintln!("filling: {EXECUTIONS} executions of {ACTIONS} actions over {DAYS} days");
    fill(&db, &actions, last).await?;
    let handlers = event_actions::handlers::registry(&config).map_err(anyhow::Error::msg)?;
    let engine = Engine::start(config, db, handlers).await?;
    let at = |minute: i64| Timestamp(minute * 60_000);
    let custom = Period::Range { from: at(last - 21 * DAY), to: at(last - 100) };
    let named = Window::ALL.map(|w| (w.name(), Period::Window(w)));
    let mut rows = Vec::new();
    for (name, period) in named.into_iter().chain([("a range of 21 days", custom)]) {
        for (what, action) in [("overview", None), ("one action", Some(actions[7].as_str()))] {
            let ms = measure(&engine, action, period, calls, first, last).await?;
            let (p50, p99) = (percentile(&ms, 0.5), percentile(&ms, 0.99));
            eprintln!("{what}, {name}: {p50:.2} ms, {p99:.2} ms");
            rows.push(Row {
                figure: format!("statistics after 10 million executions: {what}, {name}, with the time before it"),
                goal: format!("p99 < {GOAL_MS:.0} ms"),
                measured: format!("p50 {p50:.2} ms, p99 {p99:.2} ms"),
                peer: String::new(),
                ratio: None,
                met: Some(p99 < GOAL_MS),
            });
        }
    }
    engine.shutdown().await;
    println!("{}", table(&rows));
    Ok(())
}

fn main() -> ExitCode {
    let done = tokio::runtime::Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("failed: {e:#}");
            ExitCode::FAILURE
        }
    }
}
