//! What fires, before everything else: the worst few with the way to all of them, and a line that says when something changed.

use event_actions::engine::{Caller, Engine};
use event_actions::model::alert::{Alert, AlertState, Severity};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use crate::components::format::{duration, plural};
use crate::components::icon::{self, Icon};
use crate::components::time::{Time, TimeStyle, Zone};
use crate::pages::alerts::{PAGE, live_line, open_alerts};

/// Alerts named here.
const NAMED: usize = 5;

/// What the block shows.
pub(super) struct Firing {
    alerts: Vec<Alert>,
    count: usize,
    seen: i64,
}

/// Reads what fires.
pub(super) async fn read(engine: &Engine, caller: &Caller) -> Result<Firing, ApiError> {
    let (open, seen) = open_alerts(engine, caller).await?;
    let mut alerts: Vec<Alert> = open.into_iter().filter(|a| a.state == AlertState::Firing).collect();
    let count = alerts.len();
    alerts.truncate(NAMED);
    Ok(Firing { alerts, count, seen })
}

/// The block. Its line on changes is there whatever fires, so that nothing moves when something does.
pub(super) fn firing(firing: Firing, now: Timestamp, zone: Zone) -> impl IntoView {
    let Firing { alerts, count, seen } = firing;
    let live = live_line(seen, now, zone, "/");
    if count == 0 {
        return view! { <section class="panel" aria-label="Alerts">{live}</section> }.into_any();
    }
    let title = format!("{} firing", plural(count as i64, "alert is", "alerts are"));
    let rows = alerts.into_iter().map(|alert| row(&alert, now, zone)).collect_view();
    view! {
        <section class="panel panel-bad" aria-labelledby="firing-h">
            <div class="panel-head"><h2 id="firing-h">{title}</h2><a class="push small" href=PAGE>"All alerts"</a></div>
            {live}
            <div class="ruled panel-flush">{rows}</div>
        </section>
    }
    .into_any()
}

fn row(alert: &Alert, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let tone = if alert.severity == Severity::Critical { "bad" } else { "warn" };
    let since = alert.fired_at.unwrap_or(alert.started_at);
    let lasts = duration((now.millis() - since.millis()).max(0) as f64);
    view! {
        <div class="alert-row" data-alert=alert.id.clone()>
            <span class=tone><Icon of=icon::TRIANGLE/></span>
            <div><h3><a href=PAGE>{alert.rule.clone()}</a></h3>" "<span class="why brk">{alert.message.clone()}</span></div>
            <div class="acts"><span class="small muted nowrap">"since "<Time at=since now=now style=TimeStyle::Clock zone=zone/>", "{lasts}</span></div>
        </div>
    }
}
