//! What is over: when it began, how long it lasted, how it ended. Filters live in the address.

use event_actions::engine::{Caller, Engine};
use event_actions::model::alert::{Alert, AlertFilter, AlertKind, AlertState, Severity};
use event_actions::model::page::{Page, PageRequest};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::open::subject_href;
use super::words::{SeverityBadge, against_limit, kind_words, who};
use super::{PAGE, actions, kinds, severities};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::{Empty, FilteredToEmpty};
use crate::components::filter_bar::{Facet, FilterBar};
use crate::components::format::{DASH, duration};
use crate::components::icon::{self, Icon};
use crate::components::time::{Time, TimeStyle, Zone};
use crate::pages::admin::{address, foot, page_asked};
use crate::shell::query;

/// The address without filters.
const CLEAR: &str = "/alerts?tab=history";

/// The filters of the page.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    kind: String,
    severity: String,
    action: String,
    page: PageRequest,
}

impl Asked {
    pub(super) fn of_query() -> Self {
        Self { kind: query("kind"), severity: query("severity"), action: query("action_id"), page: page_asked() }
    }

    fn pairs(&self) -> [(&'static str, &str); 4] {
        [("tab", "history"), ("kind", &self.kind), ("severity", &self.severity), ("action_id", &self.action)]
    }

    fn is_any(&self) -> bool {
        self.pairs()[1..].iter().any(|(_, value)| !value.is_empty())
    }

    /// Words that are none filter by nothing; they can only come from a hand-written address.
    fn filter(&self) -> AlertFilter {
        let action_id = Some(self.action.clone()).filter(|id| !id.is_empty());
        AlertFilter { state: Some(AlertState::Resolved), kind: AlertKind::parse(&self.kind), severity: Severity::parse(&self.severity), action_id, ..AlertFilter::default() }
    }
}

/// The tab.
pub(super) async fn history(engine: &Engine, caller: &Caller, asked: Asked, now: Timestamp, zone: Zone) -> Result<impl IntoView + use<>, ApiError> {
    let list = engine.list_alerts(caller, asked.filter(), asked.page.clone()).await?;
    let actions = actions(engine, caller).await?;
    let clear = asked.is_any().then(|| CLEAR.to_owned());
    let table = table(list, &asked, caller, now, zone);
    Ok(view! {
        <FilterBar label="Filter alerts" action=PAGE clear=clear>
            <input type="hidden" name="tab" value="history"/>
            <Facet label="About" name="kind" options=kinds() value=asked.kind.clone()/>
            <Facet label="Severity" name="severity" options=severities() value=asked.severity.clone()/>
            <Facet label="Action" name="action_id" options=actions value=asked.action/>
        </FilterBar>
        <section class="panel" aria-label="Alerts that are over">{table}</section>
    })
}

fn table(list: Page<Alert>, asked: &Asked, caller: &Caller, now: Timestamp, zone: Zone) -> AnyView {
    if list.items.is_empty() {
        return if asked.is_any() {
            view! { <FilteredToEmpty text="No alert that is over has all of these properties." clear=CLEAR/> }.into_any()
        } else {
            view! { <Empty icon=icon::BELL title="No alert has ended yet" text="What fired and is over stays here as long as executions are kept."/> }.into_any()
        };
    }
    let below = foot(&list, ("alert", "alerts"), PAGE, &asked.pairs());
    let is_platform = caller.tenant_id.is_none();
    let mut columns = vec![
        Column::new("Alert"),
        Column::new("Severity").width("112px"),
        Column::new("Value").width("180px"),
        Column::number("Began").width("112px"),
        Column::number("Lasted").width("84px"),
        Column::new("End").width("22%"),
    ];
    if is_platform {
        columns.insert(1, Column::new("Tenant").class("hide-m").width("112px"));
    }
    let rows = list.items.into_iter().map(|alert| row(&alert, is_platform, now, zone)).collect_view();
    view! {
        <DataTable caption="Alerts that are over, the latest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
        {below}
    }
    .into_any()
}

fn row(alert: &Alert, is_platform: bool, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let name = match subject_href(alert) {
        Some(href) => view! { <a href=href>{alert.rule.clone()}</a> }.into_any(),
        None => alert.rule.clone().into_any(),
    };
    let owner = alert.tenant_id.clone().unwrap_or_else(|| "platform".to_owned());
    let tenant = is_platform.then(|| view! { <Cell label="Tenant" class="hide-m">{owner}</Cell> });
    let (severity, value) = (alert.severity, against_limit(alert));
    let began = alert.fired_at.unwrap_or(alert.started_at);
    let lasted = alert.resolved_at.map_or_else(|| DASH.to_owned(), |end| duration((end.millis() - began.millis()).max(0) as f64));
    let end = alert.resolved_by.as_deref().map_or_else(|| "resolved by itself".to_owned(), |by| format!("resolved by {}", who(by)));
    let kind = address(PAGE, &[("tab", "history"), ("kind", alert.kind.name())]);
    view! {
        <tr data-alert=alert.id.clone()>
            <th scope="row" class="full">{name}<div class="sub brk">{alert.message.clone()}" "<a href=kind>{kind_words(alert.kind)}</a></div></th>
            {tenant}
            <Cell label="Severity"><SeverityBadge severity=severity/></Cell>
            <Cell label="Value">{value}</Cell>
            <Cell label="Began" class="num"><Time at=began now=now style=TimeStyle::Clock zone=zone/></Cell>
            <Cell label="Lasted" class="num">{lasted}</Cell>
            <Cell label="End" class="full"><span class="row tw:gap-1"><span class="ok"><Icon of=icon::CHECK size=14/></span><span class="muted brk">{end}</span></span></Cell>
        </tr>
    }
}
