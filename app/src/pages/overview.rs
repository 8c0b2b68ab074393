//! The overview: how everything is doing, now and over the chosen range.

use event_actions::charts::{self, Axis};
use event_actions::engine::{Caller, Engine};
use event_actions::model::execution::{Execution, ExecutionFilter, Status};
use event_actions::model::health::Health;
use event_actions::model::page::PageRequest;
use event_actions::model::stats::{Point, Stats, Window};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::{PageTitle, asked, page};
use crate::components::chart_figure::{ChartFigure, ChartTable, LegendItem};
use crate::components::feedback::Empty;
use crate::components::format::{DASH, count, duration};
use crate::components::icon;
use crate::components::page_head::{PageHead, Panel};
use crate::components::segmented::{Choice, SegmentedLinks};
use crate::components::time::{Zone, use_zone};
use crate::islands::live_overview::{Before, LiveTiles};
use crate::session::encode;
use crate::shell::{link, query};

mod healths;
mod latest;

/// Executions shown at the end of the page.
const LATEST: u32 = 6;

/// The page.
#[component]
pub fn Overview() -> impl IntoView {
    let window = Window::parse(&query("range")).unwrap_or_default();
    let zone = use_zone();
    page(async move {
        let (engine, caller) = asked()?;
        let data = read(&engine, &caller, window).await?;
        Ok(document(data, zone))
    })
}

struct Data {
    stats: Stats,
    before: Option<Before>,
    system: Health,
    actions: healths::Actions,
    latest: Vec<Execution>,
    now: Timestamp,
}

async fn read(engine: &Engine, caller: &Caller, window: Window) -> Result<Data, ApiError> {
    let now = Timestamp::now();
    let stats = engine.overview(caller, window).await?;
    let before = match wider(window) {
        Some(wider) => before(&engine.overview(caller, wider).await?, window, now),
        None => None,
    };
    let system = engine.system_health(caller).await?;
    let actions = healths::read(engine, caller).await?;
    let latest = engine.list_executions(caller, ExecutionFilter::default(), PageRequest { limit: Some(LATEST), cursor: None }).await?.items;
    Ok(Data { stats, before, system, actions, latest, now })
}

/// The window whose series also covers the time before.
const fn wider(window: Window) -> Option<Window> {
    match window {
        Window::Quarter => Some(Window::Hour),
        Window::Hour => Some(Window::Day),
        Window::Day => Some(Window::Week),
        Window::Week => None,
    }
}

/// The same length of time just before `window`, from the points of a wider series; right to one point.
fn before(wider: &Stats, window: Window, now: Timestamp) -> Option<Before> {
    let length = window.minutes() * 60_000;
    let within = |p: &&Point| p.at.millis() >= now.millis() - 2 * length && p.at.millis() < now.millis() - length;
    let sum = |status: Status| -> i64 { wider.series.iter().filter(within).filter_map(|p| p.by_status.get(&status)).sum() };
    let succeeded = sum(Status::Succeeded);
    let ended = Status::ALL.into_iter().filter(|s| s.is_terminal()).map(sum).sum::<i64>();
    (ended > 0).then(|| Before { executions: ended, success_rate_percent: Some(succeeded as f64 * 100.0 / ended as f64) })
}

const fn words(window: Window) -> (&'static str, &'static str, &'static str) {
    match window {
        Window::Quarter => ("15 m", "Last 15 minutes", "per minute"),
        Window::Hour => ("1 h", "Last hour", "per minute"),
        Window::Day => ("24 h", "Last 24 hours", "per half hour"),
        Window::Week => ("7 d", "Last 7 days", "per 4 hours"),
    }
}

fn document(data: Data, zone: Zone) -> impl IntoView {
    let window = data.stats.window;
    let ranges = Window::ALL.into_iter().map(|w| Choice::new(words(w).0, format!("/?range={}", w.name()), w == window)).collect();
    let tiles = tiles(&data);
    let bars = bars(&data.stats, zone);
    let lines = lines(&data.stats, zone);
    let per = format!("{}, {}", words(window).2, zone.label());
    view! {
        <PageTitle text="Overview"/>
        <PageHead title="Overview"><SegmentedLinks label="Range" choices=ranges/></PageHead>
        {tiles}
        <div class="cols cols-21 cols-fill">
            <Panel id="c-status" title="Executions by status" note=per.clone()>{bars}</Panel>
            {healths::healths(data.system, data.actions)}
        </div>
        <div class="cols cols-11 cols-fill">
            <Panel id="c-duration" title="Duration" note=per>{lines}</Panel>
            {latest::latest(data.latest, data.now, zone)}
        </div>
    }
}

