//! A bulk replay as it goes: its state, a bar, its counts, and the button that stops it.

use std::time::Duration;

use event_actions::model::bulk::{Bulk, BulkStatus};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use leptos::task::spawn_local;

use super::live_list::while_seen;
use crate::components::button::{Button, ButtonKind};
use crate::components::feedback::Meter;
use crate::components::format::{count, duration, plural};
use crate::components::icon;
use crate::components::page_head::{Fact, Facts};
use crate::components::status_badge::{Badge, Tone};
use crate::server_fns::Refusal;
#[cfg(feature = "ssr")]
use crate::server_fns::{answer, asked};

/// How often the server is asked while the job is under way and the page can be seen.
const PERIOD: Duration = Duration::from_secs(1);

/// Where a bulk job stands now.
#[server(input = Json)]
pub async fn bulk_now(id: String) -> Result<Bulk, Refusal> {
    let (engine, caller) = asked()?;
    answer(engine.get_bulk(&caller, &id).await)
}

/// Whether nothing further will happen.
#[must_use]
pub const fn has_ended(status: BulkStatus) -> bool {
    matches!(status, BulkStatus::Finished | BulkStatus::Aborted)
}

/// The state of a job as a badge.
#[component]
pub fn BulkBadge(
    /// Where it stands.
    status: BulkStatus,
) -> impl IntoView {
    let (tone, glyph, text) = match status {
        BulkStatus::Running => (Tone::Run, icon::PLAY, "Running"),
        BulkStatus::Aborting => (Tone::Warn, icon::PAUSE, "Stopping"),
        BulkStatus::Finished => (Tone::Ok, icon::CHECK, "Finished"),
        BulkStatus::Aborted => (Tone::Idle, icon::MINUS, "Aborted"),
    };
    view! { <Badge tone=tone icon=glyph text=text/> }
}

/// How many of a job's executions have been dealt with.
#[must_use]
pub const fn done(bulk: &Bulk) -> i64 {
    bulk.succeeded + bulk.failed + bulk.skipped
}

fn sentence(bulk: &Bulk) -> String {
    let (done, total) = (count(done(bulk)), plural(bulk.total, "execution", "executions"));
    match (bulk.status, bulk.finished_at) {
        (BulkStatus::Running, _) => format!("{done} of {total} done."),
        (BulkStatus::Aborting, _) => format!("{done} of {total} done; it stops after the page under way."),
        (status, Some(at)) => {
            let took = duration((at.millis() - bulk.created_at.millis()).max(0) as f64);
            let word = if status == BulkStatus::Aborted { "stopped" } else { "done" };
            format!("{done} of {total} {word} after {took}.")
        }
        _ => format!("{done} of {total} done."),
    }
}

/// The progress of a job. Without JavaScript it stands as the page was made.
#[island]
pub fn LiveBulk(
    /// The job when the page was made.
    first: Bulk,
    /// Whether the reader may stop it.
    may_write: bool,
) -> impl IntoView {
    let now = RwSignal::new(first);
    let busy = StoredValue::new(false);
    Effect::new(move |_| {
        while_seen(PERIOD, move || {
            if busy.get_value() || now.with_untracked(|b| has_ended(b.status)) {
                return;
            }
            busy.set_value(true);
            let id = now.with_untracked(|b| b.id.clone());
            spawn_local(async move {
                let found = bulk_now(id).await;
                busy.set_value(false);
                if let Ok(found) = found {
                    now.set(found);
                }
            });
        });
    });
    let stop = move || {
        let running = now.with(|b| b.status == BulkStatus::Running);
        let action = now.with_untracked(|b| format!("/bulk/{}/abort", b.id));
        (may_write && running)
            .then(|| view! { <form class="push" method="post" action=action><Button submit=true kind=ButtonKind::Danger icon=icon::CROSS>"Abort"</Button></form> })
    };
    let bar = move || {
        let b = now.get();
        view! { <Meter label=sentence(&b) total=b.total parts=vec![("", b.succeeded), ("bad", b.failed), ("skip", b.skipped)]/> }
    };
    let number = move |of: fn(&Bulk) -> i64| move || count(now.with(of));
    let why = move || now.with(|b| b.last_error.clone()).map(|text| view! { <p class="small brk"><span class="bad">"Last fault: "</span>{text}</p> });
    view! {
        <div class="stack-8">
            <div class="row row-wrap">{move || view! { <BulkBadge status=now.with(|b| b.status)/> }}<span role="status">{move || now.with(sentence)}</span>{stop}</div>
            {bar}
            <Facts>
                <Fact label="Succeeded">{number(|b| b.succeeded)}</Fact>
                <Fact label="Failed">{number(|b| b.failed)}</Fact>
                <Fact label="Skipped">{number(|b| b.skipped)}</Fact>
                <Fact label="To do">{number(|b| if has_ended(b.status) { 0 } else { (b.total - done(b)).max(0) })}</Fact>
            </Facts>
            {why}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use event_actions::model::Timestamp;
    use event_actions::model::bulk::BulkFilter;
    use event_actions::model::testing::ReplayVersion;

    use super::*;

    #[test]
    fn progress_is_a_sentence() {
        let bulk = |status, finished: Option<i64>| Bulk {
            id: "b".into(),
            status,
            tenant_id: None,
            filter: BulkFilter::default(),
            action_version: ReplayVersion::Original,
            total: 1_200,
            succeeded: 50,
            failed: 1,
            skipped: 2,
            last_error: None,
            created_at: Timestamp(1_000),
            created_by: String::new(),
            finished_at: finished.map(Timestamp),
        };
        for (status, finished, text) in [
            (BulkStatus::Running, None, "53 of 1,200 executions done."),
            (BulkStatus::Aborting, None, "53 of 1,200 executions done; it stops after the page under way."),
            (BulkStatus::Aborted, Some(13_000), "53 of 1,200 executions stopped after 12 s."),
            (BulkStatus::Finished, Some(13_000), "53 of 1,200 executions done after 12 s."),
        ] {
            assert_eq!(sentence(&bulk(status, finished)), text);
        }
    }
}
