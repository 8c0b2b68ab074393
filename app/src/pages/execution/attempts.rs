//! The attempts as a timeline: how each ended, how long it waited for the next, and why so long.

use event_actions::model::Timestamp;
use event_actions::model::action::{MAX_RETRY_DELAY_SECONDS, NewAction, RetryStrategy};
use event_actions::model::execution::{Attempt, Execution, ExecutionError, Outcome};
use leptos::prelude::*;

use crate::components::feedback::Empty;
use crate::components::format::{duration, duration_or_dash};
use crate::components::icon::{self, Glyph};
use crate::components::page_head::Panel;
use crate::components::status_badge::Tone;
use crate::components::time::Zone;
use crate::components::timeline::{Timeline, TimelineItem, TimelineWait};
use crate::pages::words::{http_status, node_words, outcome_words};

/// The panel. `shown` is the attempt shown in full beside it.
pub fn panel(x: &Execution, definition: Option<&NewAction>, shown: Option<u32>, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let note =
        x.started_at.map(|from| format!("{} to {}, {}", zone.clock(from), x.finished_at.map_or_else(|| "now".to_owned(), |to| zone.clock(to)), zone.label())).unwrap_or_default();
    let mut items = Vec::new();
    let mut failures = 0;
    for (n, attempt) in x.attempts.iter().enumerate() {
        items.push(item(&x.id, attempt, shown == Some(attempt.number), zone));
        failures += u32::from(attempt.outcome == Some(Outcome::Failed));
        if let (Some(ended), Some(next)) = (attempt.finished_at, x.attempts.get(n + 1)) {
            let waited = (next.started_at.millis() - ended.millis()).max(0);
            let why = why(attempt, definition, failures, waited);
            items.push(view! { <TimelineWait text=format!("Waited {}", duration(waited as f64)) why=why/> }.into_any());
        }
    }
    items.extend(next(x, definition, failures, now, zone));
    let content = if items.is_empty() {
        view! { <Empty icon=icon::MINUS title="It never began" text="It was stopped before its first attempt."/> }.into_any()
    } else {
        view! { <Timeline>{items}</Timeline> }.into_any()
    };
    view! { <Panel id="attempts" title="Attempts" note=note flush=true>{content}</Panel> }
}

const fn look(outcome: Option<Outcome>) -> (Tone, Glyph) {
    match outcome {
        None => (Tone::Run, icon::PLAY),
        Some(Outcome::Succeeded) => (Tone::Ok, icon::CHECK),
        Some(Outcome::Failed) => (Tone::Bad, icon::CROSS),
        Some(Outcome::Lost) => (Tone::Warn, icon::QUESTION),
        Some(Outcome::Suspended) => (Tone::Queue, icon::PAUSE),
        Some(Outcome::Cancelled) => (Tone::Idle, icon::MINUS),
    }
}

fn item(id: &str, attempt: &Attempt, current: bool, zone: Zone) -> AnyView {
    let (tone, glyph) = look(attempt.outcome);
    let number = attempt.number;
    // Of web requests the name's line already says what the receiver answered.
    let said = |e: &ExecutionError| if http_status(attempt).is_some() { String::new() } else { format!(" {}", e.message) };
    let error = attempt.error.as_ref().map(|e| format!("{}{} ", if e.retryable { "Retryable." } else { "Permanent." }, said(e)));
    let node = if attempt.node.is_empty() { String::new() } else { format!(", {}", node_words(&attempt.node)) };
    let at = format!("{}{node}", zone.clock(attempt.started_at));
    view! {
        <TimelineItem tone=tone icon=glyph name=format!("Attempt {number}") href=Some(format!("/executions/{id}?attempt={number}#attempt")) outcome=outcome_words(attempt) figure=duration_or_dash(attempt.duration_ms) current=current>
            {error}<span class="small">{at}</span>
        </TimelineItem>
    }
    .into_any()
}

/// Milliseconds that the action's settings ask for after so many failures, before jitter.
fn planned_ms(definition: &NewAction, failures: u32) -> i64 {
    let doublings = if definition.retry_strategy == RetryStrategy::Fixed { 0 } else { failures.saturating_sub(1).min(20) };
    (i64::from(definition.retry_delay_seconds) << doublings).min(i64::from(MAX_RETRY_DELAY_SECONDS)) * 1_000
}

