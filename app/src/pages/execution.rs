//! One execution: the gates it went through, its attempts with the waits between, what was sent and what came back, its kin.

use event_actions::engine::{Caller, Engine};
use event_actions::matching::MatchReport;
use event_actions::model::access::Scope;
use event_actions::model::action::{ActionVersion, NewAction};
use event_actions::model::event::Event;
use event_actions::model::execution::{Execution, ExecutionFilter, Status};
use event_actions::model::page::PageRequest;
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::flash::{flash, kept};
use super::words::most_attempts;
use super::{PageTitle, asked, page};
use crate::components::button::Button;
use crate::components::feedback::{Callout, CalloutKind};
use crate::components::format::{duration, short_id};
use crate::components::icon::{self, Icon};
use crate::components::page_head::{Fact, Facts, PageHead};
use crate::components::status_badge::{Pill, StatusBadge};
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::forms_events::{KeptReplay, page_with_tenant};
use crate::islands::copy::CopyFrom;
use crate::islands::live_list::LiveStatus;
use crate::session::encode;
use crate::shell::{link, query};

mod attempt;
mod attempts;
mod gates;
mod lineage;
mod replay;

/// Executions of the same event that are looked at.
const SIBLINGS: u32 = 200;

/// The page.
#[component]
pub fn ExecutionPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|p| p.get("id")).unwrap_or_default();
    let zone = use_zone();
    let shown = attempt::Shown { number: query("attempt").parse().ok(), part: query("part") };
    let (kept, said) = (kept::<KeptReplay>(), flash());
    page(async move {
        let (engine, caller) = asked()?;
        let data = read(&engine, &caller, &id).await?;
        Ok(view! { {said} {document(data, shown, kept, zone)} })
    })
}

struct Data {
    x: Execution,
    /// The action as it was; none when it cannot be found any more, or the caller may not see actions.
    definition: Option<NewAction>,
    /// For an action that is gone: what the trace of the event says of it.
    traced: Option<MatchReport>,
    /// The version in force now; none when the action is gone.
    current: Option<i64>,
    /// The event; none when it has been pruned, or the caller may not see events.
    event: Option<Event>,
    family: lineage::Family,
    may_write: bool,
    /// Whether all tenants are looked at.
    is_platform: bool,
    now: Timestamp,
}

async fn read(engine: &Engine, caller: &Caller, id: &str) -> Result<Data, ApiError> {
    let x = engine.get_execution(caller, id).await?;
    // Ids of events are unique per tenant: from here on, this tenant's alone.
    let looking = Caller { tenant_id: Some(x.tenant_id.clone()), ..caller.clone() };
    // What is gone or hidden is left out; the execution itself is still worth showing.
    let versions: Vec<ActionVersion> = engine.action_versions(caller, &x.action_id).await.unwrap_or_default();
    let current = engine.get_action(caller, &x.action_id).await.ok().map(|a| a.version);
    let event = engine.get_event(&looking, &x.event_id, None).await.ok();
    let filter = ExecutionFilter { event_id: Some(x.event_id.clone()), ..ExecutionFilter::default() };
    let siblings = engine.list_executions(&looking, filter, PageRequest { limit: Some(SIBLINGS), cursor: None }).await?.items;
    let family = lineage::read(engine, &looking, &x, event.as_ref(), siblings).await;
    let definition = versions.into_iter().find(|v| v.version == x.action_version).map(|v| v.definition);
    let traced = if definition.is_none() && event.is_some() { traced(engine, &looking, &x).await } else { None };
    Ok(Data { definition, traced, may_write: caller.may(Scope::ExecutionsWrite), is_platform: caller.tenant_id.is_none(), now: Timestamp::now(), x, current, event, family })
}

/// What the trace of the event says of the action, if that is the version that ran. Those that ran stand on its first page.
async fn traced(engine: &Engine, caller: &Caller, x: &Execution) -> Option<MatchReport> {
    let page = engine.trace_event(caller, &x.event_id, PageRequest { limit: Some(SIBLINGS), cursor: None }).await.ok()?;
    page.items.into_iter().find(|c| c.action_id == x.action_id && c.action_version == x.action_version).map(|c| c.report)
}

fn document(data: Data, shown: attempt::Shown, kept: Option<KeptReplay>, zone: Zone) -> impl IntoView {
    let Data { x, definition, traced, current, event, family, may_write, is_platform, now } = data;
    let tenant = if is_platform { x.tenant_id.clone() } else { String::new() };
    let report = definition.as_ref().zip(event.as_ref()).map(|(d, e)| gates::report(d, e, &x)).or(traced.map(|report| gates::filled(report, &x)));
    let conditions = report.as_ref().and_then(gates::conditions);
    let strip = report.map(|report| gates::strip(report, &x, definition.as_ref(), now, zone));
    let chosen = attempt::chosen(&x, &shown);
    let replay = (may_write && x.status.is_terminal()).then(|| replay::panel(&x, current, event.as_ref(), kept));
    let waits = (x.status == Status::DeadLetter && x.handled_at.is_none()).then(|| unhandled(&x, may_write));
    let timeline = attempts::panel(&x, definition.as_ref(), chosen.map(|a| a.number), now, zone);
    let detail = chosen.map(|a| attempt::panel(&x, a, &shown));
    let lineage = lineage::panel(&x, event.as_ref(), family, &tenant, now, zone);
    view! {
        <PageTitle text=format!("{}, execution", x.action_name)/>
        {head(&x, may_write)}
        {facts(&x, definition.as_ref(), &tenant, now, zone)}
        {waits}
        {strip}
        <div class="cols cols-12 cols-m1">
            <div class="stack">{timeline}{conditions}</div>
            <div class="stack">{detail}{lineage}</div>
        </div>
        {replay}
    }
}

