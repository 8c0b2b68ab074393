//! An action's numbers: tiles, charts, and its health with every check.

use event_actions::charts::{self, Axis};
use event_actions::model::Timestamp;
use event_actions::model::execution::Status;
use event_actions::model::health::Health;
use event_actions::model::stats::{Stats, Window};
use leptos::prelude::*;

use crate::components::chart_figure::{ChartFigure, ChartTable, LegendItem};
use crate::components::feedback::Empty;
use crate::components::format::{DASH, count, duration, sentence_case};
use crate::components::health_badge::HealthLine;
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::components::stat_tile::{StatTile, Tiles};
use crate::components::time::Zone;
use crate::islands::live_overview::figures;
use crate::session::encode;
use crate::shell::link;

/// The statuses of the bars: class of the colour and word.
const SHOWN: [(Status, &str, &str); 4] =
    [(Status::Succeeded, "sw-ok", "Succeeded"), (Status::Retrying, "sw-warn", "Retrying"), (Status::Failed, "sw-bad", "Failed"), (Status::DeadLetter, "sw-dead", "Dead letter")];

const fn range(window: Window) -> &'static str {
    match window {
        Window::Quarter => "Last 15 minutes",
        Window::Hour => "Last hour",
        Window::Day => "Last 24 hours",
        Window::Week => "Last 7 days",
    }
}

/// The tiles.
pub fn tiles(stats: &Stats) -> impl IntoView + use<> {
    let label = range(stats.window).to_owned();
    let tiles = ["Success rate", "Executions", "p95 duration", "Queue depth", "Dead letters"]
        .into_iter()
        .zip(figures(stats, stats.previous.as_ref(), false))
        .map(|(label, figure)| view! { <StatTile label=label figure=figure/> })
        .collect_view();
    view! { <Tiles label=label>{tiles}</Tiles> }
}

fn label_of(window: Window, zone: Zone) -> impl Fn(Timestamp) -> String {
    move |at| if window == Window::Week { zone.day(at) } else { zone.minute(at) }
}

fn row_label(window: Window, zone: Zone, at: Timestamp) -> String {
    if window == Window::Week { zone.day_minute(at) } else { zone.minute(at) }
}

/// Executions by status; bars lead to the list.
pub fn status(stats: &Stats, action_id: &str, zone: Zone) -> impl IntoView + use<> {
    let note = range(stats.window).to_owned();
    let inside = if stats.series.iter().all(|p| p.by_status.values().all(|n| *n == 0)) {
        view! { <Empty icon=icon::EXECUTION title="Nothing ended in this range" text="Its executions appear here by what came of them, as soon as they end."/> }.into_any()
    } else {
        bars(stats, action_id, zone).into_any()
    };
    view! { <Panel id="a-status" title="Executions by status" note=note>{inside}</Panel> }
}

fn bars(stats: &Stats, action_id: &str, zone: Zone) -> impl IntoView + use<> {
    let label = label_of(stats.window, zone);
    let step_ms = stats.window.step_minutes() * 60_000;
    let interval = |from: Timestamp, to: Timestamp| link(&format!("/executions?action_id={}&from={}&to={}", encode(action_id), encode(&from.to_string()), encode(&to.to_string())));
    let svg = charts::bars(stats, &Axis { label: &label, link: &interval, step_ms });
    let total = |status: Status| stats.series.iter().filter_map(|p| p.by_status.get(&status)).sum::<i64>();
    let legend = SHOWN
        .map(|(status, swatch, text)| LegendItem {
            swatch,
            text: text.to_owned(),
            count: count(total(status)),
            href: link(&format!("/executions?action_id={}&status={}", encode(action_id), status.name())),
        })
        .to_vec();
    let rows = stats
        .series
        .iter()
        .map(|p| {
            let cells = SHOWN.iter().map(|(status, ..)| count(p.by_status.get(status).copied().unwrap_or(0))).collect();
            (row_label(stats.window, zone, p.at), interval(p.at, p.at.plus_ms(step_ms)), cells)
        })
        .collect();
    let head = [format!("From ({})", zone.label())].into_iter().chain(SHOWN.map(|(.., text)| text.to_owned())).collect();
    let failed = total(Status::Failed) + total(Status::DeadLetter);
    let caption = format!("{}: {} succeeded, {} failed.", range(stats.window), count(total(Status::Succeeded)), count(failed));
    view! { <ChartFigure svg=svg caption=caption legend=legend table=ChartTable { head, rows }/> }
}

/// Durations over time.
pub fn durations(stats: &Stats, zone: Zone) -> impl IntoView + use<> {
    let inside = if stats.series.iter().all(|p| p.p50_ms.is_none()) {
        view! { <Empty icon=icon::CLOCK title="No attempts ended in this range" text="Durations appear here once it runs."/> }.into_any()
    } else {
        let label = label_of(stats.window, zone);
        let svg = charts::lines(stats, &Axis { label: &label, link: &|_, _| None, step_ms: stats.window.step_minutes() * 60_000 });
        let text = |ms: Option<f64>| ms.map_or_else(|| DASH.to_owned(), duration);
        let rows = stats.series.iter().map(|p| (row_label(stats.window, zone, p.at), None, vec![text(p.p50_ms), text(p.p95_ms), text(p.p99_ms)])).collect();
        let head = [format!("From ({})", zone.label()), "p50".to_owned(), "p95".to_owned(), "p99".to_owned()].to_vec();
        let caption = format!("Half of the attempts took at most {}, 95 % at most {}.", text(stats.p50_ms), text(stats.p95_ms));
        view! { <ChartFigure svg=svg caption=caption table=ChartTable { head, rows }/> }.into_any()
    };
    view! { <Panel id="a-duration" title="Duration">{inside}</Panel> }
}

/// The verdict and every check behind it.
pub fn health(health: &Health) -> impl IntoView + use<> {
    let lines = health
        .checks
        .iter()
        .map(|c| {
            let name = sentence_case(&c.name.replace('_', " "));
            view! { <HealthLine of=c.status name=name reason=c.message.clone()/> }
        })
        .collect_view();
    let (status, message) = (health.status, health.message.clone());
    view! {
        <Panel id="a-health" title="Health" flush=true>
            <div class="ruled">
                <HealthLine of=status name="Altogether" reason=message/>
                {lines}
            </div>
        </Panel>
    }
}
