//! The overview: how everything is doing, now and over the chosen range.

use event_actions::charts::{self, Axis};
use event_actions::engine::{Caller, Engine};
use event_actions::model::action::{Action, ActionFilter};
use event_actions::model::execution::{Execution, ExecutionFilter, Status};
use event_actions::model::health::{Health, HealthStatus};
use event_actions::model::page::PageRequest;
use event_actions::model::stats::{Point, Stats, Window};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::{PageTitle, asked, page};
use crate::components::chart_figure::{ChartFigure, ChartTable, LegendItem};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::Empty;
use crate::components::format::{DASH, count, duration, duration_or_dash, plural};
use crate::components::health_badge::{HealthLine, Wellbeing};
use crate::components::icon;
use crate::components::page_head::{PageHead, Panel};
use crate::components::segmented::{Choice, SegmentedLinks};
use crate::components::status_badge::StatusBadge;
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::islands::live_overview::{Before, LiveTiles};
use crate::session::encode;
use crate::shell::{link, query};

/// Executions shown at the end of the page.
const LATEST: u32 = 10;
/// Actions named in the list of healths.
const NAMED: usize = 6;

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
    actions: Vec<Action>,
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
    let actions = engine.list_actions(caller, ActionFilter::default(), PageRequest { limit: Some(200), cursor: None }).await?.items;
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
            {healths(&data)}
        </div>
        <Panel id="c-duration" title="Duration" note=per>{lines}</Panel>
        {latest(data.latest, data.now, zone)}
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
    let shown = [(Status::Succeeded, "sw-ok", "Succeeded"), (Status::Retrying, "sw-warn", "Retrying"), (Status::Failed, "sw-bad", "Failed"), (Status::DeadLetter, "sw-dead", "Dead letter")];
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

/// How an action is doing, and the order in which that matters.
fn wellbeing(action: &Action) -> (Wellbeing, String) {
    let health = action.health.clone().unwrap_or_default();
    let open = health.checks.iter().any(|c| c.name == "breaker" && c.status != HealthStatus::Healthy);
    match () {
        () if !action.definition.is_enabled => (Wellbeing::Off, health.message),
        () if open => (Wellbeing::BreakerOpen, health.message),
        () => (Wellbeing::Health(health.status), health.message),
    }
}

fn healths(data: &Data) -> impl IntoView + use<> {
    let needs = |w: &Wellbeing| matches!(w, Wellbeing::BreakerOpen | Wellbeing::Health(HealthStatus::Critical | HealthStatus::Degraded));
    let mut all: Vec<(Wellbeing, String, &Action)> = data.actions.iter().map(|a| (wellbeing(a), a)).map(|((w, m), a)| (w, m, a)).collect();
    all.sort_by_key(|(w, ..)| match w {
        Wellbeing::Health(HealthStatus::Critical) => 0,
        Wellbeing::BreakerOpen => 1,
        Wellbeing::Health(HealthStatus::Degraded) => 2,
        _ => 3,
    });
    let attention = all.iter().filter(|(w, ..)| needs(w)).count();
    let lines = all
        .iter()
        .filter(|(w, ..)| needs(w))
        .take(NAMED)
        .map(|(w, message, a)| named(*w, a.definition.name.clone(), &a.id, message.clone()))
        .collect_view();
    let healthy = all.iter().filter(|(w, ..)| *w == Wellbeing::Health(HealthStatus::Healthy)).count() as i64;
    let quiet = all.iter().filter(|(w, ..)| *w == Wellbeing::Health(HealthStatus::Unknown)).count() as i64;
    let off = all.iter().filter(|(w, ..)| *w == Wellbeing::Off).count() as i64;
    let rest = |of: Wellbeing, n: i64, reason: &'static str| (n > 0).then(|| view! { <HealthLine of=of name=plural(n, "action", "actions") reason=reason/> });
    let aside = (attention > 0).then(|| link("/actions?status=degraded")).flatten().map(|href| view! { <a class="small" href=href>{plural(attention as i64, "needs attention", "need attention")}</a> }.into_any());
    let system = data.system.clone();
    let none = data.actions.is_empty().then(|| view! { <Empty icon=icon::ACTION title="No actions yet" text="An action says what happens when an event arrives."/> });
    view! {
        <Panel id="c-health" title="Health" aside=aside.unwrap_or_else(|| ().into_any()) flush=true>
            <div class="ruled">
                <HealthLine of=system.status name="This service" reason=system.message/>
                {lines}
                {rest(Wellbeing::Health(HealthStatus::Healthy), healthy, "no errors above their limits")}
                {rest(Wellbeing::Health(HealthStatus::Unknown), quiet, "nothing to judge by in the last 15 minutes")}
                {rest(Wellbeing::Off, off, "switched off")}
                {none}
            </div>
        </Panel>
    }
}

