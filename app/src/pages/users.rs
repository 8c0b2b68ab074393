//! People: who has which role, who is invited, and the one moment in which an invitation's link is shown.

use event_actions::engine::Caller;
use event_actions::model::Timestamp;
use event_actions::model::access::Role;
use event_actions::model::page::{Page, PageRequest};
use event_actions::model::user::{Invitation, User};
use leptos::prelude::*;

use super::admin::{Confirmed, Draft, foot, page_asked, said, tenant_field};
use super::flash::kept;
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind, ButtonLink};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::{Callout, CalloutKind};
use crate::components::fields::{SelectField, TextField};
use crate::components::icon;
use crate::components::page_head::{PageHead, Panel};
use crate::components::status_badge::Pill;
use crate::components::switches::CheckBox;
use crate::components::time::{Time, TimeStyle};
use crate::forms_admin::Invited;

/// Open invitations shown at once.
const INVITATIONS: u32 = 200;

/// The page.
#[component]
pub fn Users() -> impl IntoView {
    let (request, first) = (page_asked(), said());
    let (draft, made) = (Draft::of("new"), kept::<Invited>());
    page(async move {
        let (engine, caller) = asked()?;
        let list = engine.list_users(&caller, request).await?;
        let open = engine.list_invitations(&caller, PageRequest { limit: Some(INVITATIONS), cursor: None }).await?;
        Ok(view! {
            <PageTitle text="Users"/>
            <PageHead title="Users" lede="Viewers read. Operators also change actions and replay. Administrators also manage people, keys and secrets.">
                <ButtonLink href="#f-email" icon=icon::PLUS>"Invite somebody"</ButtonLink>
            </PageHead>
            {first}
            {made.map(shown_once)}
            {table(list, &caller)}
            {invitations(open)}
            {form(&caller, &draft)}
        })
    })
}

/// The link, and what to do with it.
fn shown_once(Invited(invitation): Invited) -> impl IntoView {
    let link = invitation.link.unwrap_or_default();
    view! {
        <div role="status">
            <Callout kind=CalloutKind::Waiting>
                <p>"Hand this link to "<strong>{invitation.email}</strong>". It works once, and it is not shown again."</p>
                <p><code class="brk">{link}</code></p>
                <p class="small muted">"It stops working "<Time at=invitation.expires_at style=TimeStyle::Exact/>"."</p>
            </Callout>
        </div>
    }
}

fn table(list: Page<User>, caller: &Caller) -> impl IntoView + use<> {
    let now = Timestamp::now();
    let below = foot(&list, ("person", "people"), "/users", &[]);
    let caller = caller.clone();
    let rows = list.items.into_iter().map(|user| row(user, &caller, now)).collect_view();
    let columns = vec![Column::new("Name"), Column::new("Role"), Column::number("Last signed in"), Column::silent("Change or remove")];
    view! {
        <section class="panel" aria-label="People">
            <DataTable caption="People by address" columns=columns><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
}

/// The name of a role.
const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Operator => "Operator",
        Role::Admin => "Administrator",
    }
}

/// What a person is: in the tenant looked at, or in each.
fn roles(user: &User, tenant: Option<&str>) -> String {
    match tenant {
        Some(tenant) => user.role_in(tenant).map_or_else(|| "no member".to_owned(), |role| role_word(role).to_owned()),
        None if user.memberships.is_empty() => "no tenant".to_owned(),
        None => user.memberships.iter().map(|m| format!("{} in {}", role_word(m.role), m.tenant_id)).collect::<Vec<_>>().join(", "),
    }
}

fn row(user: User, caller: &Caller, now: Timestamp) -> impl IntoView + use<> {
    let tenant = caller.tenant_id.as_deref();
    let words = roles(&user, tenant);
    let is_self = caller.user_id() == Some(user.id.as_str());
    let change = tenant.map(|tenant| role_form(&user, user.role_in(tenant)));
    let platform = (caller.is_platform && tenant.is_none()).then(|| platform_form(&user));
    let effect =
        if tenant.is_some() { "They lose this tenant at once; an account that belongs nowhere then is deleted." } else { "The account is deleted, and all of its sessions end." };
    let remove =
        (!is_self).then(|| view! { <Confirmed id=format!("d-{}", user.id) action=format!("/users/{}/remove", user.id) verb="Remove" what=user.email.clone() text=effect/> });
    let admin = user.is_platform_admin.then(|| view! { " "<Pill>"platform"</Pill> });
    let you = is_self.then(|| view! { " "<span class="muted">"(you)"</span> });
    let seen = user.last_sign_in_at.map_or_else(|| "never".into_any(), |at| view! { <Time at=at now=now style=TimeStyle::Ago/> }.into_any());
    view! {
        <tr>
            <th scope="row" class="full">{user.name.clone()}{you}<div class="sub brk">{user.email.clone()}</div></th>
            <Cell label="Role">{words}{admin}</Cell>
            <Cell label="Last signed in" class="num muted">{seen}</Cell>
            <Cell class="full"><div class="row row-wrap tw:justify-end">{change}{platform}{remove}</div></Cell>
        </tr>
    }
}

