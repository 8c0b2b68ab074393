//! The question before a bulk replay: how many executions, which ones, with which version of their actions.

use event_actions::model::bulk::{BulkFilter, MAX_BULK};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::{action_of, words};
use crate::components::button::{Button, ButtonKind};
use crate::components::feedback::{Callout, CalloutKind, Empty};
use crate::components::format::{count, plural};
use crate::components::icon;
use crate::components::page_head::{Fact, Facts, PageHead, Panel};
use crate::components::switches::Radio;
use crate::components::time::{Zone, use_zone};
use crate::pages::executions::filters::Asked;
use crate::pages::flash::flash;
use crate::pages::{PageTitle, asked, page};
use crate::shell::query;

/// The page.
#[component]
pub fn BulkNew() -> impl IntoView {
    let (zone, said) = (use_zone(), flash());
    let wants_current = query("version") == "current";
    let asked_for = Asked { cursor: None, ..Asked::of(query) };
    page(async move {
        let (engine, caller) = asked()?;
        let pinned = pinned(asked_for, Timestamp::now(), zone);
        let filter = BulkFilter::of_list(&pinned.filter(Timestamp::now(), zone)).ok_or_else(under_way)?;
        let total = engine.count_bulk_replay(&caller, &filter).await?;
        let action = action_of(&engine, &caller, &filter).await;
        Ok(view! { {said} {document(&pinned, &filter, action.as_deref(), total, wants_current, zone)} })
    })
}

fn under_way() -> ApiError {
    ApiError::invalid(
        "/status",
        "not_terminal",
        "Only finished executions can be replayed: failed ones, dead letters, cancelled or succeeded ones. Choose one of these in the list.",
    )
}

/// The same list with its span as instants, so that what is confirmed is what was counted.
fn pinned(mut asked: Asked, now: Timestamp, zone: Zone) -> Asked {
    let (from, to) = asked.range.bounds(now, zone);
    asked.range.span = String::new();
    asked.range.from = from.map(|at| at.to_string()).unwrap_or_default();
    asked.range.to = to.unwrap_or(now).to_string();
    asked
}

fn document(pinned: &Asked, filter: &BulkFilter, action: Option<&str>, total: i64, wants_current: bool, zone: Zone) -> impl IntoView + use<> {
    let (back, list) = (pinned.href(None), pinned.href(None));
    let facts = words(filter, action, zone).into_iter().map(|(word, value)| view! { <Fact label=word>{value}</Fact> }).collect_view();
    let content = match total {
        0 => view! { <Empty icon=icon::FILTER title="Nothing to replay" text="No finished execution matches any more."><a class="btn" href=back.clone()>"Back to the list"</a></Empty> }.into_any(),
        n if n > MAX_BULK => {
            let text = format!("{} match; at most {} are replayed at once. Narrow the filter, such as by time.", plural(n, "execution", "executions"), count(MAX_BULK));
            view! { <Callout kind=CalloutKind::Warning><p>{text}</p></Callout><p><a href=back.clone()>"Back to the list"</a></p> }.into_any()
        }
        n => form(pinned, n, wants_current, &back).into_any(),
    };
    view! {
        <PageTitle text="Replay in bulk"/>
        <PageHead title="Replay in bulk" crumbs=vec![("Executions".to_owned(), list)] lede="Each execution is run again as a new one that names the old one. Nothing is sent before you confirm."/>
        <Panel id="which-h" title="Which executions" note=plural(total, "execution matches", "executions match")>
            <div class="stack"><Facts>{facts}</Facts>{content}</div>
        </Panel>
    }
}

fn form(pinned: &Asked, total: i64, wants_current: bool, back: &str) -> impl IntoView + use<> {
    let hidden =
        pinned.pairs().into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned()/> }).collect_view();
    let back = back.to_owned();
    view! {
        <form class="stack" method="post" action="/bulk/new">
            {hidden}
            <fieldset class="stack-4">
                <legend class="label">"Which version of their actions"</legend>
                <Radio name="version" value="original" checked=!wants_current label="The one that ran"/>
                <Radio name="version" value="current" checked=wants_current label="The one in force now"/>
            </fieldset>
            <p class="hint">"The rules are not asked again, and receivers get new webhook-ids. Dead letters count as handled afterwards. You can stop it under way."</p>
            <div class="row row-wrap">
                <Button submit=true kind=ButtonKind::Primary icon=icon::RETRY>{format!("Replay {}", plural(total, "execution", "executions"))}</Button>
                <a class="btn" href=back>"Cancel"</a>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::range::Range;

    #[test]
    fn what_is_confirmed_does_not_move() {
        let now = Timestamp(100 * 3_600_000);
        let asked = Asked { status: "failed".into(), range: Range { span: "1h".into(), ..Range::default() }, ..Asked::default() };
        let found = pinned(asked, now, Zone::UTC);
        let filter = found.filter(Timestamp(now.0 + 60_000), Zone::UTC);
        assert_eq!((filter.from, filter.to), (Some(Timestamp(99 * 3_600_000)), Some(now)));
        assert_eq!(pinned(found.clone(), Timestamp(now.0 + 5), Zone::UTC), found, "once is enough");
    }
}