fn head(x: &Execution, may_write: bool) -> impl IntoView + use<> {
    let status = if x.status.is_terminal() {
        view! { <StatusBadge status=x.status/> }.into_any()
    } else {
        view! { <LiveStatus id=x.id.clone() status=x.status attempts=x.attempt_count/> }.into_any()
    };
    let again = x.replay_of.is_some().then(|| view! { <Pill>"replay"</Pill> });
    let version = x.action_version;
    let beside = view! { {status}<Pill>"version "{version}</Pill>{again} };
    let refresh = (!x.status.is_terminal()).then(|| view! { <noscript><a class="btn" href=format!("/executions/{}", x.id)>"Refresh"</a></noscript> });
    let buttons = may_write.then(|| if x.status.is_terminal() { replay_button(x).into_any() } else { cancel_button(x).into_any() });
    let crumbs = vec![("Executions".to_owned(), "/executions".to_owned()), (short_id(&x.id).to_owned(), String::new())];
    view! { <PageHead title=x.action_name.clone() crumbs=crumbs beside=beside.into_any()>{refresh}{buttons}</PageHead> }
}

fn cancel_button(x: &Execution) -> impl IntoView + use<> {
    view! {
        <form method="post" action=format!("/executions/{}/cancel", x.id)><Button submit=true icon=icon::CROSS>"Cancel"</Button></form>
    }
}

/// The usual replay at once, the others by the form at the end of the page.
fn replay_button(x: &Execution) -> impl IntoView + use<> {
    view! {
        <form id="replay-now" hidden method="post" action=format!("/executions/{}/replay", x.id)></form>
        <span class="btn-split">
            <button type="submit" form="replay-now" class="btn btn-primary"><Icon of=icon::RETRY/>"Replay"</button>
            <a class="btn btn-primary" href="#replay" aria-label="Other ways to replay" title="Other ways to replay"><Icon of=icon::CHEVRON/></a>
        </span>
    }
}

fn facts(x: &Execution, definition: Option<&NewAction>, tenant: &str, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let (event, kind, id) = (page_with_tenant(&x.event_id, tenant), x.event_type.clone(), x.id.clone());
    let (mode, made) = (format!("{}, {}", x.mode.name(), x.priority.name()), x.created_at);
    let name = x.action_name.clone();
    let action = link(&format!("/actions/{}", x.action_id)).map(|href| view! { <Fact label="Action"><a href=href>{name}</a></Fact> });
    let waited = x.started_at.map(|at| duration((at.millis() - x.created_at.millis()).max(0) as f64)).map(|text| view! { <Fact label="Waited">{text}</Fact> });
    let took = x.duration_ms.map(|ms| view! { <Fact label="Took">{duration(ms as f64)}</Fact> });
    let attempts = definition.map_or_else(|| x.attempt_count.to_string(), |d| format!("{} of at most {}", x.attempt_count, most_attempts(d).max(x.attempt_count)));
    let key = x.ordering_key.clone().map(|key| {
        let href = format!("/executions?action_id={}&status=pending", encode(&x.action_id));
        view! { <Fact label="Ordering key"><code>{key}</code>", "<a href=href>"what waits"</a></Fact> }
    });
    let handled = x.handled_at.map(|at| view! { <Fact label="Handled"><Time at=at now=now style=TimeStyle::Clock zone=zone/></Fact> });
    let tenant = Some(tenant.to_owned()).filter(|t| !t.is_empty()).map(|tenant| view! { <Fact label="Tenant">{tenant}</Fact> });
    view! {
        <Facts>
            <Fact label="Id"><span class="copy"><code id="execution-id">{id}</code><CopyFrom of="execution-id".to_owned() label="Copy id".to_owned() small=true/></span></Fact>
            <Fact label="Event"><a href=event><code>{kind}</code></a></Fact>
            {action}
            <Fact label="Mode">{mode}</Fact>
            <Fact label="Made"><Time at=made now=now style=TimeStyle::Clock zone=zone/>" "{zone.label()}</Fact>
            {waited}{took}
            <Fact label="Attempts">{attempts}</Fact>
            {key}{handled}{tenant}
        </Facts>
    }
}

/// Says that a dead letter waits for a person, with what the person can do.
fn unhandled(x: &Execution, may_write: bool) -> impl IntoView + use<> {
    let (back, action) = (format!("/executions/{}", x.id), format!("/dead-letters/{}/discard", x.id));
    let discard = may_write.then(|| {
        view! { <form method="post" action=action><input type="hidden" name="back" value=back/><Button submit=true small=true icon=icon::TRASH>"Discard"</Button></form> }
    });
    let text = if may_write { "It gave up, and nobody has handled it yet. Replay it once the cause is gone, or discard it." } else { "It gave up, and nobody has handled it yet." };
    view! { <Callout kind=CalloutKind::Warning><div class="row row-wrap"><span class="grow">{text}</span>{discard}</div></Callout> }
}
