//! The overview's tiles, updated in place, and the mark that says how fresh they are.

use event_actions::model::execution::Status;
use event_actions::model::stats::{Previous, Stats, Window};
use leptos::prelude::*;

use super::live::live;
use crate::components::format::{DASH, count, duration, duration_parts, percent, plural};
use crate::components::icon;
use crate::components::page_head::LiveMark;
use crate::components::stat_tile::{Figure, StatTile, Tiles};
use crate::components::status_badge::Tone;

/// Older than this, numbers are no longer called live.
const STALE_SECONDS: u64 = 10;

/// What stands on the tiles, from the left.
#[must_use]
pub fn figures(stats: &Stats, before: Option<&Previous>, is_own: bool) -> [Figure; 5] {
    let than = if is_own { "on the time before" } else { earlier(stats.window) };
    [success(stats, before, than), executions(stats, before, than), p95(stats, before, than), queue(stats), dead_letters(stats)]
}

/// The words for the time before the one shown.
const fn earlier(window: Window) -> &'static str {
    match window {
        Window::Quarter => "on the 15 min before",
        Window::Hour => "on the hour before",
        Window::Day => "on the day before",
        Window::Week => "on the week before",
    }
}

fn of(stats: &Stats, status: Status) -> i64 {
    stats.by_status.get(&status).copied().unwrap_or(0)
}

fn success(stats: &Stats, before: Option<&Previous>, than: &str) -> Figure {
    let Some(rate) = stats.success_rate_percent else {
        return Figure { value: DASH.to_owned(), note: "nothing ended yet".to_owned(), ..Figure::default() };
    };
    let figure = Figure { value: percent(rate), unit: "%", ..Figure::default() };
    match before.and_then(|b| b.success_rate_percent).map(|b| rate - b) {
        Some(change) if change.abs() >= 0.05 => {
            let (icon, tone) = if change < 0.0 { (icon::DOWN, Tone::Warn) } else { (icon::UP, Tone::Ok) };
            Figure { note: format!("{:.1} points {}", change.abs(), than), tone, icon: Some(icon), ..figure }
        }
        Some(_) => Figure { note: format!("unchanged {than}"), ..figure },
        None => {
            let failed = of(stats, Status::Failed) + of(stats, Status::DeadLetter);
            Figure { note: if failed == 0 { "nothing failed".to_owned() } else { format!("{} failed", count(failed)) }, ..figure }
        }
    }
}

fn executions(stats: &Stats, before: Option<&Previous>, than: &str) -> Figure {
    let figure = Figure { value: count(stats.total_executions), ..Figure::default() };
    match before.filter(|b| b.total_executions > 0).map(|b| (stats.total_executions - b.total_executions) as f64 / b.total_executions as f64 * 100.0) {
        Some(change) if change.abs() >= 0.05 => {
            let icon = if change < 0.0 { icon::DOWN } else { icon::UP };
            Figure { note: format!("{} % {}", if change >= 1_000.0 { ">1,000".to_owned() } else { format!("{:.1}", change.abs()) }, than), icon: Some(icon), ..figure }
        }
        _ => Figure { note: plural(of(stats, Status::Running), "runs now", "run now"), ..figure },
    }
}

fn p95(stats: &Stats, before: Option<&Previous>, than: &str) -> Figure {
    let Some(p95) = stats.p95_ms else { return Figure { value: DASH.to_owned(), note: "no attempt ended".to_owned(), ..Figure::default() } };
    let (value, unit) = duration_parts(p95);
    let figure = Figure { value, unit, note: stats.p50_ms.map_or_else(String::new, |p50| format!("median {}", duration(p50))), ..Figure::default() };
    // Buckets are 5 % apart: less than that says nothing.
    match before.and_then(|b| b.p95_ms).filter(|before| *before > 0.0).map(|before| (p95 - before) / before * 100.0) {
        Some(change) if change.abs() > 5.0 => {
            let (icon, more) = if change < 0.0 { (icon::DOWN, "faster") } else { (icon::UP, "slower") };
            let share = if change >= 1_000.0 { ">1,000".to_owned() } else { format!("{:.0}", change.abs()) };
            Figure { note: format!("{share} % {more} than {}", than.trim_start_matches("on ")), icon: Some(icon), ..figure }
        }
        _ => figure,
    }
}

fn queue(stats: &Stats) -> Figure {
    let note = match stats.oldest_pending_ms {
        _ if stats.queue_depth == 0 => "nothing waits".to_owned(),
        Some(age) => format!("oldest waits {}", duration(age as f64)),
        None => "none is due yet".to_owned(),
    };
    Figure { value: count(stats.queue_depth), note, ..Figure::default() }
}

