//! Settings of the person who is signed in: how the console looks, the account, its sessions.

use event_actions::engine::SignedIn;
use event_actions::model::Timestamp;
use event_actions::model::user::{SessionInfo, User};
use leptos::prelude::*;

use super::admin::{Draft, said};
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::fields::TextField;
use crate::components::format::DASH;
use crate::components::page_head::{PageHead, Panel};
use crate::components::time::{Time, TimeStyle, Zone};
use crate::preferences::{AS_BROWSER, OFF, ON, Preferences, Theme};

/// The page.
#[component]
pub fn Settings() -> impl IntoView {
    let first = said();
    let (name, password) = (Draft::of("name"), Draft::of("password"));
    let preferences = use_context::<Preferences>().unwrap_or_default();
    let session = use_context::<SignedIn>().map(|signed_in| signed_in.session.id);
    page(async move {
        let (engine, caller) = asked()?;
        let user = engine.own_user(&caller).await?;
        let sessions = engine.list_sessions(&caller, session.as_deref()).await?;
        Ok(view! {
            <PageTitle text="Settings"/>
            <PageHead title="Settings" lede="How the console looks to you, and your account."/>
            {first}
            {looks(preferences)}
            {account(&user, &name)}
            {password_form(&password, &user.email)}
            {table(sessions)}
            {super::installation::demo_panel(&engine, &caller)}
        })
    })
}

fn looks(preferences: Preferences) -> impl IntoView {
    let themes = Theme::ALL
        .into_iter()
        .map(|theme| view! { <button name="theme" value=theme.word() aria-pressed=(theme == preferences.theme).to_string()>{theme.label()}</button> })
        .collect_view();
    let keys = [(ON, "On", false), (OFF, "Off", true)]
        .into_iter()
        .map(|(word, text, off)| view! { <button name="keys" value=word aria-pressed=(off == preferences.are_keys_off).to_string()>{text}</button> })
        .collect_view();
    view! {
        <Panel id="looks-h" title="Look">
            <div class="stack">
                <form class="stack-4" method="post" action="/preferences">
                    <input type="hidden" name="back" value="/settings"/>
                    <span class="label" id="set-theme">"Theme"</span>
                    <div class="seg" role="group" aria-labelledby="set-theme">{themes}</div>
                </form>
                {zone_form(preferences)}
                <form class="stack-4" method="post" action="/preferences">
                    <input type="hidden" name="back" value="/settings"/>
                    <span class="label" id="set-keys">"Shortcuts of one letter"</span>
                    <div class="seg" role="group" aria-labelledby="set-keys">{keys}</div>
                    <p class="hint">"Press "<kbd>"?"</kbd>" on any page to see them. "<kbd>"Ctrl"</kbd>" "<kbd>"K"</kbd>" opens the command palette in any case."</p>
                </form>
            </div>
        </Panel>
    }
}

/// The zone of all times: the browser's, UTC, or any of the world by its name.
fn zone_form(preferences: Preferences) -> impl IntoView {
    let now = Timestamp::now();
    let chosen = preferences.is_zone_chosen.then_some(preferences.zone);
    let option = move |zone: Zone, text: String| view! { <option value=zone.word() selected=chosen == Some(zone)>{text}" ("{zone.distance(now)}")"</option> };
    let groups = Zone::offered()
        .into_iter()
        .map(|(region, zones)| {
            let own = zones.into_iter().map(|zone| option(zone, zone.label().split_once('/').map_or_else(|| zone.label(), |(_, place)| place.to_owned()))).collect_view();
            view! { <optgroup label=region>{own}</optgroup> }
        })
        .collect_view();
    let browser = preferences.browser_zone.map_or_else(|| "As this browser says".to_owned(), |zone| format!("As this browser says: {}", zone.label()));
    // What was chosen by its distance alone, before zones had names.
    let fixed = chosen.filter(|zone| matches!(zone, Zone::Fixed(_))).map(|zone| option(zone, "Always".to_owned()));
    let utc = view! { <option value=Zone::UTC.word() selected=chosen == Some(Zone::UTC)>"UTC"</option> };
    view! {
        <form class="stack-4" method="post" action="/preferences">
            <input type="hidden" name="back" value="/settings"/>
            <label class="label" for="set-tz">"Times are shown in"</label>
            <div class="row">
                <select class="input tw:max-w-96" id="set-tz" name="tz"><option value=AS_BROWSER selected=chosen.is_none()>{browser}</option>{utc}{fixed}{groups}</select>
                <Button submit=true>"Set"</Button>
            </div>
            <p class="hint">"The distances are those of today; each time is shown with the one that was in force."</p>
        </form>
    }
}

