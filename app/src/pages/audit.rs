//! The audit log: who changed what, from where, with what differs; and whether its chain holds.

use event_actions::engine::Caller;
use event_actions::model::Timestamp;
use event_actions::model::audit::{AuditEntry, AuditFilter, AuditVerdict};
use event_actions::model::page::Page;
use leptos::prelude::*;
use serde_json::Value;

use super::admin::{address, foot, page_asked, said};
use super::flash::kept;
use super::range::Range;
use super::{PageTitle, asked, page};
use crate::components::button::Button;
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::diff::{Diff, diff_json};
use crate::components::feedback::{Callout, CalloutKind, Empty, FilteredToEmpty};
use crate::components::filter_bar::{Facet, FilterBar, SearchField};
use crate::components::format::{DASH, count, short_id};
use crate::components::icon;
use crate::components::page_head::PageHead;
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::shell::query;

/// The kinds of things that changes are recorded of.
const KINDS: &[&str] =
    &["action", "alert", "alert_rule", "api_key", "bulk", "event", "execution", "function", "invitation", "master_key", "secret", "session", "template", "tenant", "user"];

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    actor: String,
    action: String,
    kind: String,
    subject: String,
    range: Range,
}

impl Asked {
    fn of(query: impl Fn(&str) -> String) -> Self {
        let word = |name: &str| query(name).trim().to_owned();
        Self { actor: word("actor"), action: word("action"), kind: word("kind"), subject: word("subject"), range: Range::of(&query) }
    }

    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let mut pairs = vec![("actor", self.actor.as_str()), ("action", &self.action), ("kind", &self.kind), ("subject", &self.subject)];
        pairs.extend(self.range.pairs());
        pairs
    }

    fn is_any(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    fn filter(&self, now: Timestamp, zone: Zone) -> AuditFilter {
        let given = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        let (from, to) = self.range.bounds(now, zone);
        AuditFilter { actor: given(&self.actor), action: given(&self.action), subject_kind: given(&self.kind), subject_id: given(&self.subject), from, to, tenant_id: None }
    }
}

/// The page.
#[component]
pub fn Audit() -> impl IntoView {
    let (asked_for, zone, request) = (Asked::of(query), use_zone(), page_asked());
    let (first, verdict) = (said(), kept::<AuditVerdict>());
    page(async move {
        let (engine, caller) = asked()?;
        let list = engine.list_audit(&caller, asked_for.filter(Timestamp::now(), zone), request).await?;
        Ok(view! {
            <PageTitle text="Audit log"/>
            <PageHead title="Audit log" lede="Every change, in one chain: nobody can edit or remove an entry without breaking it.">
                <form method="post" action="/audit/verify"><Button submit=true icon=icon::CHECK>"Verify the chain"</Button></form>
            </PageHead>
            {first}
            {verdict.map(said_of)}
            {bar(&asked_for, zone)}
            {table(list, &asked_for, &caller, zone)}
        })
    })
}

/// The verdict as a sentence.
fn verdict_words(verdict: &AuditVerdict) -> String {
    match &verdict.first_fault {
        None => format!("The chain holds: {} entries, none edited, none missing.", count(verdict.entries)),
        Some(fault) => format!("The chain does not hold from entry {} on. {}", count(fault.seq), fault.message),
    }
}

fn said_of(verdict: AuditVerdict) -> impl IntoView {
    let kind = if verdict.ok { CalloutKind::Remark } else { CalloutKind::Fault };
    let words = verdict_words(&verdict);
    view! { <div role="status"><Callout kind=kind><p><strong>{words}</strong></p></Callout></div> }
}

fn bar(asked: &Asked, zone: Zone) -> impl IntoView + use<> {
    let kinds = KINDS.iter().map(|kind| ((*kind).to_owned(), kind.replace('_', " "))).collect();
    let clear = asked.is_any().then(|| "/audit".to_owned());
    let asked = asked.clone();
    let open = asked.range.has_instants() || !asked.action.is_empty() || !asked.subject.is_empty();
    view! {
        <FilterBar label="Filter the audit log" action="/audit" clear=clear>
            <SearchField label="Who, exactly" name="actor" value=asked.actor.clone() placeholder="Who, such as user:ada@example.com"/>
            <Facet label="What" name="kind" options=kinds value=asked.kind.clone()/>
            {asked.range.spans()}
            <details class="filters-more" open=open>
                <summary class="facet">"More filters"</summary>
                <div class="filters">
                    <SearchField label="What was done, exactly" name="action" value=asked.action.clone() placeholder="Done, such as action.update"/>
                    <SearchField label="Id of the thing" name="subject" value=asked.subject.clone() placeholder="Id of the thing"/>
                    {asked.range.instants(zone)}
                </div>
            </details>
        </FilterBar>
    }
}

