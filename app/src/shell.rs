//! The document around every page, the table of what the sidebar offers, and one route per page.

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::http::request::Parts;
use event_actions::engine::Caller;
use event_actions::model::access::Scope;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::location::Url;
use leptos_router::{SsrMode, path};

use crate::components::icon::{self, Glyph};
use crate::frame::Frame;
use crate::pages::action::ActionPage;
use crate::pages::action_edit::{ActionEdit, ActionNew};
use crate::pages::actions::Actions;
use crate::pages::alert_rules::{AlertRuleNew, AlertRulePage, AlertRules};
use crate::pages::alerts::Alerts;
use crate::pages::audit::Audit;
use crate::pages::bulk::{BulkNew, BulkPage, Bulks};
use crate::pages::components::Gallery;
use crate::pages::dead_letters::DeadLetters;
use crate::pages::event::EventPage;
use crate::pages::events::Events;
use crate::pages::execution::ExecutionPage;
use crate::pages::executions::Executions;
use crate::pages::functions::{FunctionNew, FunctionPage, Functions};
use crate::pages::handlers::Handlers;
use crate::pages::invitation::Accept;
use crate::pages::keys::{KeyPage, Keys};
use crate::pages::login::Login;
use crate::pages::mailbox::{MailPage, Mailbox};
use crate::pages::not_found::NotFound;
use crate::pages::overview::Overview;
use crate::pages::secrets::Secrets;
use crate::pages::settings::Settings;
use crate::pages::setup::SetUp;
use crate::pages::templates::{TemplateNew, TemplatePage, Templates};
use crate::pages::tenants::{TenantPage, Tenants};
use crate::pages::users::Users;
use crate::preferences::{OFF, Preferences};
use crate::security::page_policy;

/// One entry of the sidebar.
#[derive(Clone, Copy, Debug)]
pub struct NavItem {
    /// The path of the page.
    pub path: &'static str,
    /// Its name.
    pub label: &'static str,
    /// Its icon.
    pub icon: Glyph,
    /// The right without which it shows nothing.
    needs: Option<Scope>,
}

impl NavItem {
    /// Whether the caller of this page may see it.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        self.needs.is_none_or(|scope| use_context::<Caller>().is_some_and(|caller| caller.may(scope)))
    }

    /// Whether a page at `path` is this one or lies beneath it.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        path == self.path || (self.path != "/" && path.strip_prefix(self.path).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// The letter after `g` that leads to a page.
#[must_use]
pub fn letter_of(path: &str) -> Option<&'static str> {
    const LETTERS: [(&str, &str); 18] = [
        ("/", "o"),
        ("/events", "e"),
        ("/executions", "x"),
        ("/dead-letters", "d"),
        ("/alerts", "l"),
        ("/bulk", "b"),
        ("/actions", "a"),
        ("/templates", "t"),
        ("/functions", "f"),
        ("/handlers", "h"),
        ("/mailbox", "m"),
        ("/secrets", "s"),
        ("/keys", "k"),
        ("/users", "u"),
        ("/tenants", "n"),
        ("/audit", "i"),
        ("/settings", "c"),
        ("/docs", "r"),
    ];
    LETTERS.iter().find(|(page, _)| *page == path).map(|(_, letter)| *letter)
}

const fn item(path: &'static str, label: &'static str, icon: Glyph) -> NavItem {
    NavItem { path, label, icon, needs: None }
}

/// A page for administrators.
const fn admin(path: &'static str, label: &'static str, icon: Glyph) -> NavItem {
    NavItem { path, label, icon, needs: Some(Scope::Admin) }
}

/// The sidebar: groups of pages. A page that is not in here does not exist; links to it are not offered.
pub const NAV: &[(&str, &[NavItem])] = &[
    (
        "Observe",
        &[
            item("/", "Overview", icon::OVERVIEW),
            item("/events", "Events", icon::EVENT),
            item("/executions", "Executions", icon::EXECUTION),
            item("/dead-letters", "Dead letters", icon::DEAD_LETTERS),
            item("/alerts", "Alerts", icon::BELL),
            item("/bulk", "Bulk replays", icon::RETRY),
        ],
    ),
    ("Build", &[item("/actions", "Actions", icon::ACTION), item("/templates", "Templates", icon::DOCUMENT), item("/functions", "Functions", icon::FUNCTION)]),
    ("Run", &[item("/handlers", "Handlers", icon::PLUG), item("/mailbox", "Mailbox", icon::MAIL)]),
    (
        "Instance",
        &[
            admin("/secrets", "Secrets", icon::LOCK),
            admin("/keys", "API keys", icon::KEY),
            admin("/users", "Users", icon::USERS),
            admin("/tenants", "Tenants", icon::LAYERS),
            admin("/audit", "Audit log", icon::AUDIT),
            item("/settings", "Settings", icon::SETTINGS),
            item("/docs", "REST API", icon::DOCUMENT),
        ],
    ),
];

