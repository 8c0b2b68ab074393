//! API keys: what each may do, when it was last used, and the one moment in which a new one is shown.

use event_actions::engine::Caller;
use event_actions::model::Timestamp;
use event_actions::model::access::{ApiKey, Scope};
use event_actions::model::page::Page;
use leptos::prelude::*;

use super::admin::{Confirmed, Draft, foot, page_asked, said, tenant_field};
use super::flash::kept;
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind, ButtonLink};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::{Callout, CalloutKind, Empty};
use crate::components::fields::{SelectField, TextField};
use crate::components::format::DASH;
use crate::components::icon::{self, Icon};
use crate::components::page_head::{PageHead, Panel};
use crate::components::status_badge::{Badge, Pill, Tone};
use crate::components::switches::CheckBox;
use crate::components::time::{Time, TimeStyle};
use crate::components::toast::Dialog;
use crate::forms_admin::Made;

mod edit;

pub use edit::KeyPage;

/// The page.
#[component]
pub fn Keys() -> impl IntoView {
    let (request, first) = (page_asked(), said());
    let (draft, made) = (Draft::of("new"), kept::<Made>());
    page(async move {
        let (engine, caller) = asked()?;
        let list = engine.list_api_keys(&caller, request).await?;
        Ok(view! {
            <PageTitle text="API keys"/>
            <PageHead title="API keys" lede="Programs send events and use the REST API with a key. A key is shown once, when it is made.">
                <ButtonLink href="#f-name" icon=icon::PLUS>"New key"</ButtonLink>
            </PageHead>
            {first}
            {made.map(shown_once)}
            {table(list, &caller)}
            {form(&caller, &draft)}
        })
    })
}

/// The new key, and what to do with it.
fn shown_once(made: Made) -> impl IntoView {
    let (text, more) = if made.is_rotated {
        ("This is the new key. Copy it now, it is not shown again.", "The old one goes on for as long as was chosen; put the new one in its place before that.")
    } else {
        ("This is the key. Copy it now, it is not shown again.", "Send it with every request as Authorization: Bearer KEY.")
    };
    view! {
        <div role="status">
            <Callout kind=CalloutKind::Waiting>
                <p><strong>{made.name}</strong>": "{text}</p>
                <p><code class="brk">{made.key}</code></p>
                <p class="small muted">{more}</p>
            </Callout>
        </div>
    }
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    InForce,
    Expired,
    Revoked,
}

fn standing(key: &ApiKey, now: Timestamp) -> Standing {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => Standing::Revoked,
        (None, Some(at)) if at <= now => Standing::Expired,
        _ => Standing::InForce,
    }
}

