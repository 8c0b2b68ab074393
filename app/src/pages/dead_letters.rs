//! Dead letters: what gave up and waits for a person, grouped by action and error.

use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use event_actions::model::dead_letter::{DeadLetterFilter, DeadLetterGroup};
use event_actions::model::execution::{Execution, ExecutionFilter};
use event_actions::model::page::{Page, PageRequest};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::bulk::offer::{Offer, button, offer};
use super::flash::flash;
use super::range::Range;
use super::words::{class_name, class_words_of};
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::{Empty, FilteredToEmpty};
use crate::components::filter_bar::{Facet, FilterBar};
use crate::components::format::{count, plural};
use crate::components::icon;
use crate::components::page_head::PageHead;
use crate::components::pagination::Pagination;
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::forms_events::page_with_tenant;
use crate::islands::live_list::{LiveList, Watched};
use crate::pages::admin::address;
use crate::shell::{link, query};

/// Dead letters on one page.
const ON_A_PAGE: u32 = 200;

/// The filters of the page.
#[derive(Clone, Debug, Default)]
struct Asked {
    action: String,
    class: String,
    range: Range,
    cursor: Option<String>,
}

impl Asked {
    fn href(&self, cursor: Option<&str>) -> String {
        let mut pairs = vec![("action_id", self.action.as_str()), ("error_class", &self.class)];
        pairs.extend(self.range.pairs());
        pairs.extend(cursor.map(|c| ("cursor", c)));
        address("/dead-letters", &pairs)
    }

    fn is_any(&self) -> bool {
        self.href(None) != "/dead-letters"
    }
}

/// The page.
#[component]
pub fn DeadLetters() -> impl IntoView {
    let zone = use_zone();
    let asked_for = Asked { action: query("action_id"), class: query("error_class"), range: Range::of(&query), cursor: Some(query("cursor")).filter(|c| !c.is_empty()) };
    let said = flash();
    page(async move {
        let (engine, caller) = asked()?;
        let data = read(&engine, &caller, &asked_for, zone).await?;
        Ok(view! { {said} {document(data, asked_for, zone)} })
    })
}

struct Data {
    groups: Vec<DeadLetterGroup>,
    rows: Page<Execution>,
    filter: ExecutionFilter,
    offer: Option<Offer>,
    may_write: bool,
    is_platform: bool,
    now: Timestamp,
}

async fn read(engine: &Engine, caller: &Caller, asked: &Asked, zone: Zone) -> Result<Data, ApiError> {
    let now = Timestamp::now();
    let (from, to) = asked.range.bounds(now, zone);
    let given = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    let filter = ExecutionFilter { action_id: given(&asked.action), error_class: given(&asked.class), from, to, ..ExecutionFilter::default() };
    let groups = engine.dead_letter_groups(caller, DeadLetterFilter { from, to, ..DeadLetterFilter::default() }).await?;
    let rows = engine.dead_letters(caller, filter.clone(), PageRequest { limit: Some(ON_A_PAGE), cursor: asked.cursor.clone() }).await?;
    let query = asked.href(None).replacen("/dead-letters?", "&", 1);
    let query = format!("status=dead_letter{}", if query.starts_with('&') { &query } else { "" });
    let offer = offer(engine, caller, &ExecutionFilter { unhandled_only: true, ..filter.clone() }, &query).await?;
    Ok(Data { groups, rows, filter, offer, may_write: caller.may(Scope::ExecutionsWrite), is_platform: caller.tenant_id.is_none(), now })
}

/// Whether an execution is one of a group.
fn is_of(x: &Execution, group: &DeadLetterGroup) -> bool {
    let message = x.error.as_ref().map_or("", |e| e.message.as_str());
    x.tenant_id == group.tenant_id && x.action_id == group.action_id && message == group.message
}

