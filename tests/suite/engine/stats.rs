//! Statistics over any time agree with what was counted, whether it is read from minutes, half hours, hours or days.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use event_actions::config::Config;
use event_actions::db::stats::{ATTEMPT_FAILED, ATTEMPT_SUCCEEDED, Deltas, QUEUE_WAIT, StatKey, add};
use event_actions::db::{Db, rollup};
use event_actions::engine::{Caller, Engine};
use event_actions::model::Timestamp;
use event_actions::model::execution::Status;
use event_actions::model::stats::{Period, Span, Stats, Window, bucket_of, percentile};
use proptest::prelude::*;
use serde_json::json;

use crate::util::{Sink, TestApp, event, webhook};

/// Minutes of history, behind ten that are empty.
const HISTORY: i64 = 9 * 1_440;

/// What happened in a minute for a tenant: executions that worked and that failed, and how long an attempt took.
fn happened(minute: i64, tenant: &str) -> (i64, i64, i64) {
    let n = minute * 7 + if tenant == "default" { 0 } else { 3 };
    (n.rem_euclid(5), i64::from(n.rem_euclid(11) == 0), 20 + n.rem_euclid(400))
}

const TENANTS: [&str; 2] = ["default", "north"];

async fn history(db: &Db, last: i64) {
    let mut deltas = Deltas::new();
    for minute in last - HISTORY..last {
        for tenant in TENANTS {
            let (worked, failed, ms) = happened(minute, tenant);
            let action = ["a", "b"][usize::try_from(minute % 2).unwrap()];
            let key = |kind, bucket| StatKey { minute, tenant_id: tenant.into(), action_id: action.into(), kind, bucket };
            for (kind, attempt, count) in [("succeeded", ATTEMPT_SUCCEEDED, worked), ("failed", ATTEMPT_FAILED, failed)] {
                if count > 0 {
                    deltas.insert(key(kind, -1), (count, 0));
                    deltas.insert(key(attempt, bucket_of(ms)), (count, count * ms));
                }
            }
            deltas.insert(key(QUEUE_WAIT, bucket_of(5)), (1, 5));
        }
    }
    let mut tx = db.begin().await.unwrap();
    add(&mut tx, &deltas).await.unwrap();
    tx.commit().await.unwrap();
}

/// The same numbers, added up the long way.
fn expected(span: Span, last: i64, tenants: &[&str]) -> (i64, i64, Vec<i64>) {
    let (mut worked, mut failed, mut durations) = (0, 0, Vec::new());
    for minute in span.from.max(last - HISTORY)..span.to.min(last) {
        for tenant in tenants {
            let (w, f, ms) = happened(minute, tenant);
            (worked, failed) = (worked + w, failed + f);
            durations.extend(std::iter::repeat_n(ms, usize::try_from(w + f).unwrap()));
        }
    }
    durations.sort_unstable();
    (worked, failed, durations)
}

/// The statistics of a period and the minutes they cover.
async fn read(engine: &Engine, caller: &Caller, period: Period) -> (Stats, Span) {
    loop {
        let before = period.span(Timestamp::now());
        let stats = engine.overview(caller, period).await.unwrap();
        if period.span(Timestamp::now()) == before {
            return (stats, before);
        }
    }
}

fn check(stats: &Stats, span: Span, last: i64, tenants: &[&str]) {
    let (worked, failed, durations) = expected(span, last, tenants);
    let of = |status: Status| stats.by_status.get(&status).copied().unwrap_or(0);
    assert_eq!((of(Status::Succeeded), of(Status::Failed), stats.total_executions), (worked, failed, worked + failed), "{span:?}");
    assert_eq!(stats.series.len() as i64, span.points());
    let mut in_series: BTreeMap<Status, i64> = BTreeMap::new();
    stats.series.iter().flat_map(|p| &p.by_status).for_each(|(status, n)| *in_series.entry(*status).or_default() += n);
    assert_eq!(in_series, stats.by_status, "the series adds up to the whole");
    for (read, q) in [(stats.p50_ms, 0.5), (stats.p95_ms, 0.95), (stats.p99_ms, 0.99)] {
        let exact = durations[((durations.len() as f64 * q).ceil() as usize).max(1) - 1] as f64;
        assert!(read.is_some_and(|ms| (ms - exact).abs() <= exact * 0.05), "{q}: {read:?} for {exact}");
    }
    let mean = durations.iter().sum::<i64>() as f64 / durations.len() as f64;
    assert!(stats.avg_duration_ms.is_some_and(|ms| (ms - mean).abs() < 1e-6) && stats.avg_queue_wait_ms == Some(5.0));
    let (worked, failed, _) = expected(span.previous(), last, tenants);
    let before = stats.previous.as_ref().unwrap();
    assert_eq!(before.total_executions, worked + failed, "the time before {span:?}");
}

