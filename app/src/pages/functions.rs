//! Functions: the list, and one with its source beside a run with a made-up event, and its versions.

use event_actions::engine::Caller;
use event_actions::model::Timestamp;
use event_actions::model::access::Scope;
use event_actions::model::event::Event;
use event_actions::model::function::{Function, FunctionRun};
use event_actions::model::library::LibraryFilter;
use event_actions::model::page::Page;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::admin::{Confirmed, Draft, foot, page_asked, said, tenant_field};
use super::flash::kept;
use super::library::{Stored, sample_fields, samples, used_by, versions};
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind, ButtonLink};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::{Callout, CalloutKind, Empty, FilteredToEmpty};
use crate::components::fields::{NumberField, TextAreaField, TextField};
use crate::components::filter_bar::{FilterBar, SearchField};
use crate::components::format::duration;
use crate::components::icon;
use crate::components::json_view::{JsonView, TextView};
use crate::components::page_head::{PageHead, Panel};
use crate::components::status_badge::Pill;
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::forms_admin::{Kept, Tried, Typed};
use crate::shell::query;

/// The source that a new function begins with.
const BEGINNING: &str = "export function handle(event, args, kwargs, ctx) {\n  return { seen: event.event_type };\n}\n";

/// The list.
#[component]
pub fn Functions() -> impl IntoView {
    let (request, search, first) = (page_asked(), query("q").trim().to_owned(), said());
    page(async move {
        let (engine, caller) = asked()?;
        let filter = LibraryFilter { search: Some(search.clone()).filter(|s| !s.is_empty()), tenant_id: None };
        let list = engine.list_functions(&caller, filter, request).await?;
        let new = caller.may(Scope::ActionsWrite).then(|| view! { <ButtonLink href="/functions/new" kind=ButtonKind::Primary icon=icon::PLUS>"New function"</ButtonLink> });
        let list = table(list, &search);
        let clear = (!search.is_empty()).then(|| "/functions".to_owned());
        Ok(view! {
            <PageTitle text="Functions"/>
            <PageHead title="Functions" lede="JavaScript modules that actions call by name, each call in a sandbox.">{new}</PageHead>
            {first}
            <FilterBar label="Filter functions" action="/functions" clear=clear><SearchField label="Name" value=search.clone() placeholder="Name"/></FilterBar>
            {list}
        })
    })
}