fn document(data: Data, asked: Asked, zone: Zone) -> impl IntoView {
    let total: i64 = data.groups.iter().map(|g| g.count).sum();
    let lede = if total > 0 {
        format!(
            "{} from {}. They gave up after their last retry; replay them once the cause is gone, or discard them.",
            plural(total, "dead letter", "dead letters"),
            plural(data.groups.len() as i64, "cause", "causes")
        )
    } else {
        "What gives up after its last retry waits here for a person.".to_owned()
    };
    let bar = bar(&data.groups, &asked, zone);
    let live = asked.cursor.is_none().then(|| {
        let since = data.rows.items.first().map(|x| x.id.clone());
        let as_of = format!("{} {}", zone.clock(data.now), zone.label());
        view! { <LiveList of=Watched::DeadLetters(data.filter.clone()) since=since as_of=as_of href=asked.href(None)/> }
    });
    let replay_all = button(data.offer.clone());
    let content = match (data.rows.items.is_empty(), asked.is_any() || asked.cursor.is_some()) {
        (true, true) => view! { <FilteredToEmpty text="No dead letter has all of these properties." clear="/dead-letters"/> }.into_any(),
        (true, false) => {
            view! { <Empty icon=icon::DEAD_LETTERS title="No dead letters" text="Nobody needs to act. An execution that fails for the last time appears here."/> }.into_any()
        }
        (false, _) => list(data, &asked, zone).into_any(),
    };
    view! {
        <PageTitle text="Dead letters"/>
        <PageHead title="Dead letters" lede=lede>{replay_all}</PageHead>
        {bar}
        <section class="panel" aria-label="Dead letters">{live}{content}</section>
    }
}

fn bar(groups: &[DeadLetterGroup], asked: &Asked, zone: Zone) -> impl IntoView + use<> {
    let mut actions: Vec<(String, String)> = groups.iter().map(|g| (g.action_id.clone(), g.action_name.clone())).collect();
    actions.sort_by(|a, b| a.1.cmp(&b.1));
    actions.dedup_by(|a, b| a.0 == b.0);
    let mut classes: Vec<(String, String)> = groups.iter().filter_map(|g| g.error_class.clone()).map(|c| (c.clone(), class_words_of(&c))).collect();
    classes.sort();
    classes.dedup();
    let clear = asked.is_any().then(|| "/dead-letters".to_owned());
    let (open, spans, instants) = (asked.range.has_instants(), asked.range.spans(), asked.range.instants(zone));
    let (action, class) = (asked.action.clone(), asked.class.clone());
    view! {
        <FilterBar label="Filter dead letters" action="/dead-letters" clear=clear>
            <Facet label="Action" name="action_id" options=actions value=action/>
            <Facet label="Error" name="error_class" options=classes value=class/>
            {spans}
            <details class="filters-more" open=open><summary class="facet">"More filters"</summary><div class="filters">{instants}</div></details>
        </FilterBar>
    }
}

fn list(data: Data, asked: &Asked, zone: Zone) -> impl IntoView + use<> {
    let Data { groups, rows, may_write, now, is_platform, .. } = data;
    let back = asked.href(asked.cursor.as_deref());
    let shown = rows.items.len() as i64;
    let older = rows.next_cursor.as_deref().map(|c| asked.href(Some(c)));
    let mut left = rows.items;
    let mut bodies = Vec::new();
    for group in groups {
        let (own, others): (Vec<Execution>, Vec<Execution>) = left.into_iter().partition(|x| is_of(x, &group));
        left = others;
        if own.is_empty() {
            continue;
        }
        bodies.push(body(&group, own, &back, may_write, is_platform, now, zone).into_any());
    }
    // What died while the page was made belongs to no group that was counted.
    for x in left {
        let message = x.error.as_ref().map_or_else(String::new, |e| e.message.clone());
        let error_class = x.error.as_ref().map(|e| class_name(e.class));
        let group = DeadLetterGroup {
            tenant_id: x.tenant_id.clone(),
            action_id: x.action_id.clone(),
            action_name: x.action_name.clone(),
            error_class,
            message,
            count: 1,
            oldest_at: x.created_at,
            latest_at: x.created_at,
            latest_id: x.id.clone(),
        };
        bodies.push(body(&group, vec![x], &back, may_write, is_platform, now, zone).into_any());
    }
    let mut columns =
        vec![Column::new("Event"), Column::number("Attempts").width("84px"), Column::number("Gave up").width("108px"), Column::number("Made").class("num hide-m").width("108px")];
    if may_write {
        columns.push(Column::silent("Replay or discard").width("196px"));
    }
    let text = format!("{}. Times in {}.", plural(shown, "dead letter", "dead letters"), zone.label());
    let first = asked.cursor.is_some().then(|| asked.href(None));
    view! {
        <div class="t-trace"><DataTable caption="Dead letters by action and error, the most frequent first" columns=columns fixed=true>{bodies.collect_view()}</DataTable></div>
        <Pagination text=text first=first older=older/>
    }
}