/// Why it waits so long after an attempt.
fn why(attempt: &Attempt, definition: Option<&NewAction>, failures: u32, waited_ms: i64) -> String {
    match attempt.outcome {
        Some(Outcome::Suspended) => return "a delay, or a node that was shut down; no retry is used up".to_owned(),
        Some(Outcome::Lost) => return "until its lease ran out; no retry is used up".to_owned(),
        _ => {}
    }
    let asked = attempt.response.as_ref().and_then(|r| r.get("headers")?.get("retry-after")?.as_str().map(str::to_owned));
    if asked.is_some() && attempt.error.as_ref().is_some_and(|e| e.retryable) {
        return "asked for by the receiver".to_owned();
    }
    let Some(planned) = definition.map(|d| planned_ms(d, failures)).filter(|p| *p > 0) else { return String::new() };
    let off = (waited_ms - planned) * 100 / planned;
    match off {
        0 => format!("{} by the settings", duration(planned as f64)),
        -21..=21 => format!("{} {} {} % jitter", duration(planned as f64), if off < 0 { "−" } else { "+" }, off.abs()),
        _ => format!("{} by the settings, and waiting for its turn", duration(planned as f64)),
    }
}

/// The attempt that is due, after its wait.
fn next(x: &Execution, definition: Option<&NewAction>, failures: u32, now: Timestamp, zone: Zone) -> Vec<AnyView> {
    let Some(due) = x.next_attempt_at else { return Vec::new() };
    let mut out = Vec::new();
    if let Some((last, ended)) = x.attempts.last().and_then(|a| a.finished_at.map(|at| (a, at))) {
        let whole = (due.millis() - ended.millis()).max(0);
        let gone = (now.millis() - ended.millis()).clamp(0, whole);
        let why = why(last, definition, failures, whole);
        let why = if why.is_empty() { format!("{} gone", duration(gone as f64)) } else { format!("{why}; {} gone", duration(gone as f64)) };
        out.push(view! { <TimelineWait text=format!("Waiting {}", duration(whole as f64)) why=why/> }.into_any());
    }
    let number = x.attempts.last().map_or(1, |a| a.number + 1);
    let is_last = definition.is_some_and(|d| failures >= d.max_retries);
    let name = if is_last && failures > 0 { format!("Attempt {number}, the last") } else { format!("Attempt {number}") };
    let then = match (x.attempts.is_empty(), is_last) {
        (true, _) => "Waits for its turn.",
        (false, true) => "Then dead letter, if it fails.",
        (false, false) => "Then it waits longer, if it fails.",
    };
    let when = if due <= now { "due".to_owned() } else { zone.clock(due) };
    out.push(view! { <TimelineItem tone=Tone::Queue icon=icon::CLOCK name=name href=None figure=when>{then}</TimelineItem> }.into_any());
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use event_actions::model::action::{ExecutionMode, Priority};
    use event_actions::model::execution::{ErrorClass, Status};
    use event_actions::model::handler::HandlerType;
    use serde_json::json;

    /// An execution that has just been made.
    pub fn execution() -> Execution {
        Execution {
            id: "x".into(),
            tenant_id: "t".into(),
            event_id: "e".into(),
            event_type: "a.b".into(),
            action_id: "a".into(),
            action_name: "A".into(),
            action_version: 1,
            handler_type: "webhook".into(),
            mode: ExecutionMode::Queued,
            priority: Priority::default(),
            status: Status::Pending,
            result: None,
            error: None,
            attempt_count: 0,
            attempts: Vec::new(),
            created_at: Timestamp(0),
            started_at: None,
            finished_at: None,
            duration_ms: None,
            next_attempt_at: None,
            replay_of: None,
            handled_at: None,
            ordering_key: None,
        }
    }

    fn attempt(outcome: Outcome) -> Attempt {
        let error = ExecutionError { class: ErrorClass::HttpStatus, message: "The receiver answered 503.".into(), retryable: true };
        Attempt {
            number: 1,
            node: "n".into(),
            started_at: Timestamp(0),
            finished_at: Some(Timestamp(1)),
            duration_ms: Some(1),
            outcome: Some(outcome),
            error: Some(error),
            request: None,
            response: None,
            logs: Vec::new(),
        }
    }

    #[test]
    fn waits_say_why() {
        let definition = NewAction { retry_delay_seconds: 10, ..NewAction::blank(HandlerType::new("webhook")) };
        let d = Some(&definition);
        assert_eq!(why(&attempt(Outcome::Failed), d, 1, 9_400), "10 s − 6 % jitter");
        assert_eq!(why(&attempt(Outcome::Failed), d, 2, 21_200), "20 s + 6 % jitter");
        assert_eq!(why(&attempt(Outcome::Failed), d, 1, 60_000), "10 s by the settings, and waiting for its turn");
        assert!(why(&attempt(Outcome::Lost), d, 0, 25_000).contains("lease"));
        let told = Attempt { response: Some(json!({"status": 503, "headers": {"retry-after": "77"}})), ..attempt(Outcome::Failed) };
        assert_eq!(why(&told, d, 3, 77_000), "asked for by the receiver");
    }
}
