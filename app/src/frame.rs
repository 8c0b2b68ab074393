//! The frame around every page of somebody who is signed in: sidebar, top bar, main area.

use event_actions::engine::{Caller, Engine, SignedIn};
use event_actions::model::Timestamp;
use event_actions::model::access::Scope;
use event_actions::model::user::User;
use leptos::prelude::*;

use crate::components::button::{Button, ButtonKind};
use crate::components::icon::{self, Icon};
use crate::components::time::use_zone;
use crate::islands::live_overview::LiveChip;
use crate::notices::Notices;
use crate::preferences::{Preferences, Theme};
use crate::shell::{NAV, current_url, letter_of};

/// Sidebar, bar and page.
#[component]
pub fn Frame(
    /// The path of the page.
    path: String,
    /// The page.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="app">
            <Sidebar path=path.clone()/>
            <TopBar is_live=path == "/"/>
            <main class="page" id="main" tabindex="-1"><Notices/>{children()}</main>
        </div>
        <GoTo/>
        <UserMenu/>
        <TenantMenu/>
    }
}

#[component]
fn Sidebar(path: String) -> impl IntoView {
    let groups = NAV
        .iter()
        .map(|(group, items)| {
            let links = items
                .iter()
                .filter(|item| item.is_offered())
                .map(|item| {
                    let current = item.covers(&path).then_some("page");
                    view! { <a href=item.path title=item.label aria-current=current><Icon of=item.icon/><span>{item.label}</span>{count_of(item.path)}</a> }
                })
                .collect_view();
            view! { <div class="nav-group"><p class="nav-label">{*group}</p>{links}</div> }
        })
        .collect_view();
    view! {
        <aside class="side" id="side" popover="auto" aria-label="Console">
            <a class="brand" href="/"><Icon of=icon::LOGO size=20/><span>"Event Actions"</span></a>
            <nav class="nav" aria-label="Main">{groups}</nav>
            <p class="side-foot">"version "{env!("CARGO_PKG_VERSION")}</p>
        </aside>
    }
}

/// The number beside an entry: dead letters that wait for a person, alerts that fire.
fn count_of(path: &str) -> Option<AnyView> {
    let text = crate::components::format::count;
    match path {
        "/dead-letters" => Some(dead_letters()).filter(|n| *n > 0).map(|n| view! { <span class="count">{text(n)}</span> }.into_any()),
        "/alerts" => Some(firing()).filter(|n| *n > 0).map(|n| view! { <span class="count count-bad">{text(n)}<span class="sr">" firing"</span></span> }.into_any()),
        _ => None,
    }
}

fn firing() -> i64 {
    use_context::<Engine>().zip(use_context::<Caller>()).map_or(0, |(engine, caller)| engine.count_firing(&caller))
}

fn dead_letters() -> i64 {
    let (Some(engine), Some(caller)) = (use_context::<Engine>(), use_context::<Caller>()) else { return 0 };
    let live = engine.live();
    let live = live.borrow();
    match &caller.tenant_id {
        Some(tenant) => live.tenants.get(tenant).map_or(0, |s| s.dead_letters),
        None => live.all.dead_letters,
    }
}

#[component]
fn TopBar(is_live: bool) -> impl IntoView {
    let zone = use_zone();
    let chip = is_live.then(|| view! { <LiveChip first=format!("As of {} {}", zone.clock(Timestamp::now()), zone.label())/><span class="sep hide-s"></span> });
    let initials = use_context::<User>().map_or_else(|| "?".to_owned(), |user| initials(&user));
    let account = use_context::<User>().map_or_else(|| "Account".to_owned(), |user| format!("Account: {}", user.name));
    view! {
        <header class="top">
            <button type="button" class="ibtn only-s" popovertarget="side" aria-label="Menu"><Icon of=icon::MENU/></button>
            <TenantButton/>
            <button type="button" class="findbox hide-s" popovertarget="goto"><Icon of=icon::SEARCH/>"Find or go to"<kbd aria-hidden="true">"Ctrl K"</kbd></button>
            <span class="push"></span>
            <span class="row hide-s">{chip}</span>
            <button type="button" class="btn btn-ghost btn-s hide-s" popovertarget="me" aria-label=format!("Time zone: {}", zone.label())><Icon of=icon::GLOBE size=14/>{zone.label()}</button>
            <button type="button" class="ibtn only-s" popovertarget="goto" aria-label="Find or go to"><Icon of=icon::SEARCH/></button>
            <ThemeButton/>
            <a class="ibtn hide-s" href="/docs" aria-label="REST API documentation" title="REST API documentation"><Icon of=icon::QUESTION/></a>
            <button type="button" class="btn btn-ghost btn-s" popovertarget="me" aria-label=account><span class="verb initials">{initials}</span></button>
        </header>
    }
}

fn initials(user: &User) -> String {
    let name = if user.name.trim().is_empty() { &user.email } else { &user.name };
    let letters: String = name.split([' ', '.', '-', '@']).filter_map(|word| word.chars().next()).take(2).collect();
    letters.to_uppercase()
}