fn dead_letters(stats: &Stats) -> Figure {
    let (note, tone) = if stats.dead_letters == 0 { ("nobody needs to act", Tone::Idle) } else { ("wait for a person", Tone::Bad) };
    Figure { value: count(stats.dead_letters), note: note.to_owned(), tone, ..Figure::default() }
}

/// Puts what came live over what the page began with: all of it for the last 24 hours, else what is true now.
fn merged(first: &Stats, live: Stats, is_own: bool) -> Stats {
    if first.window == live.window && !is_own {
        return live;
    }
    Stats { queue_depth: live.queue_depth, oldest_pending_ms: live.oldest_pending_ms, dead_letters: live.dead_letters, ..first.clone() }
}

/// The five tiles.
#[island]
pub fn LiveTiles(
    /// The numbers when the page was made, without series.
    first: Stats,
    /// Whether they cover a range of one's own, of which live numbers say nothing.
    is_own: bool,
    /// What they cover, such as "Last 24 hours".
    label: String,
    /// Where each tile leads.
    hrefs: [Option<String>; 5],
    /// A small drawing for each tile, made on the server.
    sparks: [String; 5],
) -> impl IntoView {
    let view = live().view;
    let before = first.previous.clone();
    let all = ArcMemo::new(move |_| {
        let stats = view.with(|v| v.as_ref().map_or_else(|| first.clone(), |v| merged(&first, v.stats.clone(), is_own)));
        figures(&stats, before.as_ref(), is_own)
    });
    let labels = ["Success rate", "Executions", "p95 duration", "Queue depth", "Dead letters"];
    let tiles = labels
        .into_iter()
        .zip(hrefs)
        .zip(sparks)
        .enumerate()
        .map(|(n, ((label, href), spark))| {
            let all = all.clone();
            let figure = Signal::derive(move || all.with(|figures| figures[n].clone()));
            view! { <StatTile label=label figure=figure href=href spark=spark/> }
        })
        .collect_view();
    view! { <Tiles label=label>{tiles}</Tiles> }
}

/// How fresh the numbers are: when the page was made, then "Live, 2 s ago" or "Paused, 3 min ago".
#[island]
pub fn LiveChip(
    /// When the page was made, in words; stays without JavaScript.
    first: String,
) -> impl IntoView {
    let live = live();
    let (a, b) = (live.clone(), live);
    let is_live = Signal::derive(move || a.is_open.get() && a.age_seconds().is_some_and(|age| age < STALE_SECONDS));
    let text = Signal::derive(move || match b.age_seconds() {
        None => first.clone(),
        Some(age) => {
            let ago = if age == 0 { "just now".to_owned() } else { format!("{} ago", duration(age as f64 * 1_000.0).replace(".0 s", " s")) };
            format!("{}, {ago}", if is_live.get() { "Live" } else { "Paused" })
        }
    });
    view! { <LiveMark live=is_live text=text/> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats() -> Stats {
        Stats {
            total_executions: 42_514,
            success_rate_percent: Some(99.04),
            p95_ms: Some(283.0),
            p50_ms: Some(70.0),
            queue_depth: 37,
            oldest_pending_ms: Some(4_200),
            dead_letters: 17,
            ..Stats::default()
        }
    }

    #[test]
    fn tiles_say_the_number_and_what_to_make_of_it() {
        let before = Previous { total_executions: 40_070, success_rate_percent: Some(99.44), p95_ms: Some(200.0) };
        let tiles = figures(&stats(), Some(&before), false);
        let said: Vec<String> = tiles.iter().map(|f| format!("{} {} | {}", f.value, f.unit, f.note)).collect();
        assert_eq!(
            said,
            [
                "99.0 % | 0.4 points on the day before",
                "42,514  | 6.1 % on the day before",
                "283 ms | 42 % slower than the day before",
                "37  | oldest waits 4.2 s",
                "17  | wait for a person"
            ]
        );
        assert_eq!(tiles[0].tone, Tone::Warn);
    }

    #[test]
    fn no_data_is_a_dash() {
        let tiles = figures(&Stats::default(), None, false);
        assert_eq!((tiles[0].value.as_str(), tiles[2].value.as_str()), (DASH, DASH));
    }

    #[test]
    fn other_ranges_take_only_what_is_true_now() {
        let first = Stats { window: Window::Hour, total_executions: 5, ..Stats::default() };
        let found = merged(&first, stats(), false);
        assert_eq!((found.total_executions, found.queue_depth), (5, 37));
        let own = Stats { total_executions: 5, ..Stats::default() };
        assert_eq!((merged(&own, stats(), true).total_executions, merged(&own, stats(), false).total_executions), (5, 42_514));
    }
}
