//! The overview: how everything is doing, now and over the chosen range.

use event_actions::charts::{self, Axis};
use event_actions::engine::{Caller, Engine};
use event_actions::model::execution::{Execution, ExecutionFilter, Status};
use event_actions::model::health::Health;
use event_actions::model::page::PageRequest;
use event_actions::model::stats::{Point, Stats};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::{PageTitle, asked, page};
use crate::components::chart_figure::{ChartFigure, ChartTable, LegendItem};
use crate::components::feedback::Empty;
use crate::components::format::{DASH, count, duration};
use crate::components::icon;
use crate::components::page_head::{PageHead, Panel};
use crate::components::time::{Zone, use_zone};
use crate::islands::live_overview::LiveTiles;
use crate::session::encode;
use crate::shell::{link, query};

mod failing;
mod firing;
mod flow;
mod healths;
mod latest;
mod span;

use span::{Asked, Shown};

/// Executions shown at the end of the page.
const LATEST: u32 = 6;

/// The page.
#[component]
pub fn Overview() -> impl IntoView {
    let zone = use_zone();
    let asked_for = Asked::of(&query, Timestamp::now(), zone);
    page(async move {
        let ((engine, caller), asked_for) = (asked()?, asked_for?);
        let data = read(&engine, &caller, &asked_for).await?;
        Ok(document(data, &asked_for, zone))
    })
}

struct Data {
    stats: Stats,
    system: Health,
    actions: healths::Actions,
    firing: firing::Firing,
    failing: Vec<failing::Failing>,
    flow: Option<flow::Flow>,
    latest: Vec<Execution>,
    now: Timestamp,
}

async fn read(engine: &Engine, caller: &Caller, asked: &Asked) -> Result<Data, ApiError> {
    let now = Timestamp::now();
    let stats = engine.overview(caller, asked.period).await?;
    let system = engine.system_health(caller).await?;
    let actions = healths::read(engine, caller).await?;
    let latest = engine.list_executions(caller, ExecutionFilter::default(), PageRequest { limit: Some(LATEST), cursor: None }).await?.items;
    let firing = firing::read(engine, caller).await?;
    let failing = failing::read(engine, caller, now).await?;
    Ok(Data { stats, system, actions, firing, failing, flow: flow::read(engine, caller).await?, latest, now })
}

fn document(data: Data, asked: &Asked, zone: Zone) -> impl IntoView + use<> {
    let shown = Shown::of(&data.stats, asked);
    let tiles = tiles(&data, &shown);
    let bars = bars(&data.stats, &shown, zone);
    let lines = lines(&data.stats, &shown, zone);
    let (per, chooser) = (shown.per(), asked.chooser());
    let latest = latest::latest(data.latest, data.now, zone).into_any();
    let (beside, below) = match failing::failing(data.failing) {
        Some(failing) => (failing.into_any(), latest),
        None => (latest, ().into_any()),
    };
    let flow = data.flow.map(flow::flow);
    view! {
        <PageTitle text="Overview"/>
        <PageHead title="Overview">{chooser}</PageHead>
        {firing::firing(data.firing, data.now, zone)}
        {tiles}
        <div class="cols cols-21">
            <div class="stack"><Panel id="c-status" title="Executions by status" note=per.clone()>{bars}</Panel>{flow}</div>
            {healths::healths(data.system, data.actions)}
        </div>
        <div class="cols cols-11 cols-m1"><Panel id="c-duration" title="Duration" note=per>{lines}</Panel>{beside}</div>
        {below}
    }
}