#[tokio::test]
async fn every_window_adds_up_before_and_after_the_roll_up() {
    let folder = tempfile::tempdir().unwrap();
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = Config::for_tests(folder.path());
    let db = Db::connect(&config.effective_database_url(), 4).await.unwrap();
    db.migrate().await.unwrap();
    let now = Timestamp::now().0 / 60_000;
    let last = now - 10;
    history(&db, last).await;
    let engine = Engine::start(config.clone(), db.clone(), event_actions::handlers::registry(&config).unwrap()).await.unwrap();
    let platform = Caller::system("test");
    let north = Caller { tenant_id: Some("north".into()), ..platform.clone() };
    let at = |minute: i64| Timestamp(minute * 60_000);
    let periods = [
        Period::Window(Window::Hour),
        Period::Window(Window::Day),
        Period::Window(Window::Week),
        Period::Range { from: at(now - 100), to: at(now - 20) },
        Period::Range { from: at(now - 3_000), to: at(now - 1_000) },
        Period::Range { from: at(now - 3 * 1_440), to: at(now - 17) },
        Period::Range { from: at(now - 8 * 1_440), to: at(now) },
    ];
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let rolled = rollup::rolled(&db).await.unwrap();
        for (caller, tenants) in [(&platform, &TENANTS[..]), (&north, &TENANTS[1..])] {
            for period in periods {
                let (stats, span) = read(&engine, caller, period).await;
                check(&stats, span, last, tenants);
            }
        }
        if rolled.is_some_and(|minute| minute >= last) {
            break;
        }
        assert!(Instant::now() < until, "the roll-up stands at {rolled:?}");
    }
    // From here on nothing is read by the minute but the last ones.
    let began = Instant::now();
    engine.overview(&platform, Window::Week).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    let live = engine.live().borrow().clone();
    let span = Period::Window(Window::Day).span(live.at);
    assert_eq!(live.all.total_executions, {
        let (worked, failed, _) = expected(span, last, &TENANTS);
        worked + failed
    });
    engine.shutdown().await;
}

/// Latencies in milliseconds from 10 on: narrow humps and long tails, often the same value many times.
fn latencies() -> impl Strategy<Value = Vec<i64>> {
    let hump = (10_i64..300_000, 1_i64..3_000, 1_usize..200).prop_flat_map(|(from, width, n)| prop::collection::vec(from..from + width, n));
    let tail = (1.0_f64..5.7, 1_usize..200).prop_flat_map(|(upto, n)| prop::collection::vec((1.0_f64..=upto).prop_map(|e| 10_f64.powf(e).round() as i64), n));
    let same = (10_i64..900_000, 1_usize..200).prop_map(|(ms, n)| vec![ms; n]);
    prop::collection::vec(prop_oneof![hump, tail, same], 1..5).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn percentiles_are_within_five_percent_of_exact_ones(mut all in latencies(), q in 0.0_f64..=1.0) {
        let mut buckets = BTreeMap::new();
        all.iter().for_each(|ms| *buckets.entry(bucket_of(*ms)).or_default() += 1);
        all.sort_unstable();
        for q in [q, 0.5, 0.95, 0.99] {
            let exact = all[((all.len() as f64 * q).ceil() as usize).max(1) - 1] as f64;
            let read = percentile(&buckets, q).unwrap();
            prop_assert!((read - exact).abs() <= exact * 0.05, "{} at {}: {} for {}", all.len(), q, read, exact);
        }
    }
}

#[tokio::test]
async fn numbers_of_a_range_are_asked_for_over_rest() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let action = app.action(webhook("Counted", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let url = |what: &str, query: &str| format!("/event-actions/{what}?{query}");
    let of_one = format!("{action}/stats");
    app.post("/events", &event("a.b", json!({}))).await.expect(200);
    let hour_ago = Timestamp::now().plus_ms(-3_600_000).to_string();
    let before = Timestamp::now().plus_ms(-1_800_000).to_string();
    for what in ["stats/overview", of_one.as_str()] {
        let mut total = 0;
        for _ in 0..100 {
            let numbers = app.get(&url(what, &format!("from={hour_ago}"))).await.expect(200);
            assert!(numbers.text("/from") <= hour_ago.as_str() && numbers.text("/to") > before.as_str(), "{:#}", numbers.body);
            total = numbers.at("/by_status/succeeded").as_i64().unwrap_or(0);
            if total > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(total, 1, "{what}");
        let past = app.get(&url(what, &format!("from={hour_ago}&to={before}"))).await.expect(200);
        assert_eq!((past.at("/total_executions"), past.at("/series").as_array().map_or(0, Vec::len) >= 30), (&json!(0), true), "{:#}", past.body);
        for (query, status, pointer) in [
            (format!("from={before}&to={hour_ago}"), 422, "/from"),
            (format!("from={before}&to={before}"), 422, "/from"),
            (format!("to={before}"), 422, "/from"),
            ("from=2999-01-01T00:00:00Z".into(), 422, "/from"),
            ("from=2020-01-01T00:00:00Z&to=2021-02-05T00:00:01Z".into(), 422, "/from"),
            ("from=yesterday".into(), 422, "/from"),
            (format!("window=1h&from={hour_ago}"), 422, "/window"),
            (format!("since={hour_ago}"), 400, "/since"),
        ] {
            let answer = app.get(&url(what, &query)).await;
            assert_eq!(answer.problem(status).1, pointer, "{what}?{query}: {:#}", answer.body);
        }
        app.get(&url(what, "from=2020-01-01T00:00:00Z&to=2021-02-04T00:00:00Z")).await.expect(200);
    }
    app.finish().await;
}
