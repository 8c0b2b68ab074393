//! Durable ingest and execution, measured beside peers on the same machine: A, B, A, B, and the median of the runs counts.
//!
//! `cargo bench --bench ingest` prints a table, which `make bench` keeps in `benches/RESULTS.md`; words behind `--` pick
//! figures. `INGEST_ROUNDS` (5) and `INGEST_SECONDS` (5) set how much is measured. It fails when a row is lost or too many.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the program is for")]

mod support;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use support::client::{Load, Outcome, drive};
use support::peers::{Echo, bare_loop};
use support::rows::{Row, table};
use support::service::{KEY, Rows, Service};
use support::sink::Sink;
use support::{Extent, batch, disk, event, median, now_us, percentile};

// What the binary runs on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: &str = "/api/v1/events";
const BATCH: &str = "/api/v1/events/batch";
/// Events of one batch.
const BATCH_EVENTS: u64 = 500;
/// Events that are under way at most while deliveries are measured.
const UNDER_WAY: u64 = 5_000;

/// What every figure needs.
struct Bench {
    extent: Extent,
    /// Where clients and receivers run; the service has its own.
    outside: Runtime,
    /// A folder on the disk of the build, which is a real one where the system's own may be memory.
    disk: &'static Path,
}

/// A figure: a name to pick it by, and how it is taken.
type Figure = (&'static str, fn(&Bench) -> anyhow::Result<Vec<Row>>);

const FIGURES: &[Figure] = &[
    ("fdatasync", fdatasync),
    ("accepted-64", |bench| accepted(bench, 64, None)),
    ("accepted-256", |bench| accepted(bench, 256, Some(30_000.0))),
    ("batch", batches),
    ("delivered", delivered),
    ("deliveries", deliveries),
];

impl Bench {
    fn new() -> anyhow::Result<Self> {
        let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default).max(1);
        let extent = Extent { rounds: usize::try_from(number("INGEST_ROUNDS", 5))?, run: Duration::from_secs(number("INGEST_SECONDS", 5)) };
        drop(rustls::crypto::ring::default_provider().install_default());
        Ok(Self { extent, outside: Runtime::new()?, disk: Path::new(env!("CARGO_TARGET_TMPDIR")) })
    }

    fn service(&self, actions: Vec<Value>) -> anyhow::Result<Service> {
        Service::start(self.disk, actions)
    }

    fn load(&self, address: std::net::SocketAddr, path: &'static str, connections: usize) -> Load {
        Load::new(address, path, KEY, connections, self.extent.run)
    }

    fn send(&self, load: &Load, body: impl Fn(u64, u64) -> Bytes + Clone + Send + 'static) -> anyhow::Result<Outcome> {
        self.outside.block_on(drive(load, body))
    }

    /// Both in turn, as often as there are rounds; the medians.
    fn alternate(&self, name: &str, mut ours: impl FnMut() -> anyhow::Result<f64>, mut peer: impl FnMut() -> anyhow::Result<f64>) -> anyhow::Result<(f64, f64)> {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for round in 1..=self.extent.rounds {
            a.push(ours()?);
            b.push(peer()?);
            eprintln!("{name}, round {round}: {:.0}/s, peer {:.0}/s", a[a.len() - 1], b[b.len() - 1]);
        }
        Ok((median(&a), median(&b)))
    }

    fn sync_ms(&self) -> anyhow::Result<f64> {
        Ok(median(&disk::fdatasync_ms(self.disk)?))
    }
}

fn single(n: u64, sent_us: u64) -> Bytes {
    Bytes::from(event(n, sent_us))
}

fn action(name: &str, handler: &str, configuration: Value) -> Value {
    json!({"name": name, "handler_type": handler, "configuration": configuration, "event_types": ["order.*"]})
}

fn webhook(sink: &Sink) -> Value {
    action("To the sink", "webhook", json!({"url": format!("http://{}/hook", sink.address()), "method": "POST"}))
}

/// Insists that everything sent is stored once, and has run once where an action matches.
fn settled(rows: Rows, events: u64, executions: u64) -> anyhow::Result<()> {
    let expected = Rows { events, executions, succeeded: executions, attempts: executions };
    ensure!(rows == expected, "stored {rows:?}, expected {expected:?}");
    Ok(())
}

fn times(ms: &[f64]) -> String {
    format!("p50 {:.1} ms, p99 {:.1} ms", percentile(ms, 0.5), percentile(ms, 0.99))
}

