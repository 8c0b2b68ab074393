//! Alerts: what wants attention first, then what somebody looks after, what is silent and what may come; and what is over.

use std::collections::HashMap;

use event_actions::charts;
use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use event_actions::model::action::ActionFilter;
use event_actions::model::alert::{Alert, AlertFilter, AlertKind, AlertState, Severity};
use event_actions::model::execution::Status;
use event_actions::model::page::{Page, PageRequest};
use event_actions::model::stats::Window;
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::admin::said;
use super::{PageTitle, asked, page};
use crate::components::button::ButtonLink;
use crate::components::feedback::Empty;
use crate::components::icon;
use crate::components::page_head::PageHead;
use crate::components::segmented::{Choice, TabLinks};
use crate::components::time::{Zone, use_zone};
use crate::islands::live_list::{LiveList, Watched};
use crate::shell::query;

mod history;
mod open;
pub mod words;

/// The page.
pub const PAGE: &str = "/alerts";
/// Its rules.
pub const RULES: &str = "/alerts/rules";
/// Alerts shown at once.
const MOST: u32 = 200;
/// Alerts that come with a drawing of the last hour; each costs a question to the database.
const DRAWN: usize = 8;

/// The tabs of alerts and rules; `here` is the path of the one shown. `open` is how many are open, where it is known.
pub fn tabs(may_rule: bool, here: &str, open: Option<usize>) -> impl IntoView + use<> {
    let choice = |text: &str, href: &str| Choice::new(text, href, href == here);
    let mut choices = vec![Choice { count: open.map(|n| n.to_string()), ..choice("Open", PAGE) }, choice("History", "/alerts?tab=history")];
    if may_rule {
        choices.push(choice("Rules", RULES));
    }
    view! { <TabLinks label="Alerts" choices=choices/> }
}

/// The page.
#[component]
pub fn Alerts() -> impl IntoView {
    let (zone, first) = (use_zone(), said());
    let is_over = query("tab") == "history";
    let past = history::Asked::of_query();
    page(async move {
        let (engine, caller) = asked()?;
        let (open, seen) = open_alerts(&engine, &caller).await?;
        let may_rule = caller.may(Scope::Admin);
        let now = Timestamp::now();
        let here = if is_over { "/alerts?tab=history" } else { PAGE };
        let head = tabs(may_rule, here, Some(open.len()));
        let rule = may_rule.then(|| view! { <ButtonLink href="/alerts/rules/new" icon=icon::PLUS>"New rule"</ButtonLink> });
        let content = if is_over {
            history::history(&engine, &caller, past, now, zone).await?.into_any()
        } else {
            let live = live_line(seen, now, zone, PAGE);
            let drawings = drawings(&engine, &caller, &open).await?;
            view! { <section class="panel" aria-label="Open alerts">{live}{listed(open, &drawings, &caller, now, zone)}</section> }.into_any()
        };
        Ok(view! {
            <PageTitle text="Alerts"/>
            <PageHead title="Alerts" lede=lede(&engine, &caller)>{rule}</PageHead>
            {head}
            {first}
            {content}
        })
    })
}

fn lede(engine: &Engine, caller: &Caller) -> String {
    match engine.count_firing(caller) {
        0 => "Nothing fires.".to_owned(),
        1 => "1 alert fires and nobody has taken it on.".to_owned(),
        n => format!("{n} alerts fire and nobody has taken them on."),
    }
}

/// The line that says whether something has changed since the page was made. Always as high, so that nothing moves.
pub fn live_line(seen: i64, now: Timestamp, zone: Zone, href: &str) -> impl IntoView + use<> {
    let as_of = format!("{} {}", zone.clock(now), zone.label());
    view! { <LiveList of=Watched::Alerts since=Some(seen.to_string()) as_of=as_of href=href.to_owned()/> }
}

/// Where an alert stands in the list.
const fn rank(state: AlertState) -> u8 {
    match state {
        AlertState::Firing => 0,
        AlertState::Acknowledged => 1,
        AlertState::Silenced => 2,
        AlertState::Pending => 3,
        AlertState::Resolved => 4,
    }
}