fn table(list: Page<AuditEntry>, asked: &Asked, caller: &Caller, zone: Zone) -> impl IntoView + use<> {
    if list.items.is_empty() {
        return match asked.is_any() || list.next_cursor.is_some() {
            true => view! { <section class="panel"><FilteredToEmpty text="No entry has all of these properties." clear="/audit"/></section> }.into_any(),
            false => {
                view! { <section class="panel"><Empty icon=icon::AUDIT title="Nothing yet" text="Every change that people and programs make appears here."/></section> }.into_any()
            }
        };
    }
    let shows_tenant = caller.is_platform && caller.tenant_id.is_none();
    let now = Timestamp::now();
    let below = foot(&list, ("entry", "entries"), "/audit", &asked.pairs());
    let rows = list.items.into_iter().map(|entry| row(entry, shows_tenant, now, zone)).collect_view();
    let mut columns = vec![Column::new("Entry"), Column::new("Who"), Column::new("What was done"), Column::new("To what")];
    if shows_tenant {
        columns.push(Column::new("Tenant"));
    }
    columns.extend([Column::new("What differs"), Column::number("When")]);
    view! {
        <section class="panel" aria-label="Entries">
            <DataTable caption="Changes, the latest first" columns=columns><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
    .into_any()
}

fn row(entry: AuditEntry, shows_tenant: bool, now: Timestamp, zone: Zone) -> impl IntoView {
    let difference = difference(&entry);
    let of_actor = address("/audit", &[("actor", &entry.actor)]);
    let of_subject = address("/audit", &[("kind", &entry.subject_kind), ("subject", &entry.subject_id)]);
    let name = name_of(&entry).map(|name| view! { <a class="plain brk" href=of_subject.clone()>{name.to_owned()}</a> });
    let tenant = shows_tenant.then(|| view! { <Cell label="Tenant">{entry.tenant_id.clone().unwrap_or_else(|| DASH.to_owned())}</Cell> });
    let id = short_id(&entry.subject_id).to_owned();
    let (sub, kind) = (if name.is_some() { "sub" } else { "" }, entry.subject_kind.replace('_', " "));
    let from = entry.address.clone().map(|address| view! { <div class="sub">"from "<code>{address}</code></div> });
    view! {
        <tr>
            <Cell label="Entry" class="muted">{count(entry.seq)}</Cell>
            <Cell label="Who" class="brk"><a class="plain" href=of_actor>{entry.actor.clone()}</a>{from}</Cell>
            <th scope="row" class="full"><code>{entry.action.clone()}</code></th>
            <Cell label="To what" class="full">{name}<div class=sub>{kind}" "<a class="plain" href=of_subject title=entry.subject_id><code>{id}</code></a></div></Cell>
            {tenant}
            <Cell class="full">{difference}</Cell>
            <Cell label="When" class="num muted"><Time at=entry.at now=now style=TimeStyle::Clock zone=zone/></Cell>
        </tr>
    }
}

/// What the thing is called, where what was recorded of it says so.
fn name_of(entry: &AuditEntry) -> Option<&str> {
    let of = |doc: &Value| ["/name", "/email", "/definition/name"].into_iter().find(|at| doc.pointer(at).is_some_and(Value::is_string));
    let found = [&entry.after, &entry.before].into_iter().flatten().find_map(|doc| doc.pointer(of(doc)?)?.as_str());
    found.filter(|name| *name != entry.subject_id)
}

/// The words for what kind of change it was.
const fn change_words(before: Option<&Value>, after: Option<&Value>) -> Option<&'static str> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some("What was made"),
        (Some(_), None) => Some("What was deleted"),
        (Some(_), Some(_)) => Some("What differs"),
    }
}

fn difference(entry: &AuditEntry) -> AnyView {
    let Some(words) = change_words(entry.before.as_ref(), entry.after.as_ref()) else { return DASH.into_any() };
    let nothing = Value::Object(serde_json::Map::new());
    let lines = diff_json(entry.before.as_ref().unwrap_or(&nothing), entry.after.as_ref().unwrap_or(&nothing));
    view! { <details class="fold-plain"><summary>{words}</summary><Diff lines=lines/></details> }.into_any()
}

#[cfg(test)]
mod tests {
    use event_actions::model::audit::{AuditFault, AuditFaultKind};

    use super::*;

    #[test]
    fn filters_come_from_the_address() {
        let asked = Asked::of(|name| if name == "actor" { " user:a@example.com ".to_owned() } else { String::new() });
        assert!(asked.is_any());
        assert_eq!(asked.filter(Timestamp(0), Zone::UTC), AuditFilter { actor: Some("user:a@example.com".into()), ..AuditFilter::default() });
        assert!(!Asked::of(|_| String::new()).is_any());
    }

    #[test]
    fn verdicts_are_sentences() {
        let fault = AuditFault { seq: 7, kind: AuditFaultKind::Edited, message: "Entry 7 was edited.".into() };
        assert_eq!(verdict_words(&AuditVerdict { ok: true, entries: 1_200, first_fault: None }), "The chain holds: 1,200 entries, none edited, none missing.");
        assert_eq!(verdict_words(&AuditVerdict { ok: false, entries: 9, first_fault: Some(fault) }), "The chain does not hold from entry 7 on. Entry 7 was edited.");
    }

    #[test]
    fn changes_are_named_by_their_sides() {
        let value = Value::Null;
        assert_eq!(change_words(None, None), None);
        assert_eq!((change_words(None, Some(&value)), change_words(Some(&value), None)), (Some("What was made"), Some("What was deleted")));
    }
}
