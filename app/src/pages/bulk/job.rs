//! One bulk replay: how far it is, what it is about, and the way to what it made.

use event_actions::model::Timestamp;
use event_actions::model::access::Scope;
use event_actions::model::bulk::Bulk;
use event_actions::model::execution::Status;
use event_actions::model::testing::ReplayVersion;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{action_of, words};
use crate::components::page_head::{Fact, Facts, PageHead, Panel};
use crate::components::status_badge::Pill;
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::islands::live_bulk::{LiveBulk, has_ended};
use crate::pages::executions::filters::Asked;
use crate::pages::flash::flash;
use crate::pages::range::Range;
use crate::pages::{PageTitle, asked, page};

/// The page.
#[component]
pub fn BulkPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|p| p.get("id")).unwrap_or_default();
    let (zone, said) = (use_zone(), flash());
    page(async move {
        let (engine, caller) = asked()?;
        let bulk = engine.get_bulk(&caller, &id).await?;
        let action = action_of(&engine, &caller, &bulk.filter).await;
        Ok(view! { {said} {document(bulk, action.as_deref(), caller.may(Scope::ExecutionsWrite), zone)} })
    })
}

/// The list of executions that a job is about.
fn list(bulk: &Bulk) -> String {
    let f = bulk.filter.clone();
    let range = Range { from: f.from.map(|at| at.to_string()).unwrap_or_default(), to: f.to.map(|at| at.to_string()).unwrap_or_default(), ..Range::default() };
    let asked = Asked {
        status: f.effective_status().name().to_owned(),
        action: f.action_id.unwrap_or_default(),
        event: f.event_id.unwrap_or_default(),
        handler: f.handler_type.unwrap_or_default(),
        event_type: f.event_type.unwrap_or_default(),
        class: f.error_class.unwrap_or_default(),
        slow: f.min_duration_ms.map(|ms| ms.to_string()).unwrap_or_default(),
        range,
        cursor: None,
    };
    asked.href(None)
}

/// The list in which the new executions stand first.
fn made(bulk: &Bulk) -> String {
    let range = Range { from: bulk.created_at.to_string(), ..Range::default() };
    Asked { action: bulk.filter.action_id.clone().unwrap_or_default(), event_type: bulk.filter.event_type.clone().unwrap_or_default(), range, ..Asked::default() }.href(None)
}

fn document(bulk: Bulk, action: Option<&str>, may_write: bool, zone: Zone) -> impl IntoView + use<> {
    let facts = words(&bulk.filter, action, zone).into_iter().map(|(word, value)| view! { <Fact label=word>{value}</Fact> }).collect_view();
    let (old, new, now) = (list(&bulk), made(&bulk), Timestamp::now());
    // With JavaScript the numbers move by themselves.
    let again = (!has_ended(bulk.status)).then(|| {
        view! { <noscript><meta http-equiv="refresh" content="3"/><p class="small muted">"This page loads itself again every 3 seconds until the job has ended."</p></noscript> }
    });
    let version = if bulk.action_version == ReplayVersion::Current { "current versions" } else { "versions that ran" };
    let (by, at, of_failed) = (bulk.created_by.clone(), bulk.created_at, matches!(bulk.filter.effective_status(), Status::Failed | Status::DeadLetter));
    let handled = of_failed.then(|| view! { <p class="hint">"Dead letters that were replayed count as handled."</p> });
    view! {
        <PageTitle text="Bulk replay"/>
        <PageHead title="Bulk replay" crumbs=vec![("Bulk replays".to_owned(), "/bulk".to_owned())] beside=view! { <Pill>{version}</Pill> }.into_any()/>
        <Panel id="progress-h" title="Progress">
            {again}
            <LiveBulk first=bulk may_write=may_write/>
        </Panel>
        <Panel id="which-h" title="Which executions">
            <div class="stack-8">
                <Facts>
                    {facts}
                    <Fact label="Begun"><Time at=at now=now style=TimeStyle::Clock zone=zone/>" "{zone.label()}</Fact>
                    <Fact label="By">{by}</Fact>
                </Facts>
                <p><a href=old>"The executions it is about"</a>" · "<a href=new>"What has run since it began"</a></p>
                {handled}
            </div>
        </Panel>
    }
}
