//! Tenants: who shares the installation, and what each may use.

use event_actions::engine::Caller;
use event_actions::model::Timestamp;
use event_actions::model::access::Scope;
use event_actions::model::page::Page;
use event_actions::model::quotas::Quotas;
use event_actions::model::tenant::{DEFAULT_TENANT, Tenant};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::admin::{Draft, foot, page_asked, said};
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind, ButtonLink};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::fields::{NumberField, TextAreaField, TextField};
use crate::components::format::{DASH, count};
use crate::components::icon;
use crate::components::page_head::{PageHead, Panel};
use crate::components::time::{Time, TimeStyle};
use crate::session::encode;

/// The list.
#[component]
pub fn Tenants() -> impl IntoView {
    let (request, first) = (page_asked(), said());
    let draft = Draft::of("new");
    page(async move {
        let (engine, caller) = asked()?;
        caller.require(Scope::Admin)?;
        let list = engine.list_tenants(&caller, request).await?;
        let new = caller.is_platform.then(|| form(&draft));
        let jump = caller.is_platform.then(|| view! { <ButtonLink href="#f-id" icon=icon::PLUS>"New tenant"</ButtonLink> });
        Ok(view! {
            <PageTitle text="Tenants"/>
            <PageHead title="Tenants" lede="Tenants share the installation and see nothing of each other.">{jump}</PageHead>
            {first}
            {table(list)}
            {new}
        })
    })
}

/// A limit as a word; a dash where there is none.
fn limit(n: Option<u32>) -> String {
    n.map_or_else(|| DASH.to_owned(), |n| count(i64::from(n)))
}