/// `path` when the page it begins with exists, else nothing: links lead only to rooms that are there.
#[must_use]
pub fn link(path: &str) -> Option<String> {
    let page = path.split(['?', '#']).next().unwrap_or_default();
    NAV.iter().flat_map(|(_, items)| items.iter()).any(|item| item.covers(page)).then(|| path.to_owned())
}

/// Whether a page stands alone, without sidebar and bar.
fn is_bare(path: &str) -> bool {
    matches!(path, "/login" | "/setup" | "/invitation")
}

/// Whether a page has islands; the others load no WebAssembly. A page that gets its first island gets its line here.
fn has_islands(path: &str) -> bool {
    let under = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    matches!(path, "/" | "/actions" | "/actions/new" | "/dead-letters" | "/alerts")
        || (path.starts_with("/actions/") && path.ends_with("/edit"))
        || under("/events")
        || under("/executions")
        || (path.starts_with("/bulk/") && path != "/bulk/new")
}

/// The path of the page under way; `/` outside a request.
#[must_use]
pub fn current_path() -> String {
    use_context::<Parts>().map_or_else(|| "/".to_owned(), |parts| parts.uri.path().to_owned())
}

/// Path and query of the page under way.
#[must_use]
pub fn current_url() -> String {
    use_context::<Parts>().and_then(|parts| parts.uri.path_and_query().map(ToString::to_string)).unwrap_or_else(|| "/".to_owned())
}

/// One parameter of the query of the page under way; empty when absent.
#[must_use]
pub fn query(name: &str) -> String {
    query_all(name).into_iter().next().unwrap_or_default()
}

/// Every value of a parameter of the query of the page under way.
#[must_use]
pub fn query_all(name: &str) -> Vec<String> {
    let parts = use_context::<Parts>();
    let all = parts.as_ref().map(|parts| pairs(parts.uri.query().unwrap_or_default())).unwrap_or_default();
    all.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect()
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| Url::unescape(&text.replace('+', " "));
    query.split('&').filter_map(|pair| pair.split_once('=').or(Some((pair, "")))).map(|(k, v)| (decode(k), decode(v))).collect()
}

/// Sets what the answer says about the page: its policy, and that nobody keeps it.
fn set_headers() {
    if let Some(response) = use_context::<ResponseOptions>() {
        if let Some(policy) = use_nonce().and_then(|nonce| HeaderValue::from_str(&page_policy(&nonce)).ok()) {
            response.insert_header(CONTENT_SECURITY_POLICY, policy);
        }
        response.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Pages are fetched ahead from the moment a link is pressed, not earlier: what is fetched is shown as it was then. No link changes
/// anything; signing out and everything else that does is a form.
const SPECULATION: &str =
    r#"{"prefetch":[{"where":{"and":[{"href_matches":"/*"},{"not":{"href_matches":"/api/*"}},{"not":{"href_matches":"/docs*"}}]},"eagerness":"conservative"}]}"#;

/// The document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    provide_meta_context();
    set_headers();
    let path = current_path();
    let Preferences { theme, are_keys_off, .. } = use_context().unwrap_or_default();
    let style = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    let script = format!("/{}/console.js", options.site_pkg_dir);
    let scripts = has_islands(&path).then(|| view! { <HydrationScripts options=options.clone() islands=true/> });
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.attribute() data-keys=are_keys_off.then_some(OFF)>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="description" content="Runs configurable actions when domain events happen."/>
                <link rel="stylesheet" href=style/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <script src=script defer></script>
                <script type="speculationrules" nonce=use_nonce()>{SPECULATION}</script>
                <AutoReload options=options/>
                {scripts}
                <MetaTags/>
            </head>
            <body>
                <a class="skip" href="#main">"Skip to content"</a>
                {if is_bare(&path) { view! { <App/> }.into_any() } else { view! { <Frame path=path><App/></Frame> }.into_any() }}
            </body>
        </html>
    }
}