/// One button, of which the stylesheet shows the half that leads to the other theme.
#[component]
fn ThemeButton() -> impl IntoView {
    view! {
        <form method="post" action="/preferences">
            <input type="hidden" name="back" value=current_url()/>
            <button class="ibtn if-light" name="theme" value="dark" aria-label="Switch to dark" title="Switch to dark"><Icon of=icon::SUN/></button>
            <button class="ibtn if-dark" name="theme" value="light" aria-label="Switch to light" title="Switch to light"><Icon of=icon::SUN/></button>
        </form>
    }
}

/// The tenants that the person may look at; an empty id stands for all of them.
fn tenants() -> (Vec<(String, String)>, String) {
    let Some(signed_in) = use_context::<SignedIn>() else { return (Vec::new(), String::new()) };
    let mut all: Vec<(String, String)> = signed_in.user.memberships.iter().map(|m| (m.tenant_id.clone(), m.tenant_id.clone())).collect();
    if signed_in.user.is_platform_admin {
        all.push((String::new(), "All tenants".to_owned()));
    }
    (all, signed_in.caller.tenant_id.unwrap_or_default())
}

#[component]
fn TenantButton() -> impl IntoView {
    let (all, current) = tenants();
    let name = if current.is_empty() { "All tenants".to_owned() } else { current };
    if all.len() > 1 {
        view! { <button type="button" class="btn btn-ghost btn-tenant" popovertarget="tenants"><Icon of=icon::LAYERS/><span class="sr">"Tenant: "</span>{name}<Icon of=icon::CHEVRON size=14/></button> }.into_any()
    } else {
        view! { <span class="btn btn-ghost btn-tenant"><Icon of=icon::LAYERS/><span class="sr">"Tenant: "</span>{name}</span> }.into_any()
    }
}

#[component]
fn TenantMenu() -> impl IntoView {
    let (all, current) = tenants();
    (all.len() > 1).then(|| {
        let items = all
            .into_iter()
            .map(|(id, name)| {
                let here = (id == current).then_some("true");
                view! { <button class="menu-item" name="tenant" value=id aria-current=here><Icon of=if here.is_some() { icon::CHECK } else { icon::LAYERS }/>{name}</button> }
            })
            .collect_view();
        view! { <div class="menu menu-left" id="tenants" popover="auto" role="dialog" aria-label="Tenant"><form method="post" action="/tenant">{items}</form></div> }
    })
}

/// Every page by name, for the keyboard and the phone, and the things one most often begins. The script makes the command palette of it.
#[component]
fn GoTo() -> impl IntoView {
    let pages = NAV
        .iter()
        .flat_map(|(_, items)| items.iter())
        .filter(|item| item.is_offered())
        .map(|item| {
            let keys = letter_of(item.path).map(|letter| format!("g {letter}"));
            view! { <a class="p-opt" href=item.path data-group="Pages" data-keys=keys><Icon of=item.icon/><span class="trunc">{item.label}</span></a> }
        })
        .collect_view();
    let commands = [
        (Scope::ActionsWrite, "/actions/new", "New action", icon::PLUS),
        (Scope::EventsWrite, "/events?send=1", "Send a test event", icon::SEND),
        (Scope::ExecutionsRead, "/executions?status=failed&range=1h", "Executions that failed in the last hour", icon::EXECUTION),
    ];
    let may = |scope: Scope| use_context::<Caller>().is_some_and(|caller| caller.may(scope));
    let commands = commands
        .into_iter()
        .filter(|(scope, ..)| may(*scope))
        .map(|(_, href, text, of)| view! { <a class="p-opt" href=href data-group="Commands"><Icon of=of/><span class="trunc">{text}</span></a> })
        .collect_view();
    view! { <nav class="palette" id="goto" popover="auto" aria-label="Go to a page"><div class="p-list">{pages}{commands}</div></nav> }
}

#[component]
fn UserMenu() -> impl IntoView {
    let user = use_context::<User>();
    let who = user.map(|user| view! { <div class="menu-part"><strong>{user.name}</strong><span class="muted small brk">{user.email}</span></div> });
    let preferences = use_context::<Preferences>().unwrap_or_default();
    let themes = Theme::ALL
        .into_iter()
        .map(|theme| view! { <button name="theme" value=theme.word() aria-pressed=(theme == preferences.theme).to_string()>{theme.label()}</button> })
        .collect_view();
    view! {
        <div class="menu" id="me" popover="auto" role="dialog" aria-label="Account and preferences">
            {who}
            <form class="menu-part" method="post" action="/preferences">
                <input type="hidden" name="back" value=current_url()/>
                <span class="label" id="theme-l">"Theme"</span>
                <div class="seg seg-s" role="group" aria-labelledby="theme-l">{themes}</div>
            </form>
            <div class="menu-part">
                <span class="label">"Times are shown in"</span>
                <span class="row"><span class="grow brk">{preferences.zone.label()}</span><a href="/settings#set-tz">"Change"</a></span>
            </div>
            <form method="post" action="/logout"><Button submit=true kind=ButtonKind::Ghost icon=icon::ARROW>"Sign out"</Button></form>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, email: &str) -> User {
        User { id: "u".into(), email: email.into(), name: name.into(), is_platform_admin: false, memberships: Vec::new(), created_at: Timestamp(0), last_sign_in_at: None }
    }

    #[test]
    fn initials_come_from_the_name_or_the_address() {
        assert_eq!(initials(&user("Ida Lind", "x@example.com")), "IL");
        assert_eq!(initials(&user(" ", "olu.adeyemi@example.com")), "OA");
    }
}
