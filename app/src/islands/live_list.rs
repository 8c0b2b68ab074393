//! What is newer than a list shows. Rows never move by themselves: a link says how many there are.

use std::time::Duration;

use event_actions::model::execution::{ExecutionFilter, Status};
use event_actions::model::testing::EventFilter;
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

use crate::components::status_badge::StatusBadge;
use crate::server_fns::Refusal;
#[cfg(feature = "ssr")]
use crate::server_fns::{answer, asked};

/// How often the server is asked while the page can be seen.
const PERIOD: Duration = Duration::from_secs(3);
/// Beyond this many, they are no longer counted.
const MOST: u32 = 50;

/// A list, as it is filtered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watched {
    /// Events.
    Events(EventFilter),
    /// Executions.
    Executions(ExecutionFilter),
    /// Dead letters that nobody has handled.
    DeadLetters(ExecutionFilter),
    /// Changes of alerts; `since` is the revision of the last one seen.
    Alerts,
}

/// How many items a list has above the one with the id `since`; at most 50. All of them when there was none.
#[server(input = Json)]
pub async fn count_newer(of: Watched, since: Option<String>) -> Result<u32, Refusal> {
    use event_actions::model::page::PageRequest;
    let (engine, caller) = asked()?;
    let page = PageRequest { limit: Some(MOST), cursor: None };
    // Executions come by id, latest first, so a pruned or handled one is passed all the same.
    let above = |id: &str| since.as_deref().is_none_or(|since| id > since);
    let count = match of {
        Watched::Events(filter) => {
            let items = answer(engine.list_events(&caller, filter, page).await)?.items;
            items.iter().take_while(|e| since.as_deref() != Some(&e.id)).count()
        }
        Watched::Executions(filter) => answer(engine.list_executions(&caller, filter, page).await)?.items.iter().take_while(|x| above(&x.id)).count(),
        Watched::Alerts => answer(engine.count_alert_changes(&caller, since.as_deref().and_then(|s| s.parse().ok()).unwrap_or(0)))?,
        Watched::DeadLetters(filter) => answer(engine.dead_letters(&caller, filter, page).await)?.items.iter().take_while(|x| above(&x.id)).count(),
    };
    Ok(u32::try_from(count).unwrap_or(MOST).min(MOST))
}

/// Where an execution stands now, and how many attempts have begun.
#[server(input = Json)]
pub async fn execution_now(id: String) -> Result<(Status, u32), Refusal> {
    let (engine, caller) = asked()?;
    answer(engine.get_execution(&caller, &id).await).map(|x| (x.status, x.attempt_count))
}

/// Does something again and again while the page can be seen. On the server it never begins.
pub(super) fn while_seen(period: Duration, task: impl Fn() + 'static) {
    #[cfg(feature = "hydrate")]
    set_interval(
        move || {
            if !document().hidden() {
                task();
            }
        },
        period,
    );
    #[cfg(not(feature = "hydrate"))]
    let _ = (task, period);
}

/// The line above a list: how fresh it is, then a link to what is newer. Always there and always as high, so that no row moves.
#[island]
pub fn LiveList(
    /// The list.
    of: Watched,
    /// The id of the first item shown.
    since: Option<String>,
    /// When the page was made, such as "14:31:52 UTC".
    as_of: String,
    /// The same list from its beginning.
    href: String,
) -> impl IntoView {
    let newer = RwSignal::new(0_u32);
    let is_live = RwSignal::new(false);
    let busy = StoredValue::new(false);
    let (quiet, word) = if of == Watched::Alerts { ("Live. Nothing changed since ", "changed") } else { ("Live. Nothing new since ", "new") };
    Effect::new(move |_| {
        let (of, since) = (of.clone(), since.clone());
        while_seen(PERIOD, move || {
            if busy.get_value() || newer.get_untracked() >= MOST {
                return;
            }
            busy.set_value(true);
            let (of, since) = (of.clone(), since.clone());
            spawn_local(async move {
                let found = count_newer(of, since).await;
                busy.set_value(false);
                is_live.set(found.is_ok());
                if let Ok(found) = found {
                    newer.set(found);
                }
            });
        });
    });
    let class = move || if newer.get() > 0 { "newrows" } else { "newrows is-none" };
    let line = move || match newer.get() {
        0 => {
            let how = if is_live.get() { quiet } else { "As of " };
            view! { <span>{how}{as_of.clone()}</span> }.into_any()
        }
        n => {
            let more = if n >= MOST { "+" } else { "" };
            view! { <a href=href.clone()>{format!("{n}{more} {word}. Show them")}</a> }.into_any()
        }
    };
    view! { <div class=class role="status">{line}</div> }
}

/// The status of an execution that has not ended, and a link once the page is behind.
#[island]
pub fn LiveStatus(
    /// The execution.
    id: String,
    /// Where it stood when the page was made.
    status: Status,
    /// How many attempts had begun.
    attempts: u32,
) -> impl IntoView {
    let now = RwSignal::new((status, attempts));
    let busy = StoredValue::new(false);
    let href = format!("/executions/{id}");
    Effect::new(move |_| {
        let id = id.clone();
        while_seen(PERIOD, move || {
            if busy.get_value() || now.with_untracked(|(status, _)| status.is_terminal()) {
                return;
            }
            busy.set_value(true);
            let id = id.clone();
            spawn_local(async move {
                let found = execution_now(id).await;
                busy.set_value(false);
                if let Ok(found) = found {
                    now.set(found);
                }
            });
        });
    });
    let behind = move || (now.get() != (status, attempts)).then(|| view! { <a class="btn btn-s" href=href.clone()>"It went on. Show it"</a> });
    view! { <span class="row row-wrap" role="status">{move || view! { <StatusBadge status=now.get().0/> }}{behind}</span> }
}
