//! Secrets: their names and who changed them. A value goes in and never comes out.

use event_actions::engine::Caller;
use event_actions::model::Timestamp;
use event_actions::model::library::UsedBy;
use event_actions::model::page::Page;
use event_actions::model::secret::Secret;
use leptos::prelude::*;

use super::admin::{Confirmed, Draft, foot, page_asked, said, tenant_field};
use super::library::link_to;
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind, ButtonLink};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::Empty;
use crate::components::fields::{TextAreaField, TextField};
use crate::components::icon::{self, Icon};
use crate::components::page_head::{PageHead, Panel};
use crate::components::time::{Time, TimeStyle};
use crate::components::toast::Dialog;

/// Users of a secret named in its row.
const NAMED: usize = 3;

/// The page.
#[component]
pub fn Secrets() -> impl IntoView {
    let (request, first) = (page_asked(), said());
    let draft = Draft::of("new");
    page(async move {
        let (engine, caller) = asked()?;
        let mut list = engine.list_secrets(&caller, request).await?;
        for secret in &mut list.items {
            // One that went meanwhile is used by nothing.
            secret.used_by = engine.get_secret(&caller, &secret.id).await.ok().and_then(|s| s.used_by);
        }
        Ok(view! {
            <PageTitle text="Secrets"/>
            <PageHead title="Secrets" lede="Values that actions and templates use by name. They are stored sealed, and nobody can read them back, here or through the API.">
                <ButtonLink href="#f-name" icon=icon::PLUS>"New secret"</ButtonLink>
            </PageHead>
            {first}
            {table(list, &caller)}
            {form(&caller, &draft)}
        })
    })
}

fn table(list: Page<Secret>, caller: &Caller) -> impl IntoView + use<> {
    if list.items.is_empty() {
        return view! { <section class="panel"><Empty icon=icon::LOCK title="No secrets yet" text="Put passwords and tokens here instead of into actions, and use them by name."/></section> }.into_any();
    }
    let shows_tenant = caller.is_platform && caller.tenant_id.is_none();
    let now = Timestamp::now();
    let below = foot(&list, ("secret", "secrets"), "/secrets", &[]);
    let rows = list.items.into_iter().map(|secret| row(secret, shows_tenant, now)).collect_view();
    let mut columns = vec![Column::new("Name")];
    if shows_tenant {
        columns.push(Column::new("Tenant"));
    }
    columns.extend([Column::new("Used by"), Column::new("Changed by"), Column::number("Version"), Column::number("Changed"), Column::silent("Replace or delete")]);
    view! {
        <section class="panel" aria-label="Secrets">
            <DataTable caption="Secrets, the latest first" columns=columns><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
    .into_any()
}

/// How a template names a secret.
fn reference(name: &str) -> String {
    format!("{{{{ secret.{name} }}}}")
}

/// The first few things that name a secret, and how many more there are.
fn users(all: &[UsedBy]) -> impl IntoView + use<> {
    if all.is_empty() {
        return view! { <span class="muted">"nothing"</span> }.into_any();
    }
    let shown = all.iter().take(NAMED).map(|user| view! { <div>{link_to(user)}</div> }).collect_view();
    let more = all.len().saturating_sub(NAMED);
    view! { <div>{shown}{(more > 0).then(|| format!("and {more} more"))}</div> }.into_any()
}

fn row(secret: Secret, shows_tenant: bool, now: Timestamp) -> impl IntoView {
    let Secret { id, name, tenant_id, version, updated_at, updated_by, used_by, .. } = secret;
    let users = users(&used_by.unwrap_or_default());
    let tenant = shows_tenant.then(|| view! { <Cell label="Tenant">{tenant_id.unwrap_or_else(|| "platform-wide".to_owned())}</Cell> });
    let (dialog, form, field) = (format!("d-value-{id}"), format!("f-value-{id}"), format!("v-{id}"));
    let save = view! { <button type="submit" class="btn btn-primary" form=form.clone()>"Replace"</button> }.into_any();
    let label = format!("Replace the value of {name}");
    view! {
        <tr>
            <th scope="row" class="full"><code class="brk">{name.clone()}</code><div class="sub">"used as "<code>{reference(&name)}</code></div></th>
            {tenant}
            <Cell label="Used by" class="brk">{users}</Cell>
            <Cell label="Changed by" class="brk">{updated_by}</Cell>
            <Cell label="Version" class="num">{version}</Cell>
            <Cell label="Changed" class="num muted"><Time at=updated_at now=now style=TimeStyle::Clock/></Cell>
            <Cell class="full">
                <div class="row row-wrap tw:justify-end">
                    <button type="button" class="btn btn-s" popovertarget=dialog.clone() aria-label=label.clone()><Icon of=icon::RETRY/>"Replace"</button>
                    <Confirmed id=format!("d-del-{id}") action=format!("/secrets/{id}/delete") verb="Delete" what=name.clone() text="Everything that uses it fails to render from then on. This cannot be undone."/>
                    <Dialog id=dialog title=label foot=save>
                        <form id=form method="post" action=format!("/secrets/{id}/value")>
                            <TextAreaField id=field label="New value" name="value" rows=4 mono=true hint="In effect for the next rendering. It is not shown again."/>
                        </form>
                    </Dialog>
                </div>
            </Cell>
        </tr>
    }
}

fn form(caller: &Caller, draft: &Draft) -> impl IntoView + use<> {
    let tenant = tenant_field(caller, draft, "Empty means platform-wide.");
    let draft = draft.clone();
    let hint = "1 to 64 characters of A-Z, a-z, 0-9 and _.";
    view! {
        <Panel id="new-h" title="New secret">
            <form class="stack" method="post" action="/secrets" autocomplete="off" aria-labelledby="new-h">
                <div class="form-grid">
                    <TextField id="f-name" label="Name" name="name" value=draft.value("name", "") hint=hint error=draft.error("/name") placeholder="CRM_TOKEN" mono=true required=true class="s6"/>
                    {tenant}
                    <TextAreaField id="f-value" label="Value" name="value" rows=4 mono=true hint="It is not shown again." error=draft.error("/value") class="s12"/>
                </div>
                <div class="row"><Button kind=ButtonKind::Primary submit=true>"Store secret"</Button></div>
            </form>
        </Panel>
    }
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    fn secrets_are_named_as_templates_do() {
        assert_eq!(reference("CRM_TOKEN"), "{{ secret.CRM_TOKEN }}");
    }
}