fn named(of: Wellbeing, name: String, id: &str, reason: String) -> AnyView {
    match link(&format!("/actions/{id}")) {
        Some(href) => view! { <HealthLine of=of name=name href=href reason=reason/> }.into_any(),
        None => view! { <HealthLine of=of name=name reason=reason/> }.into_any(),
    }
}

fn latest(executions: Vec<Execution>, now: Timestamp, zone: Zone) -> impl IntoView {
    if executions.is_empty() {
        return view! {
            <Panel id="c-latest" title="Latest executions"><Empty icon=icon::EXECUTION title="Nothing has run yet" text="Send an event that an action listens to; its executions appear here."/></Panel>
        }
        .into_any();
    }
    let rows = executions.into_iter().map(|x| row(x, now, zone)).collect_view();
    let columns = vec![Column::new("Status").width("124px"), Column::new("Action"), Column::new("Event"), Column::number("Attempts").class("num hide-m").width("84px"), Column::number("Duration").width("96px"), Column::number("Made").width("112px")];
    let aside = link("/executions").map(|href| view! { <a class="small" href=href>"All executions"</a> }.into_any());
    view! {
        <Panel id="c-latest" title="Latest executions" aside=aside.unwrap_or_else(|| ().into_any()) flush=true>
            <DataTable caption="The latest executions, newest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
        </Panel>
    }
    .into_any()
}

fn row(x: Execution, now: Timestamp, zone: Zone) -> impl IntoView {
    let name = match link(&format!("/executions/{}", x.id)) {
        Some(href) => view! { <a href=href>{x.action_name}</a> }.into_any(),
        None => x.action_name.into_any(),
    };
    let reason = x.error.map(|e| view! { <div class="sub trunc">{e.message}</div> });
    view! {
        <tr>
            <Cell label="Status"><StatusBadge status=x.status/></Cell>
            <th scope="row" class="full">{name}{reason}</th>
            <Cell label="Event"><code class="brk">{x.event_type}</code></Cell>
            <Cell label="Attempts" class="num hide-m">{x.attempt_count}</Cell>
            <Cell label="Duration" class="num">{duration_or_dash(x.duration_ms)}</Cell>
            <Cell label="Made" class="num"><Time at=x.created_at now=now style=TimeStyle::Clock zone=zone/></Cell>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_before_is_summed_from_points() {
        let point = |minutes_ago: i64, ok: i64, bad: i64| Point { at: Timestamp(100 * 60_000 - minutes_ago * 60_000), by_status: [(Status::Succeeded, ok), (Status::Failed, bad)].into_iter().collect(), ..Point::default() };
        let wider = Stats { series: vec![point(40, 9, 9), point(30, 3, 1), point(16, 4, 0), point(15, 50, 50)], ..Stats::default() };
        let found = before(&wider, Window::Quarter, Timestamp(100 * 60_000));
        assert_eq!(found, Some(Before { executions: 8, success_rate_percent: Some(87.5) }));
        assert_eq!(before(&Stats::default(), Window::Quarter, Timestamp(0)), None);
    }
}
