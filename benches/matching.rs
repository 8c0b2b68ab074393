//! Matching: nanoseconds per event of about 400 bytes, parsing included, on one thread, for four shapes of actions.
//!
//! `cargo bench --bench matching` prints a table. `MATCHING_LARGE=1` adds a million actions; `MATCHING_ROUNDS` sets the number
//! of rounds (5), of which the median counts. It fails when a count of ours is wrong. The peer is quamina, which compiles
//! patterns into automata; contenders see the same events.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_actions::matching::index::Matcher;
use event_actions::model::Timestamp;
use event_actions::model::action::{Action, NewAction};
use event_actions::model::condition::{Condition, ConditionItem, Operator};
use event_actions::model::event::{Event, NewEvent};
use event_actions::model::handler::HandlerType;
use quamina::{MatcherBuildMode, Quamina, QuaminaBuilder};
use serde_json::{Value, json};

/// How many different events go round.
const EVENTS: usize = 10_000;
/// How long one round lasts at least.
const ROUND: Duration = Duration::from_millis(300);

/// The shapes of performance goals: what action i of n looks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// `data.user.id` equals `u{i}`
    W,
    /// type `user.e{i%20}`, tenant `t{i/100}`, `data.user.plan` equals `p{i%7}`
    T,
    /// type and tenant as T, `data.amount` greater than `(i*7919)%n`
    N,
    /// type as T, `data.email` contains `@c{i}.`
    C,
}

/// A matcher under test.
trait Contender {
    /// Its name in the table.
    const NAME: &'static str;
    /// Registers n actions of a shape, built before the clock starts; why not, for a matcher that cannot.
    fn load(shape: Shape, n: usize) -> Result<(Self, Duration), String>
    where
        Self: Sized;
    /// Parses one event and counts the actions that match.
    fn count(&self, event: &[u8]) -> usize;
    /// How long matching these events took without parsing, for a matcher that can tell.
    fn without_parsing(&self, _events: &[Sample]) -> Option<Duration> {
        None
    }
}

/// An event and how many actions it starts.
type Sample = (Vec<u8>, usize);

struct EventActions(Matcher);

impl Contender for EventActions {
    const NAME: &'static str = "event-actions";

    fn load(shape: Shape, n: usize) -> Result<(Self, Duration), String> {
        let actions: Vec<_> = (0..n).map(|i| Arc::new(action(shape, i, n))).collect();
        let matcher = Matcher::new();
        // Some allocators tidy up at the next large allocation after much was freed; that is the previous row's time.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20)));
        drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 14)));
        let start = Instant::now();
        matcher.replace_all(actions);
        Ok((Self(matcher), start.elapsed()))
    }

    fn count(&self, event: &[u8]) -> usize {
        self.0.matching(&parse(event)).len()
    }

    fn without_parsing(&self, events: &[Sample]) -> Option<Duration> {
        let events: Vec<_> = events.iter().map(|(event, _)| parse(event)).collect();
        let start = Instant::now();
        for event in &events {
            std::hint::black_box(self.0.matching(event));
        }
        Some(start.elapsed())
    }
}

struct Peer(Quamina<usize>);

impl Contender for Peer {
    const NAME: &'static str = "quamina 0.7";

    fn load(shape: Shape, n: usize) -> Result<(Self, Duration), String> {
        // What it panics on or builds for minutes, found by trying each size once.
        let most = match shape {
            Shape::W => 100_000,
            Shape::T | Shape::C => 1_000,
            Shape::N => 200,
        };
        if n > most {
            return Err(format!("more than {most} of this shape panic, or take minutes to build"));
        }
        let patterns: Vec<String> = (0..n).map(|i| pattern(shape, i, n).to_string()).collect();
        let start = Instant::now();
        let mut matcher = QuaminaBuilder::new().with_arena_byte_budget(0).build().map_err(|e| e.to_string())?;
        if shape == Shape::C {
            matcher.set_matcher_build_mode(MatcherBuildMode::BuiltForSpeed);
        }
        for (i, pattern) in patterns.iter().enumerate() {
            matcher.add_pattern(i, pattern).map_err(|e| e.to_string())?;
        }
        Ok((Self(matcher), start.elapsed()))
    }

    fn count(&self, event: &[u8]) -> usize {
        self.0.count_matches(event).unwrap_or(usize::MAX)
    }
}

/// What action i of n looks for, in quamina's words.
fn pattern(shape: Shape, i: usize, n: usize) -> Value {
    let (of_type, of_tenant) = (json!([format!("user.e{}", i % 20)]), json!({"tenant_id": [format!("t{}", i / 100)]}));
    match shape {
        Shape::W => json!({"data": {"user": {"id": [format!("u{i}")]}}}),
        Shape::T => json!({"event_type": of_type, "metadata": of_tenant, "data": {"user": {"plan": [format!("p{}", i % 7)]}}}),
        Shape::N => json!({"event_type": of_type, "metadata": of_tenant, "data": {"amount": [{"numeric": [">", i * 7919 % n]}]}}),
        Shape::C => json!({"event_type": of_type, "data": {"email": [{"wildcard": format!("*@c{i}.*")}]}}),
    }
}