fn body(group: &DeadLetterGroup, rows: Vec<Execution>, back: &str, may_write: bool, is_platform: bool, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let name = match link(&format!("/actions/{}", group.action_id)) {
        Some(href) => view! { <a href=href>{group.action_name.clone()}</a> }.into_any(),
        None => group.action_name.clone().into_any(),
    };
    let class = group.error_class.as_deref().map(class_words_of).unwrap_or_default();
    let part = if (rows.len() as i64) < group.count { format!("{} of {}", count(rows.len() as i64), count(group.count)) } else { count(group.count) };
    let tenant = is_platform.then(|| view! { <span class="muted">{format!(" {}", group.tenant_id)}</span> });
    let message = group.message.clone();
    let rows = rows.into_iter().map(|x| row(x, back, may_write, is_platform, now, zone)).collect_view();
    let span = if may_write { "5" } else { "4" };
    view! {
        <tbody>
            <tr class="grp">
                <th scope="rowgroup" colspan=span class="full">
                    {name}{tenant}" "<span class="muted tw:font-normal">{part}</span>
                    <div class="sub"><span class="bad">{class}</span>" "{message}</div>
                </th>
            </tr>
            {rows}
        </tbody>
    }
}

fn row(x: Execution, back: &str, may_write: bool, is_platform: bool, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let event = page_with_tenant(&x.event_id, if is_platform { &x.tenant_id } else { "" });
    let ended = x.finished_at.unwrap_or(x.created_at);
    let buttons = may_write.then(|| {
        let form = |verb: &'static str, inner: AnyView| {
            let (action, back) = (format!("/dead-letters/{}/{verb}", x.id), back.to_owned());
            view! { <form method="post" action=action><input type="hidden" name="back" value=back/>{inner}</form> }
        };
        let label = |verb: &str| format!("{verb} {} of {}", x.event_type, x.action_name);
        let replay = view! { <Button submit=true small=true icon=icon::RETRY attr:aria-label=label("Replay")>"Replay"</Button> };
        let discard = view! { <Button submit=true small=true kind=ButtonKind::Ghost icon=icon::TRASH attr:aria-label=label("Discard")>"Discard"</Button> };
        let (replay, discard) = (form("replay", replay.into_any()), form("discard", discard.into_any()));
        view! { <Cell class="full"><div class="row tw:justify-end">{replay}{discard}</div></Cell> }
    });
    view! {
        <tr>
            <th scope="row" class="full"><a href=format!("/executions/{}", x.id)><code class="brk">{x.event_type.clone()}</code></a>" "<a class="muted small" href=event>"event"</a></th>
            <Cell label="Attempts" class="num">{x.attempt_count}</Cell>
            <Cell label="Gave up" class="num"><Time at=ended now=now style=TimeStyle::Clock zone=zone/></Cell>
            <Cell label="Made" class="num muted hide-m"><Time at=x.created_at now=now style=TimeStyle::Clock zone=zone/></Cell>
            {buttons}
        </tr>
    }
}
