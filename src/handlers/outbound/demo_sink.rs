//! The built-in receiver of the demo: answers requests to its one name inside the process, as slowly and as badly as the URL asks.
//!
//! The name ends in `.invalid`, which no resolver ever knows, so nothing is connected to and no address is opened to anybody. The
//! query says how it behaves: `delay_ms` (at most 30,000), `status` (of the answer, 200) and `fail_percent` (of the requests get a
//! 503, evenly spread).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use url::Url;

use super::{Request, Response};

/// The host that it answers for.
pub const HOST: &str = "sink.demo.invalid";
/// Longest delay in milliseconds.
const MAX_DELAY_MS: u64 = 30_000;
/// Has no divisor in common with 100, so that any 100 requests in a row fail exactly as often as asked.
const STRIDE: u64 = 37;

/// Requests answered by this process.
static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// Whether a URL leads here.
pub fn is_meant(url: &Url) -> bool {
    url.host_str() == Some(HOST)
}

/// What a URL asks for.
#[derive(Debug, PartialEq, Eq)]
struct Behaviour {
    delay_ms: u64,
    status: u16,
    fail_percent: u64,
}

impl Behaviour {
    fn of(url: &Url) -> Self {
        let number = |name: &str| url.query_pairs().find(|(n, _)| n == name).and_then(|(_, value)| value.parse::<u64>().ok());
        let status = number("status").and_then(|n| u16::try_from(n).ok()).filter(|n| (200..600).contains(n)).unwrap_or(200);
        Self { delay_ms: number("delay_ms").unwrap_or(0).min(MAX_DELAY_MS), status, fail_percent: number("fail_percent").unwrap_or(0) }
    }

    /// The status of the answer to the `n`th request.
    const fn answer(&self, n: u64) -> u16 {
        if n.wrapping_mul(STRIDE) % 100 < self.fail_percent { 503 } else { self.status }
    }
}

/// Answers a request. The caller bounds the time.
pub async fn answer(url: &Url, request: &Request) -> Response {
    let started = Instant::now();
    let behaviour = Behaviour::of(url);
    let status = behaviour.answer(ANSWERED.fetch_add(1, Ordering::Relaxed));
    if behaviour.delay_ms > 0 {
        sleep(Duration::from_millis(behaviour.delay_ms)).await;
    }
    let body = json!({"received": (200..300).contains(&status), "path": url.path(), "bytes": request.body.as_ref().map_or(0, bytes::Bytes::len), "by": "the built-in demo sink"});
    let headers = [("content-type", "application/json"), ("server", "event-actions demo sink")];
    Response {
        status,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: body.to_string().into_bytes(),
        truncated: false,
        duration: started.elapsed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(url: &str) -> Behaviour {
        Behaviour::of(&Url::parse(url).unwrap_or_else(|e| panic!("{url}: {e}")))
    }

    #[test]
    fn the_url_says_how_it_behaves() {
        assert_eq!(behaviour("http://sink.demo.invalid/a"), Behaviour { delay_ms: 0, status: 200, fail_percent: 0 });
        assert_eq!(behaviour("http://sink.demo.invalid/a?delay_ms=90000&status=410&fail_percent=30"), Behaviour { delay_ms: 30_000, status: 410, fail_percent: 30 });
        assert_eq!(behaviour("http://sink.demo.invalid/a?status=100&delay_ms=soon").status, 200);
        let thirty = behaviour("http://sink.demo.invalid/?fail_percent=30");
        for from in [0, 41] {
            assert_eq!((from..from + 100).filter(|n| thirty.answer(*n) == 503).count(), 30);
        }
        for (url, meant) in [("https://sink.demo.invalid/x", true), ("http://sink.demo.invalid.example.com/", false), ("http://x.sink.demo.invalid/", false)] {
            assert_eq!(Url::parse(url).is_ok_and(|url| is_meant(&url)), meant, "{url}");
        }
    }
}