fn table(list: Page<Function>, search: &str) -> impl IntoView + use<> {
    if list.items.is_empty() {
        return match search.is_empty() {
            false => view! { <section class="panel"><FilteredToEmpty text="No function has this in its name." clear="/functions"/></section> }.into_any(),
            true => {
                view! { <section class="panel"><Empty icon=icon::FUNCTION title="No functions yet" text="A function is a few lines of JavaScript that an action runs."/></section> }
                    .into_any()
            }
        };
    }
    let now = Timestamp::now();
    let below = foot(&list, ("function", "functions"), "/functions", &[("q", search)]);
    let rows = list
        .items
        .into_iter()
        .map(|f| {
            view! {
                <tr>
                    <th scope="row" class="full"><a href=format!("/functions/{}", f.id)><code class="brk">{f.definition.name}</code></a></th>
                    <Cell label="Exports" class="brk"><code>{f.exports.join(", ")}</code></Cell>
                    <Cell label="Tenant">{f.definition.tenant_id.unwrap_or_else(|| "platform-wide".to_owned())}</Cell>
                    <Cell label="Version" class="num">{f.version}</Cell>
                    <Cell label="Changed" class="num muted"><Time at=f.updated_at now=now style=TimeStyle::Ago/></Cell>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![Column::new("Name"), Column::new("Exports"), Column::new("Tenant"), Column::number("Version"), Column::number("Changed")];
    view! {
        <section class="panel" aria-label="Functions">
            <DataTable caption="Functions by name" columns=columns><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
    .into_any()
}

/// What came with this page: what was typed, what it was refused for, what came of running it.
struct Came {
    typed: Typed,
    draft: Draft,
    found: Option<FunctionRun>,
    zone: Zone,
}

fn came() -> Came {
    let tried = kept::<Tried<FunctionRun>>();
    Came { typed: Typed::of(kept::<Kept>().as_ref(), tried.as_ref()), draft: Draft::of("edit"), found: tried.map(|t| t.found), zone: use_zone() }
}

/// A new function.
#[component]
pub fn FunctionNew() -> impl IntoView {
    let (came, first) = (came(), said());
    page(async move {
        let (engine, caller) = asked()?;
        caller.require(Scope::ActionsWrite)?;
        let events = samples(&engine, &caller).await?;
        let crumbs = vec![("Functions".to_owned(), "/functions".to_owned())];
        Ok(view! {
            <PageTitle text="New function"/>
            <PageHead title="New function" crumbs=crumbs/>
            {first}
            {editor(None, &caller, came, &events)}
        })
    })
}

/// One function.
#[component]
pub fn FunctionPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let (came, first) = (came(), said());
    page(async move {
        let (engine, caller) = asked()?;
        let function = engine.get_function(&caller, &id).await?;
        let events = samples(&engine, &caller).await?;
        let users = used_by(function.used_by.clone(), "No action calls it.");
        let all = engine.function_versions(&caller, &function.id).await?;
        let stored = all.into_iter().map(|v| Stored { version: v.version, author: v.author, at: v.created_at, changes: v.diff }).collect();
        let name = function.definition.name.clone();
        let delete = may_change(&caller, Some(&function)).then(|| {
            view! { <Confirmed id="d-delete" action=format!("/functions/{}/delete", function.id) verb="Delete" what=name.clone() text="A function that actions use cannot be deleted; change them first."/> }
        });
        let beside = view! { <Pill>"version "{function.version}</Pill> }.into_any();
        let crumbs = vec![("Functions".to_owned(), "/functions".to_owned())];
        Ok(view! {
            <PageTitle text=name.clone()/>
            <PageHead title=name.clone() crumbs=crumbs beside=beside mono=true>{delete}</PageHead>
            {first}
            {editor(Some(function), &caller, came, &events)}
            {users}
            {versions(stored)}
        })
    })
}

/// Whether the caller may save: a new one, or its own.
fn may_change(caller: &Caller, function: Option<&Function>) -> bool {
    caller.may(Scope::ActionsWrite) && function.is_none_or(|f| caller.owns(f.definition.tenant_id.as_deref()))
}

fn editor(function: Option<Function>, caller: &Caller, came: Came, events: &[Event]) -> impl IntoView + use<> {
    let Came { typed, draft, found, zone } = came;
    let (may_save, may_run) = (may_change(caller, function.as_ref()), caller.may(Scope::ActionsWrite));
    let tenant = if function.is_none() { tenant_field(caller, &draft, "Empty means platform-wide.") } else { None };
    let (action, version) = function.as_ref().map_or_else(|| ("/functions/new".to_owned(), String::new()), |f| (format!("/functions/{}", f.id), f.version.to_string()));
    let (name, source) = function.map_or_else(|| (String::new(), BEGINNING.to_owned()), |f| (f.definition.name, f.definition.source));
    let save = may_save.then(|| view! { <Button kind=ButtonKind::Primary submit=true attr:name="verb" attr:value="save">"Save"</Button> });
    let run = may_run.then(|| view! { <Button submit=true icon=icon::PLAY attr:name="verb" attr:value="try">"Run"</Button> });
    let unsaved = (typed.is_unsaved() && may_save).then(|| view! { <span class="small warn">"Not saved yet"</span> });
    let conflict = draft.is_conflict().then(
        || view! { <p class="small warn">"What you typed is kept here. Saving again puts it in place of the stored version; the versions below show what that changed."</p> },
    );
    let readonly = (!may_save).then(|| view! { <p class="small muted">"You cannot change this function."</p> });
    let hint = "Which export is run; the only one when empty.";
    let sample = sample_fields(&typed, &draft, events, zone);
    let text = |name: &str| (typed.value(name, ""), draft.error(&format!("/{name}")));
    let ((args, args_fault), (kwargs, kwargs_fault), (timeout, timeout_fault)) = (text("args"), text("kwargs"), text("timeout_seconds"));
    let (function, function_fault) = (typed.value("function", ""), draft.error("/function"));
    view! {
        <form class="tpl" method="post" action=action aria-label="Function">
            <input type="hidden" name="version" value=typed.version(&version)/>
            <Panel id="source-h" title="Source">
                <div class="stack">
                    <div class="form-grid">
                        <TextField id="f-name" label="Name" name="name" value=typed.value("name", &name) error=draft.error("/name") mono=true required=true class="s8"/>
                        {tenant}
                        <TextAreaField id="f-source" label="JavaScript" name="source" value=typed.value("source", &source) rows=18 mono=true error=draft.error("/source") class="s12"/>
                    </div>
                    {conflict}{readonly}
                    <div class="row row-wrap">{save}{unsaved}</div>
                </div>
            </Panel>
            <Panel id="run-h" title="Run" note="in the sandbox; nothing is stored">
                <div class="stack">
                    <div class="form-grid">
                        <TextField id="f-function" label="Function to run" name="function" value=function hint=hint error=function_fault mono=true class="s12"/>
                        {sample}
                        <TextAreaField id="f-args" label="args" name="args" value=args rows=2 mono=true placeholder="[]" hint="A JSON list." error=args_fault class="s6"/>
                        <TextAreaField id="f-kwargs" label="kwargs" name="kwargs" value=kwargs rows=2 mono=true placeholder="{}" hint="A JSON object." error=kwargs_fault class="s6"/>
                        <NumberField id="f-timeout_seconds" label="Timeout" name="timeout_seconds" value=timeout min=Some(1) max=Some(60) unit="s" placeholder="10" error=timeout_fault class="s6"/>
                    </div>
                    <div class="row">{run}</div>
                    {found.map(outcome)}
                </div>
            </Panel>
        </form>
    }
}

/// `line 3, column 5`, as far as it is known.
fn place(line: Option<u32>, column: Option<u32>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
        (Some(line), None) => format!(" (line {line})"),
        _ => String::new(),
    }
}

/// What a run gave.
fn outcome(found: FunctionRun) -> impl IntoView {
    let FunctionRun { result, error, logs, duration_ms } = found;
    let error = error.map(|e| view! { <Callout kind=CalloutKind::Fault><p>{e.message}{place(e.line, e.column)}</p></Callout> });
    let result = result.map(|value| view! { <div class="stack-4"><h3>"Returned"</h3><JsonView value=value/></div> });
    let logs = (!logs.is_empty()).then(|| view! { <div class="stack-4"><h3>"Logged"</h3><TextView text=logs.join("\n") plain=true/></div> });
    view! { <div class="stack-8" role="status">{error}{result}{logs}<p class="small muted">"It took "{duration(duration_ms as f64)}"."</p></div> }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places_are_told_as_far_as_known() {
        assert_eq!((place(Some(3), Some(5)).as_str(), place(Some(3), None).as_str(), place(None, None).as_str()), (" (line 3, column 5)", " (line 3)", ""));
    }
}