fn role_form(user: &User, current: Option<Role>) -> impl IntoView + use<> {
    let options = Role::ALL.into_iter().map(|role| view! { <option value=role.name() selected=current == Some(role)>{role_word(role)}</option> }).collect_view();
    let label = format!("Role of {}", user.email);
    view! {
        <form method="post" action=format!("/users/{}/role", user.id) class="row">
            <select class="input" name="role" aria-label=label>{options}</select>
            <Button submit=true>"Set"</Button>
        </form>
    }
}

fn platform_form(user: &User) -> impl IntoView + use<> {
    let (value, text) = if user.is_platform_admin { ("false", "Take the platform away") } else { ("true", "Make platform administrator") };
    view! {
        <form method="post" action=format!("/users/{}/role", user.id)>
            <input type="hidden" name="is_platform_admin" value=value/>
            <Button submit=true small=true attr:aria-label=format!("{text}: {}", user.email)>{text}</Button>
        </form>
    }
}

fn invitations(open: Page<Invitation>) -> Option<impl IntoView> {
    let now = Timestamp::now();
    (!open.items.is_empty()).then(|| {
        let rows = open
            .items
            .into_iter()
            .map(|i| {
                let platform = i.is_platform_admin.then(|| view! { " "<Pill>"platform"</Pill> });
                view! {
                    <tr>
                        <th scope="row" class="full brk">{i.email.clone()}</th>
                        <Cell label="Role">{format!("{} in {}", role_word(i.role), i.tenant_id)}{platform}</Cell>
                        <Cell label="Invited by" class="brk">{i.created_by}</Cell>
                        <Cell label="Ends" class="num muted"><Time at=i.expires_at now=now style=TimeStyle::Ago/></Cell>
                        <Cell class="full">
                            <form method="post" action=format!("/users/invitations/{}/withdraw", i.id) class="row tw:justify-end">
                                <Button submit=true small=true kind=ButtonKind::Ghost attr:aria-label=format!("Withdraw the invitation of {}", i.email)>"Withdraw"</Button>
                            </form>
                        </Cell>
                    </tr>
                }
            })
            .collect_view();
        let columns = vec![Column::new("Invited"), Column::new("Role"), Column::new("Invited by"), Column::number("Ends"), Column::silent("Withdraw")];
        view! {
            <Panel id="open-h" title="Open invitations" flush=true>
                <DataTable caption="Open invitations, the latest first" columns=columns><tbody>{rows}</tbody></DataTable>
            </Panel>
        }
    })
}

fn form(caller: &Caller, draft: &Draft) -> impl IntoView + use<> {
    let tenant = tenant_field(caller, draft, "Empty means the tenant \"default\".");
    let draft = draft.clone();
    let options = Role::ALL.map(|role| (role.name().to_owned(), role_word(role).to_owned())).to_vec();
    let platform = caller
        .is_platform
        .then(|| view! { <CheckBox label="Also administers the whole installation" name="is_platform_admin" checked=draft.checked("is_platform_admin", false)/> });
    view! {
        <Panel id="new-h" title="Invite somebody">
            <form class="stack" method="post" action="/users" aria-labelledby="new-h">
                <div class="form-grid">
                    <TextField id="f-email" label="E-mail" name="email" kind="email" value=draft.value("email", "") error=draft.error("/email") autocomplete="off" required=true class="s5"/>
                    <SelectField id="f-role" label="Role" name="role" options=options value=draft.value("role", "viewer") error=draft.error("/role") class="s3"/>
                    {tenant}
                </div>
                {platform}
                <div class="row"><Button kind=ButtonKind::Primary submit=true>"Make invitation link"</Button></div>
            </form>
        </Panel>
    }
}

#[cfg(test)]
mod tests {
    use event_actions::model::user::Membership;

    use super::*;

    #[test]
    fn roles_are_those_of_the_tenant_looked_at() {
        let memberships = vec![Membership { tenant_id: "a".into(), role: Role::Viewer }, Membership { tenant_id: "b".into(), role: Role::Admin }];
        let user = User { id: "u".into(), email: "a@example.com".into(), name: "A".into(), is_platform_admin: false, memberships, created_at: Timestamp(0), last_sign_in_at: None };
        for (tenant, words) in [(Some("b"), "Administrator"), (Some("c"), "no member"), (None, "Viewer in a, Administrator in b")] {
            assert_eq!(roles(&user, tenant), words);
        }
    }
}