fn account(user: &User, draft: &Draft) -> impl IntoView + use<> {
    let (name, fault) = (draft.value("name", &user.name), draft.error("/name"));
    view! {
        <Panel id="account-h" title="Account" note=user.email.clone()>
            <form class="stack" method="post" action="/settings/name" aria-labelledby="account-h">
                <div class="form-grid"><TextField id="f-name" label="Your name" name="name" value=name autocomplete="name" required=true error=fault class="s6"/></div>
                <div class="row"><Button submit=true>"Change name"</Button></div>
            </form>
        </Panel>
    }
}

fn password_form(draft: &Draft, email: &str) -> impl IntoView + use<> {
    let (email, now, new) = (email.to_owned(), draft.error("/current_password"), draft.error("/new_password"));
    let hint = "At least 12 characters. A sentence is good. Every other session ends.";
    view! {
        <Panel id="password-h" title="Password">
            <form class="stack" method="post" action="/settings/password" aria-labelledby="password-h">
                <input type="hidden" name="username" autocomplete="username" value=email/>
                <div class="form-grid">
                    <TextField id="f-current_password" label="Password now" name="current_password" kind="password" autocomplete="current-password" required=true error=now class="s6"/>
                    <TextField id="f-new_password" label="New password" name="new_password" kind="password" autocomplete="new-password" required=true hint=hint error=new class="s6"/>
                </div>
                <div class="row"><Button submit=true>"Change password"</Button></div>
            </form>
        </Panel>
    }
}

/// The browser in few words: what it calls itself is long and mostly lies.
fn browser(agent: Option<&str>) -> String {
    let Some(agent) = agent.filter(|a| !a.is_empty()) else { return DASH.to_owned() };
    let known = [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    let name = known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let systems = [("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")];
    let system = systems.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        _ => agent.chars().take(60).collect(),
    }
}

fn table(sessions: Vec<SessionInfo>) -> impl IntoView {
    let now = Timestamp::now();
    let others = sessions.iter().any(|s| !s.is_current);
    let end_all = others.then(|| view! { <form method="post" action="/settings/sessions"><Button submit=true small=true>"End all others"</Button></form> }.into_any());
    let rows = sessions
        .into_iter()
        .map(|session| {
            let agent = browser(session.user_agent.as_deref());
            let here = session.is_current.then(|| view! { " "<span class="muted">"(this one)"</span> });
            let end = (!session.is_current).then(|| {
                view! {
                    <form method="post" action=format!("/settings/sessions/{}/end", session.id) class="row tw:justify-end">
                        <Button submit=true small=true kind=ButtonKind::Ghost attr:aria-label=format!("End the session of {agent}")>"End"</Button>
                    </form>
                }
            });
            view! {
                <tr>
                    <th scope="row" class="full">{agent.clone()}{here}</th>
                    <Cell label="From"><code>{session.address.unwrap_or_else(|| DASH.to_owned())}</code></Cell>
                    <Cell label="Began" class="nowrap"><Time at=session.created_at now=now style=TimeStyle::Clock/></Cell>
                    <Cell label="Last seen" class="nowrap"><Time at=session.last_seen_at now=now style=TimeStyle::Ago/></Cell>
                    <Cell class="full">{end}</Cell>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![Column::new("Browser"), Column::new("From"), Column::new("Began"), Column::new("Last seen"), Column::silent("End")];
    let aside = end_all.unwrap_or_else(|| ().into_any());
    view! {
        <Panel id="sessions-h" title="Sessions" aside=aside flush=true>
            <DataTable caption="Your sessions, the latest first" columns=columns><tbody>{rows}</tbody></DataTable>
        </Panel>
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_named_in_few_words() {
        for (agent, words) in [
            (Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on Linux"),
            (Some("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0"), "Edge on Windows"),
            (Some("curl/8.0"), "curl/8.0"),
            (None, "—"),
        ] {
            assert_eq!(browser(agent), words);
        }
    }
}
