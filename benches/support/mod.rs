//! What the benchmarks share: a service, clients that load it, a receiver, the peers it is measured beside, and the table.

pub mod client;
pub mod disk;
pub mod peers;
pub mod rows;
pub mod service;
pub mod sink;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Microseconds since the first call in this process: the clock of the stamps in events.
pub fn now_us() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Event `n` as a client sends it, about 400 bytes, with the time at which it is sent.
pub fn event(n: u64, sent_us: u64) -> String {
    format!(
        r#"{{"event_type":"order.paid","data":{{"sent_us":{sent_us},"user":{{"id":"u{n}","plan":"p{}","email":"someone@c{n}.example.com"}},"amount":{n},"items":[{{"sku":"A-1001","quantity":2,"price":19.99}},{{"sku":"B-2002","quantity":1,"price":5.49}}]}},"metadata":{{"source":"shop","trace":"4bf92f3577b34da6a3ce929d0e0e4736","region":"eu-central"}}}}"#,
        n % 7
    )
}

/// The stamp of the event in a body, wherever it stands in it.
pub fn stamp(body: &[u8]) -> Option<u64> {
    const MARK: &[u8] = b"\"sent_us\":";
    let at = body.windows(MARK.len()).position(|w| w == MARK)? + MARK.len();
    let digits = body[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&body[at..at + digits]).ok()?.parse().ok()
}

/// `size` events from number `first` on, as one JSON array.
pub fn batch(first: u64, size: u64) -> Bytes {
    let events: Vec<String> = (first..first + size).map(|n| event(n, now_us())).collect();
    Bytes::from(format!("[{}]", events.join(",")))
}

/// The middle one of some figures.
pub fn median(figures: &[f64]) -> f64 {
    percentile(figures, 0.5)
}

/// The figure below which a share of them lies; 0 when there are none.
pub fn percentile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or(0.0)
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Rounds of each pair, of which the median counts.
    pub rounds: usize,
    /// How long one run lasts.
    pub run: Duration,
}