/// One route per page; all are whole documents before the first byte is sent.
#[component]
pub fn App() -> impl IntoView {
    view! {
        <Router>
            <FlatRoutes fallback=|| view! { <NotFound/> }>
                <Route path=path!("/") view=Overview ssr=SsrMode::Async/>
                <Route path=path!("/actions") view=Actions ssr=SsrMode::Async/>
                <Route path=path!("/actions/new") view=ActionNew ssr=SsrMode::Async/>
                <Route path=path!("/actions/:id") view=ActionPage ssr=SsrMode::Async/>
                <Route path=path!("/actions/:id/edit") view=ActionEdit ssr=SsrMode::Async/>
                <Route path=path!("/events") view=Events ssr=SsrMode::Async/>
                <Route path=path!("/events/:id") view=EventPage ssr=SsrMode::Async/>
                <Route path=path!("/executions") view=Executions ssr=SsrMode::Async/>
                <Route path=path!("/executions/:id") view=ExecutionPage ssr=SsrMode::Async/>
                <Route path=path!("/dead-letters") view=DeadLetters ssr=SsrMode::Async/>
                <Route path=path!("/bulk") view=Bulks ssr=SsrMode::Async/>
                <Route path=path!("/bulk/new") view=BulkNew ssr=SsrMode::Async/>
                <Route path=path!("/bulk/:id") view=BulkPage ssr=SsrMode::Async/>
                <Route path=path!("/alerts") view=Alerts ssr=SsrMode::Async/>
                <Route path=path!("/alerts/rules") view=AlertRules ssr=SsrMode::Async/>
                <Route path=path!("/alerts/rules/new") view=AlertRuleNew ssr=SsrMode::Async/>
                <Route path=path!("/alerts/rules/:id") view=AlertRulePage ssr=SsrMode::Async/>
                <Route path=path!("/login") view=Login ssr=SsrMode::Async/>
                <Route path=path!("/setup") view=SetUp ssr=SsrMode::Async/>
                <Route path=path!("/invitation") view=Accept ssr=SsrMode::Async/>
                <Route path=path!("/secrets") view=Secrets ssr=SsrMode::Async/>
                <Route path=path!("/keys") view=Keys ssr=SsrMode::Async/>
                <Route path=path!("/keys/:id") view=KeyPage ssr=SsrMode::Async/>
                <Route path=path!("/users") view=Users ssr=SsrMode::Async/>
                <Route path=path!("/tenants") view=Tenants ssr=SsrMode::Async/>
                <Route path=path!("/tenants/:id") view=TenantPage ssr=SsrMode::Async/>
                <Route path=path!("/audit") view=Audit ssr=SsrMode::Async/>
                <Route path=path!("/mailbox") view=Mailbox ssr=SsrMode::Async/>
                <Route path=path!("/mailbox/:id") view=MailPage ssr=SsrMode::Async/>
                <Route path=path!("/handlers") view=Handlers ssr=SsrMode::Async/>
                <Route path=path!("/settings") view=Settings ssr=SsrMode::Async/>
                <Route path=path!("/templates") view=Templates ssr=SsrMode::Async/>
                <Route path=path!("/templates/new") view=TemplateNew ssr=SsrMode::Async/>
                <Route path=path!("/templates/:id") view=TemplatePage ssr=SsrMode::Async/>
                <Route path=path!("/functions") view=Functions ssr=SsrMode::Async/>
                <Route path=path!("/functions/new") view=FunctionNew ssr=SsrMode::Async/>
                <Route path=path!("/functions/:id") view=FunctionPage ssr=SsrMode::Async/>
                <Route path=path!("/components") view=Gallery ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_only_to_pages_that_exist() {
        assert_eq!(link("/").as_deref(), Some("/"));
        assert_eq!(link("/docs#/events").as_deref(), Some("/docs#/events"));
        assert_eq!(link("/nowhere?x=1"), None);
        assert_eq!(link("/docsy"), None);
    }

    #[test]
    fn every_page_of_the_sidebar_has_a_letter_of_its_own() {
        let letters: Vec<_> = NAV.iter().flat_map(|(_, items)| items.iter()).map(|item| letter_of(item.path).expect(item.path)).collect();
        let mut once = letters.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), letters.len(), "{letters:?}");
    }

    #[test]
    fn documents_load_no_program() {
        for (path, islands) in [
            ("/", true),
            ("/actions/new", true),
            ("/actions/x/edit", true),
            ("/events/x", true),
            ("/executions", true),
            ("/login", false),
            ("/setup", false),
            ("/actions/x", false),
            ("/nowhere", false),
        ] {
            assert_eq!(has_islands(path), islands, "{path}");
        }
    }

    #[test]
    fn queries_are_read() {
        assert_eq!(pairs("a=b%20c&d=e+f&g"), [("a".into(), "b c".into()), ("d".into(), "e f".into()), ("g".into(), String::new())]);
    }
}