/// The limit under everything else.
fn fdatasync(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut ms = Vec::new();
    for _ in 0..bench.extent.rounds {
        ms.extend(disk::fdatasync_ms(bench.disk)?);
    }
    let measured = format!("{:.0}/s, {}", 1000.0 * ms.len() as f64 / ms.iter().sum::<f64>(), times(&ms));
    Ok(vec![Row { figure: "fdatasync of 4 KB on this disk".into(), goal: String::new(), measured, peer: String::new(), ratio: None, met: None }])
}

/// Events accepted durably, no match, beside a server that only reads them.
fn accepted(bench: &Bench, connections: usize, goal: Option<f64>) -> anyhow::Result<Vec<Row>> {
    let mut latencies = Vec::new();
    let ours = || {
        let service = bench.service(Vec::new())?;
        let outcome = bench.send(&bench.load(service.address, EVENTS, connections), single)?;
        settled(service.finish()?, outcome.accepted, 0)?;
        latencies.extend_from_slice(&outcome.latencies_ms);
        Ok(outcome.rate())
    };
    let peer = || {
        let echo = Echo::start()?;
        Ok(bench.send(&bench.load(echo.address, EVENTS, connections), single)?.rate())
    };
    let (rate, bare) = bench.alternate(&format!("accepted, {connections} connections"), ours, peer)?;
    Ok(vec![Row {
        figure: format!("events accepted durably, no match, one POST each, C = {connections}, SQLite FULL"),
        goal: goal.map_or_else(String::new, |goal| format!(">= {goal:.0}/s")),
        measured: format!("{rate:.0}/s, {}", times(&latencies)),
        peer: format!("bare axum that parses the same JSON: {bare:.0}/s"),
        ratio: Some(rate / bare),
        met: goal.map(|goal| rate >= goal),
    }])
}

/// Batches with one match each, beside a loop that only writes; and the same events until their executions are recorded.
fn batches(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut lives = Vec::new();
    let ours = || {
        let service = bench.service(vec![action("Nothing", "no_op", json!({}))])?;
        let began = Instant::now();
        let outcome = bench.send(&bench.load(service.address, BATCH, 4), |n, _| batch(n * BATCH_EVENTS, BATCH_EVENTS))?;
        let sent = outcome.accepted * BATCH_EVENTS;
        service.wait_until_idle()?;
        lives.push(sent as f64 / began.elapsed().as_secs_f64());
        ensure!(service.done() == sent, "{sent} events were sent and the handler ran {} times", service.done());
        settled(service.finish()?, sent, sent)?;
        Ok(outcome.rate() * BATCH_EVENTS as f64)
    };
    let peer = || bench.outside.block_on(bare_loop(bench.disk, bench.extent.run));
    let (rate, bare) = bench.alternate("batches", ours, peer)?;
    let life = median(&lives);
    Ok(vec![
        Row {
            figure: format!("events accepted durably by the batch endpoint, {BATCH_EVENTS} at a time, C = 4, one match each, executed meanwhile"),
            goal: ">= 60 % of the loop and >= 50,000/s".into(),
            measured: format!("{rate:.0}/s"),
            peer: format!("bare loop, the same pairs of rows: {bare:.0}/s"),
            ratio: Some(rate / bare),
            met: Some(rate >= 0.6 * bare && rate >= 50_000.0),
        },
        Row {
            figure: "full life: accepted in batches, executed by a handler that does nothing, recorded".into(),
            goal: ">= 15,000/s".into(),
            measured: format!("{life:.0}/s"),
            peer: String::new(),
            ratio: None,
            met: Some(life >= 15_000.0),
        },
    ])
}

/// One run of single events with one webhook each: deliveries per second from the first send to the last hit, and the ways.
fn deliver(bench: &Bench, pace: Option<f64>) -> anyhow::Result<(f64, Vec<f64>)> {
    let sink = bench.outside.block_on(Sink::start())?;
    let service = bench.service(vec![webhook(&sink)])?;
    let began = now_us();
    let outcome = bench.send(&Load { pace, ..bench.load(service.address, EVENTS, 64) }, single)?;
    bench.outside.block_on(sink.wait_for(outcome.accepted))?;
    let seconds = (sink.last_us() - began) as f64 / 1e6;
    service.wait_until_idle()?;
    settled(service.finish()?, outcome.accepted, outcome.accepted)?;
    ensure!(sink.hits() == outcome.accepted, "{} events made {} deliveries", outcome.accepted, sink.hits());
    Ok((outcome.accepted as f64 / seconds, sink.ways_ms()))
}