fn tiles(data: &Data) -> impl IntoView + use<> {
    let series = &data.stats.series;
    let of = |status: Status| move |p: &Point| p.by_status.get(&status).copied().unwrap_or(0);
    let ended = |p: &Point| Status::ALL.into_iter().filter(|s| s.is_terminal()).map(|s| of(s)(p)).sum::<i64>();
    let rate = series.iter().map(|p| (ended(p) > 0).then(|| of(Status::Succeeded)(p) as f64 / ended(p) as f64)).collect::<Vec<_>>();
    let executions = series.iter().map(|p| Some(ended(p) as f64)).collect::<Vec<_>>();
    let p95 = series.iter().map(|p| p.p95_ms).collect::<Vec<_>>();
    let has_any = data.stats.total_executions > 0;
    let spark = |values: &[Option<f64>]| if has_any { charts::spark_line(values) } else { String::new() };
    let sparks = [spark(&rate), spark(&executions), spark(&p95), String::new(), String::new()];
    let hrefs = [link("/executions"), link("/executions"), link("/executions"), link("/executions?status=pending"), link("/dead-letters")];
    let first = Stats { series: Vec::new(), ..data.stats.clone() };
    view! { <LiveTiles first=first before=data.before label=words(data.stats.window).1.to_owned() hrefs=hrefs sparks=sparks/> }
}

/// The words under a time axis, and the list behind an interval.
fn label_of(window: Window, zone: Zone) -> impl Fn(Timestamp) -> String {
    move |at| if window == Window::Week { zone.day(at) } else { zone.minute(at) }
}

fn interval(from: Timestamp, to: Timestamp) -> Option<String> {
    link(&format!("/executions?from={}&to={}", encode(&from.to_string()), encode(&to.to_string())))
}

/// Part of a row label that tells days apart where the axis needs it.
fn row_label(window: Window, zone: Zone, at: Timestamp) -> String {
    if window == Window::Week { zone.day_minute(at) } else { zone.minute(at) }
}

fn bars(stats: &Stats, zone: Zone) -> impl IntoView + use<> {
    let label = label_of(stats.window, zone);
    let step_ms = stats.window.step_minutes() * 60_000;
    let svg = charts::bars(stats, &Axis { label: &label, link: &interval, step_ms });
    let shown = [
        (Status::Succeeded, "sw-ok", "Succeeded"),
        (Status::Retrying, "sw-warn", "Retrying"),
        (Status::Failed, "sw-bad", "Failed"),
        (Status::DeadLetter, "sw-dead", "Dead letter"),
    ];
    let total = |status: Status| stats.series.iter().filter_map(|p| p.by_status.get(&status)).sum::<i64>();
    let legend = shown
        .map(|(status, swatch, text)| LegendItem { swatch, text: text.to_owned(), count: count(total(status)), href: link(&format!("/executions?status={}", status.name())) })
        .to_vec();
    let rows = stats
        .series
        .iter()
        .map(|p| {
            let cells = shown.iter().map(|(status, ..)| count(p.by_status.get(status).copied().unwrap_or(0))).collect();
            (row_label(stats.window, zone, p.at), interval(p.at, p.at.plus_ms(step_ms)), cells)
        })
        .collect();
    let head = [format!("From ({})", zone.label())].into_iter().chain(shown.map(|(.., text)| text.to_owned())).collect();
    let failed = total(Status::Failed) + total(Status::DeadLetter);
    let caption = format!("{}: {} succeeded, {} failed.", words(stats.window).1, count(total(Status::Succeeded)), count(failed));
    view! { <ChartFigure svg=svg caption=caption legend=legend table=ChartTable { head, rows }/> }
}

fn lines(stats: &Stats, zone: Zone) -> impl IntoView + use<> {
    if stats.series.iter().all(|p| p.p50_ms.is_none()) {
        return view! { <Empty icon=icon::CLOCK title="No attempts ended in this range" text="Durations appear here once actions run."/> }.into_any();
    }
    let label = label_of(stats.window, zone);
    let svg = charts::lines(stats, &Axis { label: &label, link: &|_, _| None, step_ms: stats.window.step_minutes() * 60_000 });
    let text = |ms: Option<f64>| ms.map_or_else(|| DASH.to_owned(), duration);
    let rows = stats.series.iter().map(|p| (row_label(stats.window, zone, p.at), None, vec![text(p.p50_ms), text(p.p95_ms), text(p.p99_ms)])).collect();
    let head = [format!("From ({})", zone.label()), "p50".to_owned(), "p95".to_owned(), "p99".to_owned()].to_vec();
    let caption = format!("{}: half of the attempts took at most {}, 95 % at most {}.", words(stats.window).1, text(stats.p50_ms), text(stats.p95_ms));
    view! { <ChartFigure svg=svg caption=caption table=ChartTable { head, rows }/> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_before_is_summed_from_points() {
        let point = |minutes_ago: i64, ok: i64, bad: i64| Point {
            at: Timestamp(100 * 60_000 - minutes_ago * 60_000),
            by_status: [(Status::Succeeded, ok), (Status::Failed, bad)].into_iter().collect(),
            ..Point::default()
        };
        let wider = Stats { series: vec![point(40, 9, 9), point(30, 3, 1), point(16, 4, 0), point(15, 50, 50)], ..Stats::default() };
        let found = before(&wider, Window::Quarter, Timestamp(100 * 60_000));
        assert_eq!(found, Some(Before { executions: 8, success_rate_percent: Some(87.5) }));
        assert_eq!(before(&Stats::default(), Window::Quarter, Timestamp(0)), None);
    }
}