fn table(list: Page<ApiKey>, caller: &Caller) -> impl IntoView + use<> {
    if list.items.is_empty() {
        return view! { <section class="panel"><Empty icon=icon::KEY title="No keys yet" text="Make one for each program, so that each can be revoked by itself."/></section> }
            .into_any();
    }
    let shows_tenant = caller.is_platform && caller.tenant_id.is_none();
    let now = Timestamp::now();
    let below = foot(&list, ("key", "keys"), "/keys", &[]);
    let rows = list.items.into_iter().map(|key| row(key, shows_tenant, now)).collect_view();
    let mut columns = vec![Column::new("Name")];
    if shows_tenant {
        columns.push(Column::new("Tenant"));
    }
    columns.extend([Column::new("Status"), Column::new("May"), Column::number("Last used"), Column::number("Ends"), Column::silent("Rotate or revoke")]);
    view! {
        <section class="panel" aria-label="API keys">
            <DataTable caption="API keys, the latest first" columns=columns><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
    .into_any()
}

fn row(key: ApiKey, shows_tenant: bool, now: Timestamp) -> impl IntoView {
    let standing = standing(&key, now);
    let (tone, glyph, word) = match standing {
        Standing::InForce => (Tone::Ok, icon::CHECK, "In force"),
        Standing::Expired => (Tone::Idle, icon::CLOCK, "Expired"),
        Standing::Revoked => (Tone::Idle, icon::MINUS, "Revoked"),
    };
    let name = match standing {
        Standing::Revoked => view! { <span class="brk">{key.name.clone()}</span> }.into_any(),
        _ => view! { <a class="brk" href=format!("/keys/{}", key.id)>{key.name.clone()}</a> }.into_any(),
    };
    let buttons = (standing == Standing::InForce).then(|| buttons(&key.id, &key.name));
    let ApiKey { prefix, scopes, tenant_id, expires_at, last_used_at, .. } = key;
    let tenant = shows_tenant.then(|| view! { <Cell label="Tenant">{tenant_id.unwrap_or_else(|| "platform".to_owned())}</Cell> });
    let scopes = scopes.into_iter().map(|scope| view! { <Pill mono=true>{scope.name()}</Pill> }).collect_view();
    let used = last_used_at.map_or_else(|| "never".into_any(), |at| view! { <Time at=at now=now style=TimeStyle::Ago/> }.into_any());
    let ends = expires_at.map_or_else(|| DASH.into_any(), |at| view! { <Time at=at now=now style=TimeStyle::Clock/> }.into_any());
    view! {
        <tr>
            <th scope="row" class="full">{name}<div class="sub"><code>{beginning(&prefix)}</code></div></th>
            {tenant}
            <Cell label="Status"><Badge tone=tone icon=glyph text=word/></Cell>
            <Cell label="May" class="full"><div class="row row-wrap tw:gap-1">{scopes}</div></Cell>
            <Cell label="Last used" class="num muted">{used}</Cell>
            <Cell label="Ends" class="num muted">{ends}</Cell>
            <Cell class="full">{buttons}</Cell>
        </tr>
    }
}

fn buttons(id: &str, name: &str) -> impl IntoView + use<> {
    let (dialog, form) = (format!("d-rot-{id}"), format!("f-rot-{id}"));
    let overlaps = [("0", "at once"), ("3600", "after an hour"), ("86400", "after a day"), ("604800", "after a week")].map(|(v, t)| (v.to_owned(), t.to_owned())).to_vec();
    let go = view! { <button type="submit" class="btn btn-primary" form=form.clone()>"Rotate"</button> }.into_any();
    let (revoke, revoke_dialog) = (format!("/keys/{id}/revoke"), format!("d-rev-{id}"));
    let rotate = format!("/keys/{id}/rotate");
    let (id, what) = (format!("o-{id}"), name.to_owned());
    view! {
        <div class="row row-wrap tw:justify-end">
            <button type="button" class="btn btn-s" popovertarget=dialog.clone() aria-label=format!("Rotate {name}")><Icon of=icon::RETRY/>"Rotate"</button>
            <Confirmed id=revoke_dialog action=revoke verb="Revoke" what=what text="Requests with it are refused at once. This cannot be undone."/>
            <Dialog id=dialog title=format!("Rotate {name}?") foot=go>
                <form id=form method="post" action=rotate class="stack">
                    <p>"A new key with the same rights is made and shown once."</p>
                    <SelectField id=id label="The old one stops working" name="overlap" options=overlaps value="86400".to_owned()/>
                </form>
            </Dialog>
        </div>
    }
}

/// What a scope allows, in words.
const fn means(scope: Scope) -> &'static str {
    match scope {
        Scope::ActionsRead => "see actions, templates, functions and numbers",
        Scope::ActionsWrite => "change them",
        Scope::EventsRead => "see events",
        Scope::EventsWrite => "send events",
        Scope::ExecutionsRead => "see executions, dead letters and alerts",
        Scope::ExecutionsWrite => "replay, cancel, discard, acknowledge",
        Scope::Admin => "everything, also secrets, keys, people and the audit log",
    }
}

fn form(caller: &Caller, draft: &Draft) -> impl IntoView + use<> {
    let tenant = tenant_field(caller, draft, "Empty means a key of the platform.");
    let draft = draft.clone();
    let days = [("", "never"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year")].map(|(v, t)| (v.to_owned(), t.to_owned())).to_vec();
    let boxes = Scope::ALL
        .into_iter()
        .map(|scope| {
            let checked = draft.checked(scope.name(), scope == Scope::EventsWrite);
            view! { <CheckBox label=format!("{}: {}", scope.name(), means(scope)) name=scope.name() checked=checked/> }
        })
        .collect_view();
    let fault = draft.error("/scopes").map(|text| view! { <p class="hint hint-bad"><Icon of=icon::CROSS size=12/>{text}</p> });
    view! {
        <Panel id="new-h" title="New key">
            <form class="stack" method="post" action="/keys" aria-labelledby="new-h">
                <div class="form-grid">
                    <TextField id="f-name" label="What it is for" name="name" value=draft.value("name", "") error=draft.error("/name") placeholder="Shop backend" required=true class="s6"/>
                    <SelectField id="f-expires_at" label="Ends" name="days" options=days value=draft.value("days", "") error=draft.error("/expires_at") class="s3"/>
                    {tenant}
                </div>
                <fieldset id="f-scopes" class="stack-4"><legend class="label">"It may"</legend>{boxes}{fault}</fieldset>
                <div class="row"><Button kind=ButtonKind::Primary submit=true>"Make key"</Button></div>
            </form>
        </Panel>
    }
}

/// How a key begins; one that is configured shows no part of it.
fn beginning(prefix: &str) -> String {
    if prefix.starts_with('(') { prefix.to_owned() } else { format!("{prefix}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revoked_outweighs_expired() {
        let key = |revoked: Option<i64>, expires: Option<i64>| ApiKey {
            id: "k".into(),
            name: "n".into(),
            prefix: "p".into(),
            scopes: vec![Scope::Admin],
            tenant_id: None,
            created_at: Timestamp(0),
            created_by: "user:a@example.com".into(),
            expires_at: expires.map(Timestamp),
            last_used_at: None,
            revoked_at: revoked.map(Timestamp),
            key: None,
        };
        for (revoked, expires, expected) in
            [(None, None, Standing::InForce), (None, Some(11), Standing::InForce), (None, Some(10), Standing::Expired), (Some(1), Some(2), Standing::Revoked)]
        {
            assert_eq!(standing(&key(revoked, expires), Timestamp(10)), expected);
        }
    }
}