/// Events accepted and delivered, at full speed and at half of it.
fn delivered(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let (mut rates, mut full, mut half, mut syncs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.extent.rounds {
        let (rate, ways) = deliver(bench, None)?;
        eprintln!("delivered, round {round}: {rate:.0}/s, {}", times(&ways));
        rates.push(rate);
        full.extend(ways);
    }
    let rate = median(&rates);
    for round in 1..=bench.extent.rounds {
        syncs.push(bench.sync_ms()?);
        let (_, ways) = deliver(bench, Some(rate / 2.0))?;
        eprintln!("delivered at half load, round {round}: {}", times(&ways));
        half.extend(ways);
    }
    let sync = median(&syncs);
    let (p50, p99) = (sync + 1.0, 2.0 * sync + 2.0);
    Ok(vec![
        Row {
            figure: "events accepted durably and delivered to a local sink, one POST and one webhook each, C = 64; time from sending to the sink".into(),
            goal: ">= 13,000/s, p50 <= 10 ms".into(),
            measured: format!("{rate:.0}/s, {}", times(&full)),
            peer: String::new(),
            ratio: None,
            met: Some(rate >= 13_000.0 && median(&full) <= 10.0),
        },
        Row {
            figure: format!("event to sink at half load ({:.0}/s)", rate / 2.0),
            goal: format!("p50 <= 1 sync + 1 ms = {p50:.1} ms, p99 <= 2 syncs + 2 ms = {p99:.1} ms"),
            measured: times(&half),
            peer: format!("one sync: {sync:.2} ms"),
            ratio: None,
            met: Some(median(&half) <= p50 && percentile(&half, 0.99) <= p99),
        },
    ])
}

/// Webhook deliveries, fed by batches so that ingest costs little, beside a client that only sends the same body.
fn deliveries(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let body = std::cell::OnceCell::new();
    let ours = || {
        let sink = bench.outside.block_on(Sink::start())?;
        let service = bench.service(vec![webhook(&sink)])?;
        let hits = sink.counter();
        let mut load = bench.load(service.address, BATCH, 2);
        load.wait = Arc::new(move |n| (n * BATCH_EVENTS).saturating_sub(hits()) > UNDER_WAY);
        let outcome = bench.send(&load, |n, _| batch(n * BATCH_EVENTS, BATCH_EVENTS))?;
        let rate = sink.hits() as f64 / outcome.seconds;
        let sent = outcome.accepted * BATCH_EVENTS;
        bench.outside.block_on(sink.wait_for(sent))?;
        service.wait_until_idle()?;
        settled(service.finish()?, sent, sent)?;
        ensure!(sink.hits() == sent, "{sent} events made {} deliveries", sink.hits());
        let _ = body.set(sink.first_body().unwrap_or_default());
        Ok(rate)
    };
    let peer = || {
        let sink = bench.outside.block_on(Sink::start())?;
        let body = body.get().cloned().unwrap_or_default();
        let outcome = bench.send(&bench.load(sink.address(), "/hook", 64), move |_, _| body.clone())?;
        ensure!(sink.hits() == outcome.accepted, "{} requests made {} hits", outcome.accepted, sink.hits());
        Ok(outcome.rate())
    };
    let (rate, raw) = bench.alternate("deliveries", ours, peer)?;
    Ok(vec![Row {
        figure: "webhook deliveries to a local sink, recorded durably, 64 at a time".into(),
        goal: ">= 70 % of a raw client".into(),
        measured: format!("{rate:.0}/s"),
        peer: format!("raw hyper client, same body and sink: {raw:.0}/s"),
        ratio: Some(rate / raw),
        met: Some(rate >= 0.7 * raw),
    }])
}

fn run() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let bench = Bench::new()?;
    let mut rows = Vec::new();
    for (name, take) in FIGURES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()))) {
        eprintln!("{name}: {} rounds of {:?}", bench.extent.rounds, bench.extent.run);
        rows.extend(take(&bench).map_err(|e| e.context(*name))?);
    }
    println!("{}", table(&rows));
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("failed: {e:#}");
            ExitCode::FAILURE
        }
    }
}
