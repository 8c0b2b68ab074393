//! Mail templates: the list, and one with its source beside the preview, and its versions.

use event_actions::engine::Caller;
use event_actions::model::Timestamp;
use event_actions::model::access::Scope;
use event_actions::model::event::Event;
use event_actions::model::library::LibraryFilter;
use event_actions::model::page::Page;
use event_actions::model::template::{NewTemplate, PreviewRequest, Template, TemplatePreview};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::admin::{Confirmed, Draft, foot, page_asked, said, tenant_field};
use super::flash::kept;
use super::library::{Stored, sample_fields, samples, used_by, versions};
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind, ButtonLink};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::{Callout, CalloutKind, Empty, FilteredToEmpty};
use crate::components::fields::{TextAreaField, TextField};
use crate::components::filter_bar::{FilterBar, SearchField};
use crate::components::icon;
use crate::components::json_view::TextView;
use crate::components::page_head::{PageHead, Panel};
use crate::components::status_badge::Pill;
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::forms_admin::{Kept, Tried, TriedTemplate, Typed, sample_of};
use crate::shell::query;

mod send;

/// The list.
#[component]
pub fn Templates() -> impl IntoView {
    let (request, search, first) = (page_asked(), query("q").trim().to_owned(), said());
    page(async move {
        let (engine, caller) = asked()?;
        let filter = LibraryFilter { search: Some(search.clone()).filter(|s| !s.is_empty()), tenant_id: None };
        let list = engine.list_templates(&caller, filter, request).await?;
        let new = caller.may(Scope::ActionsWrite).then(|| view! { <ButtonLink href="/templates/new" kind=ButtonKind::Primary icon=icon::PLUS>"New template"</ButtonLink> });
        let list = table(list, &search);
        let clear = (!search.is_empty()).then(|| "/templates".to_owned());
        Ok(view! {
            <PageTitle text="Templates"/>
            <PageHead title="Templates" lede="Mails that actions send by name.">{new}</PageHead>
            {first}
            <FilterBar label="Filter templates" action="/templates" clear=clear><SearchField label="Name" value=search.clone() placeholder="Name"/></FilterBar>
            {list}
        })
    })
}