fn table(list: Page<Tenant>) -> impl IntoView {
    let now = Timestamp::now();
    let below = foot(&list, ("tenant", "tenants"), "/tenants", &[]);
    let rows = list
        .items
        .into_iter()
        .map(|tenant| {
            let (quotas, _) = Quotas::read(&tenant.settings);
            view! {
                <tr>
                    <th scope="row" class="full"><a href=format!("/tenants/{}", encode(&tenant.id))>{tenant.name}</a><div class="sub"><code>{tenant.id}</code></div></th>
                    <Cell label="Events a minute" class="num">{limit(quotas.events_per_minute)}</Cell>
                    <Cell label="Actions" class="num">{limit(quotas.max_actions)}</Cell>
                    <Cell label="Days kept" class="num">{limit(quotas.retention_days)}</Cell>
                    <Cell label="Made" class="num muted"><Time at=tenant.created_at now=now style=TimeStyle::Clock/></Cell>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![Column::new("Tenant"), Column::number("Events a minute"), Column::number("Actions"), Column::number("Days kept"), Column::number("Made")];
    view! {
        <section class="panel" aria-label="Tenants">
            <DataTable caption="Tenants and their limits; a dash is no limit" columns=columns><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
}

/// The fields of a tenant's settings.
fn quota_fields(draft: &Draft, quotas: &Quotas) -> impl IntoView + use<> {
    let number = |name: &str, n: Option<u32>| draft.value(name, &n.map(|n| n.to_string()).unwrap_or_default());
    let fault = |name: &str| draft.error(&format!("/settings/{name}"));
    let senders = draft.value("allowed_senders", &quotas.allowed_senders.join("\n"));
    view! {
        <NumberField id="f-settings-events_per_minute" label="Events a minute, per node" name="events_per_minute" value=number("events_per_minute", quotas.events_per_minute) min=Some(1) max=Some(10_000_000) hint="Empty means no limit." error=fault("events_per_minute") class="s4"/>
        <NumberField id="f-settings-max_actions" label="Actions at most" name="max_actions" value=number("max_actions", quotas.max_actions) min=Some(0) max=Some(1_000_000) hint="Empty means no limit." error=fault("max_actions") class="s4"/>
        <NumberField id="f-settings-retention_days" label="Events and executions are kept" name="retention_days" value=number("retention_days", quotas.retention_days) min=Some(1) max=Some(3_650) unit="days" hint="Empty means as the installation." error=fault("retention_days") class="s4"/>
        <TextAreaField id="f-settings-allowed_senders" label="Mails may come from" name="allowed_senders" value=senders rows=3 mono=true hint="Addresses such as ops@example.com or whole domains such as @example.com, one a line. Empty means any." error=fault("allowed_senders") class="s12"/>
    }
}

fn form(draft: &Draft) -> impl IntoView + use<> {
    let draft = draft.clone();
    view! {
        <Panel id="new-h" title="New tenant">
            <form class="stack" method="post" action="/tenants" aria-labelledby="new-h">
                <div class="form-grid">
                    <TextField id="f-id" label="Id" name="id" value=draft.value("id", "") hint="a-z, 0-9, _ and -. It never changes." error=draft.error("/id") mono=true required=true class="s4"/>
                    <TextField id="f-name" label="Name" name="name" value=draft.value("name", "") error=draft.error("/name") required=true class="s8"/>
                    {quota_fields(&draft, &Quotas::default())}
                </div>
                <div class="row"><Button kind=ButtonKind::Primary submit=true>"Make tenant"</Button></div>
            </form>
        </Panel>
    }
}

/// One tenant's name and settings.
#[component]
pub fn TenantPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let first = said();
    let (draft, removal) = (Draft::of("settings"), Draft::of("delete"));
    page(async move {
        let (engine, caller) = asked()?;
        caller.require(Scope::Admin)?;
        let tenant = engine.get_tenant(&caller, &id).await?;
        let end = (caller.is_platform && tenant.id != DEFAULT_TENANT).then(|| delete_form(&tenant, &removal));
        Ok(view! { {one(tenant, &caller, draft, first.into_any())} {end} })
    })
}

fn one(tenant: Tenant, caller: &Caller, draft: Draft, first: AnyView) -> impl IntoView + use<> {
    let (quotas, _) = Quotas::read(&tenant.settings);
    let lede = if caller.is_platform { "Limits of this tenant." } else { "You can tighten these limits. Only an administrator of the platform can loosen them." };
    let crumbs = vec![("Tenants".to_owned(), "/tenants".to_owned()), (tenant.id.clone(), String::new())];
    view! {
        <PageTitle text=tenant.name.clone()/>
        <PageHead title=tenant.name.clone() crumbs=crumbs lede=lede/>
        {first}
        <Panel id="settings-h" title="Name and limits">
            <form class="stack" method="post" action=format!("/tenants/{}", encode(&tenant.id)) aria-labelledby="settings-h">
                <div class="form-grid">
                    <TextField id="f-name" label="Name" name="name" value=draft.value("name", &tenant.name) error=draft.error("/name") required=true class="s12"/>
                    {quota_fields(&draft, &quotas)}
                </div>
                <div class="row"><Button kind=ButtonKind::Primary submit=true>"Save"</Button></div>
            </form>
        </Panel>
    }
}

/// Where somebody types the tenant's name to delete it.
fn delete_form(tenant: &Tenant, draft: &Draft) -> impl IntoView + use<> {
    let action = format!("/tenants/{}/delete", encode(&tenant.id));
    let (name, draft) = (tenant.name.clone(), draft.clone());
    view! {
        <Panel id="delete-h" title="Delete this tenant">
            <form class="stack" method="post" action=action aria-labelledby="delete-h">
                <p class="muted">"Its actions, events, executions, keys and secrets go for good, and so do the accounts of people who belong to no other tenant. The audit log stays. It is refused while work of the tenant is in flight."</p>
                <div class="form-grid">
                    <TextField id="f-confirm" label="The tenant's name" name="confirm" value=draft.value("confirm", "") hint=format!("Type {name:?}.") error=draft.error("/confirm") required=true class="s4"/>
                </div>
                <div class="row"><Button kind=ButtonKind::Danger icon=icon::TRASH submit=true>"Delete tenant"</Button></div>
            </form>
        </Panel>
    }
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn no_limit_is_a_dash() {
        assert_eq!((limit(Some(10_000)), limit(None)), ("10,000".to_owned(), "—".to_owned()));
    }
}