fn tiles(data: &Data, shown: &Shown) -> impl IntoView + use<> {
    let series = &data.stats.series;
    let of = |status: Status| move |p: &Point| p.by_status.get(&status).copied().unwrap_or(0);
    let ended = |p: &Point| Status::ALL.into_iter().filter(|s| s.is_terminal()).map(|s| of(s)(p)).sum::<i64>();
    let rate = series.iter().map(|p| (ended(p) > 0).then(|| of(Status::Succeeded)(p) as f64 / ended(p) as f64)).collect::<Vec<_>>();
    let executions = series.iter().map(|p| Some(ended(p) as f64)).collect::<Vec<_>>();
    let p95 = series.iter().map(|p| p.p95_ms).collect::<Vec<_>>();
    let has_any = data.stats.total_executions > 0;
    let spark = |values: &[Option<f64>]| if has_any { charts::spark_line(values) } else { String::new() };
    let sparks = [spark(&rate), spark(&executions), spark(&p95), String::new(), String::new()];
    let ended_then = || link(&format!("/executions?{}", shown.query));
    let hrefs = [ended_then(), ended_then(), ended_then(), link("/executions?status=pending"), link("/dead-letters")];
    let first = Stats { series: Vec::new(), ..data.stats.clone() };
    view! { <LiveTiles first=first is_own=shown.is_own label=shown.label.clone() hrefs=hrefs sparks=sparks/> }
}

/// The list behind an interval.
fn interval(from: Timestamp, to: Timestamp) -> Option<String> {
    link(&format!("/executions?from={}&to={}", encode(&from.to_string()), encode(&to.to_string())))
}

fn bars(stats: &Stats, time: &Shown, zone: Zone) -> impl IntoView + use<> {
    if stats.series.iter().all(|p| p.by_status.values().all(|n| *n == 0)) {
        return view! { <Empty icon=icon::EXECUTION title="Nothing ended in this range" text="Executions appear here by what came of them, as soon as they end."/> }.into_any();
    }
    let (label, step_ms) = (|at| time.axis(at), time.step_ms);
    let svg = charts::bars(stats, &Axis { label: &label, link: &interval, step_ms });
    let shown = [
        (Status::Succeeded, "sw-ok", "Succeeded"),
        (Status::Retrying, "sw-warn", "Retrying"),
        (Status::Failed, "sw-bad", "Failed"),
        (Status::DeadLetter, "sw-dead", "Dead letter"),
    ];
    let total = |status: Status| stats.series.iter().filter_map(|p| p.by_status.get(&status)).sum::<i64>();
    let legend = shown
        .map(|(status, swatch, text)| LegendItem {
            swatch,
            text: text.to_owned(),
            count: count(total(status)),
            href: link(&format!("/executions?status={}&{}", status.name(), time.query)),
        })
        .to_vec();
    let rows = stats
        .series
        .iter()
        .map(|p| {
            let cells = shown.iter().map(|(status, ..)| count(p.by_status.get(status).copied().unwrap_or(0))).collect();
            (time.row(p.at), interval(p.at, p.at.plus_ms(step_ms)), cells)
        })
        .collect();
    let head = [format!("From ({})", zone.label())].into_iter().chain(shown.map(|(.., text)| text.to_owned())).collect();
    let failed = total(Status::Failed) + total(Status::DeadLetter);
    let caption = format!("{}: {} succeeded, {} failed.", time.label, count(total(Status::Succeeded)), count(failed));
    view! { <ChartFigure svg=svg caption=caption legend=legend table=ChartTable { head, rows }/> }.into_any()
}

fn lines(stats: &Stats, time: &Shown, zone: Zone) -> impl IntoView + use<> {
    if stats.series.iter().all(|p| p.p50_ms.is_none()) {
        return view! { <Empty icon=icon::CLOCK title="No attempts ended in this range" text="Durations appear here once actions run."/> }.into_any();
    }
    let label = |at| time.axis(at);
    let svg = charts::lines(stats, &Axis { label: &label, link: &|_, _| None, step_ms: time.step_ms });
    let text = |ms: Option<f64>| ms.map_or_else(|| DASH.to_owned(), duration);
    let rows = stats.series.iter().map(|p| (time.row(p.at), None, vec![text(p.p50_ms), text(p.p95_ms), text(p.p99_ms)])).collect();
    let head = [format!("From ({})", zone.label()), "p50".to_owned(), "p95".to_owned(), "p99".to_owned()].to_vec();
    let caption = format!("{}: half of the attempts took at most {}, 95 % at most {}.", time.label, text(stats.p50_ms), text(stats.p95_ms));
    view! { <ChartFigure svg=svg caption=caption table=ChartTable { head, rows }/> }.into_any()
}