fn table(list: Page<Template>, search: &str) -> impl IntoView + use<> {
    if list.items.is_empty() {
        return match search.is_empty() {
            false => view! { <section class="panel"><FilteredToEmpty text="No template has this in its name." clear="/templates"/></section> }.into_any(),
            true => view! { <section class="panel"><Empty icon=icon::MAIL title="No templates yet" text="A template is a mail with places for what the event says."/></section> }
                .into_any(),
        };
    }
    let now = Timestamp::now();
    let below = foot(&list, ("template", "templates"), "/templates", &[("q", search)]);
    let rows = list
        .items
        .into_iter()
        .map(|t| {
            view! {
                <tr>
                    <th scope="row" class="full"><a href=format!("/templates/{}", t.id)>{t.definition.name}</a><div class="sub brk">{t.definition.subject}</div></th>
                    <Cell label="Tenant">{t.definition.tenant_id.unwrap_or_else(|| "platform-wide".to_owned())}</Cell>
                    <Cell label="Version" class="num">{t.version}</Cell>
                    <Cell label="Changed" class="num muted"><Time at=t.updated_at now=now style=TimeStyle::Ago/></Cell>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![Column::new("Name"), Column::new("Tenant"), Column::number("Version"), Column::number("Changed")];
    view! {
        <section class="panel" aria-label="Templates">
            <DataTable caption="Templates by name" columns=columns><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
    .into_any()
}

/// What came with this page: what was typed, what it was refused for, what came of trying it.
struct Came {
    typed: Typed,
    draft: Draft,
    found: Option<TriedTemplate>,
    zone: Zone,
}

fn came() -> Came {
    let tried = kept::<Tried<TriedTemplate>>();
    Came { typed: Typed::of(kept::<Kept>().as_ref(), tried.as_ref()), draft: Draft::of("edit"), found: tried.map(|t| t.found), zone: use_zone() }
}

/// A new template.
#[component]
pub fn TemplateNew() -> impl IntoView {
    let (came, first) = (came(), said());
    page(async move {
        let (engine, caller) = asked()?;
        caller.require(Scope::ActionsWrite)?;
        let events = samples(&engine, &caller).await?;
        let crumbs = vec![("Templates".to_owned(), "/templates".to_owned())];
        Ok(view! {
            <PageTitle text="New template"/>
            <PageHead title="New template" crumbs=crumbs/>
            {first}
            {editor(None, &caller, came, &events)}
        })
    })
}

/// One template.
#[component]
pub fn TemplatePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let (mut came, first) = (came(), said());
    page(async move {
        let (engine, caller) = asked()?;
        let template = engine.get_template(&caller, &id).await?;
        let events = samples(&engine, &caller).await?;
        if let (None, false, Some(event)) = (&came.found, came.typed.is_unsaved(), events.first()) {
            let request = PreviewRequest { event: sample_of(event.clone(), &caller), ..PreviewRequest::default() };
            // A preview is a help: where the event does not fit, the page is shown without it.
            came.found = engine.preview_template(&caller, &template.id, request).await.ok().map(TriedTemplate::Shown);
        }
        let users = used_by(template.used_by.clone(), "No action sends it.");
        let all = engine.template_versions(&caller, &template.id).await?;
        let stored = all.into_iter().map(|v| Stored { version: v.version, author: v.author, at: v.created_at, changes: v.diff }).collect();
        let name = template.definition.name.clone();
        let delete = may_change(&caller, Some(&template)).then(|| {
            view! { <Confirmed id="d-delete" action=format!("/templates/{}/delete", template.id) verb="Delete" what=name.clone() text="A template that actions use cannot be deleted; change them first."/> }
        });
        let beside = view! { <Pill>"version "{template.version}</Pill> }.into_any();
        let crumbs = vec![("Templates".to_owned(), "/templates".to_owned())];
        Ok(view! {
            <PageTitle text=name.clone()/>
            <PageHead title=name.clone() crumbs=crumbs beside=beside>{delete}</PageHead>
            {first}
            {editor(Some(template), &caller, came, &events)}
            {users}
            {versions(stored)}
        })
    })
}

/// Whether the caller may save: a new one, or its own.
fn may_change(caller: &Caller, template: Option<&Template>) -> bool {
    caller.may(Scope::ActionsWrite) && template.is_none_or(|t| caller.owns(t.definition.tenant_id.as_deref()))
}

fn editor(template: Option<Template>, caller: &Caller, came: Came, events: &[Event]) -> impl IntoView + use<> {
    let Came { typed, draft, found, zone } = came;
    let may_save = may_change(caller, template.as_ref());
    let (shown, sent) = match found {
        Some(TriedTemplate::Shown(preview)) => (Some(preview), None),
        Some(TriedTemplate::Sent(report)) => (None, Some(report)),
        None => (None, None),
    };
    let send = (template.is_some() && caller.may(Scope::ExecutionsWrite)).then(|| send::panel(&typed, &draft, caller, sent));
    let tenant = if template.is_none() { tenant_field(caller, &draft, "Empty means platform-wide.") } else { None };
    let (action, version) = template.as_ref().map_or_else(|| ("/templates/new".to_owned(), String::new()), |t| (format!("/templates/{}", t.id), t.version.to_string()));
    let stored = template.map(|t| t.definition).unwrap_or_default();
    let NewTemplate { name, subject, html, text, .. } = stored;
    let save = may_save.then(|| view! { <Button kind=ButtonKind::Primary submit=true attr:name="verb" attr:value="save">"Save"</Button> });
    let unsaved = (typed.is_unsaved() && may_save).then(|| view! { <span class="small warn">"Not saved yet"</span> });
    let conflict = draft.is_conflict().then(
        || view! { <p class="small warn">"What you typed is kept here. Saving again puts it in place of the stored version; the versions below show what that changed."</p> },
    );
    let readonly = (!may_save).then(|| view! { <p class="small muted">"You can preview it; you cannot change it."</p> });
    let sample = sample_fields(&typed, &draft, events, zone);
    view! {
        <form class="tpl" method="post" action=action aria-label="Template">
            <input type="hidden" name="version" value=typed.version(&version)/>
            <Panel id="source-h" title="Source">
                <div class="stack">
                    <div class="form-grid">
                        <TextField id="f-name" label="Name" name="name" value=typed.value("name", &name) error=draft.error("/name") required=true class="s8"/>
                        {tenant}
                        <TextField id="f-subject" label="Subject" name="subject" value=typed.value("subject", &subject) error=draft.error("/subject") mono=true class="s12"/>
                        <TextAreaField id="f-html" label="HTML" name="html" value=typed.value("html", html.as_deref().unwrap_or_default()) rows=14 mono=true hint="What {{ }} prints is escaped." error=draft.error("/html") class="s12"/>
                        <TextAreaField id="f-text" label="Text" name="text" value=typed.value("text", text.as_deref().unwrap_or_default()) rows=8 mono=true error=draft.error("/text") class="s12"/>
                    </div>
                    {conflict}{readonly}
                    <div class="row row-wrap">{save}{unsaved}</div>
                </div>
            </Panel>
            <div class="stack">
                <Panel id="preview-h" title="Preview" note="nothing is sent; secrets come out redacted">
                    <div class="stack">
                        <div class="form-grid">{sample}</div>
                        <div class="row"><Button submit=true icon=icon::PLAY attr:name="verb" attr:value="try">"Preview"</Button></div>
                        {shown.map(preview)}
                    </div>
                </Panel>
                {send}
            </div>
        </form>
    }
}

/// The mail as it would be, and what keeps parts of it from being rendered.
fn preview(found: TemplatePreview) -> impl IntoView {
    let TemplatePreview { subject, html, text, faults } = found;
    let faults = faults
        .into_iter()
        .map(|f| view! { <Callout kind=CalloutKind::Fault><p><code>{f.pointer.trim_start_matches('/').to_owned()}</code>": "{f.message}</p></Callout> })
        .collect_view();
    let subject = subject.map(|subject| view! { <dl class="kv"><dt>"Subject"</dt><dd class="strong">{subject}</dd></dl> });
    let html = html.map(|html| view! { <iframe class="mail-frame" sandbox="" title="The mail as HTML" srcdoc=html></iframe> });
    let text = text.map(|text| view! { <TextView text=text plain=true/> });
    view! { <div class="stack-8" role="status">{faults}{subject}{html}{text}</div> }
}