/// What is not over, in the order of the page, and the last change of an alert that is seen with it.
pub async fn open_alerts(engine: &Engine, caller: &Caller) -> Result<(Vec<Alert>, i64), ApiError> {
    let known = engine.alert_changes().borrow().last().map_or(0, |a| a.revision);
    let whole = || PageRequest { limit: Some(MOST), cursor: None };
    let mut open = engine.list_alerts(caller, AlertFilter { active_only: true, ..AlertFilter::default() }, whole()).await?.items;
    let pending = AlertFilter { state: Some(AlertState::Pending), ..AlertFilter::default() };
    open.extend(engine.list_alerts(caller, pending, whole()).await?.items);
    open.sort_by_key(|a| (rank(a.state), std::cmp::Reverse(a.severity), std::cmp::Reverse(a.fired_at.unwrap_or(a.started_at))));
    let seen = open.iter().map(|a| a.revision).fold(known, i64::max);
    Ok((open, seen))
}

/// The last hour of what an alert measures of its action, over its limit.
async fn drawings(engine: &Engine, caller: &Caller, open: &[Alert]) -> Result<HashMap<String, String>, ApiError> {
    let mut out = HashMap::new();
    let drawn = |a: &&Alert| matches!(a.kind, AlertKind::ErrorRate | AlertKind::SlowExecutions);
    for alert in open.iter().filter(drawn).take(DRAWN) {
        let Some(id) = &alert.action_id else { continue };
        // Its action may be gone.
        let Ok(stats) = engine.action_stats(caller, id, Window::Hour).await else { continue };
        let failed = |p: &event_actions::model::stats::Point| {
            let of = |status: Status| p.by_status.get(&status).copied().unwrap_or(0);
            let ended: i64 = Status::ALL.into_iter().filter(|s| s.is_terminal()).map(of).sum();
            (ended > 0).then(|| (of(Status::Failed) + of(Status::DeadLetter)) as f64 * 100.0 / ended as f64)
        };
        let values: Vec<Option<f64>> = stats.series.iter().map(|p| if alert.kind == AlertKind::ErrorRate { failed(p) } else { p.p95_ms }).collect();
        out.insert(alert.id.clone(), charts::limit_line(&values, alert.threshold));
    }
    Ok(out)
}

fn listed(open: Vec<Alert>, drawings: &HashMap<String, String>, caller: &Caller, now: Timestamp, zone: Zone) -> AnyView {
    if open.is_empty() {
        return view! { <Empty icon=icon::BELL title="Nothing fires" text="Rules look at errors, durations, breakers, the queue and the machine every two seconds. What passes a limit appears here."/> }
            .into_any();
    }
    let rows = open.into_iter().map(|alert| open::row(&alert, drawings.get(&alert.id).cloned().unwrap_or_default(), caller, now, zone)).collect_view();
    view! { <div class="ruled">{rows}</div> }.into_any()
}

/// The choices of a facet of kinds.
fn kinds() -> Vec<(String, String)> {
    AlertKind::ALL.into_iter().map(|k| (k.name().to_owned(), words::kind_words(k).to_owned())).collect()
}

/// The choices of a facet of severities, the worst first.
pub fn severities() -> Vec<(String, String)> {
    Severity::ALL.into_iter().rev().map(|s| (s.name().to_owned(), words::severity_words(s).to_owned())).collect()
}

/// The actions that the caller sees, by name, for a choice; at most 200.
pub async fn actions(engine: &Engine, caller: &Caller) -> Result<Vec<(String, String)>, ApiError> {
    if !caller.may(Scope::ActionsRead) {
        return Ok(Vec::new());
    }
    let list: Page<_> = engine.list_actions(caller, ActionFilter::default(), PageRequest { limit: Some(MOST), cursor: None }).await?;
    let mut all: Vec<(String, String)> = list.items.into_iter().map(|a| (a.id, a.definition.name)).collect();
    all.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firing_comes_first_and_what_is_over_last() {
        let mut all = AlertState::ALL;
        all.sort_by_key(|s| rank(*s));
        assert_eq!(all, [AlertState::Firing, AlertState::Acknowledged, AlertState::Silenced, AlertState::Pending, AlertState::Resolved]);
    }
}