fn action(shape: Shape, i: usize, n: usize) -> Action {
    let mut definition = NewAction::blank(HandlerType::new("webhook"));
    definition.event_types = vec![if shape == Shape::W { "*".to_owned() } else { format!("user.e{}", i % 20) }];
    if matches!(shape, Shape::T | Shape::N) {
        definition.tenant_id = Some(format!("t{}", i / 100));
    }
    let (field, operator, value) = match shape {
        Shape::W => ("data.user.id", Operator::Equals, json!(format!("u{i}"))),
        Shape::T => ("data.user.plan", Operator::Equals, json!(format!("p{}", i % 7))),
        Shape::N => ("data.amount", Operator::Gt, json!(i * 7919 % n)),
        Shape::C => ("data.email", Operator::Contains, json!(format!("@c{i}."))),
    };
    definition.conditions = vec![ConditionItem::Condition(Condition { field: field.to_owned(), operator, value: Some(value) })];
    let at = Timestamp(1_700_000_000_000 + i as i64);
    Action { id: format!("{i:08}"), definition, version: 1, created_at: at, updated_at: at, created_by: String::new(), deleted_at: None, health: None, stats: None }
}

/// Event k as a client sends it.
fn event(k: usize) -> Vec<u8> {
    let event = json!({
        "id": format!("018f4e2a-7c11-7a55-9d3c-{k:012}"),
        "event_type": format!("user.e{}", k % 20),
        "data": {
            "user": {"id": format!("u{k}"), "plan": format!("p{}", k % 7)},
            "amount": k,
            "email": format!("someone@c{k}.example.com"),
            "items": [{"sku": "A-1001", "quantity": 2, "price": 19.99}, {"sku": "B-2002", "quantity": 1, "price": 5.49}],
        },
        "metadata": {"tenant_id": format!("t{}", k / 100), "source": "shop", "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "agent": "checkout/2.14 (web)", "region": "eu-central"},
    });
    event.to_string().into_bytes()
}

/// How many of n actions event k starts.
fn expected(shape: Shape, k: usize, n: usize) -> usize {
    match shape {
        Shape::W | Shape::T | Shape::C => 1,
        Shape::N => (k / 100 * 100..(k / 100 * 100 + 100).min(n)).filter(|i| i % 20 == k % 20 && k > i * 7919 % n).count(),
    }
}

/// As ingest reads an event: typed, with the tenant of its metadata.
fn parse(bytes: &[u8]) -> Event {
    let new: NewEvent = serde_json::from_slice(bytes).expect("an event");
    Event {
        id: new.id.unwrap_or_default(),
        tenant_id: new.metadata.get("tenant_id").and_then(Value::as_str).unwrap_or("default").to_owned(),
        event_type: new.event_type,
        aggregate_id: new.aggregate_id,
        aggregate_type: new.aggregate_type,
        data: new.data,
        metadata: new.metadata,
        occurred_at: Timestamp(0),
        received_at: Timestamp(0),
        correlation_id: new.correlation_id,
        causation_id: new.causation_id,
        depth: 0,
    }
}

/// Nanoseconds per event of one round, parsing included and without; in it every event is seen at least once.
fn round<C: Contender>(contender: &C, events: &[Sample]) -> Result<(f64, Option<f64>), String> {
    let (start, mut seen) = (Instant::now(), 0_u32);
    while start.elapsed() < ROUND {
        for (event, expected) in events {
            let found = contender.count(event);
            if found != *expected {
                return Err(format!("{found} matches instead of {expected} for {}", String::from_utf8_lossy(event)));
            }
            seen += 1;
        }
    }
    let total = start.elapsed().as_nanos() as f64 / f64::from(seen);
    // Batches are small, so that an event is still in the cache when its turn comes, as after parsing.
    let alone: Option<Vec<Duration>> = events.chunks(50).map(|batch| contender.without_parsing(batch)).collect();
    Ok((total, alone.map(|times| times.iter().sum::<Duration>().as_nanos() as f64 / events.len() as f64)))
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// Measures one shape at one size and prints its row.
fn row<C: Contender>(shape: Shape, n: usize, rounds: usize) -> Result<(), String> {
    let (contender, load) = match C::load(shape, n) {
        Ok(loaded) => loaded,
        Err(why) => {
            println!("| {shape:?} | {n} | {} | {why} | - | - |", C::NAME);
            return Ok(());
        }
    };
    // A stride without a common divisor visits events, and so actions, in no order that a cache could guess.
    let events: Vec<Sample> = (0..EVENTS.min(n)).map(|e| e * 7_368_787 % n).map(|k| (event(k), expected(shape, k, n))).collect();
    let mut figures = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (total, alone) = round(&contender, &events)?;
        figures.0.push(total);
        figures.1.extend(alone);
    }
    let show = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |f| format!("{f:.0}"));
    let rate = n as f64 / load.as_secs_f64();
    println!("| {shape:?} | {n} | {} | {rate:.0} | {} | {} |", C::NAME, show(median(figures.0)), show(median(figures.1)));
    Ok(())
}

fn main() -> ExitCode {
    let rounds = std::env::var("MATCHING_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(5);
    let large = std::env::var_os("MATCHING_LARGE").is_some();
    println!("Events of about {} bytes.\n", event(12_345).len());
    println!("| shape | actions | matcher | loaded per s | ns per event | of which matching |\n|---|---|---|---|---|---|");
    let mut failed = false;
    for shape in [Shape::W, Shape::T, Shape::N, Shape::C] {
        let sizes: &[usize] = match shape {
            Shape::N => &[100, 200, 1_000, 100_000, 1_000_000],
            Shape::C => &[100, 1_000, 100_000],
            Shape::W | Shape::T => &[100, 1_000, 100_000, 1_000_000],
        };
        for &n in sizes.iter().filter(|n| large || **n < 1_000_000) {
            if let Err(wrong) = row::<EventActions>(shape, n, rounds) {
                println!("{shape:?} at {n}: {wrong}");
                failed = true;
            }
            if let Err(wrong) = row::<Peer>(shape, n, rounds) {
                println!("{} is wrong for {shape:?} at {n}: {wrong}", Peer::NAME);
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
